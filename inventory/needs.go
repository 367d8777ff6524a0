package inventory

import (
	"path"
	"slices"

	"tidewaiter/inventory/reach"
)

// Needs gives the packages of the distribution, by purl, that files of the image need which no such package installed: the libraries that
// programs are linked with, the interpreters of scripts, and what the image starts. The paths of these files have a leading slash and are
// sorted. What a program loads by itself while it runs is not seen. A nil Reach gives nothing.
func (r *Reach) Needs() map[string][]string {
	if r == nil {
		return nil
	}
	result := r.result()
	owner, byBase := ownersOf(result.programs)
	needs := map[string][]string{}
	need := func(purl, by string) {
		if list := needs[purl]; purl != "" && (len(list) == 0 || list[len(list)-1] != by) { // a file's libraries come together
			needs[purl] = append(list, by)
		}
	}
	ofFile := func(name string) string {
		if e, ok := r.tree.Lookup(name); ok && owner[e.Path] != "" {
			return owner[e.Path]
		}
		return byBase[path.Base(name)]
	}
	for _, e := range result.kept {
		now, ok := r.tree.Lookup(e.Path)
		if !ok || now.File != e.File || owner[e.Path] != "" {
			continue // replaced or removed by a later layer, or a package's own
		}
		libraries, interpreter := reach.Requires(e.File.Facts())
		for _, library := range libraries {
			need(byBase[path.Base(library)], "/"+e.Path)
		}
		if interpreter != "" {
			need(ofFile(interpreter), "/"+e.Path)
		}
	}
	if start := result.Entrypoint; start != "" {
		need(ofFile(start[1:]), "the image's entrypoint")
	}
	for purl, files := range needs {
		slices.Sort(files)
		needs[purl] = slices.Compact(files)
	}
	return needs
}

// ownersOf gives the purl of the package that each program is of, by the program's path and by its name alone; of several packages that
// have it the first.
func ownersOf(programs map[*Package][]string) (byPath, byBase map[string]string) {
	byPath, byBase = map[string]string{}, map[string]string{}
	note := func(owners map[string]string, key, purl string) {
		if had, ok := owners[key]; !ok || purl < had {
			owners[key] = purl
		}
	}
	for p, files := range programs {
		for _, file := range files {
			note(byPath, file, p.PURL)
			note(byBase, path.Base(file), p.PURL)
		}
	}
	return byPath, byBase
}
