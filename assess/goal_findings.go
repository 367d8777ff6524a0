package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/inventory"
	"tidewaiter/match"
)

// findings judges the standing findings of which a goal says that none may be there. what names them: "exploited in the wild".
func (j *judging) findings(what string, forbidden func(f *match.Finding) bool) outcome {
	if j.subject.Data == nil {
		return unmatched()
	}
	var list []offender
	for _, f := range j.standing {
		if forbidden(f) {
			list = append(list, offender{key: f.ID + " " + packageKey(f.Of), shown: f.ID + " in " + f.Of.Name, finding: f})
		}
	}
	if len(list) == 0 {
		return met("nothing " + what)
	}
	return outcome{Fail, list, func(counting []offender) (reason, step string) {
		problems := map[string]bool{}
		for _, o := range counting {
			problems[o.finding.ID] = true
		}
		return fmt.Sprintf("%d %s", len(problems), what), remedy(counting[0].finding)
	}}
}

// unmatched is the outcome where nothing was held against advisories. Nothing can be seen to be no worse then, either.
func unmatched() outcome {
	return cannotTell("nothing was matched: there was no advisory data", "tidewaiter db update", "")
}

// packageKey names a package without its version: what it is called is the same in the next image.
func packageKey(p *inventory.Package) string { return p.Type + "/" + p.Name }

// remedy is the change that ends a finding, in a few words.
func remedy(f *match.Finding) string {
	p, to := f.Of, fix(*f)
	switch {
	case f.Malicious:
		return strings.TrimSpace(fmt.Sprintf("remove %s %s %s", p.Name, p.Version, p.Place()))
	case f.Kind == match.KindEndOfLife && p.Name != "" && to != "":
		return fmt.Sprintf("move from %s %s to %s", p.Name, p.Version, to)
	case to == "" || p.Owner != "":
		return fmt.Sprintf("no version of %s ends %s yet: remove what is not used, or write an exception with an end (tidewaiter except add)", p.Name, f.ID)
	case p.OfDistribution():
		name := p.Name
		if p.Source != nil {
			name = p.Source.Name
		}
		if p.Layer != nil {
			return fmt.Sprintf("upgrade %s in layer %d", name, *p.Layer)
		}
		return "upgrade " + name
	case p.Type == "golang" && p.Name == "stdlib":
		return fmt.Sprintf("rebuild %s with Go %s", p.Place(), to)
	}
	return strings.TrimSpace(fmt.Sprintf("upgrade %s %s to %s %s", p.Name, p.Version, to, p.Place()))
}

func exploited(j *judging) outcome {
	if !j.fed("kev") {
		return cannotTell("the advisory data has no catalog of exploited vulnerabilities", "tidewaiter db update", "")
	}
	goal := j.env.Goals.Exploited
	o := j.findings("exploited in the wild", func(f *match.Finding) bool {
		return f.KEV != nil && (!goal.FixableOnly || len(f.Fixed) > 0) && j.standsFor(f.KEV.Added, goal.Grace)
	})
	if o.verdict != Pass {
		return o
	}
	reason := "nothing exploited in the wild"
	if date := j.dateOf("kev"); date != "" {
		reason += " by CISA's list of " + date
	}
	if said := j.quietedExploited(); said != "" {
		reason += " stands; " + said
	}
	return met(reason)
}

// dateOf is the day (YYYY-MM-DD) that a feed is of; empty where it says none.
func (j *judging) dateOf(feed string) string {
	for _, f := range j.subject.Data.Feeds {
		if f.Name == feed {
			return f.Date
		}
	}
	return ""
}

// quietedExploited names what is exploited and that somebody quieted all the same: who may pass a gate by that is told.
func (j *judging) quietedExploited() string {
	var list []offender
	by := ""
	for i := range j.subject.Findings {
		if f := &j.subject.Findings[i]; f.KEV != nil && f.Quieted != nil {
			list = append(list, offender{shown: f.ID + " in " + f.Of.Name})
			by = cmp.Or(by, f.Quieted.By)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("quieted by %s: %s", by, worst(list))
}

// fed says whether the advisory data has a feed. Where there is no data at all, another answer is given.
func (j *judging) fed(feed string) bool {
	if j.subject.Data == nil {
		return true
	}
	for _, f := range j.subject.Data.Feeds {
		if f.Name == feed {
			return true
		}
	}
	return false
}

// standsFor says whether something stands since a day for longer than a grace period allows, which like a due day lasts to the end of its
// last day. What is of no known day does.
func (j *judging) standsFor(day string, grace time.Duration) bool {
	const oneDay = 24 * time.Hour
	since, err := time.Parse(time.DateOnly, day)
	return err != nil || grace == 0 || !j.options.Now.Before(since.Add(grace+oneDay))
}

func highProfile(j *judging) outcome {
	ids := map[string]bool{}
	for _, id := range j.env.Goals.HighProfile.IDs {
		ids[strings.ToUpper(id)] = true
	}
	return j.findings("of those that are named", func(f *match.Finding) bool {
		return ids[strings.ToUpper(f.ID)] || slices.ContainsFunc(f.Aliases, func(a string) bool { return ids[strings.ToUpper(a)] })
	})
}

// atLeast says whether a finding is of a priority or of a graver one.
func atLeast(f *match.Finding, p match.Priority) bool {
	return f.Priority != "" && Urgency(f.Priority) <= Urgency(p)
}

func ofPriority(j *judging) outcome {
	p := j.env.Goals.Priority.Priority
	what := "of priority " + string(p)
	if p != match.Immediate {
		what += " or graver"
	}
	return j.findings(what, func(f *match.Finding) bool { return atLeast(f, p) })
}

func overdue(j *judging) outcome {
	return j.findings("overdue", func(f *match.Finding) bool {
		return atLeast(f, j.env.Goals.Overdue.Priority) && Overdue(f, j.options.Now)
	})
}

// fixableFor says whether a finding could have been fixed for as long as a grace period allows.
func (j *judging) fixableFor(f *match.Finding, grace time.Duration) bool {
	since, _ := clockStart(f, j.options)
	return j.standsFor(since, grace)
}

// fixableGoal looks at what has a fix for longer than its severity allows. Of what nobody has rated it cannot be said, unless the goal has
// a grace period for it, too.
func fixableGoal(j *judging) outcome {
	grace := j.env.Goals.Fixable.Grace
	late := func(f *match.Finding, level match.Level) bool {
		allowed, judged := grace[level]
		return judged && f.Kind == "" && len(f.Fixed) > 0 && j.fixableFor(f, allowed)
	}
	found := j.findings("fixable for longer than allowed", func(f *match.Finding) bool { return late(f, f.Severity) })
	if found.verdict != Pass {
		return found
	}
	if _, judged := grace[match.Unknown]; judged {
		return found
	}
	unrated := j.findings("fixable that nobody has rated", func(f *match.Finding) bool {
		return f.Severity == match.Unknown && slices.ContainsFunc([]match.Level{match.Critical, match.High, match.Medium, match.Low},
			func(l match.Level) bool { return late(f, l) })
	})
	if unrated.verdict == Fail {
		unrated.verdict = Unknown // it may be of a severity that is judged
		return unrated
	}
	return found
}

func endOfLife(j *judging) outcome {
	if !j.fed("eol") {
		return cannotTell("the advisory data does not say how long products are supported", "tidewaiter db update", "")
	}
	least := cmp.Or(j.env.Goals.EndOfLife.Severity, match.Low)
	counts := func(f *match.Finding) bool {
		return f.Kind == match.KindEndOfLife && f.Severity.Rank() <= least.Rank()
	}
	if j.subject.Data == nil || slices.ContainsFunc(j.standing, counts) {
		return j.findings("without support", counts)
	}
	looked := map[match.Level]string{match.High: "no distribution without support", match.Medium: "no distribution or runtime without support"}
	reason := cmp.Or(looked[least], "nothing without support")
	others := 0
	for _, f := range j.standing {
		if f.Kind == match.KindEndOfLife {
			others++
		}
	}
	if others > 0 {
		reason += fmt.Sprintf("; %d of severity under %s, which do not count here", others, least)
	}
	return met(reason)
}
