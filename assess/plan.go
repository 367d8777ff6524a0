package assess

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
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
	// supported says that the distribution is one that is supported afterwards, whichever that is.
	supported bool
	// removes are the purls of packages that are no longer aboard afterwards.
	removes []string
	// user is who the image runs as afterwards; empty for a step that leaves that alone.
	user string
	// clears is the malware, or the secrets, that the step takes out of the image.
	clears []contraband

	// adds are those of ends that no plan before it ends which costs no more; nil until that is known.
	adds []int
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
	for _, c := range p.clears {
		ended[c.id] = true
	}
	p.closed, p.Closes, p.Exploited = ended, ids(ended), len(exploited)
	for id := range had {
		delete(brought, id)
	}
	p.Opens = nil
	if len(brought) > 0 {
		p.Opens = ids(brought)
	}
}

// ofFindings says whether it is for findings that there is the plan.
func (p *plan) ofFindings() bool { return p.user == "" && len(p.clears) == 0 }

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

// noteCopies says of each plan how many of its problems other packages still have afterwards, and where.
func noteCopies(s *Subject, plans []plan) {
	having := map[string][]int{} // by id, the standing findings
	for i := range s.Findings {
		if f := &s.Findings[i]; f.Quieted == nil {
			having[f.ID] = append(having[f.ID], i)
		}
	}
	for n := range plans {
		p := &plans[n]
		ends, count := map[int]bool{}, map[string]int{}
		for _, i := range p.ends {
			if f := &s.Findings[i]; p.closes(f) && !ends[i] {
				ends[i] = true
				count[f.ID]++
			}
		}
		var still *inventory.Package
		for _, id := range p.Closes {
			if count[id] == len(having[id]) {
				continue
			}
			p.Remain++
			if still == nil {
				still = s.Findings[having[id][slices.IndexFunc(having[id], func(i int) bool { return !ends[i] })]].Of
			}
		}
		if p.Remain > 0 {
			note := fmt.Sprintf("%d of the %d stay", p.Remain, len(p.Closes))
			switch {
			case len(p.Closes) == 1:
				note = "it stays"
			case p.Remain == len(p.Closes):
				note = fmt.Sprintf("all %d stay", p.Remain)
			}
			p.Note = strings.TrimPrefix(fmt.Sprintf("%s; %s elsewhere in the image, as in %s", p.Note, note, s.named(still)), "; ")
		}
	}
}

// named says which package is meant, and where it is.
func (s *Subject) named(p *inventory.Package) string {
	name, where := short(p)+" "+p.Version, s.place(p)
	if p.OfDistribution() {
		where = s.layerPlace(p)
	}
	if where == "" {
		return name
	}
	return name + " (" + where + ")"
}

// fixable says whether a newer version of a finding's package ends it.
func fixable(f *match.Finding) bool { return f.Quieted == nil && !f.Malicious && fix(*f) != "" }
