// Package ospkg reads the databases of the distributions' package managers: dpkg, apk and rpm.
//
// In go captured files; out come packages with their files, checksums, licences and dependencies. The
// readers are made for hostile content: each works on bytes in memory, never on a file of the host, takes
// time and memory in proportion to what it is given, and goes on after a broken record with the next one.
package ospkg

import (
	"fmt"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// All gives the extractors of this package.
func All() []inventory.Extractor {
	return []inventory.Extractor{dpkg{}, apk{}, rpm{}}
}

// What one database may name. The archives of the largest distributions hold under 100,000 packages, and
// their largest installations under a million files.
const (
	maxPackages = 200_000
	maxFiles    = 2_000_000
)

var (
	errPackages = fmt.Errorf("more than %d packages: the rest was not read", maxPackages)
	errFiles    = fmt.Errorf("more than %d files: the rest was not read", maxFiles)
)

// content gives what was captured of a file; nil where nothing stands or nothing was captured.
func content(tree *layer.Tree, path string) []byte {
	e, ok := tree.Lookup(path)
	if !ok || e.File.Type != layer.Regular {
		return nil
	}
	return e.File.Content()
}

// damage counts the records of a database that could not be read.
type damage struct {
	records, broken int
	first           string
}

// add notes a broken record; what and where are those of the first one.
func (d *damage) add(where int, unit, what string) {
	if d.broken == 0 {
		d.first = fmt.Sprintf("%s %d: %s", unit, where, what)
	}
	d.broken++
}

// err is nil where all records could be read.
func (d *damage) err() error {
	if d.broken == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d records could not be read, the first at %s", d.broken, d.records, d.first)
}

// legal says whether s can be a package's name or version: not empty, of no absurd length, letters, digits
// and the marks that package managers allow.
func legal(s string) bool {
	if s == "" || len(s) > 256 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte(".+-_~^:@", c) < 0 {
			return false
		}
	}
	return true
}

func legalOr(s, otherwise string) string {
	if legal(s) {
		return s
	}
	return otherwise
}

// license gives what a database's licence field says, as written, of a length that a report can show.
func license(s string) []string {
	if s = words(s); s == "" {
		return nil
	}
	return []string{s}
}

// words gives a field that is written for people, of a length that a report can show.
func words(s string) string { return strings.TrimSpace(strings.ToValidUTF8(s[:min(len(s), 1000)], "")) }

// needs gives the names of the packages that a package needs, in the order of its wants: a want is the name
// of a package, or of something that providers say a package gives. What nobody gives is left out.
func needs(self string, wants []string, providers map[string]string) []string {
	var names []string
	seen := map[string]bool{self: true}
	for _, want := range wants {
		name, ok := providers[want]
		if ok && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}
