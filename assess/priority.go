package assess

import "tidewaiter/match"

// Control is a compensating control that an environment has.
type Control string

// Decision is what a finding means in an environment, with everything that it was made of.
type Decision struct {
	Priority match.Priority `json:"priority"`
	// Due is the day (YYYY-MM-DD) by which it must be fixed; empty where none is set.
	Due           string      `json:"due,omitempty"`
	Environmental *match.CVSS `json:"environmental,omitempty"`
}

// Decide says what a finding means in an environment.
func Decide(f *match.Finding, env Environment, o Options) Decision { return Decision{} }
