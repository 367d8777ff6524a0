package provenance_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/trust"
	"tidewaiter/trust/provenance"
)

const (
	nodeDigest   = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	golangDigest = "sha256:3333333333333333333333333333333333333333333333333333333333333333"
	otherCommit  = "28b1230000000000000000000000000000000000"
)

// buildkit is a provenance of mode max by BuildKit, of a Dockerfile.
type buildkit struct {
	dockerfile string
	args       map[string]string
	materials  []string // URI, space, digest
	locals     []string
	metadata   string // more of it
	steps      string
}

func (b buildkit) predicate(t *testing.T) string {
	t.Helper()
	var materials []map[string]any
	for _, m := range b.materials {
		uri, digest, _ := strings.Cut(m, " ")
		algorithm, hex, _ := strings.Cut(digest, ":")
		materials = append(materials, map[string]any{"uri": uri, "digest": map[string]string{algorithm: hex}})
	}
	var locals []map[string]string
	for _, name := range b.locals {
		locals = append(locals, map[string]string{"name": name})
	}
	text := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if b.steps == "" {
		b.steps = "[]"
	}
	return fmt.Sprintf(`{"buildDefinition":{"buildType":"https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
		"externalParameters":{"configSource":{},"request":{"frontend":"dockerfile.v0","args":%s,"locals":%s}},
		"internalParameters":{"builderPlatform":"linux/amd64","buildConfig":{"llbDefinition":%s}},"resolvedDependencies":%s},
		"runDetails":{"builder":{"id":""},"metadata":{"invocationId":"x","startedOn":"2026-08-20T11:59:00Z","finishedOn":"2026-08-20T12:00:10Z"%s,
		"buildkit_metadata":{"source":{"infos":[{"filename":"Dockerfile","language":"Dockerfile","data":"%s"}]},
		"layers":{"step0:0":[[{"digest":"blob a"}]]}}}}}`, text(b.args), text(locals), b.steps, text(materials), b.metadata,
		base64.StdEncoding.EncodeToString([]byte(b.dockerfile)))
}

// The Dockerfile says how each input was asked for; what it got says nothing of that.
func TestInputsOfADockerfile(t *testing.T) {
	for name, tt := range map[string]struct {
		build buildkit
		want  []string // as pins, with the line
	}{
		"a tag, though its digest was recorded": {
			buildkit{dockerfile: "FROM node:18\n", materials: []string{"pkg:docker/node@18?platform=linux%2Famd64 " + nodeDigest}},
			[]string{"floating image node:18 :1"}},
		"no tag": {
			buildkit{dockerfile: "FROM docker.io/library/node\n", materials: []string{"pkg:docker/node@latest " + nodeDigest}},
			[]string{"floating image docker.io/library/node :1"}},
		"a digest": {
			buildkit{dockerfile: "FROM node:18@" + nodeDigest, materials: []string{"pkg:docker/node@18?digest=" + nodeDigest + "&platform=linux%2Famd64 " + nodeDigest}},
			[]string{"pinned image node:18@" + nodeDigest + " :1"}},
		"a digest in an argument": {
			buildkit{dockerfile: "ARG BASE=node\nARG TAG=18\nFROM ${BASE}:${TAG}", args: map[string]string{"build-arg:TAG": "20@" + nodeDigest}, materials: []string{"pkg:docker/node@20?digest=" + nodeDigest + " " + nodeDigest}},
			[]string{"pinned image node:20@" + nodeDigest + " :3"}},
		"a digest and another one that was got": {
			buildkit{dockerfile: "FROM node:18@" + nodeDigest, materials: []string{"pkg:docker/node@18 " + golangDigest}},
			[]string{"unknown image node:18@" + nodeDigest + " :1"}},
		"an image that the provenance does not list": {
			buildkit{dockerfile: "FROM node:18\nCOPY --from=golang@" + golangDigest + " /a /b\n"},
			[]string{"pinned image golang@" + golangDigest + " :2", "floating image node:18 :1"}},
		"stages that are needed, and one that is not": {
			buildkit{dockerfile: "FROM golang:1 AS build\nFROM perl:5 AS unused\nRUN make\nFROM ruby:3 AS mounted\nFROM node:18\nCOPY --from=build /a /a\nRUN --network=none --mount=type=bind,from=mounted,target=/m make\nCOPY --from=busybox:1 /b /b\n"},
			[]string{"floating image busybox:1 :8", "floating image golang:1 :1", "floating image node:18 :5", "floating image ruby:3 :4"}},
		"the stage that was built": {
			buildkit{dockerfile: "FROM golang:1 AS build\nFROM build AS tested\nRUN make test\nFROM node:18\n", args: map[string]string{"target": "tested"}},
			[]string{"floating image golang:1 :1", "unknown network RUN make test :3"}},
		"a named context": {
			buildkit{dockerfile: "FROM base\nCOPY --from=conf /a /a\n", args: map[string]string{"context:base": "docker-image://node:18@" + nodeDigest, "context:conf": "local:conf"},
				materials: []string{"pkg:docker/node@18?digest=" + nodeDigest + " " + nodeDigest}},
			[]string{"pinned image node:18@" + nodeDigest + " :1"}},
		"nothing": {buildkit{dockerfile: "FROM scratch\nCOPY a /\n"}, nil},
		"the frontend": {
			buildkit{dockerfile: "# syntax=docker/dockerfile:1@" + nodeDigest + "\nFROM scratch\n", materials: []string{"pkg:docker/docker/dockerfile@1?digest=" + nodeDigest + " " + nodeDigest}},
			[]string{"pinned tool docker/dockerfile:1@" + nodeDigest + " :1"}},
		"ADD of files and repositories": {
			buildkit{dockerfile: "FROM scratch\nARG VERSION=2\nADD https://example.test/a-$VERSION.tgz /a\nADD --checksum=sha256:aa https://example.test/b.tgz /b\n" +
				"ADD https://git.example.test/acme/lib.git#main /lib\nADD https://git.example.test/acme/pin.git#" + otherCommit + " /pin\nADD https://git.example.test/acme/head.git /head\nADD https://example.test/unlisted /u\n",
				materials: []string{"https://example.test/a-2.tgz sha256:99", "https://example.test/b.tgz sha256:aa", "https://git.example.test/acme/lib.git#main sha1:" + commit,
					"https://git.example.test/acme/pin.git#" + otherCommit + " sha1:" + otherCommit, "https://git.example.test/acme/head.git sha1:" + commit}},
			[]string{"floating git https://git.example.test/acme/head.git :7", "floating git https://git.example.test/acme/lib.git#main :5", "pinned git https://git.example.test/acme/pin.git#" + otherCommit + " :6",
				"floating http https://example.test/a-2.tgz :3", "pinned http https://example.test/b.tgz :4", "floating http https://example.test/unlisted :8"}},
		"once firmly and once loosely": {
			buildkit{dockerfile: "FROM node:18 AS a\nADD https://example.test/a /a\nFROM node:18@" + nodeDigest + "\nADD --checksum=sha256:99 https://example.test/a /b\nCOPY --from=a /a /c\n",
				materials: []string{"https://example.test/a sha256:99", "pkg:docker/node@18 " + nodeDigest}},
			[]string{"floating http https://example.test/a :2", "floating image node:18 :1"}},
		"commands with the network and without": {
			buildkit{dockerfile: "FROM scratch\nRUN apt-get install -y curl\nRUN --network=none make\nRUN <<EOF\ncurl https://example.test\nEOF\n"},
			[]string{"unknown network RUN apt-get install -y curl :2", "unknown network RUN curl https://example.test :4"}},
		"a build without the network": {
			buildkit{dockerfile: "FROM scratch\nRUN make\n", metadata: `,"buildkit_hermetic":true`}, nil},
		"a directory of somebody's": {
			buildkit{dockerfile: "FROM scratch\nCOPY . /\n", locals: []string{"context", "dockerfile"}},
			[]string{"unknown local context"}},
		"a directory that no step reads": {
			buildkit{dockerfile: "FROM scratch\n", locals: []string{"context"}, steps: `[{"id":"step0","op":{"Op":{"file":{}}}}]`}, nil},
		"an image that no step uses": {
			buildkit{dockerfile: "FROM node:18@" + nodeDigest, materials: []string{"pkg:docker/acme/scanner@1 " + golangDigest, "pkg:docker/node@18?digest=" + nodeDigest + " " + nodeDigest},
				steps: `[{"id":"step0","op":{"Op":{"source":{"identifier":"docker-image://docker.io/library/node:18@` + nodeDigest + `"}}}}]`},
			[]string{"pinned and verified image node:18@" + nodeDigest + " :1", "floating tool acme/scanner:1"}},
		"steps without a Dockerfile": {
			buildkit{materials: []string{"https://example.test/a sha256:99", "https://example.test/b sha256:98", "https://git.example.test/acme/lib.git#main sha1:" + commit, "pkg:docker/node@18 " + nodeDigest},
				steps: `[{"id":"a","op":{"Op":{"source":{"identifier":"https://example.test/a"}}}},{"id":"b","op":{"Op":{"source":{"identifier":"https://example.test/a","attrs":{"http.checksum":"sha256:99"}}}}},
					{"id":"c","op":{"Op":{"source":{"identifier":"https://example.test/b","attrs":{"http.checksum":"sha256:98"}}}}},{"id":"d","op":{"Op":{"source":{"identifier":"git://git.example.test/acme/lib.git#main"}}}},
					{"id":"e","op":{"Op":{"source":{"identifier":"docker-image://docker.io/library/node:18@` + nodeDigest + `"}}}}]`},
			[]string{"floating git https://git.example.test/acme/lib.git#main", "floating http https://example.test/a", "pinned http https://example.test/b", "floating image node:18"}},
		"a Dockerfile that is none": {
			buildkit{dockerfile: "nothing", materials: []string{"pkg:docker/node@18 " + nodeDigest}, steps: `[{"id":"a","op":{"Op":{"exec":{}}}},{"id":"b","op":{"Op":{"exec":{"network":2}}}},{"id":"c","op":{"Op":{"source":{"identifier":"docker-image://node:18"}}}}]`},
			[]string{"floating image node:18", "unknown network 1 step with the network"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, spots := provenance.Read([]trust.Attestation{paper(v1, tt.build.predicate(t))}, shop(), nil, nil)
			if p == nil || len(spots) > 0 || p.Mode != "max" {
				t.Fatalf("%+v, %v", p, spots)
			}
			var got []string
			for _, in := range p.Inputs {
				text := string(in.Pin) + " " + in.Kind + " " + in.Name
				if in.DockerfileLine > 0 {
					text += fmt.Sprintf(" :%d", in.DockerfileLine)
				}
				got = append(got, text)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// A base is verified by the image's own layers: compared with the known base, or with what a verified provenance lists. What an unsigned
// one lists proves nothing.
func TestTheBaseIsComparedWithTheLayers(t *testing.T) {
	step := `[{"id":"step0","op":{"Op":{"source":{"identifier":"docker-image://docker.io/library/node:18@` + nodeDigest + `"}}}},{"id":"step1","inputs":["step0:0"],"op":{"Op":{}}}]`
	pinned := buildkit{dockerfile: "FROM node:18@" + nodeDigest, materials: []string{"pkg:docker/node@18?digest=" + nodeDigest + " " + nodeDigest}, steps: step}.predicate(t)
	tagged := buildkit{dockerfile: "FROM node:18", materials: []string{"pkg:docker/node@18 " + nodeDigest}, steps: step}.predicate(t)
	diffID := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	known := func(digests ...string) []inventory.KnownBase {
		return []inventory.KnownBase{{Reference: "node:18", Digest: nodeDigest, Platform: "linux/amd64", DiffIDs: digests}}
	}
	for name, tt := range map[string]struct {
		predicate string
		status    trust.Status
		known     []inventory.KnownBase
		change    func(im *image.Image)
		pin       trust.Pin
		standing  trust.Standing
		why       string
	}{
		"by a known base":                {pinned, trust.Unsigned, known(diffID("a")), nil, trust.PinnedVerified, trust.Proven, "compared with the known base"},
		"by the list of a verified one":  {pinned, trust.Verified, nil, nil, trust.PinnedVerified, trust.Proven, "as the provenance lists them"},
		"by the list of an unsigned one": {pinned, trust.Unsigned, nil, nil, trust.Pinned, trust.Claimed, "as the provenance lists them"},
		"a tag stays one":                {tagged, trust.Verified, known(diffID("a")), nil, trust.Floating, trust.Proven, "compared with the known base"},
		"not the image's lowest layers":  {pinned, trust.Verified, known(diffID("c")), nil, trust.Pinned, trust.Refuted, "they are not the image's lowest"},
		"other blobs than the list's":    {pinned, trust.Verified, nil, func(im *image.Image) { im.Layers[0].Digest = "blob x" }, trust.Pinned, trust.Claimed, "tidewaiter base add node:18"},
		"labels of another base say nothing": {pinned, trust.Verified, known(diffID("a")), func(im *image.Image) {
			im.Labels = map[string]string{"org.opencontainers.image.base.name": "debian:12"}
		}, trust.PinnedVerified, trust.Proven, ""},
	} {
		t.Run(name, func(t *testing.T) {
			im := shop()
			if tt.change != nil {
				tt.change(im)
			}
			layers := []*layer.Index{{DiffID: diffID("a")}, {DiffID: diffID("b")}}
			p, _ := provenance.Read([]trust.Attestation{paper(v1, tt.predicate, as(tt.status, nil))}, im, layers, tt.known)
			i := slices.IndexFunc(p.Inputs, func(in trust.Input) bool { return in.Kind == "image" })
			if p.Inputs[i].Pin != tt.pin {
				t.Errorf("%+v", p.Inputs[i])
			}
			if c := p.Claim("base"); c.Standing != tt.standing || !strings.Contains(c.Why, tt.why) {
				t.Errorf("%+v", c)
			}
		})
	}
}
