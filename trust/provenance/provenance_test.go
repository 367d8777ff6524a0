package provenance_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidewaiter/image"
	"tidewaiter/trust"
	"tidewaiter/trust/provenance"
)

// github is the predicate of a build of a commit.
func github(commit string) string {
	return `{"buildDefinition":{"buildType":"https://actions.github.io/buildtypes/workflow/v1",
		"externalParameters":{"workflow":{"ref":"refs/heads/main","repository":"https://github.com/acme/shop","path":".github/workflows/release.yml"}},
		"resolvedDependencies":[{"uri":"git+https://github.com/acme/shop@refs/heads/main","digest":{"gitCommit":"` + commit + `"}}]},
		"runDetails":{"builder":{"id":"https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"}}}`
}

func TestThereIsNone(t *testing.T) {
	p, spots := provenance.Read([]trust.Attestation{paper("https://spdx.dev/Document", "{}")}, shop(), nil, nil)
	if p != nil || spots != nil {
		t.Errorf("%+v, %v", p, spots)
	}
	if c := provenance.CheckOf(nil); c.Verdict != trust.Unknown || c.Step == "" {
		t.Errorf("%+v", c)
	}
}

func TestTheMostBelievableIsTaken(t *testing.T) {
	steps := buildkit{dockerfile: "FROM node:18\n", materials: []string{"pkg:docker/node@18 " + nodeDigest}}.predicate(t)
	unsigned, stranger := as(trust.Unsigned, nil), as(trust.Stranger, &trust.Signer{Identity: "mallory@example.test"})
	broken := func(a *trust.Attestation) { a.Status, a.Why = trust.Broken, "its payload was changed" }
	for name, tt := range map[string]struct {
		papers  []trust.Attestation
		status  trust.Status
		verdict trust.CheckVerdict
		inputs  trust.Status // of another paper
		line    string
		notes   string
	}{
		"verified before a stranger's": {
			[]trust.Attestation{paper(v1, github(otherCommit), stranger), paper(v1, github(commit))}, trust.Verified, trust.Pass, "",
			"by github-actions from acme/shop@9f3c1e2 (verified)", "signed by a stranger) names another source: https://github.com/acme/shop@" + otherCommit},
		"a stranger's before an unsigned one": {
			[]trust.Attestation{paper(v1, github(commit), unsigned), paper(v1, github(commit), stranger)}, trust.Stranger, trust.Unknown, "",
			"by github-actions from acme/shop@9f3c1e2 (claimed by a stranger)", ""},
		"of equals the one that tells most": {
			[]trust.Attestation{paper(v1, github(commit), unsigned), paper(v1, steps, unsigned)}, trust.Unsigned, trust.Unknown, "", "by buildkit (claimed)", ""},
		"the steps from an unsigned one": {
			[]trust.Attestation{paper(v1, steps, unsigned), paper(v1, github(commit))}, trust.Verified, trust.Pass, trust.Unsigned,
			"by github-actions from acme/shop@9f3c1e2 (verified)", ""},
		"no steps from one of another source": {
			[]trust.Attestation{paper(v1, strings.Replace(steps, `"configSource":{}`, `"configSource":{"uri":"https://github.com/mallory/shop.git"}`, 1), unsigned), paper(v1, github(commit))},
			trust.Verified, trust.Pass, "", "by github-actions from acme/shop@9f3c1e2 (verified)", "names another source: https://github.com/mallory/shop"},
		"a broken one is named": {
			[]trust.Attestation{paper(v1, github(otherCommit), broken), paper(v1, github(commit))}, trust.Verified, trust.Pass, "",
			"by github-actions from acme/shop@9f3c1e2 (verified)", "is broken and was not gone by: its payload was changed"},
		"nothing but a broken one": {
			[]trust.Attestation{paper(v1, github(commit), broken)}, trust.Broken, trust.Fail, "", "not known: its provenance is broken", "its payload was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			p, spots := provenance.Read(tt.papers, shop(), nil, nil)
			if len(spots) > 0 || p.Attested != tt.status || p.InputsAttested != tt.inputs || p.Line() != tt.line {
				t.Errorf("%v, %s, inputs %q, %s", spots, p.Attested, p.InputsAttested, p.Line())
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, tt.notes) || tt.notes == "" && notes != "" {
				t.Error(notes)
			}
			if c := provenance.CheckOf(p); c.Verdict != tt.verdict || c.Reason == "" || (c.Verdict == trust.Pass) != (c.Step == "") {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestWhatCannotBeReadIsABlindSpot(t *testing.T) {
	for _, predicate := range []string{`{`, `[]`, `null`, `{}`, `7`} {
		p, spots := provenance.Read([]trust.Attestation{paper(v1, predicate)}, shop(), nil, nil)
		if p != nil || len(spots) != 1 || spots[0].Kind != image.UnreadablePaper || !strings.Contains(spots[0].Where, "sha256:aaaa") {
			t.Errorf("%s: %+v, %v", predicate, p, spots)
		}
	}
	many := make([]trust.Attestation, 40)
	for i := range many {
		many[i] = paper(v1, github(otherCommit), as(trust.Unsigned, nil))
	}
	p, spots := provenance.Read(append(many, paper(v1, github(commit))), shop(), nil, nil)
	if len(spots) != 1 || spots[0].Kind != image.LimitReached || p.Attested != trust.Verified || p.Source.Commit != commit {
		t.Errorf("%+v, %v", p, spots)
	}
}

// The image itself is a witness: what it contradicts is refuted, whoever signed it.
func TestTheImageRefutes(t *testing.T) {
	times := func(started, finished string) string {
		return strings.Replace(github(commit), `"runDetails":{`, `"runDetails":{"metadata":{"startedOn":"`+started+`","finishedOn":"`+finished+`"},`, 1)
	}
	named := func(name string) func(a *trust.Attestation) {
		return func(a *trust.Attestation) { a.Statement.Subject[0].Name = name }
	}
	signedAt := func(at time.Time) func(a *trust.Attestation) {
		return func(a *trust.Attestation) { a.Signer = &trust.Signer{Name: "release", SignedAt: at} }
	}
	nothing := func(*trust.Attestation) {}
	for name, tt := range map[string]struct {
		predicate string
		change    func(a *trust.Attestation)
		claim     string
		standing  trust.Standing
		why       string
	}{
		"the platform":                       {github(commit), named("pkg:docker/shop@2.1?platform=linux%2Famd64"), "platform", trust.Proven, "the image says the same"},
		"another platform":                   {github(commit), named("pkg:docker/shop@2.1?platform=linux%2Farm64"), "platform", trust.Refuted, "the image is for linux/amd64"},
		"in time":                            {times("2026-08-20T11:00:00Z", "2026-08-20T12:00:01Z"), nothing, "build time", trust.Proven, "signed by release"},
		"made long after the build":          {times("2026-08-10T11:00:00Z", "2026-08-10T12:00:00Z"), nothing, "build time", trust.Refuted, "10 days after the build had ended"},
		"made before: out of a cache":        {times("2026-08-30T11:00:00Z", "2026-08-30T12:00:00Z"), nothing, "build time", trust.Proven, "9 days earlier, as with layers out of a cache"},
		"ended before it began":              {times("2026-08-20T13:00:00Z", "2026-08-20T12:00:00Z"), nothing, "build time", trust.Refuted, "before it began"},
		"signed before the build":            {times("2026-08-20T11:00:00Z", "2026-08-20T12:00:00Z"), signedAt(time.Date(2026, 8, 19, 0, 0, 0, 0, time.UTC)), "build time", trust.Refuted, "signed before the build began"},
		"a time that is none":                {times("yesterday", ""), nothing, "build time", trust.Absent, "names no time"},
		"no level beyond 1 without a signer": {github(commit), as(trust.Unsigned, nil), "SLSA level", trust.Claimed, "level 2 needs it signed"},
		"a key says nothing of the platform": {github(commit), as(trust.Verified, &trust.Signer{Name: "release"}), "SLSA level", trust.Proven, "which the signature does not tell"},
		"the identity of the run": {github(commit), as(trust.Verified, &trust.Signer{Identity: "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main", Issuer: "https://token.actions.githubusercontent.com"}),
			"SLSA level", trust.Proven, "level 3 is for its builder to show"},
		"no SBOM": {github(commit), nothing, "SBOM", trust.Absent, "no SBOM is attached"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := provenance.Read([]trust.Attestation{paper(v1, tt.predicate, tt.change)}, shop(), nil, nil)
			c := p.Claim(tt.claim)
			if c == nil || c.Standing != tt.standing || !strings.Contains(c.Why, tt.why) {
				t.Errorf("%+v", c)
			}
			if check := provenance.CheckOf(p); (check.Verdict == trust.Fail) != (tt.standing == trust.Refuted) {
				t.Errorf("%+v", check)
			}
		})
	}
}

// What a client of BuildKit says of its directory is a claim, whoever signed it.
func TestAHintOfTheSourceIsAClaim(t *testing.T) {
	predicate := strings.Replace(buildkit{dockerfile: "FROM scratch\nCOPY . /\n", locals: []string{"context"}}.predicate(t), `"buildkit_metadata":{`,
		`"buildkit_metadata":{"vcs":{"source":"https://github.com/acme/shop.git","revision":"`+commit+`"},`, 1)
	p, _ := provenance.Read([]trust.Attestation{paper(v1, predicate), paper("https://spdx.dev/Document", "{}", as(trust.Unsigned, nil))}, shop(), nil, nil)
	if c := p.Claim("source"); c.Standing != trust.Claimed || p.Source.Commit != commit || !strings.Contains(p.Inputs[0].Why, "by whose word it is of https://github.com/acme/shop") {
		t.Errorf("%+v, %+v", c, p.Inputs)
	}
	if got := p.Line(); got != "by buildkit from acme/shop@9f3c1e2 (claimed)" {
		t.Error(got)
	}
	if c := p.Claim("SBOM"); c.Standing != trust.Claimed {
		t.Errorf("%+v", c)
	}
}

// The outputs of a real BuildKit, of both versions.
func TestRealBuildKit(t *testing.T) {
	archives, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "attestations", "buildkit", "*.oci.tar"))
	if len(archives) == 0 {
		t.Skip("no BuildKit outputs in ../../shared/attestations/buildkit")
	}
	for _, archive := range archives {
		im, err := image.Open(t.Context(), archive, image.Options{Platform: "linux/amd64"})
		if err != nil {
			t.Fatal(err)
		}
		defer im.Close()
		statements, _, err := im.Statements(t.Context(), func(string) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		p, spots := provenance.Read(provenance.Unsigned(statements), im, nil, nil)
		if p == nil || len(spots) > 0 || p.Attested != trust.Unsigned || p.Mode != "max" || p.Platform != "linux/amd64" || p.Finished.Before(p.Started) {
			t.Fatalf("%s: %+v, %v", archive, p, spots)
		}
		got := strings.Join(pins(p), "\n")
		const want = "pinned image base@sha256:1664581f2425b44e59a053937f94a5a478d00c939281a0f75f4a916c875e4d9f\nunknown local context\nunknown network RUN sha256sum main.sh > /sum\nfloating tool 127.0.0.1:15030/sbomgen:"
		if !strings.HasPrefix(got, want) || p.Inputs[0].DockerfileLine != 6 {
			t.Errorf("%s: %s", archive, got)
		}
		if c := p.Claim("base"); c.Standing != trust.Claimed || !strings.Contains(c.Why, "its 1 layer is the image's lowest") {
			t.Errorf("%s: %+v", archive, c)
		}
		if c := p.Claim("SBOM"); c.Standing != trust.Claimed {
			t.Errorf("%s: %+v", archive, c)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(github(commit), "FROM node:18\nRUN make\n")
	f.Add(`{"builder":{"id":"x"},"materials":[{"uri":"pkg:docker/a@1","digest":{"sha256":"aa"}},{"uri":"git+https://a@b#c@d"}]}`, "# syntax=a\nFROM a\nADD http://b c\n")
	f.Fuzz(func(t *testing.T, predicate, dockerfile string) {
		papers := []trust.Attestation{paper(v1, predicate), paper(v02, predicate, as(trust.Unsigned, nil)), paper(v1, buildkit{dockerfile: dockerfile, locals: []string{"context"}}.predicate(t))}
		p, _ := provenance.Read(papers, shop(), nil, nil)
		if p == nil || p.Line() == "" || len(p.Claims) < 9 {
			t.Fatalf("%+v", p)
		}
		for _, in := range p.Inputs {
			if in.Pin == "" || in.Why == "" || in.Kind == "" || strings.ContainsAny(in.Name+in.Why, "\n") {
				t.Errorf("%+v", in)
			}
		}
		for _, c := range p.Claims {
			if c.Standing == "" || c.Why == "" {
				t.Errorf("%+v", c)
			}
		}
		provenance.CheckOf(p)
	})
}
