package assess

import (
	"time"

	"tidewaiter/match"
)

// Environment is where images run: what threatens them there, how much depends on them, and what is demanded of them.
type Environment struct {
	Name string `json:"name"`
	// Exposure is how far an attacker can come to what runs there.
	Exposure Exposure `json:"exposure"`
	// Impact is what a compromise there would do to people and to the mission: SSVC's human impact.
	Impact Impact `json:"impact"`
	// Confidentiality, Integrity and Availability are how much they are needed: CVSS's security requirements.
	Confidentiality Need `json:"confidentiality,omitempty"`
	Integrity       Need `json:"integrity,omitempty"`
	Availability    Need `json:"availability,omitempty"`
	// Controls are the compensating controls that are in force.
	Controls []Control `json:"controls,omitempty"`
	// Images are patterns of repositories, and Labels labels of images, that are meant for the environment.
	Images []string          `json:"images,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	// Deadlines are the environment's own; the zero value means CISA's timelines.
	Deadlines Deadlines `json:"deadlines,omitzero"`
	// Target is the score that the team wants to reach, 0 to 100. It shows a distance and decides nothing.
	Target float64 `json:"target,omitempty"`
	// Unknown says what a verdict that is unknown means to a gate.
	Unknown UnknownMeans `json:"unknown,omitempty"`
	// Exceptions is what is demanded of exceptions.
	Exceptions ExceptionRules `json:"exceptions,omitzero"`
	Goals      Goals          `json:"goals"`
}

// Exposure is SSVC's system exposure: https://certcc.github.io/SSVC/reference/decision_points/system_exposure/
type Exposure string

// The exposures.
const (
	Small      Exposure = "small"      // isolated
	Controlled Exposure = "controlled" // internal, VPC only
	Open       Exposure = "open"       // reachable from the internet
)

// Impact is SSVC's human impact: https://certcc.github.io/SSVC/reference/decision_points/human_impact/
type Impact string

// The impacts.
const (
	LowImpact      Impact = "low"
	MediumImpact   Impact = "medium"
	HighImpact     Impact = "high"
	VeryHighImpact Impact = "very high"
)

// Need is one of CVSS's security requirements; empty means that none was defined.
type Need string

// The needs.
const (
	LowNeed    Need = "low"
	MediumNeed Need = "medium"
	HighNeed   Need = "high"
)

// UnknownMeans is what a gate takes an unknown verdict for.
type UnknownMeans string

// What an unknown verdict may mean.
const (
	UnknownFails  UnknownMeans = "fail"
	UnknownPasses UnknownMeans = "pass"
)

// Deadlines are how long a finding may stand, by priority, from the day on which it was known and fixable. A priority that has none
// waits for the next upgrade.
type Deadlines map[match.Priority]time.Duration

// ExceptionRules are what an environment demands of exceptions.
type ExceptionRules struct {
	// Approver says that somebody besides the owner must have approved.
	Approver bool `json:"approver,omitempty"`
	// Longest is how far off the end of one may be; 0: any.
	Longest time.Duration `json:"longest,omitempty"`
}

// BuiltIn gives the environments that are there without any file: production, staging and development.
func BuiltIn() []Environment {
	production := Environment{Name: "production", Exposure: Open, Impact: HighImpact, Confidentiality: HighNeed, Integrity: HighNeed, Availability: MediumNeed,
		Target: 85, Unknown: UnknownFails, Goals: Goals{Malicious: &Plain{}, Exploited: &Exploited{}, Overdue: &AtPriority{match.OutOfCycle}}}
	return []Environment{production}
}
