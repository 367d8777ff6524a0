package match

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/package-url/packageurl-go"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
)

// tally gathers what could not be judged, so that each cause makes one blind spot, however many it concerns.
type tally struct {
	uncovered  map[string]*uncovered          // by ecosystem, distribution or vendor
	unreadable map[string]map[string]struct{} // by ecosystem: packages or records whose versions cannot be compared
	commits    map[string]map[string]struct{} // by ecosystem: records that name only commits
}

func newTally() *tally {
	return &tally{map[string]*uncovered{}, map[string]map[string]struct{}{}, map[string]map[string]struct{}{}}
}

// uncovered are packages that no feed speaks of.
type uncovered struct {
	n     int
	names map[string]struct{} // of those that are not of a whole distribution
}

// uncover counts copies of a package that no feed speaks of.
func (t *tally) uncover(p *inventory.Package, copies int) {
	where := origin(p)
	u := t.uncovered[where]
	if u == nil {
		u = &uncovered{names: map[string]struct{}{}}
		t.uncovered[where] = u
	}
	u.n += copies
	if p.Vendor != "" || p.Type == "generic" {
		u.names[p.Name] = struct{}{}
	}
}

// note counts a record that could not be held against a subject.
func (t *tally) note(s *subject, r *advisory.Record, err error) {
	where, what := t.unreadable, fmt.Sprintf("%s %q", s.name, s.text)
	if errors.Is(err, errOnlyCommits) {
		where, what = t.commits, r.ID
	} else if s.err == nil {
		what = fmt.Sprintf("%s of %s", r.ID, s.name)
	}
	if where[s.ecosystem] == nil {
		where[s.ecosystem] = map[string]struct{}{}
	}
	where[s.ecosystem][what] = struct{}{}
}

func (t *tally) blindSpots() []image.BlindSpot {
	var spots []image.BlindSpot
	for where, u := range t.uncovered {
		message := fmt.Sprintf("no advisory feed for %s: %s not judged", where, count(u.n, "package was", "packages were"))
		if len(u.names) > 0 {
			message += ": " + examples(u.names)
		}
		spots = append(spots, image.BlindSpot{Kind: image.NoFeed, Where: where, Packages: u.n, Message: message})
	}
	for where, names := range t.unreadable {
		spots = append(spots, image.BlindSpot{Kind: image.Unjudged, Where: where,
			Message: fmt.Sprintf("%s: %s not be compared: %s", where, count(len(names), "version could", "versions could"), examples(names))})
	}
	for where, names := range t.commits {
		spots = append(spots, image.BlindSpot{Kind: image.Unjudged, Where: where,
			Message: fmt.Sprintf("%s: %s only git commits and could not be judged: %s", where, count(len(names), "advisory names", "advisories name"), examples(names))})
	}
	return image.SortBlindSpots(spots)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// examples lists the first three names.
func examples(names map[string]struct{}) string {
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	if len(list) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:3], ", "), len(list)-3)
	}
	return strings.Join(list, ", ")
}

// origin names what a package that no feed covers belongs to: its ecosystem, else the vendor that built it, else the
// distribution that its purl names, else its type.
func origin(p *inventory.Package) string {
	if p.Ecosystem != "" {
		return p.Ecosystem
	}
	if p.Vendor != "" {
		return fmt.Sprintf("packages of %s (%s)", p.Vendor, p.Type)
	}
	if purl, err := packageurl.FromString(p.PURL); err == nil {
		if distro := purl.Qualifiers.Map()["distro"]; distro != "" {
			return distro
		}
	}
	if p.Type == "" || p.Type == "generic" {
		return "packages of no known ecosystem"
	}
	return p.Type
}

// Stale says so when feeds that the inventory's packages need are older than limit at the time now. The message does not
// count the days, so that it is the same on every day that it is given.
func Stale(inv *inventory.Inventory, info advisory.Info, now time.Time, limit time.Duration) []image.BlindSpot {
	needed := neededFeeds(inv)
	var old []string
	for _, feed := range info.Feeds {
		if !needed[feed.Name] {
			continue
		}
		date, err := time.Parse(time.DateOnly, feed.Date)
		if err != nil {
			old = append(old, strings.TrimPrefix(feed.Name, "osv/")+" (of no known date)")
		} else if now.Sub(date) > limit {
			old = append(old, fmt.Sprintf("%s (%s)", strings.TrimPrefix(feed.Name, "osv/"), feed.Date))
		}
	}
	if old == nil {
		return nil
	}
	slices.Sort(old)
	return []image.BlindSpot{{Kind: image.StaleFeed,
		Message: fmt.Sprintf("advisory data older than %s: %s: run tidewaiter db update", inDays(limit), strings.Join(old, ", "))}}
}

// neededFeeds are the names of the feeds that speak of packages of the inventory.
func neededFeeds(inv *inventory.Inventory) map[string]bool {
	needed := map[string]bool{}
	for i := range inv.Packages {
		base, _, _ := strings.Cut(judgedAs(inv.Packages[i].Ecosystem), ":")
		needed["osv/"+base], needed["secdb/"+base] = true, true
		for _, s := range productSubjects(&inv.Packages[i]) {
			needed["osv/"+s.base], needed[advisory.FeedNVD] = true, true
		}
	}
	return needed
}

func inDays(d time.Duration) string {
	if d < 24*time.Hour || d%(24*time.Hour) != 0 {
		return d.String()
	}
	return count(int(d/(24*time.Hour)), "day", "days")
}
