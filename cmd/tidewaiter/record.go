package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/match"
	"tidewaiter/report"
)

// recordOptions are what the user asked of a record.
type recordOptions struct {
	scanOptions
	at     moment
	list   bool
	format string
}

func newRecord(s streams) *cobra.Command {
	var o recordOptions
	cmd := &cobra.Command{
		Use:   "record IMAGE --env E",
		Short: "Note that an image now runs in an environment: the baseline of the next gate and compare",
		Long: `Notes in a small file that IMAGE now runs in an environment: what is aboard, what was found, score, goals and the steps that were proposed.
gate and compare know by it what runs there. What becomes known, or gets a fix, while it runs there is due from the first record that shows it.
IMAGE may also be report:FILE, a report of tidewaiter scan --env E --format json.

Each record is a file of its own under --deployments, compressed JSON of the report's schema: commit the directory, or keep it on a disk that all
pipelines share; two people who record at the same time never write the same file. --list shows the history of an environment.

Exit codes:
  0  done
  1  the tool or its input failed`,
		Example: `  tidewaiter record --env production shop:2.1
  tidewaiter record --env production --at 2026-10-02 report:shop.json
  tidewaiter record --env production --repository acme/shop oci:build/shop
  tidewaiter record --list --env production`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.list {
				return exactArgs()(cmd, args)
			}
			return exactArgs("IMAGE")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.format != "text" && o.format != "json":
				return fmt.Errorf("unknown format %q: text or json", o.format)
			case o.list:
				return o.showRecords(s)
			case o.env == "":
				return errors.New("--env is missing: in which environment does it run?")
			}
			return o.record(cmd.Context(), s, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(&o.at, "at", "when it was deployed: 2026-10-02 or 2026-10-02T10:00:00Z (default: now)")
	f.BoolVar(&o.list, "list", false, "show what was recorded, in --env or everywhere")
	f.StringVarP(&o.format, "format", "f", "text", "text or json")
	offer(cmd, "format", "text", "json")
	o.addJudging(cmd)
	f.Lookup("env").Usage = "the environment in which it runs now"
	return cmd
}

// moment is a time that may be given as a day.
type moment struct{ time.Time }

func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

func (m *moment) Type() string { return "time" }

func (m *moment) Set(text string) error {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("not a time: %q (write 2026-10-02 or 2026-10-02T10:00:00Z)", text)
}

// record notes a deployment.
func (o *recordOptions) record(ctx context.Context, s streams, ref string) error {
	if err := o.checkOrigin(); err != nil {
		return err
	}
	db, err := openAdvisories(o.scanOptions)
	if err != nil {
		return err
	}
	if db != nil {
		defer db.Close()
	}
	if strings.HasPrefix(ref, envScheme) {
		return fmt.Errorf("%s is a record itself: name the image", ref)
	}
	d := &assess.Deployment{Time: s.now().Truncate(time.Second), Environment: o.env}
	if !o.at.IsZero() {
		d.Time = o.at.Time
	}
	one, earlier, err := o.deploy(ctx, s, ref, d, db)
	if err != nil {
		return err
	}
	r := one.report
	r.Deployment = d
	if len(earlier) > 0 {
		c, err := o.compareSides(ctx, s, &side{report: earlier[0], stored: true}, one, db)
		if err != nil {
			return err
		}
		d.Change = c.Headline
	}
	short := &report.Report{SchemaVersion: r.SchemaVersion, Tool: r.Tool, Subject: *r.Short(), Assessment: r.Assessment.Short(), Deployment: d}
	file, size, err := writeRecord(o.deployments, short)
	if err != nil {
		return fmt.Errorf("cannot write the record: %w", err)
	}
	if o.format == "json" {
		return writeJSON(s, newRecorded(file, short))
	}
	score := ""
	if a := r.Assessment; a != nil {
		score = fmt.Sprintf(", score %.1f %s", a.Score, a.Grade)
	}
	fmt.Fprintln(s.out, oneLine(fmt.Sprintf("%s runs in %s since %s%s", r.Image.Reference, o.env, d.Time.Format("2006-01-02 15:04"), score)))
	if d.Change != "" {
		fmt.Fprintln(s.out, "  "+oneLine(d.Change))
	}
	fmt.Fprintln(s.out, "  "+oneLine(fmt.Sprintf("noted in %s, %s", file, report.Bytes(size))))
	return nil
}

// deploy reads the image that is deployed, and judges it by the days since which its findings are known there: those of the deployments before it, the
// newest first, and for what is new its own.
func (o *recordOptions) deploy(ctx context.Context, s streams, ref string, d *assess.Deployment, db *advisory.DB) (one *side, earlier []*report.Report, err error) {
	history := func(repository string) []assess.Earlier {
		d.Repository = cmp.Or(o.repository, repository)
		var damaged []error
		earlier, damaged, err = o.recorded(d.Environment, d.Repository, d.Time, lookBack)
		tellDamaged(s, damaged)
		var past []assess.Earlier
		for _, r := range earlier {
			past = append(past, assess.Earlier{Deployment: r.Deployment, Subject: &r.Subject})
		}
		return past
	}
	judging := o.scanOptions
	judging.firstSeen = func(im *assess.Image, findings []match.Finding) map[assess.FindingKey]string {
		d.Since = assess.FirstSeen(findings, d.Time, history(im.Repository))
		return d.SinceMap()
	}
	one, failed := loadSide(ctx, s, ref, "", db, judging)
	if failed != nil || err != nil {
		return nil, nil, cmp.Or(failed, err)
	}
	r := one.report
	switch {
	case one.stored && (r.Assessment == nil || r.Assessment.Environment != o.env):
		return nil, nil, fmt.Errorf("%s was not judged for %s: make it with tidewaiter scan --env %s --format json", ref, o.env, o.env)
	case one.stored, r.Data == nil:
		d.Since = assess.FirstSeen(r.Findings, d.Time, history(r.Image.Repository))
	}
	return one, earlier, err
}

// recorded is one record as a list shows it.
type recorded struct {
	File        string         `json:"file"`
	Time        time.Time      `json:"time"`
	Environment string         `json:"environment"`
	Repository  string         `json:"repository,omitempty"`
	Reference   string         `json:"reference"`
	Digest      string         `json:"digest,omitempty"`
	Score       *float64       `json:"score,omitempty"`
	Grade       string         `json:"grade,omitempty"`
	Verdict     assess.Verdict `json:"verdict,omitempty"`
	Change      string         `json:"change,omitempty"`
}

func newRecorded(file string, r *report.Report) recorded {
	out := recorded{File: filepath.ToSlash(file), Time: r.Deployment.Time, Environment: r.Deployment.Environment, Repository: r.Deployment.Repository,
		Reference: r.Image.Reference, Digest: cmp.Or(r.Image.Digest, r.Image.ID), Change: r.Deployment.Change}
	if a := r.Assessment; a != nil {
		out.Score, out.Grade, out.Verdict = &a.Score, a.Grade, a.Verdict
	}
	return out
}

// showRecords lists the records of one environment or of all, the oldest first.
func (o *recordOptions) showRecords(s streams) error {
	envs := []string{o.env}
	if o.env == "" {
		envs = o.recordedEnvironments()
	}
	list := []recorded{}
	for _, env := range envs {
		files, err := recordFiles(o.deployments, env)
		if err != nil {
			return err
		}
		for _, file := range slices.Backward(files) {
			r, err := readRecord(file)
			if err != nil {
				tellDamaged(s, []error{err})
				continue
			}
			if o.repository == "" || sameRepository(r.Deployment.Repository, o.repository) {
				list = append(list, newRecorded(file, r))
			}
		}
	}
	if o.format == "json" {
		return writeJSON(s, list)
	}
	if len(list) == 0 {
		fmt.Fprintf(s.err, "nothing was recorded%s: tidewaiter record IMAGE --env %s\n", o.otherEnvironment(o.env), cmp.Or(o.env, "production"))
		return nil
	}
	return listRecords(s, list)
}

func listRecords(s streams, list []recorded) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	env := ""
	for _, r := range list {
		if r.Environment != env {
			fmt.Fprintln(w, oneLine(r.Environment))
			env = r.Environment
		}
		score := "not matched"
		if r.Score != nil {
			score = fmt.Sprintf("%.1f %s", *r.Score, r.Grade)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", r.Time.UTC().Format("2006-01-02 15:04"), oneLine(r.Reference), score, oneLine(cmp.Or(r.Change, "the first")))
	}
	return w.Flush()
}

func writeJSON(s streams, v any) error {
	e := json.NewEncoder(s.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// recordedEnvironments are those in which something was recorded.
func (o *deploymentOptions) recordedEnvironments() []string {
	entries, _ := os.ReadDir(o.deployments) // none where it cannot be read
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// tellDamaged says which records could not be read; they are left out, and nothing else.
func tellDamaged(s streams, damaged []error) {
	for _, d := range damaged {
		fmt.Fprintln(s.err, "tidewaiter: "+oneLine(d.Error()))
	}
}
