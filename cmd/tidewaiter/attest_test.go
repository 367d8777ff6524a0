package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"tidewaiter/image/imagetest"
	"tidewaiter/trust"
	"tidewaiter/trust/signature"
	"tidewaiter/trust/signature/sigstoretest"
)

// attesting is a place with a key, and an image in a registry.
type attesting struct {
	*shared
	image string
	// key and public are files of a key without a password, which costs no time.
	key, public string
}

// newAttesting puts an index with one image into a registry with or without the list of referrers.
func newAttesting(t *testing.T, referrers bool) *attesting {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", "1793577600")
	a := &attesting{shared: newShared(t)}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(referrers)))
	t.Cleanup(server.Close)
	a.host = strings.TrimPrefix(server.URL, "http://")
	status := "Package: tea\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\n\n"
	content := imagetest.Build(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t,
		imagetest.File{Name: "etc/os-release", Content: "ID=debian\nVERSION_ID=12\n"}, imagetest.File{Name: "var/lib/dpkg/status", Content: status})}})
	a.image = a.push(imagetest.Index(t, content), "shop:1")
	a.writeKey()
	return a
}

func (a *attesting) writeKey() {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		a.t.Fatal(err)
	}
	a.key, a.public = a.path("plain.key"), a.path("plain.pub")
	a.write(a.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	a.write(a.public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
}

func (a *attesting) write(file string, content []byte) {
	a.t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// push puts a layout's only entry into the registry.
func (a *attesting) push(c imagetest.Content, to string) string {
	a.t.Helper()
	at, err := layout.ImageIndexFromPath(c.Layout(a.t, "x"))
	if err != nil {
		a.t.Fatal(err)
	}
	top, err := at.IndexManifest()
	if err != nil {
		a.t.Fatal(err)
	}
	index, err := at.ImageIndex(top.Manifests[0].Digest)
	if err != nil {
		a.t.Fatal(err)
	}
	ref, err := name.ParseReference(a.host + "/" + to)
	if err != nil {
		a.t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		a.t.Fatal(err)
	}
	return ref.Name()
}

// attest gives what the program said on standard output.
func (a *attesting) attest(want int, args ...string) string {
	a.t.Helper()
	var out, errs bytes.Buffer
	args = append([]string{"attest"}, args...)
	if code := run(a.t.Context(), args, streams{in: strings.NewReader(""), out: &out, err: &errs, now: now}); code != want {
		a.t.Fatalf("tidewaiter %v: exit code %d, not %d: %s", args, code, want, errs.String())
	}
	return out.String()
}

// found are the statements with an image that a verifier believes.
func (a *attesting) found(ref string, o signature.VerifierOptions, rules ...trust.Rule) (types []string) {
	a.t.Helper()
	verifier, err := signature.NewVerifier(rules, o)
	if err != nil {
		a.t.Fatal(err)
	}
	im, err := (&imageOptions{}).open(a.t.Context(), ref)
	if err != nil {
		a.t.Fatal(err)
	}
	defer im.Close()
	list, spots, err := verifier.Attestations(a.t.Context(), im)
	if err != nil || len(spots) > 0 {
		a.t.Fatal(spots, err)
	}
	for _, p := range list {
		if p.Status != trust.Verified {
			a.t.Errorf("%s: %s: %s", p.PredicateType, p.Status, p.Why)
		}
		types = append(types, p.PredicateType)
	}
	return types
}

func TestAttest(t *testing.T) {
	for _, referrers := range []bool{true, false} {
		t.Run(map[bool]string{true: "referrers", false: "fallback tag"}[referrers], func(t *testing.T) {
			a := newAttesting(t, referrers)
			key, public := a.key, a.public
			commands := [][]string{
				{"sbom", a.image, "--key", key},
				{"sbom", a.image, "--key", key, "--format", "cyclonedx"},
				{"scan", a.image, "--key", key, "--advisories", a.newer},
				{"scan", a.image, "--key", key, "--advisories", a.newer, "--type", "cosign-vuln"},
			}
			for _, c := range commands {
				if said := a.attest(exitDone, c...); !strings.Contains(said, "attached to the image  sha256:") || !strings.Contains(said, "attached to its index  sha256:") {
					t.Errorf("%v: %q: it is not attached to the image and its index", c, said)
				}
			}
			for range 2 {
				types := strings.Join(a.found(a.image, signature.VerifierOptions{}, trust.Rule{Key: public}), " ")
				for _, want := range []string{spdxPredicate, cyclonedxPredicate, vulnsPredicate, cosignVulnPredicate} {
					if strings.Count(types+" ", want+" ") != 1 { // the same paper at the image and at the index is one
						t.Errorf("%s is not there once: %s", want, types)
					}
				}
				a.attest(exitDone, commands[0]...) // the same again changes nothing
			}
		})
	}
}

// attestKeyless attests an SBOM without a key, and gives the file of the services' trusted root.
func (a *attesting) attestKeyless(services *sigstoretest.Services) (trustedRoot string) {
	a.t.Helper()
	trustedRoot, token := a.path("root.json"), a.path("token")
	a.write(trustedRoot, services.TrustedRoot)
	a.write(token, []byte(sigstoretest.Token("ada@example.com")+"\n"))
	a.attest(exitDone, "sbom", a.image, "--keyless", "--identity-token", token, "--fulcio-url", services.URL, "--rekor-url", services.URL,
		"--timestamp-server-url", services.URL+"/timestamp")
	return trustedRoot
}

func TestAttestKeyless(t *testing.T) {
	a, services := newAttesting(t, true), sigstoretest.New(t)
	o := signature.VerifierOptions{TrustedRoots: []string{a.attestKeyless(services)}, Now: time.Now()}
	ada := trust.Rule{Identity: "ada@example.com", Issuer: sigstoretest.Issuer}
	if found := a.found(a.image, o, ada); len(found) != 1 {
		t.Errorf("found %v", found)
	}
	// Where a service fails, nothing is attached.
	services.Broken = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "closed", http.StatusForbidden) }
	a.attest(exitFailed, "sbom", a.image, "--format", "cyclonedx", "--keyless", "--identity-token", a.path("token"), "--fulcio-url", services.URL, "--rekor-url", services.URL)
	if found := a.found(a.image, o, ada); len(found) != 1 {
		t.Errorf("found %v", found)
	}
}

// In GitHub Actions the job's surroundings say who signs.
func TestAttestInActions(t *testing.T) {
	a, services := newAttesting(t, true), sigstoretest.New(t)
	actions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "bearer job" || r.URL.Query().Get("audience") != "sigstore" || r.URL.Query().Get("run") != "1" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, `{"value":%q}`, sigstoretest.Token("ada@example.com"))
	}))
	t.Cleanup(actions.Close)
	t.Setenv(tokenVariable, "")
	t.Setenv(actionsTokenURLVariable, actions.URL+"/?run=1")
	t.Setenv(actionsTokenSecretVariable, "other")
	args := []string{"sbom", a.image, "--keyless", "--fulcio-url", services.URL, "--rekor-url", services.URL, "--no-upload"}
	a.attest(exitFailed, args...)
	t.Setenv(actionsTokenSecretVariable, "job")
	if said := a.attest(exitDone, args...); !strings.Contains(said, `"certificate"`) {
		t.Errorf("standard output has no bundle: %s", said)
	}
}

// cosign is the real one, or the test is skipped.
func cosign(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	program := os.Getenv("TIDEWAITER_TEST_COSIGN")
	if program == "" {
		var err error
		if program, err = exec.LookPath("cosign"); err != nil {
			t.Skip("no cosign on the path, and TIDEWAITER_TEST_COSIGN names none")
		}
	}
	home := t.TempDir()
	return func(args ...string) (string, error) {
		c := exec.CommandContext(t.Context(), program, args...)
		c.Env = append(os.Environ(), "HOME="+home, "TUF_ROOT="+filepath.Join(home, "tuf"), "COSIGN_PASSWORD=open")
		out, err := c.CombinedOutput()
		return string(out), err
	}
}

// What is attested here, cosign verifies: by the tag, in a registry with the list of referrers and in one without.
func TestCosignVerifiesWhatIsAttested(t *testing.T) {
	run := cosign(t)
	for _, referrers := range []bool{true, false} {
		t.Run(map[bool]string{true: "referrers", false: "fallback tag"}[referrers], func(t *testing.T) {
			a := newAttesting(t, referrers)
			key, public := a.key, a.public
			vex := a.path("shop.openvex.json")
			a.write(vex, []byte(`{"@context":"https://openvex.dev/ns/v0.2.0","@id":"urn:x","author":"a","timestamp":"2026-11-01T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:deb/debian/tea"}],"status":"not_affected","justification":"component_not_present"}]}`))
			a.attest(exitDone, "sbom", a.image, "--key", key)
			a.attest(exitDone, "sbom", a.image, "--key", key, "--format", "cyclonedx")
			a.attest(exitDone, "vex", a.image, "--key", key, "--predicate", vex)
			a.attest(exitDone, "scan", a.image, "--key", key, "--advisories", a.newer)
			a.attest(exitDone, "scan", a.image, "--key", key, "--advisories", a.newer, "--type", "cosign-vuln")
			for _, kind := range []string{"spdxjson", "cyclonedx", "openvex", "vuln", vulnsPredicate} {
				if said, err := run("verify-attestation", "--key", public, "--type", kind, "--insecure-ignore-tlog", a.image); err != nil {
					t.Errorf("%s: %v: %s", kind, err, said)
				}
			}
			if said, err := run("verify-attestation", "--key", a.path("eve.pub"), "--type", "spdxjson", "--insecure-ignore-tlog", a.image); err == nil {
				t.Errorf("by another key it passed: %s", said)
			}
			bundle := a.path("sbom.bundle.json")
			a.attest(exitDone, "sbom", a.image, "--key", key, "--bundle", bundle, "--no-upload")
			manifest := strings.Fields(a.attest(exitDone, "sbom", a.image, "--key", key))[4]
			if said, err := run("verify-blob-attestation", "--key", public, "--bundle", bundle, "--type", "spdxjson", "--insecure-ignore-tlog",
				"--digest", strings.TrimPrefix(manifest, "sha256:"), "--digestAlg", "sha256"); err != nil {
				t.Errorf("the bundle: %v: %s", err, said)
			}
		})
	}
}

func TestCosignVerifiesWhatIsAttestedWithoutAKey(t *testing.T) {
	run := cosign(t)
	a, services := newAttesting(t, true), sigstoretest.New(t)
	args := []string{"verify-attestation", "--trusted-root", a.attestKeyless(services), "--type", "spdxjson", "--insecure-ignore-sct", a.image, "--certificate-oidc-issuer", sigstoretest.Issuer}
	if said, err := run(append(args, "--certificate-identity", "ada@example.com")...); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	if said, err := run(append(args, "--certificate-identity", "eve@example.com")...); err == nil {
		t.Errorf("for another identity it passed: %s", said)
	}
}

// What cosign attests is believed here, and what was attached before stays.
func TestWhatCosignAttestsIsBelieved(t *testing.T) {
	run := cosign(t)
	a := newAttesting(t, true)
	predicate := a.path("p.json")
	a.write(predicate, []byte(`{"tea":1}`))
	key, public := a.path("acme.key"), a.path("acme.pub")
	a.attest(exitDone, "sbom", a.image, "--key", key)
	for _, more := range [][]string{{"--new-bundle-format=true"}, {"--new-bundle-format=false"}} {
		args := append([]string{"attest", "--yes", "--key", key, "--predicate", predicate, "--type", "https://example.com/tea", "--use-signing-config=false", "--tlog-upload=false"}, more...)
		if said, err := run(append(args, a.image)...); err != nil {
			t.Errorf("cosign %v: %v: %s", more, err, said)
		}
	}
	types := strings.Join(a.found(a.image, signature.VerifierOptions{}, trust.Rule{Key: public}), " ")
	if strings.Count(types, "https://example.com/tea") != 2 || strings.Count(types, spdxPredicate) != 1 {
		t.Errorf("found %s", types)
	}
}

// A statement that another signs is the same as that which is signed here.
func TestAttestedStatement(t *testing.T) {
	a := newAttesting(t, true)
	file, bundle := a.path("statement.json"), a.path("bundle.json")
	a.attest(exitDone, "sbom", a.image, "--statement", file)
	a.attest(exitDone, "sbom", a.image, "--key", a.key, "--no-upload", "--bundle", bundle)
	unsigned, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	var signed struct {
		DSSEEnvelope struct {
			Payload []byte `json:"payload"`
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(raw, &signed); err != nil || !bytes.Equal(bytes.TrimSpace(unsigned), signed.DSSEEnvelope.Payload) {
		t.Errorf("%v: %s is not %s", err, unsigned, signed.DSSEEnvelope.Payload)
	}
	if found := a.found(a.image, signature.VerifierOptions{}); len(found) > 0 {
		t.Errorf("something was attached: %v", found)
	}
}
