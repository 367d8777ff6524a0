package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/match"
)

// What an explanation shows of each list, unless all is asked for.
const (
	shownAliases    = 4
	shownScores     = 3
	shownOthers     = 4 // further packages that are affected
	shownConsidered = 5
	shownRulings    = 4 // records that speak of one package
	shownAbsent     = 5 // ecosystems with packages that are not aboard
	shownFeeds      = 6
	shownStatements = 3
)

// explaining writes an explanation.
type explaining struct {
	*screen
	e   *Explanation
	all bool
}

// Text writes the explanation for people: the answer, then what it rests on.
func (e *Explanation) Text(w io.Writer, o TextOptions) error {
	b := bufio.NewWriter(w)
	x := &explaining{screen: newScreen(b, o), e: e, all: o.All}
	x.head()
	if e.Contraband != nil {
		x.contraband()
		x.unknown()
		return b.Flush()
	}
	for i := range e.Findings {
		if i > 0 && !o.All {
			break
		}
		x.finding(&e.Findings[i])
		x.decision(i)
	}
	x.others()
	x.considered()
	x.absent()
	x.data()
	x.unknown()
	return b.Flush()
}

func (x *explaining) head() {
	x.line(x.bold(Clean(x.e.ID)), "  ", truncate(Clean(x.e.Title), max(x.width-len(x.e.ID)-2, 20)))
	x.list("alias", x.e.Aliases, shownAliases)
	x.list("mended by", x.e.MendedBy, shownAliases)
	x.list("mends", x.e.Mends, shownAliases)
	im := x.e.Image
	x.entry("image", strings.Join(slices.DeleteFunc([]string{im.Reference, short(cmp.Or(im.Digest, im.ID)), im.Platform},
		func(s string) bool { return s == "" }), "  "))
	word := map[match.Answer]string{match.IsAffected: "AFFECTED", match.IsQuieted: "QUIETED", match.NotAffected: "NOT AFFECTED", match.CannotSay: "UNKNOWN"}[x.e.Answer]
	switch {
	case x.e.Contraband == nil:
	case x.e.Check != nil && (x.e.Answer == match.IsAffected || x.e.Answer == match.NotAffected):
		word = map[match.Answer]string{match.IsAffected: "NOT MET", match.NotAffected: "MET"}[x.e.Answer]
	default:
		word = strings.Replace(word, "AFFECTED", "FOUND", 1)
	}
	if x.e.Answer == match.IsAffected || x.e.Answer == match.CannotSay {
		word = x.red(word)
	} else {
		word = x.bold(word)
	}
	x.line()
	x.wrapped("  "+word+"  ", Clean(x.e.Because))
}

// list writes a word and the first few of a list, unless it is empty.
func (x *explaining) list(word string, list []string, most int) {
	shown, more := head(list, most, x.all)
	switch {
	case len(list) == 0:
	case more > 0:
		x.entry(word, strings.Join(shown, ", ")+fmt.Sprintf(" and %s more", number(more)))
	default:
		x.entry(word, strings.Join(shown, ", "))
	}
}

// entry writes a word and what is known under it.
func (x *explaining) entry(word, text string) {
	const column = 12
	x.wrapped("  "+word+strings.Repeat(" ", column-len(word)), Clean(text))
}

// finding tells one finding whole.
func (x *explaining) finding(f *match.Finding) {
	x.line()
	x.entry("package", packageLine(f.Of))
	for _, path := range f.Paths[min(1, len(f.Paths)):] {
		if x.all {
			x.entry("", "/"+path)
		}
	}
	if f.Kind == "" || f.Layer != nil {
		x.entry("from", x.from(f.Of))
	}
	if x.e.Because != f.Evidence.Compared {
		x.entry("compared", f.Evidence.Compared)
	}
	x.entry("advisory", f.Evidence.Advisory+": "+f.Evidence.Range+feedLine(f.Evidence.Feed, x.e.date(f.Evidence.Feed)))
	for _, fact := range f.Evidence.Facts {
		x.entry("", fact)
	}
	x.ends(f)
	x.severities(f)
	if f.Kind == "" {
		x.exploited(f)
	}
	x.dampers(f)
}

// ends says what ends the finding.
func (x *explaining) ends(f *match.Finding) {
	switch fixed := strings.Join(f.Fixed, ", "); {
	case f.Malicious:
		x.entry("do", removeIt)
	case f.Kind == match.KindEndOfLife && fixed != "":
		x.entry("supported", fixed)
	case f.Kind == match.KindEndOfLife:
		x.entry("supported", "no release any more")
	case fixed != "":
		x.entry("fixed in", fixed)
	default:
		x.entry("fixed in", "no version yet")
	}
}

func packageLine(p *inventory.Package) string {
	line := p.Name + " " + p.Version
	if place := p.Place(); place != "" {
		line += "   " + place
	}
	return line
}

func feedLine(feed, date string) string {
	line := ""
	if feed != "" {
		line = ", feed " + feed
	}
	if date != "" {
		line += " of " + date
	}
	return line
}

// from says who brought a package: layer, line, instruction, base or application.
func (x *explaining) from(p *inventory.Package) string {
	var parts []string
	if p.Layer != nil {
		parts = append(parts, fmt.Sprintf("layer %d", *p.Layer))
	}
	if l := x.e.layer(p); l != nil && l.DockerfileLine > 0 {
		parts = append(parts, fmt.Sprintf("Dockerfile:%d", l.DockerfileLine))
	}
	switch p.Origin {
	case inventory.OfBase:
		parts = append(parts, "of the base image")
	case inventory.OfApp:
		parts = append(parts, "of the application")
	case inventory.OfBoth:
		parts = append(parts, "of the base image and of the application")
	}
	line := strings.Join(parts, ", ")
	if p.Instruction != "" {
		line += "   " + truncate(instructionText(p.Instruction), max(x.width-visible(line)-18, 20))
	}
	return cmp.Or(line, "the source does not tell")
}

// severities names who decided, then what all said.
func (x *explaining) severities(f *match.Finding) {
	line := string(f.Severity)
	switch f.SeveritySource {
	case "":
		line += ": nobody rated it"
	default:
		line += ", set by " + f.SeveritySource
	}
	scores, more := head(f.CVSS, shownScores, x.all)
	var all []string
	for _, c := range scores {
		all = append(all, fmt.Sprintf("%.1f %s by %s", c.Score, cvssName(c.Vector), c.Source))
	}
	if more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	if len(all) > 0 {
		line += "   (" + strings.Join(all, ", ") + ")"
	}
	x.entry("severity", line)
	for _, c := range f.CVSS {
		if x.all {
			x.entry("", c.Vector)
		}
	}
}

// cvssName is the version of a vector's CVSS.
func cvssName(vector string) string {
	if rest, ok := strings.CutPrefix(vector, "CVSS:"); ok {
		version, _, _ := strings.Cut(rest, "/")
		return "CVSS " + version
	}
	return "CVSS 2"
}

func (x *explaining) exploited(f *match.Finding) {
	var parts []string
	if f.Malicious {
		parts = append(parts, "malicious")
	}
	if f.KEV != nil {
		line := "known to be exploited: in CISA's KEV since " + f.KEV.Added
		if f.KEV.Ransomware {
			line += ", also by ransomware"
		}
		parts = append(parts, line)
	} else {
		parts = append(parts, "not in CISA's KEV")
	}
	if f.EPSS != nil {
		parts = append(parts, fmt.Sprintf("EPSS %.1f%%, above %.0f%% of all, of %s", min(f.EPSS.Score*100, 99.9), min(f.EPSS.Percentile*100, 99), f.EPSS.Date))
	}
	x.entry("exploited", strings.Join(parts, "; "))
}

// dampers says what quiets or lowers a finding, and how to switch that off; then all that statements say of it.
func (x *explaining) dampers(f *match.Finding) {
	if q := f.Quieted; q != nil {
		line := "by " + q.By + ": " + q.Reason
		if q.Until != "" {
			line += ", until " + q.Until
		}
		x.entry("quieted", line+switchOff(q.By))
	}
	for _, l := range f.Lowered {
		x.entry("lowered", "by "+l.By+": "+l.Reason+switchOff(l.By))
	}
	statements, more := head(f.Statements, shownStatements, x.all)
	for _, st := range statements {
		line := string(st.Status) + " says " + cmp.Or(st.Author, "nobody named") + " in " + st.Source
		for _, more := range []string{st.Justification, st.Impact, st.Note} {
			if more != "" {
				line += ": " + more
			}
		}
		if st.Signer != "" {
			line += " (signed by " + st.Signer + ")"
		}
		x.entry("statement", line)
	}
	x.more(more, "statement")
}

// switchOff tells how to do without a rule; empty for what is none.
func switchOff(by string) string {
	if slices.ContainsFunc(match.Rules(), func(r match.Rule) bool { return r.Name == by }) {
		return " (--rule " + by + "=off switches that off)"
	}
	return ""
}

// others lists the further packages that are affected, a line each.
func (x *explaining) others() {
	if len(x.e.Findings) < 2 || x.all {
		return
	}
	list, more := head(x.e.Findings[1:], shownOthers, false)
	x.section("Affected too", "")
	var rows [][]string
	for _, f := range list {
		state := "no fix yet"
		if len(f.Fixed) > 0 {
			state = "fixed in " + f.Fixed[0]
		}
		if f.Quieted != nil {
			state = "quieted by " + f.Quieted.By
		}
		rows = append(rows, []string{Clean(f.Of.Name + " " + f.Of.Version), Clean(state), Clean(f.Evidence.Advisory), Clean(f.Of.Place())})
	}
	x.table(rows, 3, 0)
	x.more(more, "package")
}

// considered lists the packages that records name and that do not match, each with the reason.
func (x *explaining) considered() {
	if len(x.e.Considered) == 0 || len(x.e.Findings) > 0 && !x.all {
		if n := len(x.e.Considered); n > 0 {
			x.line()
			x.entry("besides", plural(n, "package")+" aboard that it names, and that it does not affect: --all tells why")
		}
		return
	}
	x.section("Considered", "what is aboard of what it names, and what is said of that")
	list, more := head(x.e.Considered, shownConsidered, x.all)
	for _, c := range list {
		line := c.Name + " " + c.Version
		if c.Ecosystem != "" {
			line += "  (" + c.Ecosystem + ")"
		}
		x.wrapped("    ", Clean(line+"   "+x.carriers(c)))
		rulings, rest := head(c.Rulings, shownRulings, x.all)
		for _, r := range rulings {
			by := ""
			if r.Advisory != "" {
				by = r.Advisory + "  "
			}
			x.wrapped("      "+x.paint(ansiFaint, Clean(by)), Clean(r.Reason+feedLine(r.Feed, x.e.date(r.Feed))))
		}
		if rest > 0 {
			x.line("      ", x.paint(ansiFaint, fmt.Sprintf("and %s more: --all lists them", plural(rest, "record"))))
		}
	}
	x.more(more, "package")
}

// carriers names the binary packages of a source package, and where what was considered lies.
func (x *explaining) carriers(c match.Considered) string {
	line := ""
	if c.Of.Name != c.Name || len(c.Packages) > 1 {
		var names []string
		for _, purl := range c.Packages {
			name, _, _ := strings.Cut(packageName(purl), " ")
			names = append(names, name)
		}
		shown, more := head(names, 4, x.all)
		line = "as " + strings.Join(shown, ", ")
		if more > 0 {
			line += fmt.Sprintf(" and %d more", more)
		}
		line += "   "
	}
	return line + cmp.Or(c.Of.Place(), x.from(c.Of))
}

// absent names the packages that records name and that are not aboard: those of the ecosystems that are aboard first.
func (x *explaining) absent() {
	if len(x.e.Absent) == 0 || len(x.e.Findings) > 0 && !x.all {
		return
	}
	var ecosystems []string
	byEcosystem := map[string][]string{}
	for _, p := range x.e.Absent {
		if byEcosystem[p.Ecosystem] == nil {
			ecosystems = append(ecosystems, p.Ecosystem)
		}
		byEcosystem[p.Ecosystem] = append(byEcosystem[p.Ecosystem], p.Name)
	}
	foreign := func(e string) int { return 1 - min(1, x.e.aboard["osv/"+e]) }
	slices.SortStableFunc(ecosystems, func(a, b string) int { return cmp.Compare(foreign(a), foreign(b)) })
	for i, e := range ecosystems {
		names, more := head(byEcosystem[e], 3, x.all)
		ecosystems[i] = e + " " + strings.Join(names, ", ")
		if more > 0 {
			ecosystems[i] += fmt.Sprintf(" and %s more", number(more))
		}
	}
	x.line()
	shown, more := head(ecosystems, shownAbsent, x.all)
	line := strings.Join(shown, "; ")
	if more > 0 {
		line += fmt.Sprintf("; and %s more", plural(more, "ecosystem"))
	}
	x.entry("not aboard", line)
}

// data names the feeds that a negative answer rests on.
func (x *explaining) data() {
	if x.e.Data == nil || len(x.e.Findings) > 0 {
		return
	}
	var feeds []string
	for _, f := range x.e.Data.Feeds {
		if x.e.aboard[f.Name] > 0 {
			feeds = append(feeds, strings.TrimSpace(f.Name+" of "+cmp.Or(f.Date, "no known date")))
		}
	}
	if len(feeds) == 0 {
		return
	}
	if len(x.e.Absent) == 0 {
		x.line()
	}
	x.list("data", feeds, shownFeeds)
}

// unknown lists what stands in the way of an answer; the first is the answer itself.
func (x *explaining) unknown() {
	rest := x.e.BlindSpots[min(1, len(x.e.BlindSpots)):]
	if len(rest) == 0 {
		return
	}
	x.section("In the way too", "")
	list, more := head(rest, shownBlindSpots, x.all)
	for _, b := range list {
		x.wrapped("    ", Clean(spot(b, x.e.Image.Layers)))
	}
	x.more(more, "blind spot")
}
