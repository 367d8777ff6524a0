package trust

import (
	"strings"
	"time"
)

// Provenance is what an SLSA provenance says of a build, and how much of it holds.
type Provenance struct {
	// PredicateType is its version's URI; BuildType says by which rules its parameters are to be read.
	PredicateType string `json:"predicateType"`
	BuildType     string `json:"buildType,omitempty"`
	// Attested is the status of the attestation that it is from, and Signer the label of who signed that.
	Attested Status `json:"attested"`
	Signer   string `json:"signer,omitempty"`
	// SignedBy is who signed it, as far as the signature tells; nil where nobody did.
	SignedBy *Signer `json:"signedBy,omitempty"`
	// Builder is the id of who ran the build, as a URI; Platform the platform that it ran on.
	Builder  string `json:"builder,omitempty"`
	Platform string `json:"platform,omitempty"`
	// Source is where the build's instructions came from; nil where nothing says it.
	Source *BuildSource `json:"source,omitempty"`
	// Invocation names the run of the builder.
	Invocation string    `json:"invocation,omitempty"`
	Started    time.Time `json:"started,omitzero"`
	Finished   time.Time `json:"finished,omitzero"`
	// Mode is max where the provenance has the steps of the build, min where BuildKit left them out; empty for other builders.
	Mode string `json:"mode,omitempty"`
	// Inputs are what went into the build, sorted by kind and name.
	Inputs []Input `json:"inputs,omitempty"`
	// InputsAttested is the status of another attestation, that mode and inputs are from; empty where they are from the same.
	InputsAttested Status `json:"inputsAttested,omitempty"`
	// Claims are the statements that a reader may want to rely on, each with how it stands.
	Claims []Claim `json:"claims,omitempty"`
	// Notes say what else was there, and why it was not gone by.
	Notes []string `json:"notes,omitempty"`
}

// BuildSource is where a build's instructions came from.
type BuildSource struct {
	URI string `json:"uri"`
	// Commit is the digest of the revision, without its algorithm.
	Commit string `json:"commit,omitempty"`
	Ref    string `json:"ref,omitempty"`
	// Entry is the file that the build was run by: a workflow, a Dockerfile.
	Entry string `json:"entry,omitempty"`
}

// Pin says how firmly an input of a build is tied down.
type Pin string

// The pins, the firmest first.
const (
	// PinnedVerified: the build names the digest, and what is in the image was found to be it.
	PinnedVerified Pin = "pinned and verified"
	// Pinned: the build names the digest.
	Pinned Pin = "pinned"
	// Floating: the build names something that may be another thing tomorrow, such as a tag.
	Floating Pin = "floating"
	// PinUnknown: nothing tells.
	PinUnknown Pin = "unknown"
)

// Input is one thing that went into a build.
type Input struct {
	// Kind is image, git, http, local, package, tool, or network (what a RUN instruction may have fetched).
	Kind string `json:"kind"`
	// Name is how the build asked for it; Digest what it got, with its algorithm.
	Name   string `json:"name"`
	Digest string `json:"digest,omitempty"`
	Pin    Pin    `json:"pin"`
	Why    string `json:"why"`
	// DockerfileLine is the line that asks for it; 0 where it is not known.
	DockerfileLine int `json:"dockerfileLine,omitempty"`
}

// Standing is how much stands behind a claim.
type Standing string

// The standings.
const (
	Proven  Standing = "proven"  // it was checked here, or a trusted builder signed it
	Claimed Standing = "claimed" // a document says so
	Absent  Standing = "missing" // nothing says so
	Refuted Standing = "refuted" // it was checked here, and it is not so
)

// Claim is one thing that a reader may want to rely on: builder, source, base, inputs, SBOM, ...
type Claim struct {
	Name     string   `json:"name"`
	Value    string   `json:"value,omitempty"`
	Standing Standing `json:"standing"`
	Why      string   `json:"why"`
}

// Claim gives the claim of a name; nil where there is none.
func (p *Provenance) Claim(name string) *Claim {
	for i := range p.Claims {
		if p.Claims[i].Name == name {
			return &p.Claims[i]
		}
	}
	return nil
}

// Line says in one line who built the image from what, and how surely that is known: by github-actions from acme/shop@9f3c1e2 (verified).
func (p *Provenance) Line() string {
	if p.Attested == Broken {
		return "not known: its provenance is broken"
	}
	line, from := "by "+p.BuilderName(), ""
	if p.Source != nil {
		from = " from " + p.Source.short()
	}
	builder, source := p.surely("builder"), p.surely("source")
	if p.Builder == "" && p.Source != nil {
		builder = source
	}
	if from == "" || builder == source {
		return line + from + " (" + builder + ")"
	}
	return line + " (" + builder + ")" + from + " (" + source + ")"
}

// surely says what stands behind a claim, in the words of the screens.
func (p *Provenance) surely(name string) string {
	c := p.Claim(name)
	switch {
	case c != nil && c.Standing == Proven:
		return string(Verified)
	case c != nil && c.Standing == Refuted:
		return string(Refuted)
	case p.Attested == Stranger:
		return "claimed by a stranger"
	}
	return string(Claimed)
}

// BuilderName is the builder's name as people call it; the address of one that is not known.
func (p *Provenance) BuilderName() string {
	_, address, _ := strings.Cut(p.Builder, "://")
	for _, b := range []struct{ host, part, name string }{
		{"github.com/slsa-framework/slsa-github-generator/", "", "slsa-github-generator"}, {"github.com/", "/.github/workflows/", "github-actions"},
		{"github.com/actions/runner", "", "github-actions"}, {"github.com/", "/actions/runs/", "github-actions"},
		{"gitlab.com/", "/-/runners/", "gitlab-ci"}, {"gitlab.com/", "/-/jobs/", "gitlab-ci"},
		{"cloudbuild.googleapis.com/", "", "google-cloud-build"}, {"tekton.dev/", "", "tekton"},
	} {
		if strings.HasPrefix(address, b.host) && strings.Contains(address, b.part) {
			return b.name
		}
	}
	switch {
	case address != "":
		return address
	case p.Builder != "":
		return p.Builder
	case strings.Contains(p.BuildType, "buildkit"):
		return "buildkit"
	}
	return "an unnamed builder"
}

// short is the source in a few characters: acme/shop@9f3c1e2 for what is on a host of many repositories, else with its host.
func (s *BuildSource) short() string {
	name := s.URI
	if _, rest, ok := strings.Cut(name, "://"); ok {
		name = rest
	}
	for _, host := range []string{"github.com/", "gitlab.com/", "bitbucket.org/"} {
		name = strings.TrimPrefix(name, host)
	}
	if s.Commit != "" {
		name += "@" + s.Commit[:min(len(s.Commit), 7)]
	}
	return name
}
