package assess

import (
	"fmt"
	"slices"

	"tidewaiter/match"
)

// exceptionPlans are for what nothing else ends and what still cannot wait: somebody has to decide about it.
func exceptionPlans(s *Subject, plans []plan) []plan {
	ended := map[int]bool{}
	for _, p := range plans {
		for _, i := range p.ends {
			if p.closes(&s.Findings[i]) {
				ended[i] = true
			}
		}
	}
	open := standing(s, func(f *match.Finding) bool { return ToAct(f) && !f.Malicious && f.Kind == "" })
	var out []plan
	for _, same := range groups(s, open, func(f *match.Finding) string { return f.ID }) {
		left := 0
		for _, i := range same {
			if !ended[i] {
				left++
			}
		}
		if left < len(same) {
			continue
		}
		f := &s.Findings[same[0]]
		out = append(out, plan{ends: same, Step: Step{
			Kind: Except, Title: fmt.Sprintf("decide about %s in %s: no version ends it", f.ID, f.Of.Name), Where: s.place(f.Of),
			Command: "tidewaiter except add " + f.ID,
			Note:    "do without the package, guard it, or write down why it can wait and until when",
		}})
	}
	return out
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
