package report

import (
	"bufio"
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tidewaiter/assess"
	"tidewaiter/image"
)

// CompareSchema is the JSON schema of a comparison (draft 2020-12).
//
//go:embed schema-compare.json
var CompareSchema []byte

// Comparison is a comparison in the shape of the JSON contract (schema-compare.json).
type Comparison struct {
	SchemaVersion int  `json:"schemaVersion"`
	Tool          Tool `json:"tool"`
	*assess.Comparison
}

// NewComparison puts the report of a comparison together.
func NewComparison(tool Tool, c *assess.Comparison) *Comparison {
	return &Comparison{SchemaVersion, tool, c}
}

// JSON writes the comparison as the contract says.
func (c *Comparison) JSON(w io.Writer, _ TextOptions) error { return writeJSON(w, c) }

// What a comparison shows of each list.
const (
	shownChanges = 5
	shownMoves   = 4
)

// comparing writes a comparison.
type comparing struct {
	*screen
	c   *Comparison
	all bool
}

// Text writes the comparison for people: whether it got better and by what, then each kind of change in a few lines.
func (c *Comparison) Text(w io.Writer, o TextOptions) error {
	b := bufio.NewWriter(w)
	x := &comparing{newScreen(b, o), c, o.All}
	x.head()
	both := moved(c.Findings)
	x.contraband()
	for _, s := range findingSections(c.Findings) {
		x.findings(s, both)
	}
	x.goals()
	x.packages()
	x.configuration()
	x.licenses()
	x.files()
	x.steps()
	x.blindSpots("New blind spots", "what could not be read or judged, and was before", c.BlindSpots.New)
	x.blindSpots("Blind spots that are gone", "", c.BlindSpots.Gone)
	return b.Flush()
}

func (x *comparing) head() {
	x.line(x.bold(Clean(x.c.From.Reference)), " -> ", x.bold(Clean(x.c.To.Reference)))
	headline := Clean(x.c.Headline)
	if x.c.Outcome == assess.Worse || x.c.Outcome == assess.Mixed {
		headline = x.red(headline)
	}
	x.wrapped("  ", headline)
	x.line()
	x.fact("from", x.side(&x.c.From))
	x.fact("to", x.side(&x.c.To))
	if parts := scoreParts(x.c.Score); parts != "" {
		x.fact("score", parts+"   in "+Clean(x.c.Environment))
	}
	if x.c.Inferred != "" {
		x.fact("causes", x.red(Clean("inferred: "+x.c.Inferred)))
	}
}

// side tells what is compared in one line.
func (x *comparing) side(s *assess.Compared) string {
	parts := []string{short(cmp.Or(s.Digest, s.ID)), s.Platform, plural(s.Packages, "package")}
	if s.Score != nil {
		parts = append(parts, plural(s.Problems, "problem"), fmt.Sprintf("score %.1f %s", *s.Score, s.Grade))
	} else {
		parts = append(parts, "nothing was matched")
	}
	if !s.Deployed.IsZero() {
		parts = append(parts, "deployed "+s.Deployed.UTC().Format(time.DateOnly))
	}
	return Clean(strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "  "))
}

// causeWords say what a cause is to people.
func causeWords(c assess.Cause) string {
	return map[assess.Cause]string{
		assess.ByImage: "the image", assess.ByAdvisories: "what became known", assess.ByRules: "rules and exceptions", assess.ByTime: "deadlines",
	}[c]
}

func scoreParts(parts []assess.ScorePart) string {
	var words []string
	for _, p := range parts {
		words = append(words, fmt.Sprintf("%+.1f by %s", p.Points, causeWords(p.Cause)))
	}
	return strings.Join(words, ", ")
}

// findingSection are the changes of one kind and cause.
type findingSection struct {
	title, note string
	list        []assess.FindingChange
	// quiet says that they asked for nothing before, and ask for nothing now.
	quiet bool
}

// findingSections puts the changes into sections: what the image did, what became known, what rules did; of each what got worse first.
func findingSections(changes []assess.FindingChange) []findingSection {
	sections := []findingSection{
		{title: "Brought by the image"}, {title: "Closed by the image"}, {title: "Matter less by what the image holds now"},
		{title: "Known since", note: "the advisories changed, not the image"}, {title: "Withdrawn", note: "the advisories changed, not the image"},
		{title: "Less than was thought", note: "the advisories changed, not the image"},
		{title: "Stand out", note: "rules, exceptions or the environment changed"}, {title: "Gone", note: "rules, exceptions or the environment changed"},
		{title: "Quieted or lowered", note: "rules, exceptions or the environment changed"},
		{title: "Quieted, before and now", quiet: true},
	}
	for _, f := range changes {
		at := map[assess.Cause]int{assess.ByImage: 0, assess.ByAdvisories: 3, assess.ByRules: 6}[f.Cause]
		switch f.Change {
		case assess.Closed:
			at++
		case assess.Hushed, assess.Sunk, assess.Unused, assess.Lighter, assess.Mended:
			at += 2
		}
		if !f.From.Asks() && !f.To.Asks() {
			at = len(sections) - 1
		}
		sections[at].list = append(sections[at].list, f)
	}
	return sections
}

// findings writes one section: each problem once, with the packages that have it. What one package lost and another brought, as compilers' libraries do
// with each release, is no news unless all is asked for.
func (x *comparing) findings(s findingSection, moved map[string]bool) {
	var ids []string
	by := map[string][]assess.FindingChange{}
	for _, f := range s.list {
		if moved[f.ID] && (f.Change == assess.Closed || f.Change == assess.Opened) && !x.all {
			continue
		}
		if by[f.ID] == nil {
			ids = append(ids, f.ID)
		}
		by[f.ID] = append(by[f.ID], f)
	}
	if len(ids) == 0 || s.quiet && !x.all {
		return
	}
	note := plural(len(ids), "problem")
	if s.note != "" {
		note += ": " + s.note
	}
	x.section(s.title, note)
	list, more := head(ids, shownChanges, x.all)
	rows := make([][]string, 0, len(list))
	for _, id := range list {
		f := by[id][0]
		name := f.Name
		if n := len(by[id]); n > 1 {
			name += fmt.Sprintf(" +%d", n-1)
		}
		state := f.To
		if f.To.State == assess.Absent {
			state = f.From
		}
		rows = append(rows, []string{x.severity(state.Severity, string(state.Severity)), Clean(id), Clean(name), x.change(&f, &state), Clean(f.Because)})
	}
	x.table(rows, 4, 2, 1)
	x.more(more, "problem")
}

// moved are the problems of which one package lost and another brought a finding.
func moved(changes []assess.FindingChange) map[string]bool {
	closed, both := map[string]bool{}, map[string]bool{}
	for _, f := range changes {
		closed[f.ID] = closed[f.ID] || f.Change == assess.Closed && f.From.Asks()
	}
	for _, f := range changes {
		if f.Change == assess.Opened && f.To.Asks() && closed[f.ID] {
			both[f.ID] = true
		}
	}
	return both
}

// change says what became of a finding, where the section does not, and what makes it grave.
func (x *comparing) change(f *assess.FindingChange, state *assess.FindingState) string {
	var parts []string
	switch f.Change {
	case assess.Opened, assess.Closed:
	case assess.Used:
		parts = append(parts, "exploited now")
	default:
		parts = append(parts, string(f.Change))
	}
	switch {
	case state.Malicious:
		parts = append(parts, "malicious")
	case state.Exploited && f.Change != assess.Used:
		parts = append(parts, "exploited")
	case state.State == assess.Lowered && f.Change != assess.Sunk:
		parts = append(parts, "lowered")
	}
	return strings.Join(parts, ", ")
}

func (x *comparing) goals() {
	if len(x.c.Goals) == 0 {
		return
	}
	x.section("Goals", "")
	word := map[assess.Verdict]string{assess.Pass: "met", assess.Fail: "not met", assess.Unknown: "unknown", "": "not set"}
	rows := make([][]string, 0, len(x.c.Goals))
	for _, g := range x.c.Goals {
		rows = append(rows, []string{Clean(g.Name), word[g.From] + " -> " + word[g.To], "by " + causeWords(g.Cause), Clean(g.Reason)})
	}
	x.table(rows, 3)
}

// packages counts what moved, and names what moved farthest from notice: what came, went or went back.
func (x *comparing) packages() {
	if len(x.c.Packages) == 0 {
		return
	}
	kinds := []assess.PackageChangeKind{assess.Added, assess.Removed, assess.Downgraded, assess.Upgraded, assess.Changed}
	count := map[assess.PackageChangeKind]int{}
	for _, p := range x.c.Packages {
		count[p.Change]++
	}
	var parts []string
	for _, k := range kinds {
		if count[k] > 0 {
			parts = append(parts, number(count[k])+" "+string(k))
		}
	}
	x.section("Packages", strings.Join(parts, ", "))
	sorted := slices.Clone(x.c.Packages)
	slices.SortStableFunc(sorted, func(a, b assess.PackageChange) int {
		return cmp.Or(cmp.Compare(distribution(a.Type), distribution(b.Type)), cmp.Compare(slices.Index(kinds, a.Change), slices.Index(kinds, b.Change)))
	})
	list, more := head(sorted, shownMoves, x.all)
	rows := make([][]string, 0, len(list))
	for _, p := range list {
		rows = append(rows, []string{string(p.Change), p.Type, Clean(p.Name), Clean(versions(p))})
	}
	x.table(rows, 3, 2)
	x.more(more, "package")
}

// distribution puts the packages that somebody chose before the many of the distribution.
func distribution(purlType string) int {
	if slices.Contains([]string{"deb", "apk", "rpm"}, purlType) {
		return 1
	}
	return 0
}

func versions(p assess.PackageChange) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.Join(p.From, ", ")+" -> "+strings.Join(p.To, ", "), " -> "), " -> ")
}

func (x *comparing) configuration() {
	if len(x.c.Configuration) == 0 {
		return
	}
	x.section("Configuration", "")
	list, more := x.c.Configuration, 0
	if !x.all { // labels that name the build differ every time
		list = slices.DeleteFunc(slices.Clone(list), func(c assess.ConfigurationChange) bool { return c.What == "label" })
		more = len(x.c.Configuration) - len(list)
	}
	for _, c := range list {
		x.wrapped("    "+Clean(strings.TrimSpace(c.What+" "+c.Name))+"  ", x.became(&c))
	}
	x.more(more, "label")
}

// became says what something of the configuration was and is.
func (x *comparing) became(c *assess.ConfigurationChange) string {
	from, to := Clean(shortened(c.From)), Clean(shortened(c.To))
	switch {
	case from == "" && to == "":
		return string(c.Change)
	case from == "":
		return "added: " + to
	case to == "":
		return "removed: " + from
	}
	return from + " -> " + to
}

// shortened cuts the digest in a reference as people compare it.
func shortened(reference string) string {
	name, digest, ok := strings.Cut(reference, "@")
	if !ok {
		return short(reference)
	}
	return name + "@" + short(digest)
}

func (x *comparing) licenses() {
	if len(x.c.Licenses) == 0 {
		return
	}
	var rows [][]string
	count := map[assess.PackageChangeKind]int{}
	for _, l := range x.c.Licenses {
		count[l.Change]++
		if l.Change == assess.Removed && !x.all {
			continue
		}
		names, more := head(l.Packages, 3, x.all)
		of := strings.Join(names, ", ")
		if more > 0 {
			of += fmt.Sprintf(" and %d more", more)
		}
		rows = append(rows, []string{string(l.Change), Clean(l.License), Clean(of)})
	}
	x.section("Licences", fmt.Sprintf("%d that were not there, %d that are gone", count[assess.Added], count[assess.Removed]))
	list, more := head(rows, shownMoves, x.all)
	x.table(list, 1, 2)
	if more += count[assess.Removed]; x.all {
		more = 0
	}
	x.more(more, "licence")
}

func (x *comparing) files() {
	f := x.c.Files
	if f == nil || f.Added+f.Removed+f.Changed == 0 {
		return
	}
	x.section("Files", fmt.Sprintf("%s added, %s removed, %s changed; %s of no package", number(f.Added), number(f.Removed), number(f.Changed), number(len(f.Unowned)+f.More)))
	sorted := slices.Clone(f.Unowned)
	slices.SortStableFunc(sorted, func(a, b assess.FileChange) int {
		return cmp.Or(programFirst(&a)-programFirst(&b), cmp.Compare(b.Layer, a.Layer))
	})
	list, more := head(sorted, shownMoves, x.all)
	rows := make([][]string, 0, len(list))
	for _, c := range list {
		what := ""
		switch {
		case c.Setuid:
			what = "setuid program"
		case c.Program:
			what = "program"
		}
		rows = append(rows, []string{string(c.Change), "/" + Clean(c.Path), Bytes(c.Size), fmt.Sprintf("layer %d", c.Layer), what})
	}
	x.table(rows, 1)
	x.more(more+f.More, "file")
}

func programFirst(f *assess.FileChange) int {
	switch {
	case f.Setuid:
		return 0
	case f.Program && f.Change != assess.Removed:
		return 1
	}
	return 2
}

func (x *comparing) steps() {
	if len(x.c.Steps) == 0 {
		return
	}
	x.section("Steps that were proposed", "and what came of them")
	list, more := head(x.c.Steps, shownChanges, x.all)
	rows := make([][]string, 0, len(list))
	for _, s := range list {
		closed := fmt.Sprintf("%d of %d closed", s.Closed, s.Closes)
		score := fmt.Sprintf("%+.1f", s.Gained)
		if s.Status != assess.NotDone {
			score += fmt.Sprintf(" (%+.1f was expected)", s.Gain)
		} else {
			score = fmt.Sprintf("%+.1f is still to be had", s.Gain)
		}
		rows = append(rows, []string{strings.ReplaceAll(string(s.Status), "-", " "), Clean(s.Title), closed, score})
	}
	x.table(rows, 1)
	x.more(more, "step")
}

func (x *comparing) blindSpots(title, note string, list []image.BlindSpot) {
	if len(list) == 0 {
		return
	}
	x.section(title, note)
	shown, more := head(list, shownBlindSpots, x.all)
	for _, b := range shown {
		x.wrapped("    ", Clean(spot(b, nil)))
	}
	x.more(more, "blind spot")
}

// Markdown writes the comparison as a comment on a pull request: the headline, and the rest folded.
func (c *Comparison) Markdown(w io.Writer, _ TextOptions) error {
	b := bufio.NewWriter(w)
	m := &markdown{w: b, left: maxMarkdown - 1000}
	plain := strings.NewReplacer("\\", "\\\\", "`", "'", "*", "\\*", "_", "\\_", "[", "\\[", "<", "&lt;", "@", "&#64;") // goals have names of the user's own
	m.line("**" + plain.Replace(Clean(c.Headline)) + "**")
	m.line("")
	m.line(mark(c.From.Reference) + " → " + mark(c.To.Reference))
	m.line("")
	for _, s := range findingSections(c.Findings) {
		rows := make([][]string, 0, len(s.list))
		for _, f := range s.list {
			rows = append(rows, []string{mark(f.ID), mark(f.Name), string(f.Change), mark(f.Because)})
		}
		m.folded(s.title, []string{"problem", "package", "change", "because"}, rows)
	}
	rows := make([][]string, 0, len(c.Contraband))
	for _, t := range c.Contraband {
		rows = append(rows, []string{string(t.Change), string(t.Severity), mark(t.ID), mark(cmp.Or(placed(t.Path, "", 0), t.Subject)), mark(t.Instruction)})
	}
	m.folded("Malware, secrets, hardening", []string{"change", "severity", "rule", "where", "instruction"}, rows)
	rows = make([][]string, 0, len(c.Packages))
	for _, p := range c.Packages {
		rows = append(rows, []string{string(p.Change), p.Type, mark(p.Name), mark(versions(p))})
	}
	m.folded("Packages", []string{"change", "type", "name", "versions"}, rows)
	return b.Flush()
}
