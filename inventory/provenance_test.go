package inventory

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// The steps of a build as BuildKit 0.34 tells them, cut down: a stage copied into another one, of which %s is the first
// step. The end names the result.
const steps = `[
	{"id":"step0","op":{"Op":{"source":{"identifier":"docker-image://docker.io/library/golang:1.26@` + golangDigest + `"}}}},
	{"id":"step1","inputs":["step0:0"],"op":{"Op":{"exec":{"mounts":[{"dest":"/"},{"dest":"/run/secrets/a","input":-1,"mountType":1}]}}}},
	%s,
	{"id":"step3","inputs":["step2:0","step1:0"],"op":{"Op":{"file":{"actions":[
		{"Action":{"mkdir":{}},"input":0,"output":-1,"secondaryInput":-1},
		{"Action":{"copy":{}},"input":2,"output":0,"secondaryInput":1}]}}}},
	{"id":"step4","inputs":["step1:0"],"op":{"Op":{"file":{"actions":[{"Action":{"copy":{}},"input":-1,"output":0,"secondaryInput":0}]}}}},
	{"id":"step5","inputs":["step3:0","step4:0"],"op":{"Op":{"merge":{"inputs":[{"input":0},{"input":1}]}}}},
	{"id":"step6","inputs":["step5:0"],"op":{"Op":{"exec":{"meta":{},"mounts":[{"dest":"/"}]}}}},
	{"id":"step7","inputs":["step6:0"],"op":{"Op":{}}}]`

const (
	golangDigest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	debianDigest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	metadata     = `{"source":{"infos":[{"filename":"Dockerfile","language":"Dockerfile","data":"RlJPTSBhCg=="}]},
		"layers":{"step2:0":[[{"digest":"blob a"},{"digest":"blob b"}],[{"digest":"blob c"}]],"step0:0":[[{"digest":"blob x"}]]}}`
	materials = `[{"uri":"pkg:docker/golang@1.26?platform=linux%2Famd64","digest":{"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
		{"uri":"pkg:docker/registry.example.test:5000/base/debian@12?platform=linux%2Famd64","digest":{"sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}},
		{"uri":"pkg:docker/docker/dockerfile@1","digest":{"sha256":"cc"}}, {"uri":"pkg:docker/docker/buildkit-syft-scanner@stable-1","digest":{"sha256":"dd"}},
		{"uri":"pkg:docker/acme/frontend@2","digest":{"sha256":"ee"}},
		{"uri":"https://git.example.test/shop.git#main","digest":{"sha1":"5f0c8ae1d2f7b1c9b0f3f5a86f2f4f1d8d1c7a11"}}]`
	buildRequest = `{"frontend":"gateway.v0","args":{"build-arg:VERSION":"1.4","source":"acme/frontend:2"}}`
)

func version02(steps string) string {
	return fmt.Sprintf(`{"materials":%s,"invocation":{"parameters":%s},"buildConfig":{"llbDefinition":%s},
		"metadata":{"https://mobyproject.org/buildkit@v1#metadata":%s}}`, materials, buildRequest, steps, metadata)
}

func version1(steps string) string {
	return fmt.Sprintf(`{"buildDefinition":{"resolvedDependencies":%s,"externalParameters":{"request":%s},
		"internalParameters":{"buildConfig":{"llbDefinition":%s}}},"runDetails":{"metadata":{"buildkit_metadata":%s}}}`, materials, buildRequest, steps, metadata)
}

func TestReadProvenance(t *testing.T) {
	golang, debian := imageName{"golang:1.26", golangDigest}, imageName{"registry.example.test:5000/base/debian:12", debianDigest}
	layers := [][]string{{"blob a", "blob b"}, {"blob c"}}
	for name, test := range map[string]struct {
		first   string
		base    *imageName
		scratch bool
	}{
		"an image with its digest": {
			first: `{"id":"step2","op":{"Op":{"source":{"identifier":"docker-image://registry.example.test:5000/base/debian:12@` + debianDigest + `"}}}}`,
			base:  &debian,
		},
		"an image whose digest the materials tell": {
			first: `{"id":"step2","op":{"Op":{"source":{"identifier":"docker-image://registry.example.test:5000/base/debian:12"}}}}`,
			base:  &debian,
		},
		"a named layout": {
			first: `{"id":"step2","op":{"Op":{"source":{"identifier":"oci-layout://docker.io/library/base@` + debianDigest + `"}}}}`,
			base:  &imageName{"base", debianDigest},
		},
		"nothing":       {first: `{"id":"step2","op":{"Op":{"file":{"actions":[{"input":-1,"output":0}]}}}}`, scratch: true},
		"a directory":   {first: `{"id":"step2","op":{"Op":{"source":{"identifier":"local://context"}}}}`, scratch: true},
		"a circle":      {first: `{"id":"step2","inputs":["step6:0"],"op":{"Op":{"exec":{"mounts":[{"dest":"/"}]}}}}`},
		"a loose end":   {first: `{"id":"step2","inputs":["step99:0"],"op":{"Op":{"exec":{"mounts":[{"dest":"/"}]}}}}`},
		"no such input": {first: `{"id":"step2","inputs":[],"op":{"Op":{"exec":{"mounts":[{"dest":"/","input":3}]}}}}`},
		"no such output": {
			first: `{"id":"step2","inputs":["step0:0"],"op":{"Op":{"exec":{"mounts":[{"dest":"/","output":1}]}}}}`,
		},
		"an action that names itself": {first: `{"id":"step2","inputs":["step0:0"],"op":{"Op":{"file":{"actions":[{"input":1,"output":0}]}}}}`},
		"another build":               {first: `{"id":"step2","inputs":["step0:0"],"op":{"Op":{"build":{"builder":-1}}}}`},
	} {
		want := &Provenance{Dockerfile: []byte("FROM a\n"), Args: map[string]string{"VERSION": "1.4"}, base: test.base, scratch: test.scratch, images: []imageName{golang, debian}}
		if test.base != nil {
			want.baseLayers = layers
		}
		for version, predicate := range map[string]string{"v0.2": version02(fmt.Sprintf(steps, test.first)), "v1": version1(fmt.Sprintf(steps, test.first))} {
			got, spots := ReadProvenance([]image.Statement{
				{PredicateType: "https://spdx.dev/Document"}, {PredicateType: "https://slsa.dev/provenance/" + version, Predicate: json.RawMessage(predicate)},
			})
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(Provenance{}, imageName{})); diff != "" || len(spots) > 0 {
				t.Errorf("%s, %s: %v %s", name, version, spots, diff)
			}
		}
	}
}

func TestReadProvenanceOfOthers(t *testing.T) {
	if p, spots := ReadProvenance(nil); p != nil || spots != nil {
		t.Errorf("of nothing: %v, %v", p, spots)
	}
	odd := `{"materials":"none","buildDefinition":{"externalParameters":{"request":[1]},"resolvedDependencies":[{"uri":"pkg:docker/a@1"},{"uri":7}]}}`
	p, spots := ReadProvenance([]image.Statement{{PredicateType: "https://slsa.dev/provenance/v1", Predicate: []byte(odd)}})
	if p == nil || len(spots) > 0 || len(p.images) != 1 {
		t.Errorf("of another builder: %+v, %v", p, spots)
	}
	p, spots = ReadProvenance([]image.Statement{{PredicateType: "https://slsa.dev/provenance/v1", Predicate: []byte(`{`)}})
	if p != nil || len(spots) != 1 {
		t.Errorf("of junk: %+v, %v", p, spots)
	}
}

func FuzzReadProvenance(f *testing.F) {
	f.Add(version02(fmt.Sprintf(steps, `{"id":"step2","op":{"Op":{"source":{"identifier":"docker-image://a:1@b"}}}}`)))
	f.Add(version1(fmt.Sprintf(steps, `{"id":"step2","op":{"Op":{"file":{"actions":[{"input":-1,"output":0}]}}}}`)))
	f.Fuzz(func(t *testing.T, predicate string) {
		p, _ := ReadProvenance([]image.Statement{{PredicateType: "https://slsa.dev/provenance/v1", Predicate: []byte(predicate)}})
		im, indexes := stacked("abc")
		if b := FindBase(im, indexes, p, nil); b != nil && b.Layers > len(im.Layers) {
			t.Errorf("%+v", b)
		}
	})
}

// The outputs of a real BuildKit: the base, its one layer, and the line of each instruction.
func TestProvenanceOfBuildKit(t *testing.T) {
	archives, _ := filepath.Glob(filepath.Join("..", "..", "shared", "attestations", "buildkit", "*.oci.tar"))
	if len(archives) == 0 {
		t.Skip("no BuildKit outputs in ../../shared/attestations/buildkit")
	}
	for _, archive := range archives {
		im, err := image.Open(t.Context(), archive, image.Options{Platform: "linux/amd64"})
		if err != nil {
			t.Fatal(err)
		}
		defer im.Close()
		statements, _, err := im.Statements(t.Context(), IsProvenance)
		if err != nil {
			t.Fatal(err)
		}
		p, spots := ReadProvenance(statements)
		if p == nil || len(spots) > 0 {
			t.Fatalf("%s: %v", archive, spots)
		}
		base := FindBase(im, []*layer.Index{{}, {}, {}}, p, nil)
		if err := SetDockerfileLines(im, base, p.Dockerfile, p.Args); err != nil {
			t.Fatal(err)
		}
		want := &Base{Reference: "base", Digest: "sha256:1664581f2425b44e59a053937f94a5a478d00c939281a0f75f4a916c875e4d9f", Layers: 1,
			Evidence: FromProvenance, Sure: Claimed, DockerfileLine: 6}
		if diff := cmp.Diff(want, base); diff != "" {
			t.Errorf("%s: %s", archive, diff)
		}
		var lines []int
		for _, h := range im.History {
			lines = append(lines, h.DockerfileLine)
		}
		if diff := cmp.Diff([]int{0, 0, 7, 8, 9, 10, 11, 12, 13}, lines); diff != "" {
			t.Errorf("%s: %s", archive, diff)
		}
	}
}
