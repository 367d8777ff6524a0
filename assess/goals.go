package assess

import (
	"time"

	"tidewaiter/match"
)

// Goals are what an environment demands of images. A nil goal is not set.
type Goals struct {
	// Malicious: no malicious package, and no file held to be malware.
	Malicious *Plain `json:"malicious,omitempty"`
	// Exploited: nothing that is in CISA's catalog of known exploited vulnerabilities.
	Exploited *Exploited `json:"exploited,omitempty"`
	// HighProfile: none of the vulnerabilities that are named.
	HighProfile *HighProfile `json:"high-profile,omitempty"`
	// Priority: nothing of the priority, or of a graver one, whether overdue or not.
	Priority *AtPriority `json:"priority,omitempty"`
	// Overdue: nothing of the priority, or of a graver one, that should have been fixed by now.
	Overdue *AtPriority `json:"overdue,omitempty"`
	// Fixable: nothing that has a fix for longer than its severity's grace period.
	Fixable *Fixable `json:"fixable,omitempty"`
	// EndOfLife: nothing that nobody supports any more.
	EndOfLife *EndOfLife `json:"end-of-life,omitempty"`
	// Base: the base image is one of those approved, is supported, and is up to date.
	Base *BaseGoal `json:"base,omitempty"`
	// Licenses: packages bear only licences that are allowed.
	Licenses *Licenses `json:"licenses,omitempty"`
	// NonRoot: the image's user is not root.
	NonRoot *Plain `json:"non-root,omitempty"`
	// Executables: no program that no package owns and nothing explains.
	Executables *Executables `json:"executables,omitempty"`
	// Secrets: no secret is aboard.
	Secrets *SecretsGoal `json:"secrets,omitempty"`
	// Hardening: the image passes the checks of its construction that are named.
	Hardening Hardening `json:"hardening,omitempty"`
	// Attestations: each is there and verified.
	Attestations []Attestation `json:"attestations,omitempty"`
	// Provenance: who built it, on what and from what, is known, and as it should be.
	Provenance *ProvenanceGoal `json:"provenance,omitempty"`
	// DataAge: the advisory data is not older.
	DataAge *DataAge `json:"data-age,omitempty"`
	// Score: the score is not lower.
	Score *MinimumScore `json:"score,omitempty"`
	// Custom: conditions of the user's own.
	Custom []Custom `json:"custom,omitempty"`
}

// Plain is a goal without parameters.
type Plain struct{}

// Exploited has the parameters of the goal of that name.
type Exploited struct {
	// Grace is how long a finding may stand after the vulnerability was added to the catalog.
	Grace time.Duration `json:"grace,omitempty"`
	// FixableOnly leaves out what no version fixes.
	FixableOnly bool `json:"fixable-only,omitempty"`
}

// HighProfile has the parameters of the goal of that name.
type HighProfile struct {
	// IDs are the vulnerabilities, by any of their names.
	IDs []string `json:"ids"`
}

// AtPriority is a priority that must not be there.
type AtPriority struct {
	Priority match.Priority `json:"priority"`
}

// Fixable has a grace period by severity: how long something may stand after it was known and fixable. A severity that has none is
// not judged.
type Fixable struct {
	Grace map[match.Level]time.Duration `json:"grace"`
}

// EndOfLife has the parameters of the goal of that name.
type EndOfLife struct {
	// Severity is the least that counts: high for the distribution, medium for a runtime or a server, low for a library.
	Severity match.Level `json:"severity,omitempty"`
}

// BaseGoal has the parameters of the goal about the base image.
type BaseGoal struct {
	// Approved are patterns of the base images that are allowed; none: any.
	Approved []string `json:"approved,omitempty"`
	// UpToDate demands that no newer build of the same tag is known.
	UpToDate bool `json:"up-to-date,omitempty"`
	// MaxAge is how old the base may be; 0: any.
	MaxAge time.Duration `json:"max-age,omitempty"`
}

// Licenses has the parameters of the goal about licences.
type Licenses struct {
	// Allow and Deny are SPDX licence identifiers, with * for any end of one ("GPL-*"). With Allow, all else is denied.
	Allow []string `json:"allow,omitempty"`
	Deny  []string `json:"deny,omitempty"`
	// Origin is whose packages count: base, app, or empty for both.
	Origin string `json:"origin,omitempty"`
	// Except are purls, without version or with *, of packages that are not judged.
	Except []string `json:"except,omitempty"`
	// Unknown says what a package without a known licence means: pass, fail, or unknown (the default).
	Unknown string `json:"unknown,omitempty"`
}

// Executables has the parameters of the goal of that name.
type Executables struct {
	// Allow are patterns of paths at which programs are expected.
	Allow []string `json:"allow,omitempty"`
}

// SecretsGoal has the parameters of the goal about secrets.
type SecretsGoal struct {
	// Severity is the least that counts; empty: medium.
	Severity match.Level `json:"severity,omitempty"`
}

// Attestation is one that is demanded.
type Attestation struct {
	// Predicate is the predicate type, as URI or by cosign's short name.
	Predicate string `json:"predicate"`
	// Identities are patterns of those who may have signed it.
	Identities []string `json:"identities"`
}

// ProvenanceGoal has the parameters of the goal about the provenance.
type ProvenanceGoal struct {
	// Builders are patterns of the ids of builders that are allowed, Sources of repositories, Signers of who may have signed it (by name,
	// identity or key); none: any.
	Builders []string `json:"builders,omitempty"`
	Sources  []string `json:"sources,omitempty"`
	Signers  []string `json:"signers,omitempty"`
	// Mode is max where the steps of the build must be told; empty: they need not.
	Mode string `json:"mode,omitempty"`
	// Inputs is pinned where all inputs must be; empty: they need not. Allow are patterns of those that need not, by name or kind.
	Inputs string   `json:"inputs,omitempty"`
	Allow  []string `json:"allow,omitempty"`
	// MaxAge is how long ago the build may have been; 0: any time.
	MaxAge time.Duration `json:"max-age,omitempty"`
	// Unverified says what a provenance means that nobody trusted has signed: pass, fail, or unknown (the default).
	Unverified string `json:"unverified,omitempty"`
}

// DataAge has the parameters of the goal of that name.
type DataAge struct {
	Max time.Duration `json:"max"`
}

// MinimumScore has the parameters of the goal of that name.
type MinimumScore struct {
	Min float64 `json:"min"`
}

// Custom is a condition in CEL over the report.
type Custom struct {
	Name string `json:"name"`
	// Expression gives true where the goal is met.
	Expression string `json:"expression"`
	// Message says what to do where it is not.
	Message string `json:"message,omitempty"`
}

// Verdict is how a goal, or a gate, came out.
type Verdict string

// The verdicts.
const (
	Pass    Verdict = "pass"
	Fail    Verdict = "fail"
	Unknown Verdict = "unknown"
)

// GoalResult is how one goal came out.
type GoalResult struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	// WithoutBaseline is what the verdict would be if nothing were compared with; absent where it is the same.
	WithoutBaseline Verdict `json:"withoutBaseline,omitempty"`
	// Reason is one sentence.
	Reason string `json:"reason"`
	// Step is what to do next about it; empty where it is met.
	Step string `json:"step,omitempty"`
	// Findings are the ids of those that stand in the way, sorted.
	Findings []string `json:"findings,omitempty"`
	// Offenders are all that stand in the way, sorted: each is named without its version, so that another image's is known to be the same.
	Offenders []string `json:"offenders,omitempty"`
}
