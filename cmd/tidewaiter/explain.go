package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/vex"
)

func newExplain(s streams) *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "explain IMAGE CVE|malware:RULE|secret:RULE|hardening:CHECK",
		Short: "Why an image is affected by a vulnerability, or why it is not",
		Long: `Says in a few lines why IMAGE is affected by a vulnerability: the package and its file, which layer and instruction brought it,
which advisory of which feed says so, the comparison that was made, who set the severity, and what quiets it; then what that means
in an environment: its priority, the day by which it must be fixed and its CVSS score there, with all that they were made of.
Or why it is not: which packages aboard were considered and why none matched. Or which blind spot prevents an answer.

CVE may be any name of the vulnerability, in any case: CVE-2021-44228, GHSA-jfh8-c2jp-5v3q, DSA-5020-1, GO-2022-0969. A rule of malware, secrets
or hardening is named as scan names it: what it found is then told, where, which instruction brought that, why it matters, and what to do.

` + match.SeverityOrder + `

Exit codes:
  0  answered, whatever the answer is
  1  the tool or its input failed
  3  there was nothing to judge
  4  it cannot be said: a blind spot stands in the way, or no feed knows the vulnerability`,
		Example: `  tidewaiter explain shop:2.1 CVE-2021-44228
  tidewaiter explain --env staging shop:2.1 CVE-2021-44228
  tidewaiter explain --all --format json oci:build/shop GHSA-jfh8-c2jp-5v3q
  tidewaiter explain sbom:shop.spdx.json CVE-2024-3094
  tidewaiter explain shop:2.1 hardening:user-unset`,
		Args: exactArgs("IMAGE", "CVE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return explainCommand(cmd.Context(), s, args[0], args[1], o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.outputs.addFlags(cmd, "text", "json")
	o.outputs.addAll(f)
	o.addJudging(cmd)
	return cmd
}

func explainCommand(ctx context.Context, s streams, ref, asked string, o scanOptions) error {
	id, err := problemID(asked)
	if err != nil {
		return err
	}
	if err := o.outputs.check(); err != nil {
		return err
	}
	db, err := openAdvisories(o)
	if err != nil {
		return err
	}
	if db != nil {
		defer db.Close()
	}
	r, err := scan(ctx, s, ref, db, o)
	if err != nil {
		return err
	}
	e, err := explain(r, db, id)
	if err != nil {
		return err
	}
	env, err := o.environment(&r.Image)
	if err != nil {
		return err
	}
	e.Judge(env, assess.Options{Now: s.now()})
	forms := map[string]form{
		"text": e.Text,
		"json": func(w io.Writer, _ report.TextOptions) error { return e.JSON(w) },
	}
	if err := o.outputs.write(s, forms); err != nil {
		return err
	}
	switch {
	case e.Answer == match.CannotSay && len(r.Packages) == 0 && len(r.BlindSpots) == 0:
		return verdict{code: exitNothing}
	case e.Answer == match.CannotSay:
		return verdict{code: exitUnknown}
	}
	return nil
}

// explain asks why of what a scan found. db is nil where there is no advisory file.
func explain(r *report.Report, db *advisory.DB, id string) (*report.Explanation, error) {
	if kind, _ := vex.ContrabandOf(id); kind != "" {
		return report.NewContrabandExplanation(r, id)
	}
	var cat match.Catalogue = nothing{}
	if db != nil {
		cat = db
	}
	inv := &inventory.Inventory{Packages: r.Packages}
	e, err := match.Explain(inv, cat, r.Findings, r.BlindSpots, id)
	if err != nil {
		return nil, err
	}
	return report.NewExplanation(r, e), nil
}

// nothing is the catalogue of who has no advisory file.
type nothing struct{}

func (nothing) Records(string, string) ([]advisory.Record, error) { return nil, nil }
func (nothing) CVE(string) (advisory.CVE, error)                  { return advisory.CVE{}, nil }
func (nothing) Covers(string) bool                                { return false }
func (nothing) Info() advisory.Info                               { return advisory.Info{} }
func (nothing) Problem(string) (advisory.Problem, error)          { return advisory.Problem{}, nil }

// problemID reads what the user gave as the name of a vulnerability, or of a rule. "2021-44228" is taken for a CVE.
func problemID(asked string) (string, error) {
	id := strings.TrimSpace(asked)
	if kind, rule := vex.ContrabandOf(id); kind != "" && rule != "" && len(id) <= 256 {
		return string(kind) + ":" + rule, nil
	}
	if len(id) > 0 && id[0] >= '0' && id[0] <= '9' {
		id = "CVE-" + id
	}
	prefix, rest, ok := strings.Cut(id, "-")
	named := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.:", c)
	}
	if !ok || prefix == "" || len(id) > 128 || !strings.ContainsFunc(rest, func(c rune) bool { return c >= '0' && c <= '9' }) && prefix != "GHSA" ||
		strings.ContainsFunc(id, func(c rune) bool { return !named(c) }) {
		return "", fmt.Errorf("%q is not the id of an advisory: write it as CVE-2021-44228, GHSA-jfh8-c2jp-5v3q or DSA-5020-1, or a rule as malware:RULE, secret:RULE or hardening:CHECK", asked)
	}
	switch upper := strings.ToUpper(prefix); upper {
	case "CVE":
		id = strings.ToUpper(id)
		if year, number, _ := strings.Cut(id[len("CVE-"):], "-"); len(year) != 4 || len(number) < 4 || strings.Trim(year+number, "0123456789") != "" {
			return "", errors.New(id + " is not the id of a CVE: that is a year and a number of four digits or more, as in CVE-2021-44228")
		}
	case "GHSA":
		id = upper + "-" + strings.ToLower(rest)
	}
	return id, nil
}
