package signature

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidewaiter/image"
	"tidewaiter/trust"
	"tidewaiter/vex"
)

// now is the time of the tests.
func now() time.Time { return time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC) }

// verifier makes one of rules whose files are given by name.
func verifier(t *testing.T, files map[string][]byte, rules ...trust.Rule) *Verifier {
	t.Helper()
	return must(NewVerifier(rules, VerifierOptions{Now: now(), ReadFile: func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return text, nil
		}
		return nil, os.ErrNotExist
	}}))
}

// expect checks the status, and what the sentence says.
func expect(t *testing.T, a trust.Attestation, status trust.Status, says string) {
	t.Helper()
	if a.Status != status || !strings.Contains(a.Why, says) {
		t.Errorf("%s %s: %s: %s; want %s: %s", a.Kind, a.PredicateType, a.Status, a.Why, status, says)
	}
}

// What cosign 3.1 attached to an image in a registry, copied to a layout: a signature and an attestation, each as a bundle and under a tag.
func TestPapersOfCosign(t *testing.T) {
	const dir = "../../../shared/attestations/cosign"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the real attestations are not here")
	}
	im := must(image.Open(t.Context(), "oci:"+dir+"/layout:127.0.0.1:15032/acme/app:1.0", image.Options{}))
	defer im.Close()
	for _, tc := range []struct {
		key    string
		status trust.Status
		says   string
	}{
		{"cosign.pub", trust.Verified, "signed with the key cosign.pub"},
		{"other/cosign.pub", trust.Stranger, "signed"},
	} {
		v := must(NewVerifier([]trust.Rule{{Key: filepath.Join(dir, tc.key)}}, VerifierOptions{Now: now()}))
		list, spots, err := v.Attestations(t.Context(), im)
		if err != nil || len(spots) > 0 || len(list) != 6 {
			t.Fatalf("%d papers, %v, %v", len(list), spots, err)
		}
		for i, want := range []struct {
			form, predicate string
		}{
			{"sigstore-bundle", ""}, {"simple-signing", ""}, {"dsse", "https://scout.test/policy/v1"}, {"sigstore-bundle", "https://scout.test/policy/v1"},
			// Nobody signed these by themselves: BuildKit put them into the index, which is signed.
			{"in-toto", "https://slsa.dev/provenance/v1"}, {"in-toto", "https://spdx.dev/Document"},
		} {
			status := tc.status
			if want.form == inTotoForm && status == trust.Stranger {
				status = trust.Unsigned
			}
			expect(t, list[i], status, tc.says)
			if list[i].Form != want.form || list[i].PredicateType != want.predicate {
				t.Errorf("paper %d is %s %s, want %v", i, list[i].Form, list[i].PredicateType, want)
			}
		}
	}
}

func shopNames() vex.Image { return vex.ImageOf(shop()) }
