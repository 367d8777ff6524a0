package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

// TextOptions say how the screen looks.
type TextOptions struct {
	// Width is the count of columns; 0 means 100.
	Width int
	// Color allows ANSI colours.
	Color bool
	// All lists everything instead of the first few.
	All bool
	// Steps is the command line that lists all steps; empty means that of tidewaiter advise.
	Steps string
}

// What the first screen shows of each list: an ordinary image's report fits one terminal window.
const (
	shownSteps      = 3
	mostSteps       = 5 // where what cannot wait needs them
	shownProblems   = 5
	shownBlindSpots = 4
)

// Text writes the report for people.
func Text(w io.Writer, r *Report, o TextOptions) error {
	b := bufio.NewWriter(w)
	s := newScreen(b, o)
	header(s, r, o.All)
	unwanted(s, r, o.All)
	steps(s, r, o.All)
	findings(s, r, o.All)
	if o.All {
		lowered(s, r)
		quieted(s, r)
	}
	hardened(s, r, o.All)
	blindSpots(s, r, o.All)
	return b.Flush()
}

func header(s *screen, r *Report, all bool) {
	im := r.Image
	os := "no distribution"
	if im.OS != nil {
		os = cmp.Or(im.OS.Name, strings.TrimSpace(im.OS.ID+" "+im.OS.VersionID))
	}
	words := []string{s.bold(Clean(im.Reference)), short(cmp.Or(im.Digest, im.ID)), Clean(im.Platform), Clean(os)}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	if line := strings.Join(words, "  "); visible(line) <= s.width {
		s.line(line)
	} else {
		rest := words[:len(words)-1]
		if line := strings.Join(rest, "  "); visible(line) <= s.width || len(rest) == 1 {
			s.line(line)
		} else {
			s.line(rest[0])
			s.fact("image", strings.Join(rest[1:], "  "))
		}
		s.fact("os", Clean(os))
	}
	if im.Base != nil {
		line := base(r)
		if all && im.Base.Caveat != "" {
			line += "; " + im.Base.Caveat
		}
		s.fact("base", Clean(line))
	}
	if r.Provenance != nil {
		s.fact("built", Clean(r.Provenance.Line()))
	}
	line := aboard(r)
	if n := len(r.BlindSpots); n > 0 && unjudged(r) == 0 {
		line += ", " + s.red(plural(n, "blind spot"))
	}
	s.fact("aboard", line)
	s.fact("data", data(r.Data))
	if line := searched(r); line != "" && (all || othersSearched(r)) {
		s.fact("searched", Clean(line))
	}
	s.fact("found", found(s, r))
	if line := urgent(r); line != "" {
		s.fact("urgent", s.red(line))
	}
	if line := ended(match.Standing(r.Findings)); line != "" {
		s.fact("ended", s.red(Clean(line)))
	}
	if unjudged(r) > 0 {
		s.fact("unknown", s.red(unknown(r)))
	}
	if r.Assessment != nil && r.Assessment.Environment != "" {
		assessed(s, r)
	}
}

// base names the base image, how that is known, and what is its.
func base(r *Report) string {
	b := r.Image.Base
	line := strings.TrimSpace(b.Reference+"  "+short(b.Digest)) + "  by "
	switch {
	case b.Evidence == inventory.FromChain:
		line += "its layers"
	case b.Sure == inventory.Exact:
		line += string(b.Evidence) + " and its layers"
	case b.Sure == inventory.Contradicted:
		return line + string(b.Evidence) + ", but the layers are others"
	default:
		line += string(b.Evidence) + ", not compared"
	}
	if b.Layers == 0 {
		return line + ": its layers are not known (tidewaiter base add)"
	}
	of := 0
	for _, p := range r.Packages {
		if (p.Origin == inventory.OfBase || p.Origin == inventory.OfBoth) && p.Owner == "" {
			of++
		}
	}
	return line + fmt.Sprintf(", %d of %d; %s", b.Layers, len(r.Image.Layers), plural(of, "package"))
}

// aboard counts packages by type, the most numerous first. What a distribution's package installed is not counted
// a second time under its other name.
func aboard(r *Report) string {
	count := map[string]int{}
	total := 0
	for _, p := range r.Packages {
		switch {
		case p.Owner != "":
			continue
		case p.Locked:
			count[p.Type+" locked"]++
		case p.Claimed:
			count[p.Type+" claimed"]++
		case p.Recognised:
			count["recognised"]++
		default:
			count[p.Type]++
		}
		total++
	}
	types := make([]string, 0, len(count))
	for t := range count {
		types = append(types, t)
	}
	slices.SortFunc(types, func(a, b string) int { return cmp.Or(-cmp.Compare(count[a], count[b]), cmp.Compare(a, b)) })
	for i, t := range types {
		types[i] = fmt.Sprintf("%s %s", number(count[t]), t)
	}
	line := plural(total, "package")
	if len(types) > 0 {
		line += " (" + strings.Join(types, ", ") + ")"
	}
	if n := len(r.Image.Layers); n > 0 {
		line += " in " + plural(n, "layer")
	}
	return line
}

// data says how much is known, and of when.
func data(d *assess.Data) string {
	if d == nil {
		return "none: nothing was matched"
	}
	var oldest, newest string
	records := 0
	for _, f := range d.Feeds {
		if strings.HasPrefix(f.Name, "osv/") {
			records += f.Records
			newest = max(newest, f.Date)
			if f.Date != "" {
				oldest = min(cmp.Or(oldest, f.Date), f.Date)
			}
		}
	}
	if oldest != newest {
		newest = oldest + " to " + newest
	}
	return fmt.Sprintf("%s, %s", newest, plural(records, "advisory record"))
}

// found counts problems by severity, each once however many packages have it, as the assessment does. It never says that there is nothing wrong, only that nothing is known.
func found(s *screen, r *Report) string {
	switch {
	case r.Data == nil:
		return "unknown: nothing was matched"
	case len(r.Packages) == 0:
		return "unknown: no package to judge"
	case len(r.Findings) == 0 && unjudged(r) == inventory.CountPackages(r.Packages):
		return "unknown: no package could be judged"
	case len(r.Findings) == 0 && len(r.BlindSpots) == 0 && urgent(r) != "":
		return "no vulnerability known"
	case len(r.Findings) == 0 && len(r.BlindSpots) == 0:
		return "nothing known"
	case len(r.Findings) == 0:
		return "nothing known against what could be judged"
	}
	count := map[match.Level]int{}
	fixable, lowered, silent := 0, 0, 0
	for _, problem := range byID(r.Findings) {
		standing := match.Standing(problem)
		plain := slices.DeleteFunc(slices.Clone(standing), func(f match.Finding) bool { return f.Lowered != nil })
		switch {
		case len(standing) == 0:
			silent++
		case len(plain) == 0:
			lowered++
		default:
			count[slices.MinFunc(plain, func(a, b match.Finding) int { return cmp.Compare(a.Severity.Rank(), b.Severity.Rank()) }).Severity]++
			if slices.ContainsFunc(plain, func(f match.Finding) bool { return len(f.Fixed) > 0 }) {
				fixable++
			}
		}
	}
	quieted := ""
	if silent > 0 {
		quieted = ", " + number(silent) + " quieted"
	}
	if len(count)+lowered == 0 {
		return "nothing that asks for action" + quieted
	}
	if lowered > 0 {
		quieted = ", " + number(lowered) + " lowered" + quieted
	}
	var parts []string
	for _, l := range []match.Level{match.Critical, match.High, match.Medium, match.Low, match.Negligible, match.Unknown} {
		if count[l] > 0 {
			parts = append(parts, s.severity(l, number(count[l])+" "+string(l)))
		}
	}
	if len(parts) == 0 {
		return "nothing that no rule lowers" + quieted
	}
	return strings.Join(parts, ", ") + "   " + number(fixable) + " fixable" + quieted
}

// ended names what nobody supports any more; empty where there is nothing.
func ended(findings []match.Finding) string {
	var titles []string
	for _, f := range findings {
		if f.Kind == match.KindEndOfLife && f.Lowered == nil && !slices.Contains(titles, f.Title) {
			titles = append(titles, f.Title)
		}
	}
	if len(titles) > 2 {
		return titles[0] + "; and " + plural(len(titles)-1, "other")
	}
	return strings.Join(titles, "; ")
}

// unjudged counts the packages that no finding could be made for.
func unjudged(r *Report) int {
	n := 0
	for _, b := range r.BlindSpots {
		n += b.Packages
	}
	return n
}

// unknown says how much could not be judged.
func unknown(r *Report) string {
	if n := unjudged(r); n > 0 {
		return fmt.Sprintf("%s of %s not judged, %s", number(n), plural(inventory.CountPackages(r.Packages), "package"), plural(len(r.BlindSpots), "blind spot"))
	}
	return "not all could be judged: " + plural(len(r.BlindSpots), "blind spot")
}

// urgent says what cannot wait; empty where nothing is known to be exploited or malicious, and no secret is aboard.
func urgent(r *Report) string {
	exploited, malicious := map[string]bool{}, map[string]bool{}
	for _, f := range match.Standing(r.Findings) {
		if f.KEV != nil {
			exploited[f.ID] = true
		}
		if f.Malicious {
			malicious[f.Package] = true
		}
	}
	var parts []string
	files, secrets := graveContraband(r)
	if files > 0 {
		parts = append(parts, "malware in "+plural(files, "file"))
	}
	if len(malicious) > 0 {
		parts = append(parts, plural(len(malicious), "malicious package"))
	}
	if secrets > 0 {
		parts = append(parts, plural(secrets, "secret"))
	}
	if len(exploited) > 0 {
		parts = append(parts, number(len(exploited))+" exploited in the wild")
	}
	return strings.Join(parts, ", ")
}

// lowered lists the findings that stand behind the others, each with the rules that say so and why.
func lowered(s *screen, r *Report) {
	var list []opinion
	for _, f := range sorted(match.Standing(r.Findings)) {
		for _, l := range f.Lowered {
			list = append(list, opinion{f, l.By + ": " + l.Reason})
		}
	}
	if len(list) > 0 {
		s.section("Lowered", "unlikely to matter, by which rule and why")
		s.opinions(list)
	}
}

// quieted lists what asks for nothing, each with who says so and why.
func quieted(s *screen, r *Report) {
	var list []opinion
	for _, f := range sorted(r.Findings) {
		if f.Quieted != nil {
			text := f.Quieted.By + ": " + f.Quieted.Reason
			if f.Quieted.Until != "" {
				text += ", until " + f.Quieted.Until
			}
			list = append(list, opinion{f, text})
		}
	}
	unwanted := slices.DeleteFunc(contrabandOf(r), func(c contraband) bool { return c.quieted == nil })
	if n := len(list) + len(unwanted); n > 0 {
		s.section("Quieted", plural(n, "finding")+", by whom and why")
		s.opinions(list)
		s.silenced(unwanted)
	}
}

// opinion is what a rule or a statement says of a finding.
type opinion struct {
	finding match.Finding
	text    string
}

// opinions writes what is said of findings; where the same is said of several packages with one problem, once.
func (s *screen) opinions(list []opinion) {
	packages := map[string][]string{}
	key := func(o opinion) string { return o.finding.ID + "\x00" + o.text }
	for _, o := range list {
		packages[key(o)] = append(packages[key(o)], Clean(o.finding.Of.Name))
	}
	for _, o := range list {
		names := packages[key(o)]
		if names == nil {
			continue // said above
		}
		packages[key(o)] = nil
		level := o.finding.Severity
		s.wrapped("    "+s.severity(level, string(level))+"  "+Clean(o.finding.ID)+"  ", strings.Join(slices.Compact(names), ", "))
		s.wrapped("      ", Clean(o.text))
	}
}

func blindSpots(s *screen, r *Report, all bool) {
	if len(r.BlindSpots) == 0 {
		return
	}
	list, more := head(r.BlindSpots, shownBlindSpots, all)
	s.section("Blind spots", "what could not be read or judged")
	for _, b := range list {
		s.wrapped("    ", Clean(spot(b, r.Image.Layers)))
	}
	s.more(more, "blind spot")
}

func spot(b image.BlindSpot, layers []assess.Layer) string {
	line := b.Message
	if b.Where != "" && !strings.Contains(line, b.Where) {
		line = b.Where + ": " + line
	}
	if b.Layer != nil {
		line += fmt.Sprintf(" (layer %d", *b.Layer)
		if i := *b.Layer; i < len(layers) && layers[i].Instruction != "" {
			line += ", " + truncate(layers[i].Instruction, 40)
		}
		line += ")"
	}
	return line
}

// head gives the part of a list that is shown and how many are left.
func head[T any](list []T, n int, all bool) (shown []T, more int) {
	if all || len(list) <= n {
		return list, 0
	}
	return list[:n], len(list) - n
}

// short gives a digest as people compare it.
func short(digest string) string {
	algorithm, hex, ok := strings.Cut(digest, ":")
	if !ok || len(hex) < 12 {
		return digest
	}
	return algorithm + ":" + hex[:12]
}
