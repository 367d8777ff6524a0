// Package match holds an inventory against advisories and says what is wrong, with evidence.
//
// In go packages and [Advisories]; out come findings, one for each problem of each package, and blind spots
// for what could not be judged. The package is pure: no clock, no network, no disk of its own. It must
// never drop a finding (whatever quiets one comes later and leaves it visible) and never take "no feed"
// for "no vulnerability".
package match

import (
	"slices"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// Advisories answers what is known; [advisory.DB] is one.
type Advisories interface {
	// Records gives the records that name a package; ecosystem is without its suffix ("Debian", "npm").
	Records(ecosystem, name string) ([]advisory.Record, error)
	// CVE gives what is known of a CVE; the zero value when nothing is.
	CVE(id string) (advisory.CVE, error)
	// Covers says whether the feed of the ecosystem is there, suffix included ("Debian:12").
	Covers(ecosystem string) bool
}

// Finding is one package affected by one problem.
type Finding struct {
	// ID is the CVE where there is one, else the advisory's own id.
	ID      string   `json:"id"`
	Aliases []string `json:"aliases,omitempty"`
	// Package is the purl of the package.
	Package string `json:"package"`
	// Kind is empty for a vulnerability or malware.
	Kind      Kind   `json:"kind,omitempty"`
	Title     string `json:"title,omitempty"`
	Malicious bool   `json:"malicious,omitempty"`
	Severity  Level  `json:"severity"`
	// SeveritySource is who set the severity: the distribution ("Debian"), else a database of the ecosystem ("GitHub", "RustSec"),
	// else who scored the CVE ("NVD"); empty where nobody did. All scores are in CVSS.
	SeveritySource string `json:"severitySource,omitempty"`
	CVSS           []CVSS `json:"cvss,omitempty"`

	EPSS *advisory.EPSS `json:"epss,omitempty"`
	KEV  *advisory.KEV  `json:"kev,omitempty"`
	// Published is the day (YYYY-MM-DD) on which the problem became known: the earliest of the records that matched.
	Published string `json:"published,omitempty"`
	// FixPublished is the day on which a version that ends it became known, as far as the records tell; empty where none does.
	FixPublished string `json:"fixPublished,omitempty"`
	// Exploit says that a record refers to a published exploit.
	Exploit bool `json:"exploit,omitempty"`
	// SSVC has CISA's own decision points of the CVE; nil where it published none.
	SSVC *SSVC `json:"ssvc,omitempty"`

	// Fixed are the versions that end the problem for this package, the lowest first; empty when none does.
	Fixed []string `json:"fixed,omitempty"`
	// Status is "affected".
	Status      string           `json:"status"`
	Origin      inventory.Origin `json:"origin,omitempty"`
	Layer       *int             `json:"layer,omitempty"`
	Instruction string           `json:"instruction,omitempty"`
	Paths       []string         `json:"paths,omitempty"`
	Evidence    Evidence         `json:"evidence"`
	// Quieted says why the finding asks for nothing; nil for one that stands.
	Quieted *Quieted `json:"quieted,omitempty"`
	// Lowered says why the finding, though it stands, comes after those that nothing lowers: the rules that say so, sorted.
	Lowered []Lowered `json:"lowered,omitempty"`
	// Statements are those of VEX documents that speak of the finding, the one that counts most first.
	Statements []Statement `json:"statements,omitempty"`

	// Priority, Due and Environmental are what package assess says of the finding in one environment; absent where none was
	// asked for. Priority is the SSVC deployer decision, Due the day (YYYY-MM-DD) by which it must be fixed, absent where no
	// day is set, Environmental the CVSS score with the environment's metrics.
	Priority Priority `json:"priority,omitempty"`
	Due      string   `json:"due,omitempty"`
	// Overdue says that the day is past, at the time of the assessment.
	Overdue       bool  `json:"overdue,omitempty"`
	Environmental *CVSS `json:"environmental,omitempty"`

	// Of is the package itself.
	Of *inventory.Package `json:"-"`
	// Unasked are the rules that could not look into the image: see [Rematch].
	Unasked []string `json:"-"`
	// hits are the records that say so, the most authoritative first; rules look into them.
	hits []hit
	// silent are the records that speak of the package and say that this version is not affected.
	silent []spared
	// same are all packages of the purl, of which Of is the first.
	same []*inventory.Package
}

// SSVC has the decision points that CISA publishes with a CVE, in its words: https://github.com/cisagov/vulnrichment
type SSVC struct {
	// Exploitation is none, poc or active; Automatable no or yes; TechnicalImpact partial or total.
	Exploitation    string `json:"exploitation,omitempty"`
	Automatable     string `json:"automatable,omitempty"`
	TechnicalImpact string `json:"technicalImpact,omitempty"`
}

// Priority is the SSVC deployer decision for a finding in an environment.
type Priority string

// The priorities: https://certcc.github.io/SSVC/howto/deployer_tree/
const (
	Defer      Priority = "defer"
	Scheduled  Priority = "scheduled"
	OutOfCycle Priority = "out-of-cycle"
	Immediate  Priority = "immediate"
)

// Kind is what sort of thing a finding is.
type Kind string

// KindEndOfLife is a distribution or runtime that nobody supports any more.
const KindEndOfLife Kind = "end-of-life"

// Quieted says who or what quieted a finding, and why. A quieted finding is still listed, never dropped.
type Quieted struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	// Until is the day (YYYY-MM-DD) on which it stops being quieted; empty where there is none.
	Until string `json:"until,omitempty"`
}

// StandingFirst compares what may be quieted: what stands comes before what does not.
func StandingFirst(a, b *Quieted) int {
	switch {
	case (a == nil) == (b == nil):
		return 0
	case a == nil:
		return -1
	}
	return 1
}

// Lowered is a rule's word that a finding is unlikely to matter. It puts the finding further down and dismisses nothing.
type Lowered struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// Level is a severity in a word.
type Level string

// The severities, as the field writes them.
const (
	Critical   Level = "critical"
	High       Level = "high"
	Medium     Level = "medium"
	Low        Level = "low"
	Negligible Level = "negligible"
	Unknown    Level = "unknown"
)

// Rank gives a severity's place, the gravest first: 0 for critical. An unknown severity stands between
// medium and low: it may be either, and must not hide below what is known to be harmless.
func (l Level) Rank() int {
	order := []Level{Critical, High, Medium, Unknown, Low, Negligible}
	if i := slices.Index(order, l); i >= 0 {
		return i
	}
	return slices.Index(order, Unknown)
}

// CVSS is one vector with its base score (0 to 10) and who gave it.
type CVSS struct {
	Vector string  `json:"vector"`
	Score  float64 `json:"score"`
	Source string  `json:"source"`
}

// Evidence says why a finding was made.
type Evidence struct {
	// Advisory is the record that matched; Feed the feed it came from.
	Advisory string `json:"advisory"`
	Feed     string `json:"feed"`
	// Range is the range that matched: ">=1.0.0 <1.2.3", or "version listed".
	Range string `json:"range"`
	// Compared is the comparison that was made, as a person would read it: "openssl 3.0.11-1 < 3.0.15-1
	// (dpkg order)".
	Compared string `json:"compared"`
	// Facts are whatever else bears on it.
	Facts []string `json:"facts,omitempty"`
}
