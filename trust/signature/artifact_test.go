package signature

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"tidewaiter/image"
	"tidewaiter/trust"
)

const goodsType = "application/vnd.example.goods"

func goods(content string) *image.Draft {
	return &image.Draft{Type: goodsType, Blobs: []image.Content{image.NewDocument("application/json", []byte(content), nil)}}
}

// shelved puts an artifact, and what is attached to it, into a layout and opens it.
func shelved(t *testing.T, main *image.Draft, attached ...*image.Draft) *image.Artifact {
	t.Helper()
	ref := "oci:" + filepath.Join(t.TempDir(), "layout")
	if _, err := image.Push(t.Context(), ref, main, attached, image.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	a, err := image.OpenArtifact(t.Context(), ref, goodsType, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// stated is a bundle with a statement about an artifact.
func stated(t *testing.T, k *PrivateKey, about *image.Draft, predicateType string) *image.Draft {
	t.Helper()
	_, root, err := about.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	s := trust.Statement{Type: trust.StatementV1, PredicateType: predicateType, Predicate: json.RawMessage("{}"),
		Subject: []trust.Subject{{Digest: map[string]string{"sha256": strings.TrimPrefix(root.Digest, "sha256:")}}}}
	e := must(k.SignEnvelope(trust.StatementType, must(json.Marshal(s))))
	return &image.Draft{Type: bundleType, Blobs: []image.Content{image.NewDocument(bundleType, must(newBundle(e, k.Public())), nil)}, Subject: &root}
}

func TestVerifyArtifact(t *testing.T) {
	ada, eve := newKey(t, "ada"), newKey(t, "eve")
	good, other := goods(`{"tea":1}`), goods(`{"tea":2}`)
	signed := must(SignArtifact(ada, "", good))
	bundled, tagged := signed[0], signed[1]
	signedByEve := must(SignArtifact(eve, "", good))
	replaced := *stated(t, ada, other, signedPredicate)
	replaced.Subject = bundled.Subject
	junk := &image.Draft{Type: bundleType, Blobs: []image.Content{image.NewDocument(bundleType, []byte("junk"), nil)}, Subject: bundled.Subject}
	note := &image.Draft{Type: "text/plain", Blobs: []image.Content{image.NewDocument("text/plain", []byte("{}"), nil)}, Subject: bundled.Subject}
	for _, tc := range []struct {
		name     string
		attached []*image.Draft
		want     string // in the error; empty: it is verified
	}{
		{"both", signed, ""},
		{"the bundle alone", []*image.Draft{bundled}, ""},
		{"the tag alone", []*image.Draft{tagged}, ""},
		{"another's first", append(signedByEve[:1:1], bundled), ""},
		{"junk first", []*image.Draft{junk, note, bundled}, ""},
		{"nothing", nil, "it is not signed"},
		{"something else", []*image.Draft{note}, "it is not signed"},
		{"another's", signedByEve, "signed, but not with the key ada"},
		{"for another artifact", []*image.Draft{&replaced}, "its signature is for another manifest, sha256:"},
		// The key has signed that the artifact is bad, perhaps: no word of its content may pass for an approval.
		{"a statement about it", []*image.Draft{stated(t, ada, good, "https://openvex.dev/ns/v0.2.0")}, "it is not signed"},
		{"junk", []*image.Draft{junk}, "could not be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			by, err := Keys{ada.Public()}.VerifyArtifact(t.Context(), shelved(t, good, tc.attached...))
			switch {
			case tc.want == "" && (err != nil || by.Name != "ada"):
				t.Errorf("by %v, %v", by, err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("by %v, %v; want %q", by, err, tc.want)
			}
		})
	}
	_, err := Keys{ada.Public(), newKey(t, "bob").Public()}.VerifyArtifact(t.Context(), shelved(t, good, signedByEve...))
	unsigned, ok := errors.AsType[*UnsignedError](err)
	if !ok || unsigned.Seen != 2 || !strings.Contains(err.Error(), "none of the 2 keys") {
		t.Errorf("with two keys: %v", err)
	}
}

func TestSignArtifactIsRepeatable(t *testing.T) {
	k := newKey(t, "ada")
	digests := func() (list []string) {
		for _, d := range must(SignArtifact(k, "example.com/x", goods("{}"))) {
			_, b, err := d.Manifest()
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, b.Digest)
		}
		return list
	}
	if a, b := strings.Join(digests(), " "), strings.Join(digests(), " "); a != b {
		t.Errorf("two signatures of the same: %s, %s", a, b)
	}
}
