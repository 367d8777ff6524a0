package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/hardening"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/malware"
	"tidewaiter/match"
	"tidewaiter/secret"
	"tidewaiter/vex"
)

// contraband is something aboard that should not be, and that is no finding of a package: a file that an engine holds to be malware, a
// secret, or what a check of the image's construction found.
type contraband struct {
	kind     vex.Contraband
	id       string // "malware:reverse-shell"
	title    string
	severity match.Level
	inventory.Place
	// subject is what it is about where that is no file: a variable, a label, a port.
	subject string
	quieted **match.Quieted
	// usual says that most images have it: it asks for nothing, unless an environment does.
	usual bool
}

func ofHit(h *malware.Hit) contraband {
	return contraband{kind: vex.Malware, id: h.ID, title: h.Title, severity: h.Severity, Place: h.Place, quieted: &h.Quieted}
}

func ofSecret(f *secret.Secret) contraband {
	return contraband{kind: vex.Secret, id: f.ID, title: f.Title, severity: f.Severity, Place: f.Place, subject: f.Name, quieted: &f.Quieted}
}

func ofHardening(f *hardening.Finding) contraband {
	return contraband{kind: vex.Hardening, id: f.ID, title: f.Title, severity: f.Severity, Place: f.Place, subject: f.Subject, quieted: &f.Quieted, usual: f.Usual}
}

// contraband lists what was found, the gravest first.
func (s *Subject) contraband() []contraband {
	var list []contraband
	if r := s.Malware; r != nil {
		for i := range r.Hits {
			list = append(list, ofHit(&r.Hits[i]))
		}
	}
	if r := s.Secrets; r != nil {
		for i := range r.Found {
			list = append(list, ofSecret(&r.Found[i]))
		}
	}
	if r := s.Hardening; r != nil {
		for i := range r.Findings {
			list = append(list, ofHardening(&r.Findings[i]))
		}
	}
	slices.SortStableFunc(list, compareContraband)
	return list
}

// compareContraband puts what nothing quiets first, then the gravest.
func compareContraband(a, b contraband) int {
	kinds := vex.Contrabands()
	return cmp.Or(
		cmp.Compare(slices.Index(kinds, a.kind), slices.Index(kinds, b.kind)), match.StandingFirst(*a.quieted, *b.quieted),
		cmp.Compare(a.severity.Rank(), b.severity.Rank()), cmp.Compare(a.Path, b.Path), cmp.Compare(a.subject, b.subject),
		cmp.Compare(a.LayerIndex(), b.LayerIndex()), cmp.Compare(a.id, b.id),
	)
}

func (c *contraband) stands() bool { return *c.quieted == nil }

func (c *contraband) grave() bool { return Grave(c.kind, c.severity) }

// Grave says whether contraband of a kind and severity asks somebody to act at once.
func Grave(kind vex.Contraband, severity match.Level) bool {
	return kind != vex.Hardening && severity.Rank() <= match.High.Rank()
}

// Unsearched says whether somebody who looks for a kind did not look at something.
func Unsearched(kind vex.Contraband, b *image.BlindSpot) bool {
	by := map[vex.Contraband][]string{vex.Malware: {malware.Builtin, malware.ClamAV, malware.YARA}, vex.Secret: {secret.Sink}, vex.Hardening: {hardening.SinkName}}
	return b.Kind == image.Unsearched && (b.By == "" || slices.Contains(by[kind], b.By))
}

// where names its place in a few words.
func (c *contraband) where() string {
	switch {
	case c.Path != "":
		return "/" + c.Path
	case c.subject != "":
		return c.subject
	case c.Instruction != "":
		return "the build's history"
	}
	return "the image's configuration"
}

// place tells its place apart from others.
func (c *contraband) place() string {
	if c.Path != "" || c.subject != "" {
		return c.where()
	}
	return c.Instruction
}

// key is what it is called in the next image as well.
func (c *contraband) key() string { return strings.TrimSpace(c.id + " " + c.place()) }

// thing is one file that is malware, or one secret at one place, whatever is said of it.
type thing struct {
	kind  vex.Contraband
	id    string // empty for malware: what several rules say of one file is one thing
	place string
	layer int
}

func (c *contraband) thing() thing {
	t := thing{kind: c.kind, place: c.place(), layer: c.LayerIndex()}
	if c.kind != vex.Malware {
		t.id = c.id
	}
	return t
}

// standingContraband lists what of some kinds stands, each thing once: of what several rules say of one file the gravest. What is usual is
// left out.
func standingContraband(s *Subject, kinds ...vex.Contraband) []contraband {
	seen := map[thing]bool{}
	var list []contraband
	for _, c := range s.contraband() {
		if t := c.thing(); c.stands() && !c.usual && slices.Contains(kinds, c.kind) && !seen[t] {
			seen[t] = true
			list = append(list, c)
		}
	}
	return list
}

// searched are the kinds that were looked for.
func (s *Subject) searched() []vex.Contraband {
	var kinds []vex.Contraband
	if s.Malware != nil {
		kinds = append(kinds, vex.Malware)
	}
	if s.Secrets != nil {
		kinds = append(kinds, vex.Secret)
	}
	if s.Hardening != nil {
		kinds = append(kinds, vex.Hardening)
	}
	return kinds
}

// Searched says whether a kind was looked for.
func (s *Subject) Searched(kind vex.Contraband) bool { return slices.Contains(s.searched(), kind) }

// Excepted tells, in a few words each, what of malware, secrets and hardening exceptions quiet.
func (s *Subject) Excepted() []string {
	var list []string
	for _, c := range s.contraband() {
		if (*c.quieted).Excepted() {
			list = append(list, fmt.Sprintf("%s %s in %s", c.severity, c.id, c.where()))
		}
	}
	return list
}

// Except holds the user's exceptions against malware, secrets and hardening, and gives those that quiet nothing. What exceptions quieted
// earlier stands first. The reports are copied, since a stored one is that of others too.
func (s *Subject) Except(a *match.Aboard, own match.Exceptions) []match.UnusedStatement {
	s.copyContraband()
	list := s.contraband()
	things := make([]match.Exceptable, len(list))
	for i, c := range list {
		if (*c.quieted).Excepted() {
			*c.quieted = nil
		}
		things[i] = match.Exceptable{ID: c.id, Path: c.Path, Subject: c.subject, Package: c.Owner, Quieted: c.quieted}
	}
	unused := a.Except(things, s.searched(), own)
	s.sortContraband()
	return unused
}

func (s *Subject) copyContraband() {
	if s.Malware != nil {
		r := *s.Malware
		r.Hits = slices.Clone(r.Hits)
		s.Malware = &r
	}
	if s.Secrets != nil {
		r := *s.Secrets
		r.Found = slices.Clone(r.Found)
		s.Secrets = &r
	}
	if s.Hardening != nil {
		r := *s.Hardening
		r.Findings = slices.Clone(r.Findings)
		s.Hardening = &r
	}
}

// sortContraband puts what stands first again.
func (s *Subject) sortContraband() {
	if r := s.Malware; r != nil {
		slices.SortStableFunc(r.Hits, func(a, b malware.Hit) int { return compareContraband(ofHit(&a), ofHit(&b)) })
	}
	if r := s.Secrets; r != nil {
		slices.SortStableFunc(r.Found, func(a, b secret.Secret) int { return compareContraband(ofSecret(&a), ofSecret(&b)) })
	}
	if r := s.Hardening; r != nil {
		slices.SortStableFunc(r.Findings, func(a, b hardening.Finding) int { return compareContraband(ofHardening(&a), ofHardening(&b)) })
	}
}
