package declared

import (
	"path"
	"slices"
	"strings"
)

// effects are what a RUN instruction does to the file system, as far as its text tells.
type effects struct {
	// places are files that it makes or changes, and directories that it fills; modes are those of which it changes only mode and owner.
	places, modes []place
	// installs are the packages that it asks package managers for.
	installs []install
	// accounts says that it adds users or groups, runs that it runs anything at all, which may write logs and caches.
	accounts, runs bool
	// untold are the commands whose effect their text does not tell: any file may be theirs. arbitrary says that one of them might
	// as well install packages of the distribution.
	untold    []string
	arbitrary bool
}

// place is a path relative to the image's root, without leading slash; unknown parts of it stand for any text. With tree, all below it is
// meant too.
type place struct {
	path string
	tree bool
}

// install is what one command asks of a package manager.
type install struct {
	// purl is the type of the packages: deb, apk, rpm, npm, pypi, gem, composer, ...
	purl string
	// names are those asked for, with wildcards (*) where not all of a name is known.
	names []string
	// any says that what is asked for cannot be told; upgrade that installed packages may come in other versions.
	any, upgrade bool
	// weak says that what is merely recommended comes along.
	weak bool
	// files are the lists of packages to install that it names: pip's requirement files; dir is the directory of a project whose
	// own manifest and lock file tell what is installed. Both are paths as in place.
	files []string
	dir   string
	// locked says that only what the lock file names is installed.
	locked bool
}

// tell notes a command that cannot be told.
func (e *effects) tell(name string, arbitrary bool) {
	if !slices.Contains(e.untold, name) && len(e.untold) < 20 {
		e.untold = append(e.untold, name)
	}
	e.arbitrary = e.arbitrary || arbitrary
}

// maxPlaces bounds the places of one instruction.
const maxPlaces = 5000

// write notes that a file, or with tree a directory, is written. One of which nothing is known makes the instruction untold.
func (e *effects) write(by, file string, tree bool) {
	p, ok := newPlace(file, tree)
	switch {
	case !ok:
		e.tell(by, false)
	case p.path != "dev/null" && !strings.HasPrefix(p.path, "dev/") && !strings.HasPrefix(p.path, "proc/") && len(e.places) < maxPlaces:
		e.places = append(e.places, p)
	case len(e.places) >= maxPlaces:
		e.tell(by, false)
	}
}

// change notes that mode or owner of a file, and with tree of all below it, are changed.
func (e *effects) change(file string, tree bool) {
	p, ok := newPlace(file, tree)
	if !ok {
		p = place{tree: true} // it makes no content: that of the whole file system may be meant
	}
	if len(e.modes) < maxPlaces {
		e.modes = append(e.modes, p)
	}
}

// newPlace is false for a path that could be any.
func newPlace(file string, tree bool) (place, bool) {
	if strings.HasPrefix(file, unknown) || !strings.HasPrefix(file, "/") {
		return place{}, false
	}
	at := strings.TrimPrefix(path.Clean(file), "/")
	if strings.Trim(at, unknown) == "" {
		return place{}, false // the root itself
	}
	return place{at, tree}, true
}

// holds says whether a path is one of the place's.
func (p place) holds(at string) bool {
	if !strings.Contains(p.path, unknown) {
		return at == p.path || p.tree && (p.path == "" || strings.HasPrefix(at, p.path) && len(at) > len(p.path) && at[len(p.path)] == '/')
	}
	if matches(p.path, at) {
		return true
	}
	return p.tree && matches(p.path+"/"+unknown, at)
}

// matches holds a text against a pattern in which unknown stands for any text. It takes time in proportion to the product of the lengths.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, unknown)
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}

// anyHolds says whether one of several places holds a path.
func anyHolds(places []place, at string) bool {
	return slices.ContainsFunc(places, func(p place) bool { return p.holds(at) })
}
