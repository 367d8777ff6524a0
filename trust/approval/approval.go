// Package approval says what was decided about an image, and from which inputs.
//
// In go the verdict of a gate with the digests of all that it rests on, and out comes a verification summary (VSA) to be signed; or in go an
// image's papers, as the room signature judged them, and out comes whether one of them approves the image for an environment, to which
// environments it is bound, and whether a decision comes out again by the inputs at hand.
//
// All of it is pure: the time is a parameter, and nothing here reads a file, verifies a signature or judges an image.
package approval

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/package-url/packageurl-go"

	"tidewaiter/trust"
)

// VerifierID is who decides unless the user names a verifier: a gate of this program.
const VerifierID = "https://tidewaiter.dev/gate"

// The results that a summary can have, and the word for what a gate cannot tell, which is no result.
const (
	Passed  = "PASSED"
	Failed  = "FAILED"
	Unknown = "UNKNOWN"
)

// levels are what the summary of a passed gate says of SLSA's levels: nothing of the build's, which is not what a gate asks.
func levels() []string { return []string{"SLSA_BUILD_LEVEL_UNEVALUATED"} }

// The kinds of inputs, in the order in which a gate takes them.
const (
	Tool          = "tool"
	Image         = "image"
	Policy        = "policy"
	Configuration = "configuration"
	Advisories    = "advisories"
	Exceptions    = "exceptions"
	VEX           = "vex"
	Key           = "key"
	Attestations  = "attestation"
	Bases         = "bases"
	Engine        = "engine"
	Running       = "running"
	Baseline      = "baseline"
	Dockerfile    = "dockerfile"
)

func kinds() []string {
	return []string{Tool, Image, Policy, Configuration, Advisories, Exceptions, VEX, Key, Attestations, Bases, Engine, Running, Baseline, Dockerfile}
}

// Summary is the predicate of a verification summary (https://slsa.dev/spec/v1.1/verification_summary).
type Summary struct {
	Verifier          Verifier   `json:"verifier"`
	TimeVerified      time.Time  `json:"timeVerified,omitzero"`
	ResourceURI       string     `json:"resourceUri"`
	Policy            Resource   `json:"policy"`
	InputAttestations []Resource `json:"inputAttestations,omitempty"`
	Result            string     `json:"verificationResult"`
	VerifiedLevels    []string   `json:"verifiedLevels"`
	SLSAVersion       string     `json:"slsaVersion,omitempty"`
	// Decision is an extension, under a field name that is a URI, as the specification says; nil in the summary of another program.
	Decision *Decision `json:"https://tidewaiter.dev/approval/v1,omitempty"`
}

// Verifier is who decided.
type Verifier struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version,omitempty"`
}

// Resource is an in-toto resource descriptor.
type Resource struct {
	URI    string            `json:"uri,omitempty"`
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest,omitempty"`
}

// Decision is what this program records of one besides: all that it takes to decide again.
type Decision struct {
	Environment string `json:"environment"`
	// Image is how it was called: rules may go by names, and the report has them.
	Image Named `json:"image"`
	// Report has the digest of the report, as gate --format json writes it.
	Report Resource `json:"report"`
	// Policy is what was demanded: the environment with its goals, bindings, rules and whatever flags change them.
	Policy json.RawMessage `json:"policy"`
	// Inputs are all but the image and its attestations, sorted by kind and name.
	Inputs []Input `json:"inputs"`
	Goals  []Goal  `json:"goals"`
	// Data is the revision of the advisory data.
	Data string `json:"data,omitempty"`
}

// Named is how an image was called.
type Named struct {
	Reference  string `json:"reference"`
	Repository string `json:"repository,omitempty"`
	Platform   string `json:"platform,omitempty"`
}

// Input is one thing that a decision rests on.
type Input struct {
	Kind string `json:"kind"`
	Resource
}

// NewInput makes an input; digest has its algorithm in front.
func NewInput(kind, name, digest string) Input {
	return Input{Kind: kind, Resource: Resource{Name: name, Digest: digests(digest)}}
}

// Goal is how one goal came out.
type Goal struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason,omitempty"`
}

// Facts are what a summary is made of.
type Facts struct {
	// Verifier is the id of who decides; empty: [VerifierID].
	Verifier string
	// Tool is the program's version.
	Tool string
	Time time.Time
	// Digest is the image's.
	Digest string
	// PolicyFile has the name and the digest of the file with the policy; empty where the built-in policy decided.
	PolicyFile, PolicyFileDigest string
	// Attestations are those that were looked at: their digests, and what they are.
	Attestations []Resource
	// Report is the digest of the report.
	Report string
	Decision
}

// New makes the summary of a gate that was passed. The time is cut to seconds.
func New(f Facts) *Summary {
	d := f.Decision
	d.Report, d.Policy = Resource{Digest: digests(f.Report)}, plain(d.Policy)
	SortInputs(d.Inputs)
	s := &Summary{
		Verifier:     Verifier{ID: cmp.Or(f.Verifier, VerifierID), Version: map[string]string{"tidewaiter": f.Tool}},
		TimeVerified: f.Time.UTC().Truncate(time.Second),
		ResourceURI:  resourceURI(d.Image.Repository, f.Digest),
		Policy:       Resource{URI: "https://tidewaiter.dev/policy/built-in", Digest: digests(DigestOf(d.Policy))},
		Result:       Passed, VerifiedLevels: levels(), SLSAVersion: "1.1",
		InputAttestations: slices.SortedFunc(slices.Values(f.Attestations), compareResources),
		Decision:          &d,
	}
	if f.PolicyFile != "" {
		s.Policy = Resource{URI: f.PolicyFile, Digest: digests(f.PolicyFileDigest)}
	}
	return s
}

// SortInputs puts inputs into the order in which a gate takes them.
func SortInputs(list []Input) {
	slices.SortFunc(list, func(a, b Input) int {
		return cmp.Or(compareKinds(a.Kind, b.Kind), compareResources(a.Resource, b.Resource))
	})
}

func compareKinds(a, b string) int {
	return cmp.Or(cmp.Compare(slices.Index(kinds(), a), slices.Index(kinds(), b)), cmp.Compare(a, b))
}

func compareResources(a, b Resource) int {
	return cmp.Or(cmp.Compare(a.URI, b.URI), cmp.Compare(a.Name, b.Name), cmp.Compare(a.DigestText(), b.DigestText()))
}

// resourceURI says where consumers will find the image: a package URL of type oci (https://github.com/package-url/purl-spec), with the
// repository where that is known.
func resourceURI(repository, digest string) string {
	name := cmp.Or(repository, "image")
	var q packageurl.Qualifiers
	if repository != "" {
		q = packageurl.QualifiersFromMap(map[string]string{"repository_url": repository})
	}
	return packageurl.NewPackageURL(packageurl.TypeOCI, "", name[strings.LastIndexByte(name, '/')+1:], digest, q, "").ToString()
}

// Parse reads the predicate of a verification summary. The error says in one line what is wrong with it.
func Parse(predicate json.RawMessage) (*Summary, error) {
	var s Summary
	err := json.Unmarshal(predicate, &s)
	if err == nil {
		err = decidedOnce(predicate)
	}
	if err != nil {
		return nil, fmt.Errorf("not a valid verification summary: %w", err)
	}
	switch {
	case s.Verifier.ID == "":
		return nil, errors.New("not a valid verification summary: it names no verifier")
	case s.Result != Passed && s.Result != Failed:
		return nil, fmt.Errorf("not a valid verification summary: its result is %q", cut(s.Result))
	}
	return &s, nil
}

// decisionField is where a summary has its [Decision].
const decisionField = "https://tidewaiter.dev/approval/v1"

// decidedOnce finds a summary that says two things at once.
func decidedOnce(predicate json.RawMessage) error {
	if err := trust.Once(predicate, "verifier", "timeVerified", "resourceUri", "policy", "verificationResult", decisionField); err != nil {
		return err
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(predicate, &parts); err != nil || parts[decisionField] == nil {
		return err
	}
	return trust.Once(parts[decisionField], "environment", "image", "report", "policy", "inputs", "goals", "data")
}

// repository is the one that a summary says its image is in; empty where it does not say.
func (s *Summary) repository() string {
	if s.Decision != nil {
		return s.Decision.Image.Repository
	}
	p, err := packageurl.FromString(s.ResourceURI)
	if err == nil {
		return p.Qualifiers.Map()["repository_url"]
	}
	name := strings.TrimPrefix(strings.TrimPrefix(s.ResourceURI, "https://"), "oci://")
	name, _, _ = strings.Cut(name, "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		name = name[:colon]
	}
	return name
}

// environment is empty for a summary of another program.
func (s *Summary) environment() string {
	if s.Decision == nil {
		return ""
	}
	return s.Decision.Environment
}

// Describe puts what an attestation of a verification summary says into a report's words; s is nil where it cannot be read.
func Describe(a *trust.Attestation, s *Summary) trust.Approval {
	out := trust.Approval{Status: a.Status, Signer: a.Signer.Label(), Attestation: cmp.Or(a.Found.Blob, a.Found.Manifest)}
	if s == nil {
		return out
	}
	out.Verifier, out.Tool = cut(s.Verifier.ID), cut(versions(s.Verifier.Version))
	out.Environment, out.Time, out.Result, out.Resource = cut(s.environment()), s.TimeVerified.UTC(), s.Result, cut(s.ResourceURI)
	out.Policy, out.PolicyDigest = cut(s.Policy.URI), cut(s.Policy.DigestText())
	if d := s.Decision; d != nil {
		out.Data, out.Report = cut(d.Data), cut(d.Report.DigestText())
	}
	return out
}

// cut bounds a text that a stranger may have written: no honest one is longer.
func cut(text string) string {
	const most = 500
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

// versions writes the components of a verifier with their versions, sorted.
func versions(of map[string]string) string {
	var parts []string
	for name, version := range of {
		parts = append(parts, strings.TrimSpace(name+" "+version))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
