package signature

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewaiter/image"
	"tidewaiter/trust"
)

// harbour is an OCI layout that is written by hand, so that anything can be wrong with it.
type harbour struct {
	t       *testing.T
	dir     string
	entries []map[string]any
}

func newHarbour(t *testing.T) *harbour {
	t.Helper()
	h := &harbour{t: t, dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(h.dir, "blobs", "sha256"), 0o755); err != nil {
		t.Fatal(err)
	}
	h.write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	return h
}

func (h *harbour) write(name string, raw []byte) {
	if err := os.WriteFile(filepath.Join(h.dir, name), raw, 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *harbour) path(digest string) string {
	return filepath.Join("blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
}

// blob stores something, and describes it.
func (h *harbour) blob(mediaType string, raw []byte, annotations ...string) map[string]any {
	b := image.NewDocument(mediaType, raw, nil)
	h.write(h.path(b.Digest), raw)
	d := map[string]any{"mediaType": mediaType, "digest": b.Digest, "size": b.Size}
	if len(annotations) > 0 {
		m := map[string]string{}
		for i := 0; i+1 < len(annotations); i += 2 {
			m[annotations[i]] = annotations[i+1]
		}
		d["annotations"] = m
	}
	return d
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// image stores an image of no layers, which its name alone tells from another one.
func (h *harbour) image(name string) map[string]any {
	config := h.blob("application/vnd.oci.image.config.v1+json", []byte(`{"architecture":"amd64","os":"linux","author":"`+name+`","rootfs":{"type":"layers","diff_ids":[]}}`))
	return h.blob(manifestType, must(json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": manifestType, "config": config, "layers": []any{}})))
}

// artifact stores documents under one manifest. subject may be nil.
func (h *harbour) artifact(subject map[string]any, documents ...map[string]any) map[string]any {
	m := map[string]any{"schemaVersion": 2, "mediaType": manifestType, "artifactType": "application/vnd.example", "layers": documents,
		"config": h.blob("application/vnd.oci.empty.v1+json", []byte("{}"))}
	if subject != nil {
		m["subject"] = subject
	}
	d := h.blob(manifestType, must(json.Marshal(m)))
	d["artifactType"] = "application/vnd.example"
	return d
}

// list puts something into the layout's index, under a tag or none.
func (h *harbour) list(d map[string]any, tag string) {
	if tag != "" {
		d["annotations"] = map[string]string{"org.opencontainers.image.ref.name": tag}
	}
	h.entries = append(h.entries, d)
}

// open opens the image under the tag "app", and gives what is to be said of its papers.
func (h *harbour) papers(v *Verifier) []trust.Attestation {
	h.t.Helper()
	h.write("index.json", must(json.Marshal(map[string]any{"schemaVersion": 2, "manifests": h.entries})))
	im := must(image.Open(h.t.Context(), "oci:"+h.dir+":app", image.Options{}))
	defer im.Close()
	list, spots, err := v.Attestations(h.t.Context(), im)
	if err != nil || len(spots) > 0 {
		h.t.Fatalf("%v, %v", spots, err)
	}
	return list
}

func digestOf(d map[string]any) string { return d["digest"].(string) }

func bundleOf(k *PrivateKey, predicateType string, digests ...string) []byte {
	return must(newBundle(must(k.SignEnvelope(trust.StatementType, statementOf(predicateType, digests...))), k.Public()))
}

func TestPapersInALayout(t *testing.T) {
	ada := newKey(t, "ada")
	v := verifier(t, map[string][]byte{"ada.pub": ada.Public().PEM()}, trust.Rule{Key: "ada.pub"})
	one := func(t *testing.T, list []trust.Attestation) trust.Attestation {
		t.Helper()
		if len(list) != 1 {
			t.Fatalf("%d papers: %+v", len(list), list)
		}
		return list[0]
	}
	t.Run("nothing", func(t *testing.T) {
		h := newHarbour(t)
		h.list(h.image("app"), "app")
		if list := h.papers(v); list == nil || len(list) > 0 || CheckOf(list).Verdict != trust.Unknown {
			t.Errorf("%v", list)
		}
	})
	t.Run("a signed statement", func(t *testing.T) {
		h := newHarbour(t)
		app := h.image("app")
		h.list(app, "app")
		h.list(h.artifact(app, h.blob(bundleType, bundleOf(ada, sbomType, digestOf(app)))), "")
		list := h.papers(v)
		expect(t, one(t, list), trust.Verified, "signed with the key ada.pub")
		if c := CheckOf(list); c.Verdict != trust.Pass || c.Reason != "the only paper is verified: signed by ada.pub" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("swapped blob", func(t *testing.T) {
		h := newHarbour(t)
		app := h.image("app")
		h.list(app, "app")
		paper := h.blob(bundleType, bundleOf(ada, sbomType, digestOf(app)), bundlePredicateKey, sbomType)
		h.list(h.artifact(app, paper), "")
		swapped := bytes.Repeat([]byte(" "), int(paper["size"].(int64)))
		h.write(h.path(digestOf(paper)), swapped)
		list := h.papers(v)
		expect(t, one(t, list), trust.Broken, "does not match its digest")
		if c := CheckOf(list); list[0].PredicateType != sbomType || c.Verdict != trust.Fail {
			t.Errorf("%+v: %+v", list[0], c)
		}
	})
	t.Run("copied from another image", func(t *testing.T) {
		h := newHarbour(t)
		app, other := h.image("app"), h.image("other")
		h.list(app, "app")
		h.list(other, "other")
		h.list(h.artifact(app, h.blob(bundleType, bundleOf(ada, signedPredicate, digestOf(other)))), "")
		simple, sig := must2(ada.signSimply("shop", digestOf(other)))
		h.list(h.artifact(nil, h.blob(simpleSigningType, simple, simpleSignatureKey, sig)), strings.Replace(digestOf(app), ":", "-", 1)+".sig")
		for _, a := range h.papers(v) {
			expect(t, a, trust.Broken, "ada.pub signed it, but it is about another image, "+digestOf(other))
		}
	})
	t.Run("the bundle of the manifest and of the index is told once", func(t *testing.T) {
		h := newHarbour(t)
		app := h.image("app")
		index := h.blob("application/vnd.oci.image.index.v1+json", must(json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{app}})))
		h.list(index, "app")
		paper := h.blob(bundleType, bundleOf(ada, sbomType, digestOf(app), digestOf(index)))
		h.list(h.artifact(app, paper), "")
		h.list(h.artifact(index, paper), "")
		expect(t, one(t, h.papers(v)), trust.Verified, "")
	})
	t.Run("a document", func(t *testing.T) {
		h := newHarbour(t)
		app := h.image("app")
		h.list(app, "app")
		h.list(h.artifact(app, h.blob("application/spdx+json", []byte(`{"spdxVersion":"SPDX-2.3"}`))), "")
		list := h.papers(v)
		if expect(t, one(t, list), trust.Unsigned, "nobody signed it"); list[0].Kind != trust.OfDocument || list[0].Form != "spdx" || len(list[0].Document) == 0 {
			t.Errorf("%+v", list[0])
		}
	})
	t.Run("an SBOM as oras attaches it", func(t *testing.T) {
		h := newHarbour(t)
		app := h.image("app")
		h.list(app, "app")
		for _, mediaType := range []string{"application/vnd.syft+json", "text/spdx"} {
			h.list(h.artifact(app, h.blob(mediaType, []byte("SPDXVersion: SPDX-2.3"))), "")
		}
		for _, a := range h.papers(v) {
			if expect(t, a, trust.Unsigned, "nobody signed it"); a.Kind != trust.OfDocument {
				t.Errorf("%+v", a)
			}
		}
	})
	t.Run("papers of another platform", func(t *testing.T) {
		h := newHarbour(t)
		app, other := h.image("app"), h.image("other")
		app["platform"], other["platform"] = map[string]string{"os": "linux", "architecture": "amd64"}, map[string]string{"os": "linux", "architecture": "s390x"}
		index := h.blob("application/vnd.oci.image.index.v1+json", must(json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{app, other}})))
		h.list(index, "app")
		paper := h.blob(bundleType, bundleOf(ada, sbomType, digestOf(other)))
		h.list(h.artifact(index, paper), "")
		if list := h.papers(v); len(list) > 0 {
			t.Errorf("attached to the index: %+v", list)
		}
		h.list(h.artifact(app, paper), "")
		expect(t, one(t, h.papers(v)), trust.Broken, "it is about another image, "+digestOf(other))
	})
	t.Run("two who signed the index", func(t *testing.T) {
		bob := newKey(t, "bob")
		v := verifier(t, map[string][]byte{"ada.pub": ada.Public().PEM(), "bob.pub": bob.Public().PEM()},
			trust.Rule{Key: "ada.pub", Predicates: []string{"signature"}}, trust.Rule{Key: "bob.pub"})
		h := newHarbour(t)
		app := h.image("app")
		papers := h.artifact(app, h.blob(trust.StatementType, statementOf("https://slsa.dev/provenance/v1", digestOf(app))))
		papers["annotations"] = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digestOf(app)}
		index := h.blob("application/vnd.oci.image.index.v1+json", must(json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{app, papers}})))
		h.list(index, "app")
		sign := func(k *PrivateKey) {
			h.list(h.artifact(index, h.blob(bundleType, bundleOf(k, signedPredicate, digestOf(index)))), "")
		}
		statement := func() trust.Attestation {
			list := h.papers(v)
			return list[len(list)-1]
		}
		sign(ada)
		expect(t, statement(), trust.Stranger, "it stands in an index that is signed with the key ada.pub, which is not trusted with papers of the type https://slsa.dev/provenance/v1")
		sign(bob)
		expect(t, statement(), trust.Verified, "it stands in an index that is signed with the key bob.pub")
	})
	t.Run("a document whose manifest is signed", func(t *testing.T) {
		h := newHarbour(t)
		app := h.image("app")
		h.list(app, "app")
		document := h.artifact(app, h.blob("application/spdx+json", []byte(`{"spdxVersion":"SPDX-2.3"}`)))
		h.list(document, "")
		h.list(h.artifact(document, h.blob(bundleType, bundleOf(ada, signedPredicate, digestOf(document)))), "")
		expect(t, one(t, h.papers(v)), trust.Verified, "its manifest is signed with the key ada.pub")
	})
	t.Run("a document of cosign's that another image had", func(t *testing.T) {
		h := newHarbour(t)
		app := h.image("app")
		h.list(app, "app")
		document := h.artifact(nil, h.blob("application/spdx+json", []byte(`{"spdxVersion":"SPDX-2.3"}`)))
		h.list(document, strings.Replace(digestOf(app), ":", "-", 1)+".sbom")
		h.list(h.artifact(document, h.blob(bundleType, bundleOf(ada, signedPredicate, digestOf(document)))), "")
		expect(t, one(t, h.papers(v)), trust.Unsigned, "nothing that is signed says that it is of this image")
	})
	t.Run("an attestation manifest beside a signed index", func(t *testing.T) {
		// Whoever writes the layout can list it there: the signed index does not.
		h := newHarbour(t)
		app := h.image("app")
		index := h.blob("application/vnd.oci.image.index.v1+json", must(json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{app}})))
		h.list(index, "app")
		h.list(h.artifact(index, h.blob(bundleType, bundleOf(ada, signedPredicate, digestOf(index)))), "")
		planted := h.artifact(app, h.blob(trust.StatementType, statementOf("https://slsa.dev/provenance/v1", digestOf(app))))
		planted["annotations"] = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digestOf(app)}
		h.list(planted, "")
		for _, a := range h.papers(v) {
			if a.Kind == trust.OfStatement {
				expect(t, a, trust.Unsigned, "nobody signed it")
			} else {
				expect(t, a, trust.Verified, "")
			}
		}
	})
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}

func TestCheckOf(t *testing.T) {
	of := func(s trust.Status, key string) trust.Attestation {
		a := trust.Attestation{Kind: trust.OfStatement, Status: s, Why: "why " + key}
		if s == trust.Verified || s == trust.Stranger {
			a.Signer = &trust.Signer{Name: key}
		}
		return a
	}
	for _, tc := range []struct {
		list    []trust.Attestation
		verdict trust.CheckVerdict
		reason  string
	}{
		{nil, trust.Unknown, "nobody signed the image, and no paper is attached to it"},
		{[]trust.Attestation{of(trust.Unsigned, "")}, trust.Unknown, "1 paper is there, and nobody signed any"},
		{[]trust.Attestation{of(trust.Unsigned, ""), of(trust.Stranger, "eve")}, trust.Unknown, "1 of 2 papers is signed, by nobody who is trusted (they say to be eve)"},
		{[]trust.Attestation{of(trust.Unsigned, ""), of(trust.Verified, "bob"), of(trust.Verified, "ada")}, trust.Pass, "2 of 3 papers are verified: signed by ada, bob"},
		{[]trust.Attestation{of(trust.Verified, "ada"), of(trust.Broken, "not")}, trust.Fail, "1 of 2 papers is false: why not"},
	} {
		c := CheckOf(tc.list)
		if c.Name != "signatures" || c.Verdict != tc.verdict || c.Reason != tc.reason || (c.Step == "") != (c.Verdict == trust.Pass) {
			t.Errorf("%+v", c)
		}
	}
}

// Whoever hides a paper behind what cannot be read gets no "holds" for the rest.
func TestCheckOfWhatWasNotAllRead(t *testing.T) {
	spot := image.BlindSpot{Kind: image.LimitReached, Where: "attestation x", Message: "the rest is not read"}
	good := trust.Attestation{Status: trust.Verified, Signer: &trust.Signer{Name: "ada"}}
	for _, tc := range []struct {
		list []trust.Attestation
		want trust.CheckVerdict
		says string
	}{
		{[]trust.Attestation{good}, trust.Unknown, "the only paper is verified, but not all that is attached could be read: attestation x: the rest is not read"},
		{nil, trust.Unknown, "not all that is attached could be read"},
		{[]trust.Attestation{good, {Status: trust.Broken, Why: "it was changed"}}, trust.Fail, "it was changed"},
	} {
		if c := CheckOf(tc.list, spot); c.Verdict != tc.want || !strings.Contains(c.Reason, tc.says) {
			t.Errorf("%+v", c)
		}
	}
}
