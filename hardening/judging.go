package hardening

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/match"
)

// need is what a check looks at.
type need int

const (
	needsNothing need = iota
	needsConfig
	needsHistory
	needsFiles
	// needsContent: what the sink took from files as they passed.
	needsContent
)

// judging is one image held against the checks.
type judging struct {
	*Subject
	// check is the one that is being made, current what it found, and over how many it found besides.
	check    *Check
	current  []Finding
	over     int
	findings []Finding
	skipped  []Unchecked
	// steps are those of the build, as the history tells them, the oldest first; noted is what the sink said of files that stand in the end, and
	// accounts are those of /etc/passwd.
	steps    []step
	noted    []noted
	accounts []account
	// inputs are what the Dockerfile asks for.
	inputs []inventory.DockerfileInput
	// patience is how many bytes of the history are still looked through for the instruction that set something.
	patience int
}

// step is one instruction of the build.
type step struct {
	// kind is its keyword in upper case, and text what follows.
	kind, text string
	place      inventory.Place
}

// Bounds on what is looked at, and told: an image may have any number of files and variables.
const (
	longestInstruction = 64 << 10 // bytes
	longestSearch      = 64 << 20 // bytes of the history, for all that is looked for in it
	// most is how many findings of one check a report has; those over it are one more that counts them.
	most = 500
)

func newJudging(s *Subject) *judging {
	j := &judging{Subject: s, findings: []Finding{}, steps: stepsOf(s.Image, s.Inventory), patience: longestSearch}
	if s.Dockerfile != nil {
		// One that cannot be read did not fit the history either, and says nothing here.
		j.inputs, _ = inventory.DockerfileInputs(s.Dockerfile, s.Args, "")
	}
	if s.Trace != nil {
		j.readNotes()
	}
	return j
}

// stepsOf reads the history. What made no layer is of the base where a layer of the base comes after it.
func stepsOf(im *image.Image, inv *inventory.Inventory) []step {
	steps := make([]step, len(im.History))
	var after inventory.Origin // of the next layer above
	if inv.Base != nil && inv.Base.Layers > 0 {
		after = inventory.OfApp
	}
	for i := len(im.History) - 1; i >= 0; i-- {
		h := &im.History[i]
		text := h.Instruction[:min(len(h.Instruction), longestInstruction)]
		kind, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
		p := inventory.Place{Instruction: h.Instruction, DockerfileLine: h.DockerfileLine}
		if h.Layer >= 0 {
			at := h.Layer
			p.Layer = &at
			after = inv.Base.Origin(h.Layer)
		}
		p.Origin = after
		steps[i] = step{strings.ToUpper(kind), strings.TrimSpace(rest), p}
	}
	return steps
}

// last gives the place of the last step of a kind that fits; empty where the history tells of none.
func (j *judging) last(kind string, fits func(text string) bool) inventory.Place {
	for i := len(j.steps) - 1; i >= 0; i-- {
		s := &j.steps[i]
		if j.patience -= len(s.text) + 1; j.patience < 0 {
			break
		}
		if s.kind == kind && (fits == nil || fits(s.text)) {
			return s.place
		}
	}
	return inventory.Place{}
}

// lacks says what is missing for a check; empty where it can be made.
func (j *judging) lacks(n need) string {
	switch {
	case n == needsConfig && j.Image.Process == nil:
		return "the image has no configuration that can be read"
	case n == needsHistory && len(j.steps) == 0:
		return "the image does not tell how it was built"
	case (n == needsFiles || n == needsContent) && j.Trace == nil:
		return "the files were not traced to who brought them"
	case n == needsContent && !j.looked():
		return "the content of the files was not looked at"
	}
	return ""
}

// looked says whether the sink has seen the layers.
func (j *judging) looked() bool {
	for _, ix := range j.Layers {
		if ix.Seen[SinkName] == nil {
			return false
		}
	}
	return len(j.Layers) > 0
}

func (j *judging) unchecked(name, reason string) {
	j.skipped = append(j.skipped, Unchecked{name, reason})
}

// found notes a finding of the check that is being made. What it leaves out is as the check has it.
func (j *judging) found(f Finding) {
	c := j.check
	f.ID, f.Check = "hardening:"+c.Name, c.Name
	f.Title, f.Why, f.Mend = cmp.Or(f.Title, c.Title), cmp.Or(f.Why, c.Why), cmp.Or(f.Mend, c.Mend)
	f.Severity, f.Usual = cmp.Or(f.Severity, c.Severity), f.Usual || c.Usual
	j.current = append(j.current, f)
	if len(j.current) == 2*most {
		j.cut()
	}
}

// cut keeps the gravest findings of the check that is being made.
func (j *judging) cut() {
	slices.SortStableFunc(j.current, compare)
	if over := len(j.current) - most; over > 0 {
		j.over += over
		j.current = j.current[:most]
	}
}

// settle ends a check.
func (j *judging) settle() {
	j.cut()
	if n := j.over; n > 0 {
		j.found(Finding{Title: fmt.Sprintf("%s: %d more", j.check.Title, n), Subject: fmt.Sprintf("%d more", n)})
	}
	j.findings = append(j.findings, j.current...)
	j.current, j.over = nil, 0
}

// place gives that of a file of the final image.
func (j *judging) place(f *inventory.File) inventory.Place {
	return inventory.PlaceOf(f, j.Image, j.Inventory)
}

// ofDistribution says whether a distribution's package installed a file, and it is as it was.
func (j *judging) ofDistribution(f *inventory.File) bool {
	return f.Class == inventory.Owned && f.Owner >= 0 && j.Inventory.Packages[f.Owner].OfDistribution()
}

// installedMode is the mode that the owner's database has for a file; 0 where it has none.
func (j *judging) installedMode(f *inventory.File) uint32 {
	if f.Owner < 0 {
		return 0
	}
	for i := range j.Inventory.Packages[f.Owner].Files {
		if o := &j.Inventory.Packages[f.Owner].Files[i]; o.Path == f.Path {
			return o.Mode & 0o7777
		}
	}
	return 0
}

func isRegular(f *inventory.File) bool { return f.Entry.Type == layer.Regular }

// severities in short.
const (
	high       = match.High
	medium     = match.Medium
	low        = match.Low
	negligible = match.Negligible
)
