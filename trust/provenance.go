package trust

import "time"

// Provenance is what an SLSA provenance says of a build, and how much of it holds.
type Provenance struct {
	// PredicateType is its version's URI; BuildType says by which rules its parameters are to be read.
	PredicateType string `json:"predicateType"`
	BuildType     string `json:"buildType,omitempty"`
	// Attested is the status of the attestation that it is from, and Signer the label of who signed that.
	Attested Status `json:"attested"`
	Signer   string `json:"signer,omitempty"`
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
	// Claims are the statements that a reader may want to rely on, each with how it stands.
	Claims []Claim `json:"claims,omitempty"`

	// Dockerfile is the one that was built, and Args its arguments; nil where they are not known.
	Dockerfile []byte            `json:"-"`
	Args       map[string]string `json:"-"`
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
