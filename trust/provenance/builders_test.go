package provenance_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/trust"
	"tidewaiter/trust/provenance"
)

const (
	v02 = "https://slsa.dev/provenance/v0.2"
	v1  = "https://slsa.dev/provenance/v1"

	imageDigest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	commit      = "9f3c1e2a00000000000000000000000000000000"
)

// paper is a statement with a predicate, about the image.
func paper(predicateType, predicate string, change ...func(a *trust.Attestation)) trust.Attestation {
	a := trust.Attestation{Kind: trust.OfStatement, PredicateType: predicateType, Status: trust.Verified, Why: "signed", Signer: &trust.Signer{Name: "release"},
		Found: trust.Found{How: "referrer", Blob: "sha256:aaaaaaaaaaaaaaaa"},
		Statement: &trust.Statement{PredicateType: predicateType, Predicate: []byte(predicate),
			Subject: []trust.Subject{{Name: "shop", Digest: map[string]string{"sha256": strings.TrimPrefix(imageDigest, "sha256:")}}}}}
	for _, c := range change {
		c(&a)
	}
	return a
}

func as(status trust.Status, signer *trust.Signer) func(a *trust.Attestation) {
	return func(a *trust.Attestation) { a.Status, a.Signer = status, signer }
}

func shop() *image.Image {
	return &image.Image{Reference: "shop:2.1", Digest: imageDigest, Platform: image.Platform{OS: "linux", Architecture: "amd64"},
		Created: time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC), Layers: []image.Layer{{Digest: "blob a"}, {Digest: "blob b"}}}
}

// pins are the inputs in short: pin, kind and name.
func pins(p *trust.Provenance) []string {
	var list []string
	for _, in := range p.Inputs {
		list = append(list, string(in.Pin)+" "+in.Kind+" "+in.Name)
	}
	return list
}

// What each builder writes is read alike: who it was, of which source, and from what.
func TestReadBuilders(t *testing.T) {
	const fetched = "unknown network what the build fetched"
	for name, tt := range map[string]struct {
		predicateType, predicate string
		line                     string
		source                   *trust.BuildSource
		inputs                   []string
	}{
		"GitHub, actions/attest-build-provenance": {v1, `{"buildDefinition":{"buildType":"https://actions.github.io/buildtypes/workflow/v1",
			"externalParameters":{"workflow":{"ref":"refs/heads/main","repository":"https://github.com/acme/shop","path":".github/workflows/release.yml"}},
			"internalParameters":{"github":{"event_name":"push","repository_id":"1","runner_environment":"github-hosted"}},
			"resolvedDependencies":[{"uri":"git+https://github.com/acme/shop@refs/heads/main","digest":{"gitCommit":"` + commit + `"}}]},
			"runDetails":{"builder":{"id":"https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"},
			"metadata":{"invocationId":"https://github.com/acme/shop/actions/runs/42/attempts/1"}}}`,
			"by github-actions from acme/shop@9f3c1e2 (verified)",
			&trust.BuildSource{URI: "https://github.com/acme/shop", Commit: commit, Ref: "refs/heads/main", Entry: ".github/workflows/release.yml"},
			[]string{"pinned git git+https://github.com/acme/shop@refs/heads/main", fetched}},
		"GitHub, slsa-github-generator": {v02, `{"builder":{"id":"https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v2.0.0"},
			"buildType":"https://github.com/slsa-framework/slsa-github-generator/container@v1",
			"invocation":{"configSource":{"uri":"git+https://github.com/acme/shop@refs/tags/v2.1","digest":{"sha1":"` + commit + `"},"entryPoint":".github/workflows/release.yml"},"parameters":{}},
			"metadata":{"buildInvocationID":"42-1","completeness":{"parameters":true,"environment":false,"materials":false},"reproducible":false},
			"materials":[{"uri":"git+https://github.com/acme/shop@refs/tags/v2.1","digest":{"sha1":"` + commit + `"}}]}`,
			"by slsa-github-generator from acme/shop@9f3c1e2 (verified)",
			&trust.BuildSource{URI: "https://github.com/acme/shop", Commit: commit, Ref: "refs/tags/v2.1", Entry: ".github/workflows/release.yml"},
			[]string{"pinned git git+https://github.com/acme/shop@refs/tags/v2.1", fetched}},
		"npm": {v02, `{"buildType":"https://github.com/npm/cli/gha/v2","builder":{"id":"https://github.com/actions/runner"},
			"invocation":{"configSource":{"uri":"git+https://github.com/acme/lib@refs/heads/main","digest":{"sha1":"` + commit + `"},"entryPoint":".github/workflows/release.yml"}},
			"materials":[{"uri":"git+https://github.com/acme/lib@refs/heads/main","digest":{"sha1":"` + commit + `"}}]}`,
			"by github-actions from acme/lib@9f3c1e2 (verified)",
			&trust.BuildSource{URI: "https://github.com/acme/lib", Commit: commit, Ref: "refs/heads/main", Entry: ".github/workflows/release.yml"},
			[]string{"pinned git git+https://github.com/acme/lib@refs/heads/main", fetched}},
		"GitLab": {v1, `{"buildDefinition":{"buildType":"https://gitlab.com/gitlab-org/gitlab-runner/-/blob/15.0.0/PROVENANCE.md",
			"externalParameters":{"source":"https://gitlab.com/acme/shop","entryPoint":"build-image","variables":{"CI_PIPELINE_ID":""}},
			"internalParameters":{"name":"runner","executor":"docker","architecture":"amd64","job":"7"},
			"resolvedDependencies":[{"uri":"https://gitlab.com/acme/shop","digest":{"sha256":"` + commit + `"}}]},
			"runDetails":{"builder":{"id":"https://gitlab.com/acme/shop/-/runners/12270837"},"metadata":{"invocationID":"7","startedOn":"2026-08-20T11:00:00Z","finishedOn":"2026-08-20T12:00:00Z"}}}`,
			"by gitlab-ci from acme/shop@9f3c1e2 (verified)",
			&trust.BuildSource{URI: "https://gitlab.com/acme/shop", Commit: commit, Entry: "build-image"},
			[]string{"pinned git https://gitlab.com/acme/shop", fetched}},
		"Google Cloud Build": {v1, `{"buildDefinition":{"buildType":"https://cloud.google.com/build/gcb-buildtypes/google-worker/v1",
			"externalParameters":{"buildConfigSource":{"ref":"refs/heads/main","repository":"git+https://github.com/acme/shop","path":"cloudbuild.yaml"},"substitutions":{}},
			"resolvedDependencies":[{"uri":"git+https://github.com/acme/shop@refs/heads/main","digest":{"gitCommit":"` + commit + `"}},
			{"uri":"gcr.io/cloud-builders/docker@sha256:aa","digest":{"sha256":"aa"}}]},
			"runDetails":{"builder":{"id":"https://cloudbuild.googleapis.com/GoogleHostedWorker"},"metadata":{"invocationId":"https://cloudbuild.googleapis.com/v1/projects/p/builds/b"}}}`,
			"by google-cloud-build from acme/shop@9f3c1e2 (verified)",
			&trust.BuildSource{URI: "https://github.com/acme/shop", Commit: commit, Ref: "refs/heads/main", Entry: "cloudbuild.yaml"},
			[]string{"pinned git git+https://github.com/acme/shop@refs/heads/main", "pinned image gcr.io/cloud-builders/docker@sha256:aa", fetched}},
		"Tekton Chains": {v1, `{"buildDefinition":{"buildType":"https://tekton.dev/chains/v2/slsa","externalParameters":{"runSpec":{"pipelineRef":{"name":"build"}}},
			"resolvedDependencies":[{"name":"pipeline","uri":"git+https://github.com/catalog/pipelines","digest":{"sha1":"28b123"}},
			{"uri":"oci://gcr.io/tools/git-init","digest":{"sha256":"bb"}},
			{"name":"inputs/result","uri":"git+https://git.example.test/acme/shop.git","digest":{"sha1":"` + commit + `"}}]},
			"runDetails":{"builder":{"id":"https://tekton.dev/chains/v2"},"metadata":{"invocationId":"u-1","startedOn":"2026-08-20T11:00:00Z","finishedOn":"2026-08-20T12:00:00Z"}}}`,
			"by tekton from git.example.test/acme/shop@9f3c1e2 (verified)",
			&trust.BuildSource{URI: "https://git.example.test/acme/shop", Commit: commit},
			[]string{"pinned git git+https://git.example.test/acme/shop.git", "unknown image gcr.io/tools/git-init", fetched, "unknown tool git+https://github.com/catalog/pipelines"}},
		"Tekton Chains, version 0.2": {v02, `{"builder":{"id":"https://tekton.dev/chains/v2"},"buildType":"tekton.dev/v1/PipelineRun",
			"invocation":{"configSource":{"uri":"git+https://github.com/catalog/pipelines","digest":{"sha1":"28b123"},"entryPoint":"build.yaml"},"parameters":{}},
			"materials":[{"uri":"git+https://github.com/catalog/pipelines","digest":{"sha1":"28b123"}},{"uri":"git+https://git.example.test/acme/shop.git","digest":{"sha1":"` + commit + `"}}]}`,
			"by tekton from git.example.test/acme/shop@9f3c1e2 (verified)",
			&trust.BuildSource{URI: "https://git.example.test/acme/shop", Commit: commit},
			[]string{"pinned git git+https://git.example.test/acme/shop.git", "unknown git git+https://github.com/catalog/pipelines", fetched}},
		"version 0.1": {"https://slsa.dev/provenance/v0.1", `{"builder":{"id":"https://cloudbuild.googleapis.com/GoogleHostedWorker@v0.2"},
			"recipe":{"type":"https://cloudbuild.googleapis.com/CloudBuildYaml@v0.1","definedInMaterial":0,"entryPoint":"cloudbuild.yaml"},
			"metadata":{"buildStartedOn":"2026-08-20T11:00:00Z","completeness":{"arguments":true}},
			"materials":[{"uri":"https://github.com/acme/shop.git","digest":{"sha1":"` + commit + `"}}]}`,
			"by google-cloud-build from acme/shop@9f3c1e2 (verified)",
			&trust.BuildSource{URI: "https://github.com/acme/shop", Commit: commit},
			[]string{"pinned git https://github.com/acme/shop.git", fetched}},
		"BuildKit, of a repository, mode=min": {v1, `{"buildDefinition":{"buildType":"https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
			"externalParameters":{"configSource":{"uri":"https://robot:secret@github.com/acme/shop.git#refs/tags/v2.1","digest":{"sha1":"` + commit + `"},"path":"Dockerfile"},"request":{"frontend":"gateway.v0","args":{"source":"docker/dockerfile:1"}}},
			"internalParameters":{"builderPlatform":"linux/amd64"},
			"resolvedDependencies":[{"uri":"https://github.com/acme/shop.git#refs/tags/v2.1","digest":{"sha1":"` + commit + `"}},
			{"uri":"pkg:docker/debian@12?platform=linux%2Famd64","digest":{"sha256":"aa"}},
			{"uri":"pkg:docker/golang@1.26?digest=sha256:bb&platform=linux%2Famd64","digest":{"sha256":"bb"}},
			{"uri":"pkg:docker/docker/dockerfile@1","digest":{"sha256":"cc"}},
			{"uri":"https://example.test/tool.tgz","digest":{"sha256":"dd"}},
			{"uri":"pkg:npm/left-pad@1.0.0"}]},
			"runDetails":{"builder":{"id":"https://github.com/acme/shop/actions/runs/42/attempts/1"},"metadata":{"invocationId":"x","startedOn":"2026-08-20T11:59:00Z",
			"buildkit_completeness":{"request":false,"resolvedDependencies":true}}}}`,
			"by github-actions from acme/shop@9f3c1e2 (verified)",
			&trust.BuildSource{URI: "https://github.com/acme/shop", Commit: commit, Ref: "refs/tags/v2.1", Entry: "Dockerfile"},
			[]string{"pinned git https://github.com/acme/shop.git#refs/tags/v2.1", "unknown http https://example.test/tool.tgz", "floating image debian:12",
				"pinned image golang:1.26@sha256:bb", "unknown network RUN instructions", "unknown package pkg:npm/left-pad@1.0.0", "floating tool docker/dockerfile:1"}},
		"a builder that nobody knows": {v1, `{"buildDefinition":{"buildType":"https://builds.example.test/v1","externalParameters":{"repository":"https://git.example.test/acme/shop","ref":"main"},
			"resolvedDependencies":[{"name":"compiler"}]},"runDetails":{"builder":{"id":"https://builds.example.test/fast"}}}`,
			"by builds.example.test/fast (verified) from git.example.test/acme/shop (claimed)",
			&trust.BuildSource{URI: "https://git.example.test/acme/shop", Ref: "main"},
			[]string{fetched, "unknown tool compiler"}},
		"fields of other types than expected": {v1, `{"buildDefinition":[1],"runDetails":{"builder":"me","metadata":{"startedOn":7}},"builder":{"id":"https://builds.example.test/fast"},"materials":{"uri":"x"}}`,
			"by builds.example.test/fast (verified)", nil, []string{fetched}},
	} {
		t.Run(name, func(t *testing.T) {
			p, spots := provenance.Read([]trust.Attestation{paper(tt.predicateType, tt.predicate)}, shop(), nil, nil)
			if p == nil || len(spots) > 0 {
				t.Fatalf("%+v, %v", p, spots)
			}
			if d := cmp.Diff(tt.line, p.Line()); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.source, p.Source); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.inputs, pins(p)); d != "" {
				t.Error(d)
			}
			if c := provenance.CheckOf(p); c.Verdict != trust.Pass {
				t.Errorf("%+v", c)
			}
		})
	}
}
