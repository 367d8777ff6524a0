package advisory

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// secdb is a security database of an apk distribution, as https://secdb.alpinelinux.org/v3.20/main.json and
// https://packages.wolfi.dev/os/security.json are: which version of a source package fixed what.
type secdb struct {
	DistroVersion string
	RepoName      string
	URLPrefix     string
	Packages      []struct {
		Pkg struct {
			Name     string
			SecFixes map[string][]string
		}
	}
}

// neverAffected is the "version" under which secdb lists what the distribution never had.
const neverAffected = "0"

// ecosystem is OSV's name for the database's distribution. Wolfi and Chainguard have no releases, and say so in no field.
func (s *secdb) ecosystem() (string, error) {
	switch {
	case strings.Contains(s.URLPrefix, "wolfi"):
		return "Wolfi", nil
	case strings.Contains(s.URLPrefix, "chainguard") || strings.Contains(s.URLPrefix, "cgr.dev"):
		return "Chainguard", nil
	case strings.HasPrefix(s.DistroVersion, "v"):
		return "Alpine:" + s.DistroVersion, nil
	}
	return "", errors.New("a security database of no distribution known here: no distroversion like v3.20, and no known urlprefix")
}

// record is what a database says of a problem in a package. A version of 0 is no fix but says that no version is affected: the
// range then begins and ends there.
func (s *secdb) record(ecosystem, id, fixed string) Record {
	cve, isOwn := strings.CutPrefix(id, "CVE-")
	r := Record{ID: id, Affected: []Affected{{
		Ecosystem: ecosystem,
		Ranges:    []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: fixed}}}},
	}}}
	if isOwn {
		base, _, _ := strings.Cut(ecosystem, ":")
		r.ID, r.Upstream = strings.ToUpper(base)+"-CVE-"+cve, []string{id}
	}
	if fixed == neverAffected {
		r.Affected[0].Remark = "never affected"
	}
	return r
}

// secdbFeed begins the names of the feeds that were made of security databases: "secdb/Alpine".
const secdbFeed = "secdb/"

func isSecDB(feed string) bool { return strings.HasPrefix(feed, secdbFeed) }

// readSecDBs reads all databases; those of one distribution are one feed, as old as the oldest of them.
func (im *importer) readSecDBs(ctx context.Context) error {
	feeds := map[string]*Feed{}
	for _, name := range im.files.secdb {
		if err := im.readSecDB(ctx, name, feeds); err != nil {
			return &feedError{name, err}
		}
	}
	for _, base := range slices.Sorted(maps.Keys(feeds)) {
		im.sum = append(im.sum, *feeds[base])
	}
	return nil
}

func (im *importer) readSecDB(ctx context.Context, name string, feeds map[string]*Feed) error {
	f, err := openText(im.feeds, name, im.advance)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := readAtMost(f, maxCatalog)
	if err != nil {
		return err
	}
	var s secdb
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	ecosystem, err := s.ecosystem()
	if err != nil {
		return err
	}
	stat, err := f.file.Stat()
	if err != nil {
		return err
	}
	date := im.newer(stat.ModTime().UTC().Format(time.DateOnly), "") // the file says nowhere of which day it is
	base, _, _ := strings.Cut(ecosystem, ":")
	feed := feeds[base]
	if feed == nil {
		feed = &Feed{Name: secdbFeed + base, Date: date, Source: im.from.source(name)}
		feeds[base] = feed
	}
	feed.Date = min(feed.Date, date)
	im.ecosystems[ecosystem] = true
	return im.addSecDB(ctx, &s, ecosystem, feed)
}

func (im *importer) addSecDB(ctx context.Context, s *secdb, ecosystem string, feed *Feed) error {
	encoder := newEncoder()
	base, _, _ := strings.Cut(ecosystem, ":")
	for _, p := range s.Packages {
		if p.Pkg.Name == "" {
			feed.Unnamed++
			continue
		}
		for _, r := range s.records(ecosystem, p.Pkg.SecFixes, feed) {
			one := parsed{head: r, packages: []PackageName{{base, p.Pkg.Name}}, ecosystems: []string{ecosystem}}
			one.head.Affected = nil
			err := im.packages.add(Key(ecosystem, p.Pkg.Name), encoder.encode([]Record{r}))
			if err = cmp.Or(err, im.addIDs(&one), ctx.Err()); err != nil {
				return err
			}
		}
	}
	return nil
}

// records are those of one package, one for each id. An entry may hold several ids of one problem ("CVE-2019-1 XSA-1"): all but
// the first are its aliases.
func (s *secdb) records(ecosystem string, fixes map[string][]string, feed *Feed) []Record {
	var list []Record
	for fixed, entries := range fixes {
		for _, entry := range entries {
			ids := strings.Fields(entry)
			if fixed == "" || len(ids) == 0 || slices.ContainsFunc(ids, func(id string) bool { return !recordID.MatchString(id) }) {
				feed.Skipped++
				continue
			}
			feed.Records++
			r := s.record(ecosystem, ids[0], fixed)
			r.Aliases, r.Feed = ids[1:], feed.Name
			list = append(list, r)
		}
	}
	return list
}

// joinSecDB makes one record of those that security databases hold of one id in several releases, and takes from the others of that
// id the entries for these releases. The records are sorted by id.
func joinSecDB(records []Record) []Record {
	first := map[string]int{} // where the record of an id is
	var out []Record
	for _, r := range records {
		if !isSecDB(r.Feed) {
			continue
		}
		if at, ok := first[r.ID]; ok {
			out[at].Affected = append(out[at].Affected, r.Affected...)
			continue
		}
		first[r.ID] = len(out)
		out = append(out, r)
	}
	if out == nil {
		return records
	}
	for i := range out {
		slices.SortStableFunc(out[i].Affected, func(a, b Affected) int { return strings.Compare(a.Ecosystem, b.Ecosystem) })
	}
	for _, r := range records {
		if isSecDB(r.Feed) {
			continue
		}
		if at, ok := first[r.ID]; ok {
			r.Affected = slices.DeleteFunc(slices.Clone(r.Affected), func(a Affected) bool {
				return slices.ContainsFunc(out[at].Affected, func(b Affected) bool { return a.Ecosystem == b.Ecosystem })
			})
		}
		if len(r.Affected) > 0 {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, compareRecords)
	return out
}
