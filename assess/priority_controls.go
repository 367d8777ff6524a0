package assess

import (
	"sync"

	gocvss40 "github.com/pandatix/go-cvss/40"
)

// Control is a compensating control that an environment has: see [Controls].
type Control string

// ControlEffect is what a compensating control does to CVSS's modified metrics.
type ControlEffect struct {
	Name Control `json:"name"`
	// Reason says in one sentence what the control makes harder, or how it bounds the harm.
	Reason string `json:"reason"`
	// Metrics3 and Metrics4 are the values that it limits metrics to, in the vectors of CVSS 3 and of 4.0: "MPR:L". A metric that is no
	// graver already stays as it is.
	Metrics3 []string `json:"metrics3"`
	Metrics4 []string `json:"metrics4"`
	// Against says which attacks it bears on: those over a network, those from the machine itself, or all where it is empty.
	Against Attack `json:"against,omitempty"`
}

// Attack is where an attack comes from.
type Attack string

// The attacks that controls tell apart.
const (
	FromNetwork Attack = "network" // attack vector network or adjacent
	FromMachine Attack = "local"   // attack vector local or physical
)

// Controls are the compensating controls that are known, by name. What each modifies is our judgement, by the meaning that section 4.2 of
// https://www.first.org/cvss/v3.1/specification-document gives the metrics: a control makes an attack harder or bounds the harm by one level, and
// never takes either away.
func Controls() []ControlEffect {
	elsewhere3, elsewhere4 := []string{"MS:U"}, []string{"MSC:L", "MSI:L", "MSA:L"}
	return []ControlEffect{
		{"authentication-proxy", "only callers who have logged in at the proxy reach it", []string{"MPR:L"}, []string{"MPR:L"}, FromNetwork},
		{"mutual-tls", "only callers with a certificate of ours reach it", []string{"MPR:L"}, []string{"MPR:L"}, FromNetwork},
		{"network-policy", "only named neighbours may connect to it", []string{"MAV:A"}, []string{"MAV:A"}, FromNetwork},
		{"no-egress", "it cannot connect to anything, so that harm stays with it", elsewhere3, elsewhere4, ""},
		{"no-new-privileges", "a local attack cannot use setuid programs", []string{"MAC:H"}, []string{"MAC:H"}, FromMachine},
		{"non-root", "its process is no root, so that a way out of the container needs a second flaw", elsewhere3, elsewhere4, ""},
		{"read-only-root-filesystem", "programs and configuration cannot be changed", []string{"MI:L"}, []string{"MVI:L"}, ""},
		{"seccomp", "the system calls that a way out of the container needs are refused", elsewhere3, elsewhere4, ""},
		{"waf", "an attack must get around the filter first", []string{"MAC:H"}, []string{"MAC:H"}, FromNetwork},
	}
}

// controls finds what a control does, by its name, which the reason then begins with.
var controls = sync.OnceValue(func() map[Control]ControlEffect {
	by := map[Control]ControlEffect{}
	for _, c := range Controls() {
		c.Reason = string(c.Name) + ": " + c.Reason
		by[c.Name] = c
	}
	return by
})

// control applies a control to a vector; one that is not known does nothing.
func (s *scorer) control(c ControlEffect) {
	switch by := effective(s.v, "AV"); {
	case c.Against == FromNetwork && by != "N" && by != "A", c.Against == FromMachine && by != "L" && by != "P":
		return
	}
	limits := c.Metrics3
	if _, ok := s.v.(*gocvss40.CVSS40); ok {
		limits = c.Metrics4
	}
	for _, l := range limits {
		name, value := l[:len(l)-2], l[len(l)-1:]
		s.limit(name, value, c.Reason)
	}
}
