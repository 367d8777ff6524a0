package assess

import (
	"cmp"
	"slices"
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
	// Images are patterns of the images that are meant for the environment, as [vex.Image.Like] reads them. Labels are all of the labels that such
	// an image bears; of a value that is empty any is meant. With both, either is enough.
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

// BuiltIn gives the environments that are there without any file: production, staging and development. What they demand is what a team can
// keep up with: a user that is root or a base image that is not the newest is usual, and whoever wants it otherwise says so.
func BuiltIn() []Environment {
	const day = 24 * time.Hour
	return []Environment{
		{
			Name: "production", Exposure: Open, Impact: HighImpact, Confidentiality: HighNeed, Integrity: HighNeed, Availability: MediumNeed,
			Target: 85, Unknown: UnknownFails,
			Goals: Goals{Malicious: &Plain{}, Exploited: &Exploited{}, Priority: &AtPriority{match.Immediate}, Overdue: &AtPriority{match.OutOfCycle},
				EndOfLife: &EndOfLife{match.High}, DataAge: &DataAge{7 * day}},
		},
		{
			Name: "staging", Exposure: Controlled, Impact: MediumImpact, Confidentiality: MediumNeed, Integrity: MediumNeed, Availability: MediumNeed,
			Target: 70, Unknown: UnknownFails,
			Goals: Goals{Malicious: &Plain{}, Exploited: &Exploited{Grace: 14 * day}, Overdue: &AtPriority{match.OutOfCycle}, DataAge: &DataAge{14 * day}},
		},
		{
			Name: "development", Exposure: Small, Impact: LowImpact, Confidentiality: LowNeed, Integrity: LowNeed, Availability: LowNeed,
			Target: 50, Unknown: UnknownPasses,
			Goals: Goals{Malicious: &Plain{}, DataAge: &DataAge{30 * day}},
		},
	}
}

// Exposures are the words that there are, the least first.
func Exposures() []Exposure { return []Exposure{Small, Controlled, Open} }

// Impacts are the words that there are, the least first.
func Impacts() []Impact { return []Impact{LowImpact, MediumImpact, HighImpact, VeryHighImpact} }

// Needs are the words that there are, the least first.
func Needs() []Need { return []Need{LowNeed, MediumNeed, HighNeed} }

// EnvironmentOf gives the environment that an image is meant for, by its name and its labels: of several the most exposed, of those the one
// with the gravest impact, of those the first. It is false where none names the image.
func EnvironmentOf(im *Image, environments []Environment) (Environment, bool) {
	var best *Environment
	for i := range environments {
		e := &environments[i]
		if names(im, e.Images, e.Labels) && (best == nil || e.graver(best)) {
			best = e
		}
	}
	if best == nil {
		return Environment{}, false
	}
	return *best, true
}

// graver says whether more is at stake here than there.
func (e *Environment) graver(than *Environment) bool {
	return cmp.Or(
		cmp.Compare(slices.Index(Exposures(), e.Exposure), slices.Index(Exposures(), than.Exposure)),
		cmp.Compare(slices.Index(Impacts(), e.Impact), slices.Index(Impacts(), than.Impact)),
	) > 0
}
