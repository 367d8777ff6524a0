package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/vex"
)

// Exceptions are the user's own statements, and where and when they are to hold.
type Exceptions struct {
	List []vex.Exception
	// Demands are those of the environment.
	Demands vex.Demands
	Now     time.Time
}

// ownRank puts what the user decided before all that others say: see [Aboard.fit].
const ownRank = 1000

// byException begins what a finding says of the exception that quiets it.
const byException = "exception: "

// except lists on the findings the exceptions that are meant for them, those that do not hold with the reason, and gives those that are
// meant for the image and the environment and for no finding.
func (a *Aboard) except(index map[string][]int, findings []Finding, own Exceptions) []UnusedStatement {
	var unused []UnusedStatement
	for i := range own.List {
		e := &own.List[i]
		if e.About() != "" || !e.For(own.Demands.Environment) || !a.image.Like(e.Image) {
			continue
		}
		s := &vex.Statement{Vulnerabilities: e.Vulnerabilities, Products: []vex.Product{e.Product}, Status: e.Status,
			Author: e.Owner, Source: e.File, Bulk: true}
		spoke, present := false, len(e.Product) == 0 || len(a.present(s.Products)) > 0
		found := concerned(index, e.Vulnerabilities)
		for _, at := range found {
			if said := a.excepts(e, s, &findings[at], own); said != nil {
				findings[at].Statements = append(findings[at].Statements, *said)
				spoke = true
			}
		}
		if why := a.unused(s, present, len(found) > 0); !spoke && why != "" {
			u := describeException(e, why)
			u.Exception, _ = e.Lapsed(own.Demands, own.Now)
			unused = append(unused, u)
		}
	}
	return unused
}

// excepts gives what an exception, whose image and environment fit, says of a finding; nil where it is about another package.
func (a *Aboard) excepts(e *vex.Exception, s *vex.Statement, f *Finding, own Exceptions) *Statement {
	var fit fitting
	if len(e.Product) > 0 {
		if fit = a.fit(e.Product, f); fit.rank == 0 {
			return nil
		}
	}
	said := &Statement{
		Vulnerability: e.Vulnerabilities[0], Product: e.Scope(), Status: e.Status, Justification: e.Justification, Author: e.Owner,
		Source: e.File, Timestamp: e.Time, rank: ownRank, about: about(f, e.Vulnerabilities), of: s, exception: e,
	}
	if e.Status == vex.NotAffected {
		said.Impact = e.Reason
	} else {
		said.Action = e.Reason
	}
	said.lapse, said.Note = e.Lapsed(own.Demands, own.Now)
	switch {
	case f.Malicious:
		said.Note = "malware is not quieted by exceptions"
	case said.Note != "":
	case e.End.Fix && len(f.Fixed) > 0:
		said.lapse, said.Note = vex.FixExists, "it held until there is a fix, which is "+f.Fixed[0]
	case len(said.about) == 0:
		said.Note = "it does not say which of the finding's CVEs it speaks of"
	case fit.partial:
		said.Note = "it speaks of one copy of the package, and there are others"
	}
	return said
}

// lastsLonger orders two exceptions of which each holds: the one that lasts longer first.
func lastsLonger(a, b *vex.Exception) int {
	const never = "9999"
	return cmp.Or(cmp.Compare(cmp.Or(b.End.Day, never), cmp.Or(a.End.Day, never)), cmp.Compare(a.File, b.File), cmp.Compare(a.Index, b.Index))
}

// quietedBy is what a finding says of the statements that quiet it. Where several must hold together, it is quieted until the first ends.
func quietedBy(deciding []*Statement) *Quieted {
	s := deciding[0]
	q := &Quieted{By: s.by(), Reason: s.reason()}
	for _, other := range deciding {
		if e := other.exception; e != nil && e.End.Day != "" {
			q.Until = min(cmp.Or(q.Until, e.End.Day), e.End.Day)
		}
	}
	return q
}

func exceptionReason(e *vex.Exception) string {
	reason := "risk accepted: " + e.Reason
	if e.Status == vex.NotAffected {
		reason = "not affected: " + strings.ReplaceAll(e.Justification, "_", " ") + ": " + e.Reason
	}
	if e.End.Fix {
		reason += " (until there is a fix)"
	}
	return strings.Join(strings.Fields(reason), " ")
}

// idleExceptions gives the exceptions that are meant for findings and quiet none of them, and those that do not hold any more for
// one of them, each once.
func idleExceptions(findings []Finding) []UnusedStatement {
	used, at := map[*vex.Exception]bool{}, map[*vex.Exception]int{}
	var idle []UnusedStatement
	var of []*vex.Exception
	for i := range findings {
		f := &findings[i]
		for _, s := range f.Statements {
			if s.exception == nil {
				continue
			}
			used[s.exception] = used[s.exception] || s.lapse == "" && s.Decided && f.Quieted.Excepted()
			n, told := at[s.exception]
			if !told {
				n, at[s.exception] = len(idle), len(idle)
				idle, of = append(idle, describeException(s.exception, s.idle(f))), append(of, s.exception)
			}
			if u := &idle[n]; s.lapse != "" && (u.Exception == "" || !u.Stands) {
				u.Why, u.Exception, u.Stands = s.Note, s.lapse, f.Quieted == nil
			}
		}
	}
	var unused []UnusedStatement
	for i, u := range idle {
		if u.Exception == vex.Incomplete && !u.Stands {
			continue // a plain document, perhaps, that --vex names: it misses nothing
		}
		if u.Stands || !used[of[i]] {
			unused = append(unused, u)
		}
	}
	return unused
}

// idle says why an exception that holds does not quiet a finding.
func (s *Statement) idle(f *Finding) string {
	if s.Note != "" {
		return s.Note
	}
	same := func(id string) bool { return slices.Contains(s.about, id) }
	for _, other := range f.Statements {
		if !s.Decided && other.Decided && other.exception != nil && slices.ContainsFunc(other.about, same) {
			return other.Source + " says the same for longer"
		}
	}
	if f.Quieted != nil {
		return withoutIt + f.Quieted.By
	}
	return "the finding stands"
}

func describeException(e *vex.Exception, why string) UnusedStatement {
	return UnusedStatement{Vulnerability: e.Vulnerabilities[0], Product: e.Scope(), Status: e.Status, Author: e.Owner, Source: e.File, Why: why}
}

// ExceptionCount is how the user's exceptions fared.
type ExceptionCount struct {
	// Quieted is how many findings exceptions quieted, and Exploited how many of these are known to be exploited.
	Quieted, Exploited int
	// Lapsed are the exceptions that would quiet something and do not hold, by the reason.
	Lapsed map[vex.Lapse]int
}

// CountExceptions tells how exceptions fared, by what is written in a report.
func CountExceptions(findings []Finding, unused []UnusedStatement) ExceptionCount {
	c := ExceptionCount{Lapsed: map[vex.Lapse]int{}}
	for _, f := range findings {
		if f.Quieted.Excepted() {
			c.Quieted++
			if f.KEV != nil {
				c.Exploited++
			}
		}
	}
	for _, u := range unused {
		if u.Stands {
			c.Lapsed[u.Exception]++
		}
	}
	return c
}

// String says in a few words what became of exceptions that hold no more; empty where all do.
func (c ExceptionCount) String() string {
	var parts []string
	for _, l := range []struct {
		lapse vex.Lapse
		words string
	}{
		{vex.Expired, "expired"}, {vex.FixExists, "ended by a fix"}, {vex.Unapproved, "not approved"}, {vex.TooLong, "too long"},
		{vex.Incomplete, "incomplete"},
	} {
		if n := c.Lapsed[l.lapse]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, l.words))
		}
	}
	return strings.Join(parts, ", ")
}

// Excepted says whether it was an exception of the user's own that quieted the finding.
func (q *Quieted) Excepted() bool { return q != nil && strings.HasPrefix(q.By, byException) }

// Unexcepted gives the findings as they stand without the user's exceptions, and without what was said of them, so that [Aboard.State] can
// hold others against them. It copies what it changes.
func Unexcepted(findings []Finding) []Finding {
	list := slices.Clone(findings)
	for i := range list {
		if list[i].Quieted.Excepted() {
			list[i].Quieted = nil
		}
		list[i].Statements = nil
	}
	return list
}
