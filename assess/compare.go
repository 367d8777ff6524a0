package assess

import (
	"slices"
	"time"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

// Cause is what made a difference between two images.
type Cause string

// The causes. A finding's change has exactly one of the first three.
const (
	ByImage      Cause = "image"      // other packages, files or configuration
	ByAdvisories Cause = "advisories" // more, or something else, is known of what was there all along
	ByRules      Cause = "rules"      // a rule, a statement, an exception, or what the environment is and demands
	ByTime       Cause = "time"       // days by which something was due have passed
)

// Stage is a subject on the way from the first of a comparison to the second: as the first would be if, besides what the stages before
// changed, only this cause had made its difference.
type Stage struct {
	Cause   Cause // empty for the first
	Subject *Subject
	// Assessment is the one that was written down with the subject, when it was; nil for one that is to be made.
	Assessment *Assessment
}

// Differing is what a comparison is made of.
type Differing struct {
	// Stages lead from the one to the other; there are at least two.
	Stages []Stage
	// Inferred says why the stages between cannot be told: causes are then inferred from what the two say.
	Inferred    string
	Environment Environment
	Options     Options
	// Predicted are the steps that the first's assessment proposed.
	Predicted []Step
	// Files is what became of the files; nil where those of one of the two are not known.
	Files *FileChanges
	// Deployed are the records of the two; nil for what was not recorded.
	Deployed [2]*Deployment
}

// Comparison says what got better and what got worse from one image to another, and why.
type Comparison struct {
	Environment string   `json:"environment,omitempty"`
	From        Compared `json:"from"`
	To          Compared `json:"to"`
	Outcome     Outcome  `json:"outcome"`
	// Headline is the outcome in one sentence.
	Headline string `json:"headline"`
	// Inferred says why causes are only inferred; empty where each was found by trying.
	Inferred string `json:"inferred,omitempty"`
	// Score takes the difference of the scores apart by cause.
	Score []ScorePart `json:"score,omitempty"`
	// Findings are those that changed, sorted by cause, then those to look at first; Same is how many standing problems both have, and Passed how many
	// became known of the first only after it was judged, and are not in the second.
	Findings []FindingChange `json:"findings"`
	// Contraband is what changed of malware, secrets and the image's construction: what is new first.
	Contraband    []ContrabandChange    `json:"contraband"`
	Same          int                   `json:"same"`
	Passed        int                   `json:"passed,omitempty"`
	Goals         []GoalChange          `json:"goals"`
	Packages      []PackageChange       `json:"packages"`
	Licenses      []LicenseChange       `json:"licenses"`
	Configuration []ConfigurationChange `json:"configuration"`
	Files         *FileChanges          `json:"files,omitempty"`
	// Steps are those that were proposed for the first, held against what became of them.
	Steps []StepOutcome `json:"steps"`
	// BlindSpots are those that only one of the two has.
	BlindSpots BlindSpotChanges `json:"blindSpots"`
}

// Outcome says in a word how a comparison came out.
type Outcome string

// The outcomes.
const (
	Better  Outcome = "better"
	Worse   Outcome = "worse"
	Mixed   Outcome = "mixed" // the score is better, and something grave is new, or a goal is not met any more
	Same    Outcome = "same"
	Unclear Outcome = "unknown" // one of the two was not matched
)

// Compared is one of the two that are compared.
type Compared struct {
	Reference string    `json:"reference"`
	Digest    string    `json:"digest,omitempty"`
	ID        string    `json:"id,omitempty"`
	Platform  string    `json:"platform,omitempty"`
	Created   time.Time `json:"created,omitzero"`
	// Deployed is when it was recorded to run in its environment; zero for what was not.
	Deployed time.Time `json:"deployed,omitzero"`
	// Data is the revision of the advisories that it was judged by.
	Data string `json:"data,omitempty"`
	// Packages and Problems are how many it has; of the problems those that stand, each once.
	Packages int `json:"packages"`
	Problems int `json:"problems"`
	// Score is absent where nothing was matched.
	Score   *float64 `json:"score,omitempty"`
	Grade   string   `json:"grade,omitempty"`
	Verdict Verdict  `json:"verdict,omitempty"`
}

// ScorePart is what one cause did to the score.
type ScorePart struct {
	Cause  Cause   `json:"cause"`
	Points float64 `json:"points"`
}

// GoalChange is a goal that came out otherwise. From or To is empty where the goal was not set.
type GoalChange struct {
	Name   string  `json:"name"`
	From   Verdict `json:"from,omitempty"`
	To     Verdict `json:"to,omitempty"`
	Cause  Cause   `json:"cause"`
	Reason string  `json:"reason,omitempty"`

	findings []string // that stand or stood in the way
}

// BlindSpotChanges are the blind spots that only one of the two has.
type BlindSpotChanges struct {
	New  []image.BlindSpot `json:"new"`
	Gone []image.BlindSpot `json:"gone"`
}

// Compare says what changed from the first stage to the last, each change with the cause at whose stage it came about.
func Compare(d Differing) *Comparison {
	stages := weighed(d)
	first, last := &stages[0], &stages[len(stages)-1]
	c := &Comparison{
		Environment: d.Environment.Name, Inferred: d.Inferred, From: compared(first, d.Deployed[0]), To: compared(last, d.Deployed[1]), Files: d.Files,
		Packages: packageChanges(first.Subject, last.Subject), Licenses: licenseChanges(first.Subject, last.Subject),
		Configuration: configurationChanges(first.Subject, last.Subject), BlindSpots: blindSpotChanges(first.Subject, last.Subject),
	}
	chain := newChain(stages)
	c.Findings, c.Same = chain.changes(d.Inferred != "")
	c.Passed = chain.passed()
	c.Contraband = contrabandChanges(first.Subject, last.Subject)
	c.Goals = goalChanges(stages)
	if d.Inferred == "" {
		c.Score = scoreParts(stages)
	} else {
		inferGoals(c.Goals, c.Findings)
	}
	c.Steps = stepOutcomes(d, stages, chain)
	c.conclude(first.Subject, last.Subject)
	return c
}

// weighed assesses every stage in the one environment at the one time. What was written down of an end in this environment stands
// before or behind it: from there to here only time has passed, or the environment has changed.
func weighed(d Differing) []Stage {
	var out []Stage
	stages := answered(d.Stages)
	for i, s := range stages {
		written := d.Stages[i]
		if s.Assessment = nil; s.Subject.Data != nil {
			s.Assessment = weigh(s.Subject, d.Environment, d.Options)
		}
		was := asWritten(&written, d.Environment)
		if was && i == 0 {
			out = append(out, written)
			s.Cause = ByTime
		}
		out = append(out, s)
		if was && i == len(stages)-1 {
			written.Cause = ByTime
			out = append(out, written)
		}
	}
	return out
}

// asWritten says whether what was written down of a subject can be compared: for the same environment, no baseline excused anything, and
// rules could look into the image.
func asWritten(s *Stage, env Environment) bool {
	a := s.Assessment
	unasked := func(f match.Finding) bool { return len(f.Unasked) > 0 }
	return a != nil && a.Environment == env.Name && a.Baseline == "" && !slices.ContainsFunc(s.Subject.Findings, unasked)
}

// copied is a subject whose findings can be assessed without changing those of the one it was copied from.
func (s *Subject) copied() *Subject {
	out := *s
	out.Findings = slices.Clone(s.Findings)
	return &out
}

func compared(s *Stage, deployed *Deployment) Compared {
	im := s.Subject.Image
	out := Compared{Reference: im.Reference, Digest: im.Digest, ID: im.ID, Platform: im.Platform, Created: im.Created,
		Packages: inventory.CountPackages(s.Subject.Packages), Problems: len(standingIDs(s.Subject))}
	if deployed != nil {
		out.Deployed = deployed.Time
	}
	if s.Subject.Data != nil {
		out.Data = s.Subject.Data.Revision
	}
	if a := s.Assessment; a != nil && s.Subject.Data != nil {
		score := a.Score
		out.Score, out.Grade, out.Verdict = &score, a.Grade, a.Verdict
	}
	return out
}

func standingIDs(s *Subject) map[string]bool {
	ids := map[string]bool{}
	for i := range s.Findings {
		if f := &s.Findings[i]; f.Quieted == nil {
			ids[f.ID] = true
		}
	}
	return ids
}

// scoreParts adds up what each cause did to the score, in the order of the causes.
func scoreParts(stages []Stage) []ScorePart {
	for _, s := range stages {
		if s.Assessment == nil || s.Subject.Data == nil {
			return nil
		}
	}
	points := map[Cause]float64{}
	for i := 1; i < len(stages); i++ {
		points[stages[i].Cause] += stages[i].Assessment.Score - stages[i-1].Assessment.Score
	}
	var parts []ScorePart
	for _, cause := range []Cause{ByImage, ByAdvisories, ByRules, ByTime} {
		if p := roundScore(points[cause]); p != 0 {
			parts = append(parts, ScorePart{cause, p})
		}
	}
	return parts
}

// goalChanges finds the goals that came out otherwise.
func goalChanges(stages []Stage) []GoalChange {
	verdicts := make([]map[string]GoalResult, len(stages))
	var names []string
	named := map[string]bool{}
	for i, s := range stages {
		verdicts[i] = map[string]GoalResult{}
		if s.Assessment == nil {
			continue
		}
		for _, g := range s.Assessment.Goals {
			verdicts[i][g.Name] = g
			if !named[g.Name] {
				named[g.Name] = true
				names = append(names, g.Name)
			}
		}
	}
	last := len(stages) - 1
	changes := []GoalChange{}
	for _, name := range names {
		at := func(i int) Verdict { return verdicts[i][name].Verdict }
		from, to := at(0), at(last)
		if from == to {
			continue
		}
		g := GoalChange{Name: name, From: from, To: to, Cause: stages[settled(len(stages), at)].Cause, Reason: verdicts[last][name].Reason}
		g.findings = slices.Concat(verdicts[0][name].Findings, verdicts[last][name].Findings)
		if from == "" || to == "" {
			g.Cause = ByRules
		}
		changes = append(changes, g)
	}
	return changes
}

// inferGoals gives goals the cause of the first finding that changed of those that stand, or stood, in their way.
func inferGoals(goals []GoalChange, changes []FindingChange) {
	for i := range goals {
		g := &goals[i]
		at := slices.IndexFunc(changes, func(f FindingChange) bool { return slices.Contains(g.findings, f.ID) })
		if at >= 0 && g.Cause == ByImage {
			g.Cause = changes[at].Cause
		}
	}
}

// settled gives the last of so many stages at which something became what it is in the end; it was something else in the beginning.
func settled[T comparable](stages int, at func(i int) T) int {
	for i := stages - 1; i > 0; i-- {
		if at(i-1) != at(stages-1) {
			return i
		}
	}
	return 0
}

func blindSpotChanges(from, to *Subject) BlindSpotChanges {
	// The message and the count of packages differ for the same spot.
	key := func(b image.BlindSpot) string { return string(b.Kind) + "\x00" + b.Where }
	only := func(a, b []image.BlindSpot) []image.BlindSpot {
		had := map[string]bool{}
		for _, s := range b {
			had[key(s)] = true
		}
		list := []image.BlindSpot{}
		for _, s := range a {
			if !had[key(s)] {
				list = append(list, s)
			}
		}
		return list
	}
	return BlindSpotChanges{New: only(to.BlindSpots, from.BlindSpots), Gone: only(from.BlindSpots, to.BlindSpots)}
}

// standsIn says whether a finding asks for something.
func standsIn(f *match.Finding) bool { return f.Quieted == nil }
