package inventory

import (
	"path"
	"slices"
	"strings"
)

// settleLocks decides what the packages of lock files are. One that is installed at the same version is only
// more evidence for the installed one. One that is not, although the installed tree stands beside the lock
// file, was left out on purpose (for development, or for another platform): the tree is the truth, and the
// package is dropped, and given apart. What is left is known from the lock file alone.
func settleLocks(found []Package) (settled, dropped []Package) {
	installed := map[identity]int{} // the first copy of each: all are made one later
	places := map[string][]string{} // purl type -> paths of installed packages, sorted
	for i := range found {
		if p := &found[i]; !p.Locked {
			id := identity{p.Type, p.Name, p.Version, ""}
			if _, ok := installed[id]; !ok {
				installed[id] = i
			}
			if !p.Project { // an application's own manifest is no sign that its dependencies are installed
				places[p.Type] = append(places[p.Type], p.Paths...)
			}
		}
	}
	for _, paths := range places {
		slices.Sort(paths)
	}
	var kept []Package
	for i := range found {
		p := &found[i]
		if !p.Locked {
			continue
		}
		if i, ok := installed[identity{p.Type, p.Name, p.Version, ""}]; ok {
			found[i].LockFiles = append(found[i].LockFiles, p.Paths[0])
		} else if !anyUnder(places[p.Type], path.Dir(p.Paths[0])) {
			kept = append(kept, *p)
		} else {
			dropped = append(dropped, *p)
		}
	}
	found = slices.DeleteFunc(found, func(p Package) bool { return p.Locked })
	return append(found, kept...), dropped
}

// anyUnder says whether one of the sorted paths lies in directory dir or below it.
func anyUnder(sorted []string, dir string) bool {
	if dir == "." {
		return len(sorted) > 0
	}
	i, _ := slices.BinarySearch(sorted, dir+"/")
	return i < len(sorted) && strings.HasPrefix(sorted[i], dir+"/")
}
