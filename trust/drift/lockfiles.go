package drift

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"

	"tidewaiter/inventory"
)

// notInstalled is the reason for packages that a project names and that were never installed: for development, or for another platform.
const notInstalled = "named by a lock file aboard, and not installed"

// locks are what the lock files aboard name.
type locks struct {
	// words are all names and versions in them.
	words map[string]bool
	// needed are npm's packages, as name@version, that are neither for development nor optional.
	needed map[string]bool
}

// onlyLocked says whether a package is named by a lock file and was left out on purpose when the rest was installed. What a layer
// removed, and what npm's lock file says is needed, was not.
func (c *comparison) onlyLocked(a *inventory.Package) bool {
	if c.locks == nil {
		c.locks = readLocks(c.aboard.Trace)
	}
	name := a.Name[strings.LastIndexByte(a.Name, ':')+1:]
	return c.locks.words[name] && c.locks.words[a.Version] && !c.locks.needed[a.Name+"@"+a.Version] && c.removedBy(a) < 0
}

func readLocks(t *inventory.Trace) *locks {
	l := &locks{words: map[string]bool{}, needed: map[string]bool{}}
	for i := range t.Files {
		f := &t.Files[i]
		if !isLockFile(f.Path) {
			continue
		}
		content := f.Entry.Content()
		for _, word := range bytes.FieldsFunc(content, notInWord) {
			l.words[string(word)] = true
		}
		if base := path.Base(f.Path); base == "package-lock.json" || base == "npm-shrinkwrap.json" {
			l.readNPM(content)
		}
	}
	return l
}

// readNPM reads npm's lock file, version 2 or 3: https://docs.npmjs.com/cli/configuring-npm/package-lock-json
func (l *locks) readNPM(content []byte) {
	var lock struct {
		Packages map[string]struct {
			Version     string `json:"version"`
			Dev         bool   `json:"dev"`
			Optional    bool   `json:"optional"`
			DevOptional bool   `json:"devOptional"`
			Peer        bool   `json:"peer"`
			Link        bool   `json:"link"`
		} `json:"packages"`
	}
	if json.Unmarshal(content, &lock) != nil {
		return // the inventory tells what it cannot read
	}
	for at, p := range lock.Packages {
		i := strings.LastIndex(at, "node_modules/")
		if i >= 0 && !p.Dev && !p.Optional && !p.DevOptional && !p.Peer && !p.Link {
			l.needed[at[i+len("node_modules/"):]+"@"+p.Version] = true
		}
	}
}

// isLockFile tells the files that name what a project needs, installed or not.
func isLockFile(at string) bool {
	switch path.Base(at) {
	case "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "Gemfile.lock", "poetry.lock", "Pipfile.lock", "uv.lock",
		"pdm.lock", "requirements.txt", "go.mod", "go.sum", "composer.lock", "Cargo.lock", "packages.lock.json", "pom.xml", "gradle.lockfile":
		return true
	}
	return false
}

// notInWord says what stands between the names and versions of lock files.
func notInWord(r rune) bool { return strings.ContainsRune(" \t\r\n\"'{}[]<>(),:;=^~|", r) }
