package match

import (
	"cmp"
	"slices"
	"strings"

	"tidewaiter/vex"
)

// Exceptable is something aboard, other than a finding, that the user's exceptions may be for.
type Exceptable struct {
	// ID is a kind, a colon and a rule: "malware:reverse-shell".
	ID string
	// Path is without a leading slash, Subject what it is about where that is no file, and Package the package URL of the file's owner; each is
	// empty where there is none.
	Path, Subject, Package string
	// Quieted is where it is written what quiets it.
	Quieted **Quieted
}

// Except holds the user's own exceptions against what is aboard besides findings, and writes on each thing which of them quiets it. Kinds that
// were not looked for are not in searched, and their exceptions are passed over. Those that quiet nothing, or hold no more, come back with
// the reason, sorted.
func (a *Aboard) Except(things []Exceptable, searched []vex.Contraband, own Exceptions) []UnusedStatement {
	var meant []*vex.Exception
	for i := range own.List {
		e := &own.List[i]
		if slices.Contains(searched, e.About()) && e.For(own.Demands.Environment) && a.image.Like(e.Image) {
			meant = append(meant, e)
		}
	}
	slices.SortStableFunc(meant, lastsLonger)
	quieting := map[*vex.Exception]bool{}
	for i := range things {
		for _, e := range meant {
			if lapse, _ := e.Lapsed(own.Demands, own.Now); lapse == "" && *things[i].Quieted == nil && things[i].meantBy(e) {
				*things[i].Quieted = &Quieted{By: byException + e.Owner + " (" + e.File + ")", Reason: exceptionReason(e), Until: e.End.Day}
				quieting[e] = true
			}
		}
	}
	var unused []UnusedStatement
	for _, e := range meant {
		if quieting[e] {
			continue
		}
		u := describeException(e, "")
		u.Exception, u.Why = e.Lapsed(own.Demands, own.Now)
		for i := range things {
			u.Stands = u.Stands || u.Exception != "" && *things[i].Quieted == nil && things[i].meantBy(e)
		}
		if u.Why == "" {
			u.Why = idleAmong(things, e)
		}
		unused = append(unused, u)
	}
	SortUnused(unused)
	return unused
}

func (t *Exceptable) meantBy(e *vex.Exception) bool {
	return t.named(e) && e.Means(t.Path, t.Subject, t.Package)
}

func (t *Exceptable) named(e *vex.Exception) bool {
	return slices.ContainsFunc(e.Vulnerabilities, func(id string) bool { return strings.EqualFold(id, t.ID) })
}

// idleAmong says why an exception that holds quiets none of the things.
func idleAmong(things []Exceptable, e *vex.Exception) string {
	elsewhere := ""
	for i := range things {
		t := &things[i]
		switch {
		case t.meantBy(e):
			return withoutIt + (*t.Quieted).By
		case t.named(e) && *t.Quieted == nil && elsewhere == "":
			elsewhere = "the finding is elsewhere: " + cmp.Or(t.Subject, "/"+t.Path)
		}
	}
	return cmp.Or(elsewhere, "no such finding")
}

// withoutIt begins what is said of an exception that is not needed.
const withoutIt = "the finding is quieted without it: "
