package trust

import "slices"

// Check is one question that was asked of an image's papers, and its answer.
type Check struct {
	// Name is signatures, provenance, sbom, files, declared or approval.
	Name string `json:"name"`
	// Verdict is pass, fail or unknown: a false paper fails, one that nobody vouches for is unknown.
	Verdict CheckVerdict `json:"verdict"`
	// Reason is one sentence; Step says what to do next, and is empty where it passes.
	Reason string `json:"reason"`
	Step   string `json:"step,omitempty"`
}

// CheckVerdict is how a check came out, in the words of goals.
type CheckVerdict string

// The verdicts.
const (
	Pass    CheckVerdict = "pass"
	Fail    CheckVerdict = "fail"
	Unknown CheckVerdict = "unknown"
)

// Verification is what was found out about an image's papers. What was not asked for is nil.
type Verification struct {
	Checks       []Check       `json:"checks"`
	Attestations []Attestation `json:"attestations,omitempty"`
	Provenance   *Provenance   `json:"provenance,omitempty"`
	SBOMs        []Drift       `json:"sboms,omitempty"`
	Integrity    *Integrity    `json:"integrity,omitempty"`
	Declared     *Declared     `json:"declared,omitempty"`
	Replay       *Replay       `json:"replay,omitempty"`
}

// Verdict is that of all checks together: one that fails decides, then one that is unknown. Of none it is unknown.
func (v *Verification) Verdict() CheckVerdict {
	of := func(verdict CheckVerdict) bool {
		return slices.ContainsFunc(v.Checks, func(c Check) bool { return c.Verdict == verdict })
	}
	switch {
	case of(Fail):
		return Fail
	case of(Unknown), len(v.Checks) == 0:
		return Unknown
	}
	return Pass
}
