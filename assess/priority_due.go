package assess

import (
	"strconv"
	"strings"
	"time"

	"tidewaiter/match"
)

// FindingKey names a problem of a package, whatever the package's version.
type FindingKey struct {
	ID string // the finding's
	// Type and Name are the package's.
	Type, Name string
}

// KeyOf is the key of a finding.
func KeyOf(f *match.Finding) FindingKey {
	k := FindingKey{ID: f.ID}
	if f.Of != nil {
		k.Type, k.Name = f.Of.Type, f.Of.Name
	}
	return k
}

// Term says how a due day came about, or why there is none.
type Term struct {
	// Start is the day (YYYY-MM-DD) from which is counted, Because why that one; Days is how many are given.
	Start   string `json:"start,omitempty"`
	Because string `json:"because,omitempty"`
	Days    int    `json:"days,omitempty"`
	// Row is the row of CISA's timelines that gives them; nil where the environment's own deadline for the priority does, and where no table speaks.
	Row *Row `json:"row,omitempty"`
	// Note is what else is to be known: why there is no day, or what is demanded besides.
	Note string `json:"note,omitempty"`

	due string
}

// term finds the day by which a finding must be fixed. An entry in CISA's catalog asks for more haste, but not since before
// it was there: what holds without it is counted by itself, and of the two days the earlier is the one.
func (j *judged) term(f *match.Finding, env Environment, o Options) Term {
	start, because := clockStart(f, o)
	switch {
	case f.Malicious:
		return Term{Start: start, Because: because, Note: "malicious: remove it at once", due: start}
	case len(f.Fixed) == 0:
		return Term{Note: "no version fixes it yet: the clock starts when one does"}
	}
	plain := j.count(f, env, start, because, false)
	if f.KEV == nil {
		return plain
	}
	if f.KEV.Added > start && isDay(f.KEV.Added) {
		start, because = f.KEV.Added, "added to CISA's KEV"
	}
	listed := j.count(f, env, start, because, true)
	if listed.due == "" || plain.due != "" && plain.due < listed.due {
		plain.Note = listed.besides(plain.Note)
		return plain
	}
	return listed
}

// besides adds to a note what CISA's catalog asks for by a later day.
func (t *Term) besides(note string) string {
	if note != "" {
		note += "; "
	}
	note += "being in KEV asks for " + t.due
	if t.Row != nil {
		note += " (row " + strconv.Itoa(t.Row.Number) + ": " + t.Row.Outcome + ")"
	}
	return note
}

// count looks up the days that are given, with or without what CISA's catalog says, and counts them from start.
func (j *judged) count(f *match.Finding, env Environment, start, because string, kev bool) Term {
	exploited := j.exploitation
	if f.KEV != nil && !kev {
		exploited = exploitationBesidesKEV(f)
	}
	priority := j.row(exploited).priority()
	t := Term{Start: start, Because: because}
	var given bool
	if len(env.Deadlines) > 0 {
		var deadline time.Duration
		deadline, given = env.Deadlines[priority]
		const day = 24 * time.Hour
		t.Days = int((deadline + day - 1) / day)
		t.Note = "the environment's own deadline for " + string(priority) + ": " + strconv.Itoa(t.Days) + " days"
	} else {
		t.Row = timelineRow(kev, Exposure(j.exposure.Value), j.automatable.Value, j.technical.Value)
		t.Days, given = t.Row.days()
	}
	switch {
	case priority == match.Defer:
		return Term{Row: t.Row, Note: "deferred: it goes with the next upgrade"}
	case !given:
		return Term{Row: t.Row, Note: "it goes with the next upgrade"}
	}
	t.due = addDays(start, t.Days)
	return t
}

// clockStart is the day from which is counted: that on which it was known to be there and a version ended it, by the deployments' history or else by
// the advisories.
func clockStart(f *match.Finding, o Options) (day, because string) {
	if day := o.Since[KeyOf(f)]; isDay(day) {
		return day, "first seen here with a fix"
	}
	known, fixed := f.Published, f.FixPublished
	switch {
	case isDay(fixed) && fixed > known:
		return fixed, "first known to be fixed"
	case isDay(known) && f.Kind == match.KindEndOfLife:
		return known, "support ended"
	case isDay(known):
		return known, "published"
	}
	return undated(f, o)
}

// undated is the day to count from where no record says when a problem became known: the last of the year that its CVE was
// given out in, else today.
func undated(f *match.Finding, o Options) (day, because string) {
	today := o.Now.UTC().Format(time.DateOnly)
	if rest, ok := strings.CutPrefix(f.ID, "CVE-"); ok {
		year, _, _ := strings.Cut(rest, "-")
		if last := year + "-12-31"; isDay(last) && last < today {
			return last, "no record says when it became known: the end of the CVE's year"
		}
	}
	return today, "no record says when it became known: today"
}

func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// addDays is the day so many days later; the same day where it is none.
func addDays(day string, days int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, days).Format(time.DateOnly)
}
