package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/advisory"
)

// usualMaxAge is how old advisory data may be before it is a blind spot, unless told otherwise.
const usualMaxAge = 7 * 24 * time.Hour

func newDBStatus(s streams) *cobra.Command {
	var file, format string
	maxAge := usualMaxAge
	cmd := &cobra.Command{
		Use:   "status",
		Short: "What the advisory file holds: each feed's age, record count and source, the oldest first",
		Args:  exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			db, err := advisory.Open(file)
			if err != nil {
				return err
			}
			defer db.Close()
			st := newDBState(file, db.Info(), s.now(), maxAge)
			switch format {
			case "json":
				e := json.NewEncoder(s.out)
				e.SetIndent("", "  ")
				return e.Encode(st)
			case "text":
				return st.show(s)
			}
			return fmt.Errorf("unknown format %q: text or json", format)
		},
	}
	f := cmd.Flags()
	addAdvisoryFlag(f, &file)
	f.StringVarP(&format, "format", "f", "text", "text or json")
	f.Var((*age)(&maxAge), "max-data-age", "a feed older than this is stale (7d, 36h; 0: none is)")
	offer(cmd, "format", "text", "json")
	return cmd
}

// dbState is what db status says, in JSON too.
type dbState struct {
	File     string      `json:"file"`
	Revision string      `json:"revision"`
	Feeds    []feedState `json:"feeds"` // the oldest first
	maxAge   time.Duration
}

type feedState struct {
	advisory.Feed
	// Days is how old the feed is, in whole days; absent where it has no date.
	Days *int `json:"ageDays,omitempty"`
	// Stale says that a scan of packages that the feed covers reports it as a blind spot.
	Stale bool `json:"stale"`
}

func newDBState(file string, info advisory.Info, now time.Time, maxAge time.Duration) dbState {
	st := dbState{File: file, Revision: info.Revision, Feeds: []feedState{}, maxAge: maxAge}
	for _, f := range info.Feeds {
		one := feedState{Feed: f, Stale: maxAge > 0}
		if date, err := time.Parse(time.DateOnly, f.Date); err == nil {
			old := now.Sub(date)
			days := max(0, int(old/(24*time.Hour)))
			one.Days, one.Stale = &days, maxAge > 0 && old > maxAge
		}
		st.Feeds = append(st.Feeds, one)
	}
	slices.SortStableFunc(st.Feeds, func(a, b feedState) int { return cmp.Compare(b.days(), a.days()) })
	return st
}

// days counts a feed of no known date as the oldest.
func (f feedState) days() int {
	if f.Days == nil {
		return math.MaxInt
	}
	return *f.Days
}

func (st dbState) show(s streams) error {
	fmt.Fprintf(s.out, "%s  %s\n", st.File, st.Revision)
	stale := 0
	for _, f := range st.Feeds {
		if f.Stale {
			stale++
		}
	}
	if stale > 0 {
		fmt.Fprintf(s.out, "stale: %d of %d feeds are older than %s; run tidewaiter db update\n", stale, len(st.Feeds), (*age)(&st.maxAge))
	}
	fmt.Fprintln(s.out)
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "feed\tdate\tage\trecords\tsource")
	for _, f := range st.Feeds {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s%s\n", f.Name, f.Date, f.age(), f.Records, f.Source, f.note())
	}
	return w.Flush()
}

func (f feedState) age() string {
	text := "unknown"
	if f.Days != nil {
		text = fmt.Sprintf("%dd", *f.Days)
	}
	if f.Stale {
		text += " stale"
	}
	return text
}

func (f feedState) note() string {
	var b strings.Builder
	if f.Skipped > 0 {
		fmt.Fprintf(&b, "  (%d records unreadable)", f.Skipped)
	}
	if f.Unnamed > 0 {
		fmt.Fprintf(&b, "  (%d entries name no package)", f.Unnamed)
	}
	return b.String()
}

// showInfo says of a file that was just made what db status says of it.
func showInfo(s streams, file string, info advisory.Info) error {
	return newDBState(file, info, s.now(), usualMaxAge).show(s)
}
