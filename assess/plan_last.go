package assess

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tidewaiter/inventory"
	"tidewaiter/match"
)

// exceptionPlans are for what nothing else ends and what still cannot wait: somebody has to decide about it. Each is about one package, as
// it was installed: what one instruction installs is also what one instruction leaves out.
func exceptionPlans(s *Subject, env Environment, plans []plan, o Options) []plan {
	ended := map[int]bool{}
	for _, p := range plans {
		for _, i := range p.ends {
			if p.closes(&s.Findings[i]) {
				ended[i] = true
			}
		}
	}
	owners := map[string]*inventory.Package{}
	for i := range s.Packages {
		owners[s.Packages[i].PURL] = &s.Packages[i]
	}
	installed := func(f *match.Finding) *inventory.Package {
		if owner := owners[f.Of.Owner]; owner != nil {
			return owner
		}
		return f.Of
	}
	open := standing(s, func(f *match.Finding) bool {
		return (ToAct(f) || f.KEV != nil) && !f.Malicious && f.Kind == ""
	})
	open = slices.DeleteFunc(open, func(i int) bool { return ended[i] })
	var out []plan
	for _, same := range groups(s, open, func(f *match.Finding) string {
		p := installed(f)
		return strings.Join([]string{p.Type, sourceName(p), p.Version, p.Owner}, "\x00")
	}) {
		out = append(out, exceptionPlan(s, env, o, same, installed(&s.Findings[same[0]])))
	}
	return out
}

// exceptionPlan is what can be decided about the problems of a package that have no fix.
func exceptionPlan(s *Subject, env Environment, o Options, same []int, p *inventory.Package) plan {
	found := s.found(same)
	Sort(found)
	f := &found[0]
	ids := []string{f.ID}
	for i := range found {
		if !slices.Contains(ids, found[i].ID) {
			ids = append(ids, found[i].ID)
		}
	}
	what := f.ID
	if len(ids) > 1 {
		what = fmt.Sprintf("%d problems", len(ids))
	}
	name, lack := short(p), "no fix"
	if p.OfDistribution() {
		name = sourceName(p)
		if len(found) == 1 || p.Type != f.Of.Type {
			name = p.Name
		}
		if len(f.Fixed) > 0 { // of what the distribution made a package of
			lack = "no fix in its distribution"
		}
	}
	step := Step{Kind: Except, Title: fmt.Sprintf("remove %s or except %s: %s", name, what, lack), Where: s.place(p), Command: exceptCommand(s, env, o, f)}
	way := fmt.Sprintf("do without %s or replace it", name)
	switch {
	case p.OfDistribution() && !s.installedHere(p):
		step.Title = fmt.Sprintf("decide about %s in %s: %s", what, name, lack)
		way = "move to a base without " + name
	case p.OfDistribution():
		step.Where = s.layerPlace(p)
		way += " (leave it, or what needs it, out of the instruction)"
	}
	step.Note = way + ", or write down with the command why it can wait and until when"
	const named = 5
	switch more := ids[1:]; {
	case len(more) > named:
		step.Note += fmt.Sprintf("; the same for %s and %d more", strings.Join(more[:named], ", "), len(more)-named)
	case len(more) > 0:
		step.Note += "; the same for " + strings.Join(more, ", ")
	}
	return plan{ends: same, Step: step}
}

// exceptCommand writes an exception for a finding, as far as it is known what to write: who answers for it and why is for the user to say.
func exceptCommand(s *Subject, env Environment, o Options, f *match.Finding) string {
	words := []string{"tidewaiter except add", f.ID}
	if purl, _, _ := strings.Cut(f.Package, "?"); shellWord.MatchString(purl) {
		words = append(words, "--package", withoutVersion(purl))
	}
	if image := cmp.Or(s.Image.Repository, s.Image.Digest, s.Image.ID); image != "" && shellWord.MatchString(image) {
		words = append(words, "--image", image)
	}
	if env.Name != "" && shellWord.MatchString(env.Name) {
		words = append(words, "--env", env.Name)
	}
	words = append(words, "--owner WHO")
	if env.Exceptions.Approver {
		words = append(words, "--approver WHO")
	}
	words = append(words, `--reason "WHY"`)
	if o.Now.IsZero() {
		return strings.Join(append(words, "--until fix"), " ")
	}
	const usual = 30 * 24 * time.Hour
	term := usual
	if longest := env.Exceptions.Longest; longest > 0 {
		term = min(term, longest)
	}
	return strings.Join(append(words, fmt.Sprintf(`--until "%s or fix"`, o.Now.Add(term).UTC().Format(time.DateOnly))), " ")
}

// withoutVersion cuts off a package URL's version: an exception holds for the next one, too, as long as that has no fix either.
func withoutVersion(purl string) string {
	if at := strings.LastIndexByte(purl, '@'); at > strings.LastIndexByte(purl, '/') {
		return purl[:at]
	}
	return purl
}

// shellWord is what a shell takes as it stands: an image may hold any name.
var shellWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9@_./:+~%-]*$`)

// releasePlans move away from a distribution that nobody supports any more, where no other base is known that would.
func releasePlans(s *Subject, plans []plan) []plan {
	ends := standing(s, func(f *match.Finding) bool { return isDistribution(s, f) && f.Severity.Rank() <= match.High.Rank() })
	for _, p := range plans {
		if p.base != nil && slices.ContainsFunc(p.ends, func(i int) bool { return slices.Contains(ends, i) }) {
			return nil
		}
	}
	if len(ends) == 0 {
		return nil
	}
	f := &s.Findings[ends[0]]
	step := Step{Kind: MoveBase, Cost: StepCost{Change: Major}, Note: "what else it ends is not known: no other base is known to compare with (tidewaiter base add)"}
	to := "a system that is supported"
	if n := len(f.Fixed); n > 0 {
		to = f.Fixed[n-1]
		step.To = map[string]string{f.Package: to}
	}
	step.Title = fmt.Sprintf("move from %s %s to %s", f.Of.Name, f.Of.Version, to)
	if b := s.Image.Base; b != nil && b.Reference != "" {
		step.Where = "FROM " + b.Reference
	}
	return []plan{{ends: ends, supported: true, Step: step}}
}

// userPlans make the image run as somebody who is not root, where that is a goal that is not met and the Dockerfile can be edited.
func userPlans(s *Subject, goals []GoalResult, o Options) []plan {
	notMet := slices.ContainsFunc(goals, func(g GoalResult) bool { return g.Name == "non-root" && g.Verdict == Fail })
	const nobody = "65532" // the number that base images without a shell use for their user who is not root
	if !notMet || s.Image.Config == nil {
		return nil
	}
	edit, err := o.Dockerfile.AddUser(nobody)
	if err != nil {
		return nil
	}
	return []plan{{user: nobody, Step: Step{
		Kind: Configure, Title: "run as a user who is not root", Where: edit.place(), Edit: edit, Command: s.build(),
		Note: "what the program writes to must be that user's",
	}}}
}
