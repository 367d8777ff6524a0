// Package hardening says what about an image's construction is dangerous: its configuration, its file system, and the instructions
// that made it.
//
// In go the image's description, its inventory, the account of its files, and the Dockerfile where it is known; out comes a [Report]. The
// checks follow section 4 of the CIS Docker Benchmark, Docker's build checks, and practice; each says which. What few files say that
// matter here (accounts, sudo, sshd) is taken from them as they pass, by a [Sink].
//
// This package is pure: it reads nothing and asks nobody. It must never keep or show a secret: of an account it knows whether a password is
// set, of a variable its name.
package hardening

import (
	"cmp"
	"slices"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/match"
)

// Report is what the checks found.
type Report struct {
	// Findings are sorted: what nothing quiets first, then by severity, check, path, subject and layer.
	Findings []Finding `json:"findings"`
	// Unchecked are the checks that could not be made, or not in full, sorted by name.
	Unchecked []Unchecked `json:"unchecked,omitempty"`
}

// Check is one that an image is held against.
type Check struct {
	// Name is what goals and exceptions call it.
	Name string `json:"name"`
	// Title says in a few words what is wrong where the check fails, Why why that matters, and Mend, in one line, what to write instead.
	Title string `json:"title"`
	Why   string `json:"why"`
	Mend  string `json:"mend"`
	// Source says where the check comes from: "CIS Docker Benchmark 4.1".
	Source   string      `json:"source,omitempty"`
	Severity match.Level `json:"severity"`
	// Usual says that most images do so: a report shows it only where an environment has made a goal of it, or all is asked for.
	Usual bool `json:"usual,omitempty"`
	// Files says that the check looks at the image's files, so that what could not be read of them bears on it.
	Files bool `json:"-"`
}

// Finding is one thing for which a check fails.
type Finding struct {
	// ID is what an exception calls it: "hardening:" and the check.
	ID    string `json:"id"`
	Check string `json:"check"`
	// Title says what is wrong, with its subject.
	Title    string      `json:"title"`
	Severity match.Level `json:"severity"`
	// Subject is what it is about where that is no file: a variable, a port, a user, a label.
	Subject string `json:"subject,omitempty"`
	inventory.Place
	Why  string `json:"why"`
	Mend string `json:"mend"`
	// Usual is as in [Check], of this very finding: a program with set-user-ID is usual where the distribution's package installed it so.
	Usual bool `json:"usual,omitempty"`
	// Quieted is nil for one that stands.
	Quieted *match.Quieted `json:"quieted,omitempty"`
}

// Unchecked is a check that could not be made, and why.
type Unchecked struct {
	Check  string `json:"check"`
	Reason string `json:"reason"`
}

// Subject is what is known of an image.
type Subject struct {
	Image     *image.Image
	Inventory *inventory.Inventory
	// Layers are the indexes of the image's layers, which the [Sink] has seen; nil where no file was read.
	Layers []*layer.Index
	// Trace is nil where the files were not traced: what needs them is then not checked.
	Trace *inventory.Trace
	// Dockerfile is what the image was built from, and Args the arguments that were given to the build; nil where that is not known.
	Dockerfile []byte
	Args       map[string]string
}

// Checks are all, sorted by name.
func Checks() []Check {
	list := make([]Check, 0, len(checks()))
	for _, c := range checks() {
		list = append(list, c.Check)
	}
	return list
}

// Judge holds an image against all checks.
func Judge(s *Subject) *Report {
	j := newJudging(s)
	for _, c := range checks() {
		if reason := j.lacks(c.needs); reason != "" {
			j.unchecked(c.Name, reason)
			continue
		}
		j.check = &c.Check
		c.look(j)
		j.settle()
	}
	slices.SortStableFunc(j.findings, compare)
	return &Report{Findings: j.findings, Unchecked: j.skipped}
}

func compare(a, b Finding) int {
	return cmp.Or(
		match.StandingFirst(a.Quieted, b.Quieted),
		cmp.Compare(a.Severity.Rank(), b.Severity.Rank()),
		cmp.Compare(a.Check, b.Check),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Subject, b.Subject),
		cmp.Compare(a.LayerIndex(), b.LayerIndex()),
		cmp.Compare(a.Title, b.Title),
	)
}
