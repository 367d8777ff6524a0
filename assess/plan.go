package assess

import (
	"maps"
	"slices"

	"tidewaiter/advisory"
	"tidewaiter/match"
)

// plan is a step together with what it does to the findings, before its effect on the score is known.
type plan struct {
	// Step has all but Closes, Opens, Exploited and Gain, which come of the rest.
	Step
	// ends are the findings that the step ends, as indexes of the subject's.
	ends []int
	// brings are the findings that it puts in their place.
	brings []match.Finding
	// base is the candidate that becomes the base; nil for a step that leaves it alone.
	base *BaseCandidate
	// sameRelease says that it is of the subject's distribution and release.
	sameRelease bool
	// removes are the purls of packages that are no longer aboard afterwards.
	removes []string
	// user is who the image runs as afterwards; empty for a step that leaves that alone.
	user string

	// closed are Closes.
	closed map[string]bool
}

// describe fills in what of a step follows from its findings. An id that the step ends in one package and brings in another is
// neither closed nor opened.
func (p *plan) describe(s *Subject, had map[string]bool) {
	ended, brought := map[string]bool{}, map[string]bool{}
	exploited, in := map[string]bool{}, map[string]bool{}
	for i := range p.brings {
		if f := &p.brings[i]; f.Quieted == nil {
			brought[f.ID] = true
		}
	}
	for _, i := range p.ends {
		f := &s.Findings[i]
		if f.Quieted != nil || brought[f.ID] {
			continue
		}
		ended[f.ID] = true
		in[f.Package] = true
		if f.KEV != nil {
			exploited[f.ID] = true
		}
	}
	p.Packages = slices.Sorted(maps.Keys(in))
	p.closed, p.Closes, p.Exploited = ended, ids(ended), len(exploited)
	for id := range had {
		delete(brought, id)
	}
	p.Opens = nil
	if len(brought) > 0 {
		p.Opens = ids(brought)
	}
}

// closes says whether a finding, of those that the plan ends, is gone for good.
func (p *plan) closes(f *match.Finding) bool { return f.Quieted == nil && p.closed[f.ID] }

func ids(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for id := range set {
		list = append(list, id)
	}
	slices.SortFunc(list, advisory.CompareIDs)
	return list
}

// fixable says whether a newer version of a finding's package ends it.
func fixable(f *match.Finding) bool { return f.Quieted == nil && !f.Malicious && fix(*f) != "" }
