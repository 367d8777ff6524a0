package assess

import (
	"fmt"
	"slices"
	"strings"
)

// noticeable is the least difference of scores that makes an image better or worse.
const noticeable = 0.05

// conclude says how the comparison came out, and puts it into one sentence.
func (c *Comparison) conclude(from, to *Subject) {
	news := c.news(from, to)
	c.Outcome = c.outcome(news)
	word := map[Outcome]string{Better: "Better", Worse: "Worse", Mixed: "Better in part", Same: "No better and no worse",
		Unclear: "Not to be told without advisories to judge both by"}[c.Outcome]
	line := word
	if c.From.Score != nil && c.To.Score != nil && c.Outcome != Same {
		line += fmt.Sprintf(": score %.1f -> %.1f", *c.From.Score, *c.To.Score)
		if c.From.Grade != c.To.Grade {
			line += fmt.Sprintf(" (%s -> %s)", c.From.Grade, c.To.Grade)
		}
	}
	c.Headline = line + news.sentence(c) + "."
}

// news counts the problems, each once, that stand in only one of the two, by cause.
type news struct {
	closed, opened map[Cause]int
	// grave are the new ones that are exploited or malicious.
	grave      int
	contraband contrabandNews
	// acute is the contraband among them that asks somebody to act at once.
	acute int
	// used are those that stood before and are exploited now.
	used                 int
	hushed, unhushed     int
	met, failed, doubted []string // goals
}

func (c *Comparison) news(from, to *Subject) news {
	n := news{closed: map[Cause]int{}, opened: map[Cause]int{}}
	stood, stands := c.standing(from, to)
	counted := map[string]bool{}
	for i := range c.Findings { // sorted by cause: of a problem with several the image's counts first
		f := &c.Findings[i]
		before, now := f.From.Asks(), f.To.Asks()
		if f.Change == Used && before && now && !counted[f.ID] {
			counted[f.ID] = true
			n.used++
		}
		if counted[f.ID] || before == now || before && stands[f.ID] || now && stood[f.ID] {
			continue
		}
		counted[f.ID] = true
		switch {
		case f.Change == Hushed:
			n.hushed++
		case f.Change == Unhushed:
			n.unhushed++
		case before:
			n.closed[f.Cause]++
		default:
			n.opened[f.Cause]++
		}
		if now && (f.To.Exploited || f.To.Malicious) {
			n.grave++
		}
	}
	n.contraband = c.contrabandNews()
	for i := range c.Contraband {
		if c.Contraband[i].Asks() {
			n.acute++
		}
	}
	for _, g := range c.Goals {
		switch {
		case g.To == Pass:
			n.met = append(n.met, g.Name)
		case g.From == Pass && g.To == Fail:
			n.failed = append(n.failed, g.Name)
		case g.From == Pass && g.To == Unknown:
			n.doubted = append(n.doubted, g.Name)
		}
	}
	return n
}

// standing are the problems that stand in the one and in the other, by the names of today.
func (c *Comparison) standing(from, to *Subject) (stood, stands map[string]bool) {
	stood, stands = standingIDs(from), standingIDs(to)
	for _, f := range c.Findings { // those that were called otherwise
		if !f.From.Asks() {
			continue
		}
		for _, alias := range f.Aliases {
			if stood[alias] {
				stood[f.ID] = true
			}
		}
	}
	return stood, stands
}

func (c *Comparison) outcome(n news) Outcome {
	if c.From.Score == nil || c.To.Score == nil {
		return Unclear
	}
	switch gain := *c.To.Score - *c.From.Score; {
	case gain <= -noticeable:
		return Worse
	case n.grave+n.used+n.acute > 0 || len(n.failed) > 0:
		return Mixed
	case gain >= noticeable:
		return Better
	}
	return Same
}

// sentence says by what: what decided the outcome first.
func (n *news) sentence(c *Comparison) string {
	good := []string{
		counted(n.closed[ByImage], "problem closed by the image", "problems closed by the image"),
		counted(c.Passed, "known since and already closed", ""), counted(n.closed[ByAdvisories], "withdrawn by the advisories", ""),
		counted(n.closed[ByRules], "ended by rules", ""), counted(n.hushed, "quieted", ""), goalNames(n.met, "now met"),
	}
	bad := []string{
		counted(n.opened[ByImage], "new problem brought by the image", "new problems brought by the image"),
		counted(n.opened[ByAdvisories], "new problem known since", "new problems known since"),
		counted(n.opened[ByRules], "raised by rules", ""), counted(n.unhushed, "no longer quieted", ""), counted(n.used, "now known to be exploited", ""),
		counted(n.grave, "of the new problems exploited or malicious", ""), goalNames(n.failed, "not met any more"), goalNames(n.doubted, "not known any more"),
	}
	good, bad = append(n.contraband.good(), good...), append(n.contraband.bad(), bad...)
	parts := slices.Concat(good, bad)
	if c.Outcome == Worse {
		parts = slices.Concat([]string{n.own(c)}, bad, good) // what the team did comes before what was found out meanwhile
	} else {
		parts = append(parts, n.own(c))
	}
	parts = append(parts, counted(len(c.BlindSpots.New), "new blind spot", "new blind spots"))
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	switch {
	case len(parts) == 0 && c.Outcome == Same:
		return ": nothing that was found changed"
	case len(parts) == 0:
		return ": what was found is the same, and deadlines, severities or priorities are not"
	}
	return ": " + strings.Join(parts, ", ")
}

// counted writes a count with its words; empty for none. many is empty where it is the same.
func counted(n int, one, many string) string {
	switch {
	case n == 0:
		return ""
	case n == 1 || many == "":
		return fmt.Sprintf("%d %s", n, one)
	}
	return fmt.Sprintf("%d %s", n, many)
}

func goalNames(names []string, became string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "goal " + names[0] + " " + became
	}
	return "goals " + strings.Join(names, ", ") + " " + became
}

// own says what the image did by itself, where the other causes hide it: it got better while the score fell, or the other way round.
func (n *news) own(c *Comparison) string {
	if c.From.Score == nil || c.To.Score == nil {
		return ""
	}
	at := slices.IndexFunc(c.Score, func(p ScorePart) bool { return p.Cause == ByImage })
	if at < 0 {
		return ""
	}
	image, all := c.Score[at].Points, *c.To.Score-*c.From.Score
	switch {
	case image >= noticeable && all <= -noticeable:
		return fmt.Sprintf("the image by itself is better (%+.1f)", image)
	case image <= -noticeable && all >= noticeable:
		return fmt.Sprintf("the image by itself is worse (%+.1f)", image)
	}
	return ""
}
