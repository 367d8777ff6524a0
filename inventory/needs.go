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
	owner, byBase := map[string]string{}, map[string]string{}
	for p, files := range result.programs {
		for _, file := range files {
			owner[file] = p.PURL
			if base := path.Base(file); byBase[base] == "" || p.PURL < byBase[base] {
				byBase[base] = p.PURL
			}
		}
	}
	needs := map[string][]string{}
	need := func(purl, by string) {
		if purl != "" && !slices.Contains(needs[purl], by) {
			needs[purl] = append(needs[purl], by)
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
	for _, files := range needs {
		slices.Sort(files)
	}
	return needs
}
