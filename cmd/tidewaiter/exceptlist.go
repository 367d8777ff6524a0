package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/assess"
	"tidewaiter/report"
	"tidewaiter/vex"
)

// standing is how an exception stands today.
type standing struct {
	vex.Exception
	// Package is the package URL that it is about; empty for every package.
	Package string `json:"package,omitempty"`
	// Lapse is why it does not hold, and State the same in words, or when it ends.
	Lapse vex.Lapse `json:"lapse,omitempty"`
	State string    `json:"state"`
	// days is how many are left; negative where it does not hold, or no day is set.
	days int
}

// soon is how many days before its end an exception is told to end.
const soon = 14

// standingOf says how an exception stands in the environments for which it is meant.
func standingOf(e *vex.Exception, environments []assess.Environment, now time.Time) standing {
	st := standing{Exception: *e, Package: e.Package(), State: "in force", days: -1}
	var whys []string
	meant, lapsed := 0, 0
	for i := range environments {
		if !e.For(environments[i].Name) {
			continue
		}
		meant++
		lapse, why := e.Lapsed(demands(&environments[i]), now)
		if lapse == "" {
			continue
		}
		lapsed++
		st.Lapse = cmp.Or(st.Lapse, lapse)
		if !slices.Contains(whys, why) {
			whys = append(whys, why)
		}
	}
	if lapse, why := e.Lapsed(vex.Demands{}, now); meant == 0 && lapse != "" {
		st.Lapse, whys = lapse, []string{why}
	}
	end, err := time.Parse(time.DateOnly, e.End.Day)
	switch {
	case len(whys) > 0:
		if lapsed > 0 && lapsed < meant {
			whys = append(whys, "in force elsewhere")
		}
		st.State = strings.Join(whys, "; ")
	case err == nil:
		st.days = int(end.Sub(now.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
		if st.State = fmt.Sprintf("in force, ends in %d days", st.days); st.days == 1 {
			st.State = "in force, ends tomorrow"
		}
	}
	return st
}

func newExceptList(s streams) *cobra.Command {
	var o struct {
		environmentOptions
		outputs outputs
		dir     string
	}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "The exceptions, and whether they are in force",
		Args:  exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			if err := o.outputs.check(); err != nil {
				return err
			}
			list, err := loadExceptions(o.dir)
			if err != nil {
				return err
			}
			environments, err := o.asked()
			if err != nil {
				return err
			}
			all := []standing{}
			for i := range list {
				if o.env == "" || list[i].For(o.env) {
					all = append(all, standingOf(&list[i], environments, s.now()))
				}
			}
			if len(all) == 0 {
				fmt.Fprintln(s.err, "tidewaiter: there are no exceptions: tidewaiter except add writes one")
			}
			return o.outputs.write(s, map[string]form{
				"text": func(w io.Writer, _ report.TextOptions) error { return listExceptions(w, all) },
				"json": func(w io.Writer, _ report.TextOptions) error { return encodeIndented(w, all) },
			})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.outputs.addFlags(cmd, "text", "json")
	o.addEnvironment(cmd)
	f.Lookup("env").Usage = "list what is meant for one environment (default: all)"
	addExceptionsFlag(f, &o.dir)
	return cmd
}

// asked are the environments to look at: the one that was named, or all.
func (o *environmentOptions) asked() ([]assess.Environment, error) {
	if o.env == "" {
		return o.settings().Environments, nil
	}
	env, err := environmentNamed(o.settings(), o.env)
	return []assess.Environment{env}, err
}

func encodeIndented(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func listExceptions(out io.Writer, all []standing) error {
	if len(all) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\twhere\timage\tenvironments\tuntil\towner\tstate")
	for i := range all {
		e := &all[i]
		cells := []string{e.Vulnerabilities[0], cmp.Or(e.What(), "every one"), cmp.Or(e.Image, "every one"),
			cmp.Or(strings.Join(e.Environments, ", "), "all"), cmp.Or(e.End.String(), "-"), cmp.Or(e.Owner, "-"), e.State}
		for i, cell := range cells {
			cells[i] = oneLine(cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}
