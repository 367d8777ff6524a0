package declared

import "strings"

// maxWild bounds the places of a set of which only a part is known: each file is held against all of them.
const maxWild = 500

// placeSet finds the place that holds a path, among many. Each has a number; of several that hold a path, the highest counts.
type placeSet struct {
	exact, trees map[string]int
	wild         []numberedPlace
}

type numberedPlace struct {
	place
	number int
}

func (s *placeSet) add(list []place, number int) {
	if s.exact == nil {
		s.exact, s.trees = map[string]int{}, map[string]int{}
	}
	for _, p := range list {
		switch {
		case !strings.Contains(p.path, unknown):
			s.exact[p.path] = max(s.exact[p.path], number+1)
			if p.tree {
				s.trees[p.path] = max(s.trees[p.path], number+1)
			}
		case len(s.wild) < maxWild:
			s.wild = append(s.wild, numberedPlace{p, number})
		default:
			s.trees[""] = max(s.trees[""], number+1) // too many to tell apart
		}
	}
}

// find gives the number of the place that holds a path; -1 where none does.
func (s *placeSet) find(at string) int {
	best := max(s.exact[at], s.trees[""]) - 1
	for dir := at; dir != ""; {
		dir = dir[:max(strings.LastIndexByte(dir, '/'), 0)]
		best = max(best, s.trees[dir]-1)
	}
	for _, p := range s.wild {
		if p.number > best && p.holds(at) {
			best = p.number
		}
	}
	return best
}

func (s *placeSet) holds(at string) bool { return s.find(at) >= 0 }
