package trust

import "time"

// The predicate types of the statements that speak of where an image may run.
const (
	// VerificationSummaryV1 is SLSA's verification summary (https://slsa.dev/verification_summary/v1): that a verifier held an image against a
	// policy, and what came out. A passed gate is one.
	VerificationSummaryV1 = "https://slsa.dev/verification_summary/v1"
	// BindingV1 is this project's own, since no standard has one: an image is meant for some environments alone.
	BindingV1 = "https://tidewaiter.dev/binding/v1"
)

// Approval is a verification summary of an image, and whether it counts.
type Approval struct {
	Status Status `json:"status"`
	Signer string `json:"signer,omitempty"`
	// Verifier is the id of who decided, and Tool with what.
	Verifier string `json:"verifier,omitempty"`
	Tool     string `json:"tool,omitempty"`
	// Environment is empty for a summary of another program, which does not say it.
	Environment string    `json:"environment,omitempty"`
	Time        time.Time `json:"time,omitzero"`
	Result      string    `json:"result,omitempty"` // PASSED or FAILED
	Resource    string    `json:"resource,omitempty"`
	// Policy is the URI of the policy that decided, PolicyDigest the digest of its text, and Data the revision of the advisory data.
	Policy       string `json:"policy,omitempty"`
	PolicyDigest string `json:"policyDigest,omitempty"`
	Data         string `json:"data,omitempty"`
	// Report is the digest of the report that the decision was taken by.
	Report string `json:"report,omitempty"`
	// Attestation is the digest of the document that says all this.
	Attestation string `json:"attestation,omitempty"`
	// Refused says why it does not count; empty where it does.
	Refused string `json:"refused,omitempty"`
}

// Approvals are those of an image, and what they come to for one environment.
type Approvals struct {
	Environment string       `json:"environment"`
	Verdict     CheckVerdict `json:"verdict"`
	Reason      string       `json:"reason"`
	Step        string       `json:"step,omitempty"`
	// By is the one that decided; nil where none counts.
	By *Approval `json:"by,omitempty"`
	// Others are the rest, the newest first, each with why it does not count.
	Others []Approval `json:"others,omitempty"`
}

// Binding says that an image is meant for some environments alone.
type Binding struct {
	Status Status `json:"status"`
	// Why says it, in the words of the attestation that it is from.
	Why    string `json:"why"`
	Signer string `json:"signer,omitempty"`
	// Environments are those that it may run in; none: any. Exposure is the widest that these may have; empty: any.
	Environments []string `json:"environments,omitempty"`
	Exposure     string   `json:"exposure,omitempty"`
	Reason       string   `json:"reason,omitempty"`
	// Time is when it was bound, and Until (YYYY-MM-DD, UTC) the first day on which it is bound no more; empty: it stays.
	Time  time.Time `json:"time,omitzero"`
	Until string    `json:"until,omitempty"`
	// Attestation is the digest of the document that says all this.
	Attestation string `json:"attestation,omitempty"`
}

// Replay is a decision that was taken again, by the inputs at hand and at the time of then.
type Replay struct {
	Approval Approval `json:"approval"`
	// Inputs are those that were recorded and those at hand, in the order in which a gate takes them.
	Inputs []ReplayedInput `json:"inputs"`
	// Result is what comes out now (PASSED, FAILED or UNKNOWN), and Report the digest of the report that says so; empty where nothing
	// could be judged.
	Result string `json:"result,omitempty"`
	Report string `json:"report,omitempty"`
	// Notes say what is different inside an input, or why nothing could be judged.
	Notes []string `json:"notes,omitempty"`
}

// ReplayedInput is one input of a decision, as it was recorded and as it is at hand.
type ReplayedInput struct {
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	// Recorded and Now are digests, of the tool versions; empty where there is none.
	Recorded string `json:"recorded,omitempty"`
	Now      string `json:"now,omitempty"`
}

// Same says whether an input is what it was.
func (i *ReplayedInput) Same() bool { return i.Recorded == i.Now }
