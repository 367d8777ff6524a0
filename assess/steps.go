package assess

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/version"
)

// Step is one change that a developer can make, with all that it closes.
type Step struct {
	// Title says what to do: "upgrade lodash 4.17.4 -> 4.17.21".
	Title string `json:"title"`
	// Where is the file, or the layer and its instruction, that the change is made for.
	Where string `json:"where,omitempty"`
	// Closes are the ids of the findings that the step ends, sorted, each once.
	Closes []string `json:"closes"`
	// Exploited is how many of them are in CISA's catalog of known exploited vulnerabilities.
	Exploited int `json:"exploited,omitempty"`
	// Opens are the ids of the findings that the step would bring; a newer base image may have problems of its own.
	Opens []string `json:"opens,omitempty"`
	Kind  StepKind `json:"kind,omitempty"`
	// Gain is how far the score goes up by this step alone.
	Gain float64  `json:"gain,omitempty"`
	Cost StepCost `json:"cost,omitzero"`
	// Edit is the line to change; nil where no one line does it, or where the file is not known.
	Edit *Edit `json:"edit,omitempty"`
	// Command does the change; empty where the edit is all.
	Command string `json:"command,omitempty"`
	// Loses are what the image uses and would miss afterwards.
	Loses []string `json:"loses,omitempty"`
	// Note is what else the developer should know, in one sentence.
	Note string `json:"note,omitempty"`

	worst int // the best [Rank] among what is closed
	bad   bool
}

// StepKind is what sort of change a step is.
type StepKind string

// The kinds of steps.
const (
	RefreshBase StepKind = "refresh-base" // a newer build of the same tag
	MoveBase    StepKind = "move-base"    // another tag of the same repository
	Upgrade     StepKind = "upgrade"      // packages of the distribution, in the instruction that installs them
	Bump        StepKind = "bump"         // a direct dependency in its manifest
	Rebuild     StepKind = "rebuild"      // with a newer toolchain
	Remove      StepKind = "remove"       // what is not used, and what is malicious
	Except      StepKind = "except"       // an exception, where nothing else is left
)

// StepCost is what a step asks of the developer.
type StepCost struct {
	// Change is how far versions move: patch, minor, major, or none where the image is only built again.
	Change string `json:"change,omitempty"`
	// Packages is how many packages move.
	Packages int `json:"packages,omitempty"`
}

// Edit is a change of one place in one file.
type Edit struct {
	// File is the Dockerfile or manifest, as the user named it; Line its line, from 1; 0 where it is not known.
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	// Old and New are the text before and after, whole lines.
	Old string `json:"old"`
	New string `json:"new"`
}

// Steps gives the changes that close findings, the one to make first in front. A language package is a step
// by itself; packages of a distribution are upgraded together with the layer that brought them, since that is
// one rebuild; a malicious package is removed.
func Steps(findings []match.Finding) []Step {
	groups := map[string][]match.Finding{}
	var keys []string
	for _, f := range findings {
		k, ok := group(f)
		if !ok {
			continue
		}
		if _, seen := groups[k]; !seen {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], f)
	}
	steps := make([]Step, 0, len(keys))
	for _, k := range keys {
		steps = append(steps, step(groups[k]))
	}
	slices.SortFunc(steps, func(a, b Step) int {
		return cmp.Or(first(a.bad, b.bad), -cmp.Compare(a.Exploited, b.Exploited), cmp.Compare(a.worst, b.worst),
			-cmp.Compare(len(a.Closes), len(b.Closes)), cmp.Compare(a.Title, b.Title), cmp.Compare(a.Where, b.Where))
	})
	return steps
}

// group tells which findings one change closes; false for a finding that nothing closes yet.
func group(f match.Finding) (key string, ok bool) {
	switch {
	case f.Malicious:
		return "remove\x00" + f.Package, true
	case fix(f) == "":
		return "", false
	case f.Kind == match.KindEndOfLife && f.Severity == match.Low: // the line of releases that is supported is far off, and no step to other fixes
		return "move\x00" + f.Package, true
	case f.Of.OfDistribution():
		return "layer\x00" + f.Of.Type + "\x00" + layerKey(f.Of), true
	}
	return "upgrade\x00" + f.Package, true
}

func layerKey(p *inventory.Package) string {
	if p.Layer == nil {
		return ""
	}
	return strconv.Itoa(*p.Layer)
}

func step(closed []match.Finding) Step {
	s := Step{worst: Rank(match.Negligible) + 1}
	exploited := map[string]bool{}
	for _, f := range closed {
		s.Closes = append(s.Closes, f.ID)
		if f.Lowered == nil {
			s.worst = min(s.worst, Rank(f.Severity))
		}
		s.bad = s.bad || f.Malicious
		if f.KEV != nil {
			exploited[f.ID] = true
		}
	}
	slices.Sort(s.Closes)
	s.Closes = slices.Compact(s.Closes)
	s.Exploited = len(exploited)
	s.Title, s.Where = named(closed, s.bad)
	return s
}

func named(closed []match.Finding, malicious bool) (title, where string) {
	p := closed[0].Of
	switch {
	case malicious:
		return fmt.Sprintf("remove %s %s: malicious", p.Name, p.Version), place(p)
	case p.OfDistribution():
		return "upgrade " + packages(closed), layerPlace(p)
	}
	if p.Type == "golang" && p.Name == "stdlib" {
		return fmt.Sprintf("rebuild with Go %s -> %s", p.Version, target(closed)), place(p)
	}
	return fmt.Sprintf("upgrade %s %s -> %s", p.Name, p.Version, target(closed)), place(p)
}

// fix is the lowest version that ends a finding; empty where none does. What comes before a release is none, unless the package is
// of that kind itself.
func fix(f match.Finding) string {
	for _, v := range f.Fixed {
		if !preRelease.MatchString(v) || preRelease.MatchString(f.Of.Version) {
			return v
		}
	}
	return ""
}

// preRelease knows the marks that ecosystems put on what comes before a release: 3.15.0a6, 2.0.0-rc.1, 1.0-beta, but not OpenSSL's 1.0.2b.
var preRelease = regexp.MustCompile(`(?i)[0-9][-._]?((a|b|c|m|rc|alpha|beta|pre|preview|dev)[-._]?[0-9]+|rc|alpha|beta|pre|preview|dev|snapshot)$`)

// target is the lowest version that ends every one of a package's findings that can be ended: the highest of the lowest
// fixes. It is empty when none has a fix.
func target(closed []match.Finding) string {
	var highest string
	for _, f := range closed {
		lowest := fix(f)
		if highest == "" || lowest == "" {
			highest = cmp.Or(highest, lowest)
			continue
		}
		// A fix that cannot be compared leaves it as it is: match has compared these same versions already.
		if c, err := version.Compare(match.Order(f.Of), lowest, highest); err == nil && c > 0 {
			highest = lowest
		}
	}
	return highest
}

// packages names what is upgraded: by the source package, since a distribution fixes that one.
func packages(closed []match.Finding) string {
	count := map[string]int{}
	for _, f := range closed {
		name := f.Of.Name
		if f.Of.Source != nil {
			name = f.Of.Source.Name
		}
		count[name]++
	}
	names := make([]string, 0, len(count))
	for n := range count {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(-cmp.Compare(count[a], count[b]), cmp.Compare(a, b)) })
	const shown = 3
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

func place(p *inventory.Package) string {
	return cmp.Or(p.Place(), layerPlace(p))
}

func layerPlace(p *inventory.Package) string {
	if p.Layer == nil {
		return ""
	}
	if p.Instruction == "" {
		return fmt.Sprintf("layer %d", *p.Layer)
	}
	return fmt.Sprintf("layer %d: %s", *p.Layer, p.Instruction)
}
