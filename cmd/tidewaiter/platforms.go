package main

import (
	"context"
	"errors"
	"io"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/match"
	"tidewaiter/report"
)

// allPlatforms is what --platform takes for every image of an index.
const allPlatforms = "all"

// scanPlatforms scans every image of an index. What the platforms share is read once, where there is a cache.
func scanPlatforms(ctx context.Context, s streams, ref string, db *advisory.DB, o scanOptions) error {
	if err := o.outputs.limit("--platform all", "text", "json"); err != nil {
		return err
	}
	o.platform = ""
	platforms, err := image.Platforms(ctx, ref, o.source())
	if err != nil {
		return err
	}
	var reports []*report.Report
	for _, o.platform = range platforms {
		r, err := scan(ctx, s, ref, db, o)
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	o.vex.tell(s, unusedOnAll(reports))
	all := report.NewPlatforms(ref, reports)
	forms := map[string]form{
		"text": all.Text,
		"json": func(w io.Writer, _ report.TextOptions) error { return all.JSON(w) },
	}
	if err := o.outputs.write(s, forms); err != nil {
		return err
	}
	return o.exitOn.judgeAll(reports)
}

// unusedOnAll gives the statements that changed nothing on any platform, and the exceptions that would quiet something on one if they held.
func unusedOnAll(reports []*report.Report) []match.UnusedStatement {
	type key struct{ source, vulnerability, product string }
	of := func(u match.UnusedStatement) key { return key{u.Source, u.Vulnerability, u.Product} }
	on := map[key]int{} // how many platforms
	for _, r := range reports {
		here := map[key]bool{}
		for _, u := range r.UnusedStatements {
			if !here[of(u)] {
				here[of(u)] = true
				on[of(u)]++
			}
		}
	}
	var out []match.UnusedStatement
	told := map[key]bool{}
	for _, r := range reports {
		for _, u := range r.UnusedStatements {
			if k := of(u); !told[k] && (u.Stands || on[k] == len(reports)) {
				told[k] = true
				out = append(out, u)
			}
		}
	}
	return out
}

// judgeAll gives the exit code for several reports: what one of them did not meet, all did not meet.
func (c condition) judgeAll(reports []*report.Report) error {
	var worst error
	rank := map[int]int{exitDone: 1, exitUnknown: 2, exitNotMet: 3} // exitNothing is 0: something elsewhere outweighs it
	for i, r := range reports {
		err := c.judge(r)
		if i == 0 || rank[code(err)] > rank[code(worst)] {
			worst = err
		}
	}
	return worst
}

func code(err error) int {
	var v verdict
	if errors.As(err, &v) {
		return v.code
	}
	return exitDone
}
