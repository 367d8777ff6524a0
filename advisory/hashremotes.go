package advisory

import (
	"errors"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// hashLists reads the lists of hashes that were named, each NAME=URL. No message says a URL whole: abuse.ch has the user's key in the
// path (https://bazaar.abuse.ch/export/).
func (f *fetcher) hashLists(named []string) ([]remote, error) {
	var lists []remote
	for _, n := range named {
		name, at, _ := strings.Cut(n, "=")
		u, err := url.Parse(strings.TrimSpace(at))
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, errors.New("a list of hashes is named as NAME=https://host/path") // what was given may hold a key
		}
		if name = strings.TrimSpace(name); !isHashList(name) {
			name += ".txt"
		}
		r := remote{path: path.Join("malware", name), url: u, named: true}
		if !remoteName.MatchString(name) || slices.ContainsFunc(lists, func(l remote) bool { return l.path == r.path }) {
			return nil, errors.New("the name of a list of hashes is no name, or that of two: take letters and digits, as in bazaar.csv=https://host/path")
		}
		f.keyed = append(f.keyed, u.String())
		lists = append(lists, r)
	}
	return lists, nil
}

// shown is a URL as it may be shown and kept: without a password, and of one that may hold a key only the host and the end.
func (f *fetcher) shown(u *url.URL) string {
	if !slices.Contains(f.keyed, u.String()) {
		return u.Redacted()
	}
	shown := u.Scheme + "://" + u.Host + "/..."
	if end := path.Base(u.Path); harmlessEnd.MatchString(end) {
		shown += "/" + end
	}
	return shown
}

// harmlessEnd is the end of a URL that is a file's name or a word, and no key.
var harmlessEnd = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,15}(\.[a-z]{2,4}){0,2}$`)
