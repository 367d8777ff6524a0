package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/vex"
)

// Statement is what a VEX statement says of a finding: all that speak of it are listed, with who said it.
type Statement struct {
	// Vulnerability and Product are named as the statement names them.
	Vulnerability string     `json:"vulnerability"`
	Product       string     `json:"product"`
	Status        vex.Status `json:"status"`
	Justification string     `json:"justification,omitempty"`
	Impact        string     `json:"impact,omitempty"`
	Action        string     `json:"action,omitempty"`
	Notes         string     `json:"notes,omitempty"`
	Author        string     `json:"author,omitempty"`
	Role          string     `json:"role,omitempty"`
	// Source is the file or the attestation that says so.
	Source    string    `json:"source"`
	Timestamp time.Time `json:"timestamp,omitzero"`
	// Signer is who signed it, of those whom the user believes.
	Signer string `json:"signer,omitempty"`
	// Decided says that the statement goes before all others that speak of the finding.
	Decided bool `json:"decided"`
	// Note says why the statement cannot decide.
	Note string `json:"note,omitempty"`

	rank  int
	about []string // the finding's problems that it speaks of
	of    *vex.Statement
	// exception is set where the user's own is what speaks; lapse where that does not hold any more.
	exception *vex.Exception
	lapse     vex.Lapse
}

// UnusedStatement is a statement that changed no finding.
type UnusedStatement struct {
	Vulnerability string     `json:"vulnerability"`
	Product       string     `json:"product"`
	Status        vex.Status `json:"status"`
	Author        string     `json:"author,omitempty"`
	Source        string     `json:"source"`
	Why           string     `json:"why"`
	// Exception is set where it is an exception of the user's own that does not hold, and says the kind of the reason.
	Exception vex.Lapse `json:"exception,omitempty"`
	// Stands says that a finding stands which the exception would quiet if it held.
	Stands bool `json:"stands,omitempty"`
}

// StatementOrder tells users which of several statements counts.
const StatementOrder = `Of several statements about a finding the most specific one counts: of those that name the image, and then the program
that holds the package, and then the package alone, the one that names the package and its version, then the package, then neither; of
these the one that names the image by digest, then by tag, then by name. Of equally specific ones the newest counts, and of those the most
cautious: affected, under investigation, not affected, fixed. Statements of files that you name are believed. Those that come with the image
are believed when a key that you name signed them; else they are listed, and quiet nothing. Your own exceptions (tidewaiter except) go before
all of them while they hold, and they alone speak of what is named malware:, secret: or hardening:. Malicious packages are never quieted.`

// State holds statements against the findings of what is aboard, in place. Every statement that speaks of a finding is
// listed on it. One that is believed and goes before the others ([StatementOrder]) quiets the finding where it says
// not_affected or fixed; affected and under_investigation are noted. A finding of several CVEs is quieted only where
// statements answer for each. The user's own exceptions go before all statements while they hold, and quiet whatever their status
// is. The statements that changed nothing come back with the reason, sorted; of documents that the user did not name one by one,
// and of exceptions, only those about what is aboard.
func (a *Aboard) State(findings []Finding, statements []vex.Statement, own Exceptions) []UnusedStatement {
	index := map[string][]int{}
	for i := range findings {
		for _, id := range names(&findings[i]) {
			index[strings.ToUpper(id)] = append(index[strings.ToUpper(id)], i)
		}
	}
	unused := a.except(index, findings, own)
	claims := make([]int, len(findings))
	for i := range statements {
		s := &statements[i]
		spoke := false
		products, concerned := a.present(s.Products), concerned(index, s.Vulnerabilities)
		for _, at := range concerned {
			if said := a.say(s, products, &findings[at]); said != nil {
				if !s.Believed {
					claims[at]++
				}
				findings[at].list(said, claims[at])
				spoke = true
			}
		}
		if why := a.unused(s, len(products) > 0, len(concerned) > 0); !spoke && why != "" {
			unused = append(unused, describeUnused(s, products, why))
		}
	}
	decided := map[*vex.Statement]bool{}
	for i := range findings {
		findings[i].decide()
		for _, s := range findings[i].Statements {
			decided[s.of] = decided[s.of] || s.Decided
		}
	}
	unused = append(unused, a.overruled(findings, decided)...)
	unused = append(unused, idleExceptions(findings)...)
	SortUnused(unused)
	return slices.Compact(unused)
}

// SortUnused sorts what changed nothing by its source.
func SortUnused(unused []UnusedStatement) {
	slices.SortFunc(unused, func(a, b UnusedStatement) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), advisory.CompareIDs(a.Vulnerability, b.Vulnerability), cmp.Compare(a.Product, b.Product), cmp.Compare(a.Why, b.Why))
	})
}

// maxClaims bounds the claims that are listed on one finding: an image may bring any number of them.
const maxClaims = 50

// list adds a statement to those that speak of the finding; claims is how many of them are claims.
func (f *Finding) list(s *Statement, claims int) {
	if !s.of.Believed && claims > maxClaims {
		return
	}
	if !s.of.Believed && claims == maxClaims {
		s.Note += "; further claims are not listed"
	}
	f.Statements = append(f.Statements, *s)
}

// concerned gives the findings that have one of the names, each once.
func concerned(index map[string][]int, vulnerabilities []string) []int {
	var out []int
	for _, name := range vulnerabilities {
		out = append(out, index[strings.ToUpper(name)]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// say gives what a statement says of a finding; nil where none of its products is the finding's package, or holds it.
func (a *Aboard) say(s *vex.Statement, products []vex.Product, f *Finding) *Statement {
	var best fitting
	var product vex.Product
	for _, p := range products {
		if fit := a.fit(p, f); fit.rank > best.rank {
			best, product = fit, p
		}
	}
	if best.rank == 0 {
		return nil
	}
	said := &Statement{
		Vulnerability: s.Vulnerabilities[0], Product: product.String(), Status: s.Status, Justification: s.Justification,
		Impact: s.Impact, Action: s.Action, Notes: s.Notes, Author: s.Author, Role: s.Role, Source: s.Source, Timestamp: s.Time, Signer: s.Signer,
		rank: best.rank, about: about(f, s.Vulnerabilities), of: s,
	}
	switch {
	case f.Malicious:
		said.Note = "malware is not quieted by statements"
	case !s.Believed:
		said.Note = "a claim: nobody whom you named said or signed it"
	case s.Unreasoned:
		said.Note = "it gives no reason, which its format demands"
	case len(said.about) == 0:
		said.Note = "it does not say which of the finding's CVEs it speaks of"
	case best.partial:
		said.Note = "it speaks of one copy of the package, and there are others"
	}
	return said
}

// problemsIn gives the CVEs that a finding stands for, where there are several; else its own id.
func problemsIn(f *Finding) []string {
	var cves []string
	for _, id := range names(f) {
		if cve := advisory.CVEOf(id); cve != "" && !slices.Contains(cves, cve) {
			cves = append(cves, cve)
		}
	}
	if len(cves) < 2 {
		return []string{f.ID}
	}
	return cves
}

// about says of which of a finding's problems a statement with these names speaks. An advisory's own name stands for all
// of which the advisory speaks.
func about(f *Finding, vulnerabilities []string) []string {
	all := problemsIn(f)
	if len(all) == 1 {
		return all
	}
	var some []string
	for _, name := range vulnerabilities {
		name = strings.ToUpper(name)
		if cve := advisory.CVEOf(name); cve != "" {
			some = append(some, cve)
			continue
		}
		for _, h := range f.hits {
			if strings.ToUpper(h.record.ID) == name {
				some = append(some, advisory.CVEsOf(h.record)...)
			}
		}
	}
	return slices.DeleteFunc(all, func(id string) bool { return !slices.Contains(some, id) })
}

// decide finds the statements that count, one for each of the finding's problems, and quiets the finding if all of them do.
func (f *Finding) decide() {
	if len(f.Statements) == 0 {
		return
	}
	slices.SortFunc(f.Statements, precede)
	problems := problemsIn(f)
	var open []string
	var quieting []*Statement
	for _, problem := range problems {
		at := slices.IndexFunc(f.Statements, func(s Statement) bool { return s.Note == "" && slices.Contains(s.about, problem) })
		if at < 0 {
			open = append(open, problem)
			continue
		}
		s := &f.Statements[at]
		s.Decided = true
		if s.quiets() {
			quieting = append(quieting, s)
		} else {
			open = append(open, problem)
		}
	}
	switch {
	case quieting == nil:
	case len(open) > 0:
		for i := range f.Statements {
			if s := &f.Statements[i]; s.Decided && s.quiets() {
				s.Note = fmt.Sprintf("it speaks of %s, and %s stands", strings.Join(s.about, ", "), strings.Join(open, ", "))
			}
		}
	case f.Quieted == nil:
		f.Quieted = quietedBy(quieting)
	}
}

// quiets says whether the statement ends a finding: an exception does so even if it says that the finding is true.
func (s *Statement) quiets() bool { return s.exception != nil || s.Status.Quiets() }

// precede orders statements as [StatementOrder] says; what is left open, by their text, so that it is always the same.
func precede(a, b Statement) int {
	if a.exception != nil && b.exception != nil {
		return lastsLonger(a.exception, b.exception)
	}
	return cmp.Or(cmp.Compare(b.rank, a.rank), b.Timestamp.Compare(a.Timestamp), cmp.Compare(caution(a.Status), caution(b.Status)),
		cmp.Compare(a.Source, b.Source), cmp.Compare(a.Product, b.Product), cmp.Compare(a.Vulnerability, b.Vulnerability), cmp.Compare(a.Author, b.Author))
}

// caution puts the statuses in the order in which they are believed of equally specific statements of one time.
func caution(s vex.Status) int {
	return slices.Index([]vex.Status{vex.Affected, vex.UnderInvestigation, vex.NotAffected, vex.Fixed}, s)
}

// by names who said it, and where.
func (s *Statement) by() string {
	if s.exception != nil {
		return fmt.Sprintf("%s%s (%s)", byException, s.Author, s.Source)
	}
	where := s.Source
	if s.Signer != "" {
		where += ", signed by " + s.Signer
	}
	return fmt.Sprintf("vex: %s (%s)", cmp.Or(s.Author, "an author not named"), where)
}

// reason is what the statement says in its own words.
func (s *Statement) reason() string {
	if s.exception != nil {
		return exceptionReason(s.exception)
	}
	words := []string{strings.ReplaceAll(string(s.Status), "_", " ")}
	for _, word := range []string{strings.ReplaceAll(s.Justification, "_", " "), s.Impact} {
		if word = strings.Join(strings.Fields(word), " "); word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, ": ")
}

// unused says why a statement spoke of no finding; empty where that is not worth saying.
func (a *Aboard) unused(s *vex.Statement, present, found bool) string {
	switch {
	case present && !found:
		return "no such finding"
	case present:
		return "the finding is in another package"
	case s.Bulk:
		return ""
	}
	return a.absent(s.Products)
}

// overruled gives the statements of named documents that spoke of findings, and nowhere went before all others.
func (a *Aboard) overruled(findings []Finding, decided map[*vex.Statement]bool) []UnusedStatement {
	var unused []UnusedStatement
	told := map[*vex.Statement]bool{}
	for i := range findings {
		for _, s := range findings[i].Statements {
			if decided[s.of] || told[s.of] || s.of.Bulk || s.exception != nil {
				continue
			}
			told[s.of] = true
			why := s.Note
			if why == "" {
				by := s
				for _, other := range findings[i].Statements {
					if other.Decided && slices.ContainsFunc(other.about, func(id string) bool { return slices.Contains(s.about, id) }) {
						by = other
						break
					}
				}
				why = fmt.Sprintf("overruled by %s (%s): %s", cmp.Or(by.Author, "another statement"), by.Source, strings.ReplaceAll(string(by.Status), "_", " "))
			}
			unused = append(unused, describeUnused(s.of, a.present(s.of.Products), why))
		}
	}
	return unused
}

// describeUnused names a statement by the first of its products that is aboard, or of all.
func describeUnused(s *vex.Statement, present []vex.Product, why string) UnusedStatement {
	u := UnusedStatement{Vulnerability: s.Vulnerabilities[0], Status: s.Status, Author: s.Author, Source: s.Source, Why: why}
	if len(present) > 0 {
		u.Product = present[0].String()
	} else if len(s.Products) > 0 {
		u.Product = s.Products[0].String()
	}
	if more := len(s.Products) - 1; more > 0 {
		u.Product += fmt.Sprintf(" and %d more", more)
	}
	return u
}
