package match

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
)

// catalogue is known with problems by id, in upper case.
type catalogue struct {
	known
	problems map[string]advisory.Problem
	feeds    []advisory.Feed
}

func (c catalogue) Info() advisory.Info { return advisory.Info{Feeds: c.feeds} }

func (c catalogue) Problem(id string) (advisory.Problem, error) {
	return c.problems[strings.ToUpper(id)], nil
}

// catalogueOf makes the problems of records that each speak of one.
func catalogueOf(k known) catalogue {
	c := catalogue{known: k, problems: map[string]advisory.Problem{}}
	for key, records := range k.records {
		ecosystem, name, _ := strings.Cut(key, "/")
		for _, r := range records {
			var ids []string
			for _, set := range advisory.Names(&r) {
				ids = append(ids, set...)
			}
			for _, id := range append(ids, r.ID) {
				p := c.problems[strings.ToUpper(id)]
				for _, other := range append(ids, r.ID) {
					if !slices.Contains(p.IDs, other) {
						p.IDs = append(p.IDs, other)
					}
				}
				slices.SortFunc(p.IDs, advisory.CompareIDs)
				if n := (advisory.PackageName{Ecosystem: ecosystem, Name: name}); !slices.Contains(p.Packages, n) {
					p.Packages = append(p.Packages, n)
				}
				c.problems[strings.ToUpper(id)] = p
			}
		}
	}
	return c
}

func TestExplain(t *testing.T) {
	git := advisory.Affected{Ecosystem: "npm", Ranges: []advisory.Range{{Type: "GIT", Events: []advisory.Event{since("0")}}}}
	fixed := func(ecosystem, version string) []advisory.Affected {
		return []advisory.Affected{in(ecosystem, span(since("0"), until(version)))}
	}
	cat := catalogueOf(known{covers: []string{"npm", "Debian:12", "Alpine:v3.20"}, records: map[string][]advisory.Record{
		"npm/lodash": {
			{ID: "GHSA-1", Aliases: []string{"CVE-2020-0001"}, Affected: fixed("npm", "4.17.12"), Feed: "osv/npm"},
			{ID: "GHSA-2", Aliases: []string{"CVE-2020-0002"}, Affected: []advisory.Affected{in("npm", span(since("5.0.0"), through("5.1.0")))}},
			{ID: "GHSA-3", Aliases: []string{"CVE-2020-0003"}, Withdrawn: time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC), Affected: fixed("npm", "9.0.0")},
			{ID: "GHSA-4", Aliases: []string{"CVE-2020-0004"}, Affected: []advisory.Affected{git}},
			{ID: "GHSA-9", Aliases: []string{"CVE-2020-0009"}, Affected: []advisory.Affected{in("npm", span(since("1.0.0"), until("2.0.0"))), in("npm", span(since("4.0.0"), until("4.17.10")))}},
		},
		"npm/other": {{ID: "GHSA-5", Aliases: []string{"CVE-2020-0005"}, Summary: "elsewhere", Affected: fixed("npm", "2.0.0")}},
		"Debian/openssl": {
			{ID: "DEBIAN-CVE-2020-0006", Affected: fixed("Debian:11", "3.0.14-1"), Feed: "osv/Debian"},
			{ID: "DSA-7-1", Upstream: []string{"CVE-2020-0007"}, Affected: fixed("Debian:12", "3.0.14-1"), Feed: "osv/Debian"},
		},
		"Debian/zlib": {{ID: "DEBIAN-CVE-2020-0008", Affected: fixed("Debian:12", "9")}},
	}, cves: map[string]advisory.CVE{"CVE-2020-0100": {EPSS: &advisory.EPSS{Score: 0.1}}}})
	source := &inventory.Source{Name: "openssl", Version: "3.0.15-1"}
	inv := &inventory.Inventory{Packages: []inventory.Package{
		{Type: "npm", Name: "lodash", Version: "4.17.21", PURL: "pkg:npm/lodash@4.17.21", Ecosystem: "npm"},
		{Type: "npm", Name: "lodash", Version: "4.17.4", PURL: "pkg:npm/lodash@4.17.4", Ecosystem: "npm", Owner: "pkg:deb/debian/node-lodash@4"},
		{Type: "deb", Name: "libssl3", Version: "3.0.15-1", PURL: "pkg:deb/debian/libssl3@3.0.15-1", Ecosystem: "Debian:12", Source: source},
		{Type: "deb", Name: "openssl", Version: "3.0.15-1", PURL: "pkg:deb/debian/openssl@3.0.15-1", Ecosystem: "Debian:12", Source: source},
		{Type: "apk", Name: "zlib", Version: "1", PURL: "pkg:apk/alpine/zlib@1", Ecosystem: "Alpine:v3.20"},
		{Type: "rpm", Name: "other", Version: "1", PURL: "pkg:rpm/amzn/other@1"},
	}}
	for _, tt := range []struct {
		id, name, because string
		answer            Answer
		rulings           []string
	}{
		{"CVE-2020-0001", "CVE-2020-0001", "lodash 4.17.4 is affected", IsAffected, []string{"GHSA-1 not-affected lodash 4.17.21 >= 4.17.12, the fix (semver order)"}},
		{"ghsa-1", "CVE-2020-0001", "lodash 4.17.4 is affected", IsAffected, []string{"GHSA-1 not-affected lodash 4.17.21 >= 4.17.12, the fix (semver order)"}},
		{"CVE-2020-0002", "CVE-2020-0002", "none of the 2 packages aboard that it names is affected", NotAffected,
			[]string{"GHSA-2 not-affected lodash 4.17.21 < 5.0.0, where the problem came in (semver order)", "GHSA-2 not-affected lodash 4.17.4 < 5.0.0, where the problem came in (semver order)"}},
		{"CVE-2020-0003", "CVE-2020-0003", "none of the 2 packages aboard that it names is affected", NotAffected, []string{"GHSA-3 withdrawn withdrawn on 2024-05-01", "GHSA-3 withdrawn withdrawn on 2024-05-01"}},
		{"CVE-2020-0004", "CVE-2020-0004", "GHSA-4 cannot be held against lodash 4.17.21: only git commits are named", CannotSay,
			[]string{"GHSA-4 unjudged only git commits are named", "GHSA-4 unjudged only git commits are named"}},
		{"CVE-2020-0009", "CVE-2020-0009", "lodash 4.17.4 is affected", IsAffected, []string{"GHSA-9 not-affected lodash 4.17.21 >= 4.17.10, the fix (semver order)"}},
		{"CVE-2020-0005", "CVE-2020-0005", "other 1 is aboard, and no advisory feed for rpm says whether it is affected", CannotSay,
			[]string{" no-feed no advisory feed for rpm says whether it is affected"}},
		{"CVE-2020-0006", "CVE-2020-0006", "the one package aboard that it names is not affected", NotAffected, []string{"DEBIAN-CVE-2020-0006 other-release speaks of Debian:11, not of Debian:12"}},
		{"dsa-7-1", "CVE-2020-0007", "the one package aboard that it names is not affected", NotAffected, []string{"DSA-7-1 not-affected openssl 3.0.15-1 >= 3.0.14-1, the fix (dpkg order)"}},
		{"CVE-2020-0008", "CVE-2020-0008", "zlib 1 is aboard, and no record of Alpine's own names it: its feed lists what was mended, so that does not tell whether it is affected", CannotSay,
			[]string{" unnamed no record of Alpine's own names it"}},
		{"CVE-2020-0100", "CVE-2020-0100", "CVE-2020-0100 is known, but no feed here says which packages it affects", CannotSay, nil},
		{"CVE-2020-0101", "CVE-2020-0101", "no feed here knows CVE-2020-0101: is it written as its publisher writes it?", CannotSay, nil},
	} {
		findings, spots, err := Match(inv, cat, nil)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Explain(inv, cat, findings, slices.DeleteFunc(spots, func(s image.BlindSpot) bool { return s.Kind == image.NoFeed }), tt.id)
		if err != nil {
			t.Fatal(err)
		}
		if e.ID != tt.name || e.Answer != tt.answer || e.Because != tt.because {
			t.Errorf("%s: %s %s: %s", tt.id, e.ID, e.Answer, e.Because)
		}
		var rulings []string
		for _, c := range e.Considered {
			for _, r := range c.Rulings {
				rulings = append(rulings, fmt.Sprintf("%s %s %s", r.Advisory, r.Outcome, r.Reason))
			}
		}
		if diff := gocmp.Diff(tt.rulings, rulings); diff != "" {
			t.Errorf("%s: %s", tt.id, diff)
		}
	}
}

// What stands in the way of saying no does not stand in the way of saying yes.
func TestObstacles(t *testing.T) {
	affected := []advisory.Affected{in("npm", span(since("2.0.0")))}
	cat := catalogueOf(known{covers: []string{"npm"}, records: map[string][]advisory.Record{
		"npm/x": {{ID: "GHSA-1", Affected: affected}}, "npm/y": {{ID: "GHSA-2", Affected: affected}}}})
	for _, tt := range []struct {
		spot    image.BlindSpotKind
		version string // of x; empty: it is not aboard
		answer  Answer
	}{
		{"", "1.0.0", NotAffected}, {"", "", CannotSay}, {"", "2.0.0", IsAffected},
		{image.UnreadableFile, "1.0.0", CannotSay}, {image.UnreadableLayer, "", CannotSay}, {image.LimitReached, "2.0.0", IsAffected},
		{image.StaleFeed, "1.0.0", NotAffected}, {image.StaleFeed, "", CannotSay},
		{image.NoFeed, "1.0.0", CannotSay}, {image.UnknownBase, "1.0.0", NotAffected}, {image.EndOfLife, "1.0.0", NotAffected},
	} {
		inv := &inventory.Inventory{}
		if tt.version != "" {
			inv.Packages = []inventory.Package{{Type: "npm", Name: "x", Version: tt.version, PURL: "pkg:npm/x@" + tt.version, Ecosystem: "npm"}}
		}
		findings, _, err := Match(inv, cat, nil)
		if err != nil {
			t.Fatal(err)
		}
		var spots []image.BlindSpot
		if tt.spot != "" {
			spots = []image.BlindSpot{{Kind: tt.spot, Message: "a blind spot"}}
		}
		e, err := Explain(inv, cat, findings, spots, "GHSA-1")
		if err != nil || e.Answer != tt.answer {
			t.Errorf("%q, x %q: %s, %v", tt.spot, tt.version, e.Answer, err)
		}
	}
}

// A stale feed stands in the way only where it is hardly younger than the problem: one of years later had its say.
func TestStaleFeedsThatHadTheirSay(t *testing.T) {
	cat := catalogueOf(known{covers: []string{"npm", "Go"}, records: map[string][]advisory.Record{"npm/x": {
		{ID: "GHSA-1", Published: time.Date(2021, 12, 10, 0, 0, 0, 0, time.UTC), Affected: []advisory.Affected{in("npm", span(since("0")))}},
		{ID: "GHSA-2", Affected: []advisory.Affected{in("npm", span(since("0")))}}}}})
	inv := &inventory.Inventory{Packages: []inventory.Package{{Type: "golang", Name: "a.org/b", Version: "v1.0.0", PURL: "pkg:golang/a.org/b@v1.0.0", Ecosystem: "Go"}}}
	stale := []image.BlindSpot{{Kind: image.StaleFeed, Message: "old"}}
	for _, tt := range []struct {
		id, date string
		answer   Answer
		because  string
	}{
		{"GHSA-1", "2026-01-01", NotAffected, "no package that it names is aboard"},
		{"GHSA-1", "2022-01-01", CannotSay, "no package that it names is aboard, but: old"},
		{"GHSA-1", "", CannotSay, "no package that it names is aboard, but: old"},
		{"GHSA-2", "2026-01-01", CannotSay, "no package that it names is aboard, but: old"}, // nobody says since when it is known
	} {
		cat.feeds = []advisory.Feed{{Name: "osv/Go", Date: tt.date}, {Name: "osv/npm", Date: "2020-01-01"}}
		e, err := Explain(inv, cat, nil, stale, tt.id)
		if err != nil || e.Answer != tt.answer || e.Because != tt.because {
			t.Errorf("%s, feed of %q: %s: %s, %v", tt.id, tt.date, e.Answer, e.Because, err)
		}
	}
}

// What others say of an image and cannot be read is not what is aboard.
func TestUnreadablePapersAreNoObstacle(t *testing.T) {
	cat := catalogueOf(known{covers: []string{"npm"}, records: map[string][]advisory.Record{"npm/x": {{ID: "GHSA-1", Affected: []advisory.Affected{in("npm", span(since("0")))}}}}})
	inv := &inventory.Inventory{Packages: []inventory.Package{{Type: "npm", Name: "y", Version: "1.0.0", PURL: "pkg:npm/y@1.0.0", Ecosystem: "npm"}}}
	e, err := Explain(inv, cat, nil, []image.BlindSpot{{Kind: image.UnreadablePaper, Message: "no JSON"}}, "GHSA-1")
	if err != nil || e.Answer != NotAffected {
		t.Errorf("%+v, %v", e, err)
	}
}

// A quieted finding is an answer of its own, with its rule.
func TestExplainQuieted(t *testing.T) {
	cat := catalogueOf(known{covers: []string{"npm"}, records: map[string][]advisory.Record{
		"npm/x": {{ID: "GHSA-1", Affected: []advisory.Affected{in("npm", span(since("0")))}}}}})
	inv := &inventory.Inventory{Packages: []inventory.Package{{Type: "npm", Name: "x", Version: "1.0.0", PURL: "pkg:npm/x@1.0.0", Ecosystem: "npm"}}}
	findings, _, err := Match(inv, cat, nil)
	if err != nil {
		t.Fatal(err)
	}
	findings[0].Quieted = &Quieted{By: "a-rule", Reason: "a reason"}
	e, err := Explain(inv, cat, findings, nil, "GHSA-1")
	if err != nil || e.Answer != IsQuieted || e.Because != "x 1.0.0 is affected, but a-rule quiets that" {
		t.Errorf("%+v, %v", e, err)
	}
}

// Of real records and packages: a record that Explain says affects a package has a finding, and one that it says does not has none.
func TestExplainAgreesWithMatch(t *testing.T) {
	db := sharedDB(t, "npm", "Go", "Debian", "PyPI")
	inv := &inventory.Inventory{}
	for _, p := range [][3]string{
		{"npm", "lodash", "4.17.4"}, {"npm", "lodash", "4.17.21"}, {"npm", "minimist", "0.0.8"}, {"Go", "golang.org/x/net", "v0.7.0"},
		{"Go", "stdlib", "1.20.6"}, {"PyPI", "pillow", "9.0.0"}, {"PyPI", "django", "2.2.0"}, {"Debian:12", "openssl", "3.0.11-1"}, {"Debian:11", "curl", "7.74.0-1.3"},
	} {
		inv.Packages = append(inv.Packages, inventory.Package{PURL: p[1] + "@" + p[2], Ecosystem: p[0], Name: p[1], Version: p[2]})
	}
	findings, _, err := Match(inv, db, nil)
	if err != nil {
		t.Fatal(err)
	}
	hits := map[string]bool{}
	for _, f := range findings {
		for _, h := range f.hits {
			hits[f.Package+" "+h.record.ID] = true
		}
	}
	asked, ruled := map[string]bool{}, 0
	for i := range inv.Packages {
		p := &inv.Packages[i]
		records, err := db.Records(p.Ecosystem, p.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if asked[r.ID] {
				continue
			}
			asked[r.ID] = true
			e, err := Explain(inv, db, findings, nil, strings.ToLower(r.ID))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range e.Considered {
				for _, ruling := range c.Rulings {
					ruled++
					for _, purl := range c.Packages {
						if affects := ruling.Outcome == Affects; affects || hits[purl+" "+ruling.Advisory] {
							t.Errorf("%s: %s %+v", r.ID, purl, ruling)
						}
					}
				}
			}
			for _, f := range e.Findings {
				if !slices.Contains(names(&f), r.ID) && !slices.ContainsFunc(e.Aliases, func(a string) bool { return slices.Contains(names(&f), a) }) && e.ID != f.ID {
					t.Errorf("%s is explained by %s %v", r.ID, f.ID, f.Aliases)
				}
			}
		}
	}
	if len(asked) < 100 || ruled < 100 {
		t.Errorf("only %d asked, %d rulings", len(asked), ruled)
	}
}

// sharedDB imports the shared OSV feeds of some ecosystems, or skips the test where they are not there.
func sharedDB(tb testing.TB, ecosystems ...string) *advisory.DB {
	tb.Helper()
	if testing.Short() {
		tb.Skip("importing the shared feeds takes long")
	}
	feeds := fstest.MapFS{}
	for _, ecosystem := range ecosystems {
		data, err := os.ReadFile(filepath.Join("..", "..", "shared", "feeds", "osv", ecosystem, "all.zip"))
		if err != nil {
			tb.Skip("the shared feeds are not here")
		}
		feeds["osv/"+ecosystem+"/all.zip"] = &fstest.MapFile{Data: data}
	}
	file := filepath.Join(tb.TempDir(), "advisories")
	if _, err := advisory.Import(context.Background(), feeds, file, advisory.ImportOptions{}); err != nil {
		tb.Fatal(err)
	}
	db, err := advisory.Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}
