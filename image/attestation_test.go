package image_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

const provenanceV1 = "https://slsa.dev/provenance/v1"

// attest puts an image into an index with an attestation manifest beside it, as BuildKit does; artifact chooses the
// newer layout. change may spoil the manifest, subject is what the statement is about.
func attest(t *testing.T, c imagetest.Content, subject string, artifact bool, change func(manifest map[string]any)) imagetest.Content {
	t.Helper()
	statement := c.AddJSON(t, "application/vnd.in-toto+json", map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": provenanceV1, "predicate": map[string]any{"a": 1},
		"subject": []any{map[string]any{"name": "x", "digest": map[string]string{"sha256": strings.TrimPrefix(subject, "sha256:")}}},
	})
	statement.Annotations = map[string]string{"in-toto.io/predicate-type": provenanceV1}
	sbom := c.AddJSON(t, "application/vnd.in-toto+json", map[string]any{"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://spdx.dev/Document"})
	sbom.Annotations = map[string]string{"in-toto.io/predicate-type": "https://spdx.dev/Document"}
	config := c.AddJSON(t, "application/vnd.oci.image.config.v1+json", map[string]any{"architecture": "unknown", "os": "unknown", "rootfs": map[string]any{}})
	if artifact {
		config = c.Add("application/vnd.oci.empty.v1+json", []byte("{}"))
	}
	m := imagetest.Manifest(config, sbom, statement)
	if artifact {
		m["artifactType"] = "application/vnd.docker.attestation.manifest.v1+json"
		m["subject"] = c.Root
	}
	if change != nil {
		change(m)
	}
	entry := c.AddJSON(t, "application/vnd.oci.image.manifest.v1+json", m)
	entry.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": c.Root.Digest}
	entry.Platform = &imagetest.Platform{OS: "unknown", Architecture: "unknown"}
	c.Root = c.AddJSON(t, imagetest.IndexType, map[string]any{
		"schemaVersion": 2, "mediaType": imagetest.IndexType, "manifests": []any{c.Root, entry},
		"annotations": map[string]string{"org.opencontainers.image.base.name": "debian:12"},
	})
	return c
}

func isProvenance(predicateType string) bool { return predicateType == provenanceV1 }

func TestStatements(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	for name, artifact := range map[string]bool{"image layout": false, "artifact layout": true} {
		t.Run(name, func(t *testing.T) {
			c := sample(t)
			digest := c.Root.Digest
			c = attest(t, c, digest, artifact, nil)
			server := imagetest.Registry(t, imagetest.RegistryOptions{})
			archive := c.OCIArchive(t, "latest")
			refs := []string{
				server.Push(t, c, "team/shop", "1"), c.Layout(t, "latest"), archive, compress(t, archive, ".gz"), c.Docker25Archive(t, "shop:latest"),
			}
			for _, ref := range refs {
				im := open(t, ref, image.Options{})
				if im.Digest != digest || im.Index != c.Root.Digest || im.Annotations["org.opencontainers.image.base.name"] != "debian:12" {
					t.Errorf("%s: digest %s, index %s, annotations %v", ref, im.Digest, im.Index, im.Annotations)
				}
				got, spots, err := im.Statements(t.Context(), isProvenance)
				if err != nil || len(spots) > 0 || len(got) != 1 {
					t.Fatalf("%s: %v, %v, %v", ref, got, spots, err)
				}
				want := image.Statement{PredicateType: provenanceV1, Predicate: []byte(`{"a":1}`), Subjects: []string{digest}, Digest: got[0].Digest}
				if diff := cmp.Diff(want, got[0]); diff != "" {
					t.Errorf("%s: %s", ref, diff)
				}
			}
		})
	}
}

func TestStatementsThatDoNotCount(t *testing.T) {
	other := "sha256:" + strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		subject string
		change  func(c *imagetest.Content, m map[string]any)
		spot    string
	}{
		"about another image": {subject: other},
		"whose manifest is about another image": {
			change: func(_ *imagetest.Content, m map[string]any) { m["subject"] = map[string]any{"digest": other} },
			spot:   `its subject is "` + other,
		},
		"that is none": {
			change: func(c *imagetest.Content, m map[string]any) {
				d := c.Add("application/vnd.in-toto+json", []byte(`{"_type":"junk"}`))
				d.Annotations = map[string]string{"in-toto.io/predicate-type": provenanceV1}
				m["layers"] = []any{d}
			},
			spot: `not an in-toto statement: its type is "junk"`,
		},
		"of another content than its digest": {
			change: func(c *imagetest.Content, _ map[string]any) {
				for digest, blob := range c.Blobs {
					if strings.Contains(string(blob), `"predicateType":"`+provenanceV1) {
						c.Blobs[digest] = []byte(strings.Replace(string(blob), `"a":1`, `"a":2`, 1))
					}
				}
			},
			spot: "does not match its digest",
		},
		"that an archive leaves out": {
			change: func(c *imagetest.Content, _ map[string]any) {
				for digest, blob := range c.Blobs {
					if strings.Contains(string(blob), `"predicateType":"`+provenanceV1) {
						delete(c.Blobs, digest)
					}
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := sample(t)
			subject := test.subject
			if subject == "" {
				subject = c.Root.Digest
			}
			c = attest(t, c, subject, false, func(m map[string]any) {
				if test.change != nil {
					test.change(&c, m)
				}
			})
			im := open(t, c.Layout(t, "latest"), image.Options{})
			got, spots, err := im.Statements(t.Context(), isProvenance)
			if len(got) > 0 || err != nil {
				t.Errorf("got %v, %v", got, err)
			}
			if test.spot == "" && len(spots) > 0 || test.spot != "" && (len(spots) != 1 || !strings.Contains(spots[0].Message, test.spot)) {
				t.Errorf("blind spots %v, not %q", spots, test.spot)
			}
		})
	}
}

func TestStatementsCostNothingWhereThereAreNone(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	var requests atomic.Int32
	ref := fakeRegistry(t, sample(t), func(http.ResponseWriter, *http.Request) bool {
		requests.Add(1)
		return false
	})
	im := open(t, "registry:"+ref, image.Options{})
	before := requests.Load()
	got, spots, err := im.Statements(t.Context(), isProvenance)
	if len(got) > 0 || len(spots) > 0 || err != nil || requests.Load() != before {
		t.Errorf("%v, %v, %v after %d requests", got, spots, err, requests.Load()-before)
	}
}

// The outputs of a real BuildKit, old and new layout, one platform and two.
func TestStatementsOfBuildKit(t *testing.T) {
	archives, _ := filepath.Glob(filepath.Join("..", "..", "shared", "attestations", "buildkit", "*.oci.tar"))
	if len(archives) == 0 {
		t.Skip("no BuildKit outputs in ../../shared/attestations/buildkit")
	}
	for _, archive := range archives {
		platforms, err := image.Platforms(t.Context(), archive, image.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, platform := range platforms {
			im := open(t, archive, image.Options{Platform: platform})
			got, spots, err := im.Statements(t.Context(), func(string) bool { return true })
			if err != nil || len(spots) > 0 || len(got) != 2 {
				t.Errorf("%s, %s: %d statements, %v, %v", archive, platform, len(got), spots, err)
			}
			for _, s := range got {
				if !slices.Contains(s.Subjects, im.Digest) {
					t.Errorf("%s: a statement about %v", archive, s.Subjects)
				}
			}
		}
	}
}
