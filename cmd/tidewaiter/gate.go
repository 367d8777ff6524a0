package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/assess/environments"
	"tidewaiter/report"
)

// gateOptions are what the user asked of a gate.
type gateOptions struct {
	scanOptions
	// against is the reference of the baseline: empty for what was last recorded to run there, noBaseline for none.
	against string
	// compared is the baseline that was found; nil where there was none.
	compared *side
	// flags are the command's own.
	flags    *pflag.FlagSet
	approval approvalOptions
}

const noBaseline = "none"

const gateExitCodes = `Exit codes:
  0  every goal is met
  1  the tool or its input failed
  2  a goal is not met
  3  there was nothing to evaluate
  4  no goal fails, but of one it is not known (blind spots, old data), and the environment does not let that pass`

func newGate(s streams) *cobra.Command {
	var o gateOptions
	cmd := &cobra.Command{
		Use:   "gate IMAGE",
		Short: "May an image go to an environment? The exit code says",
		Long: `Holds IMAGE against the goals of an environment, and says of each whether it is met, and what to do where it is not. What could not
be read or judged makes a goal unknown, and that is not met unless the environment says so.

` + sideHelp + `

With --baseline, goals fail only for what the baseline has not got as well, both judged by the data, the rules and the exceptions of today: a
new advisory never stops what runs already, and what got worse never passes. What tidewaiter record says to run in the environment is
the baseline unless another is named. No baseline excuses malware, old advisory data, or exposure that the image is not meant for.

With --require-approval nothing is scanned: a signed approval (tidewaiter attest approve) for the environment must be attached, by
somebody who is trusted to sign (--key, or trust in ` + environments.Name + `).

` + formatHelp() + `

` + gateExitCodes,
		Example: `  tidewaiter gate --env production ghcr.io/acme/shop:2.1
  tidewaiter gate --env production --baseline ghcr.io/acme/shop:2.0 ghcr.io/acme/shop:2.1
  tidewaiter gate --env staging --output json=gate.json --output junit=gate.xml ./shop.tar
  tidewaiter gate --env production --baseline none report:shop.json
  tidewaiter gate --env production --require-approval --key security.pub ghcr.io/acme/shop:2.1`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.deafToLabels = true
			return gateCommand(cmd.Context(), s, args[0], o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.addGate(cmd)
	o.approval.addFlags(f)
	o.trust = &trustOptions{}
	o.trust.addFlags(f)
	return cmd
}

// addGate adds what is asked of a gate, whatever then becomes of its verdict.
func (o *gateOptions) addGate(cmd *cobra.Command) {
	f := cmd.Flags()
	o.flags = f
	f.StringVar(&o.against, "baseline", "", "an image, report:FILE, sbom:FILE or env:NAME than which this one must be no worse; env: what was recorded to run in the environment, which must be there; none: no baseline (default: env, if it is there)")
	o.outputs.addReport(cmd)
	o.outputs.addAll(f)
	o.addJudging(cmd)
}

func gateCommand(ctx context.Context, s streams, ref string, o gateOptions) error {
	if err := errors.Join(o.outputs.check(), o.checkOrigin(), o.approval.check(&o.outputs)); err != nil {
		return err
	}
	if o.approval.required {
		return o.gateByApproval(ctx, s, ref)
	}
	r, env, err := o.gate(ctx, s, ref)
	if err != nil {
		return err
	}
	if err := o.show(s, r, env); err != nil {
		return err
	}
	return gateVerdict(r, env)
}

// gate judges an image for an environment.
func (o *gateOptions) gate(ctx context.Context, s streams, ref string) (*report.Report, *assess.Environment, error) {
	db, err := openAdvisories(o.scanOptions)
	if err != nil {
		return nil, nil, err
	}
	if db != nil {
		defer db.Close()
	}
	if name, recorded := strings.CutPrefix(ref, envScheme); recorded {
		o.env, o.against = cmp.Or(o.env, name), cmp.Or(o.against, noBaseline) // it would be its own baseline
	}
	o.baseline = func(im *assess.Image, env string) (*assess.Baseline, error) {
		return o.findBaseline(ctx, s, im, env, db)
	}
	r, err := gateReport(ctx, s, ref, db, o.scanOptions)
	if err != nil {
		return nil, nil, err
	}
	env, err := o.environment(&r.Image)
	if err != nil {
		return nil, nil, err
	}
	if r.Assessment == nil { // there is no advisory data; some goals need none
		r.Assessment = assess.Assess(&r.Subject, env, assess.Options{Now: s.now(), Bindings: o.settings().Bindings})
	}
	return r, &env, nil
}

// show writes what a gate has found.
func (o *gateOptions) show(s streams, r *report.Report, env *assess.Environment) error {
	o.vex.tell(s, r.UnusedStatements)
	o.tellLabelled(s, &r.Image)
	forms := o.outputs.reportForms(s, r, o.dockerfile)
	forms["text"] = func(w io.Writer, to report.TextOptions) error { return report.GateText(w, r, env.Unknown, to) }
	return o.outputs.write(s, forms)
}

// gateReport scans an image, or judges anew what a stored report says of one.
func gateReport(ctx context.Context, s streams, ref string, db *advisory.DB, o scanOptions) (*report.Report, error) {
	var earlier *report.Report
	err := o.vex.check()
	if err != nil {
		return nil, err
	}
	if name, recorded := strings.CutPrefix(ref, envScheme); recorded {
		earlier, err = o.lastDeployment(s, name, "")
	} else if file, stored := reportFile(ref); stored {
		earlier, err = readDocument(s, file, report.Read)
	} else {
		return scan(ctx, s, ref, db, o)
	}
	if err != nil {
		return nil, err
	}
	return rematch(ctx, earlier, db, s.now(), o)
}

// gateVerdict gives the exit code that the contract has for a report.
func gateVerdict(r *report.Report, env *assess.Environment) error {
	switch v := r.Assessment.Verdict; {
	case v == assess.Fail:
		return verdict{code: exitNotMet}
	case v == assess.Unknown && env.Unknown != assess.UnknownPasses:
		return verdict{code: exitUnknown}
	case !slices.ContainsFunc(r.Assessment.Goals, func(g assess.GoalResult) bool { return !assess.AlwaysAsked(g.Name) }):
		return verdict{exitNothing, fmt.Sprintf("%s sets no goals, so there was nothing to evaluate", env.Name)}
	case len(r.Packages) == 0:
		return verdict{exitNothing, "no package was found in the image: there was nothing to evaluate"}
	}
	return nil
}

// findBaseline finds and judges what an image is compared with: what the user names, or else what was last recorded to run there. Where
// nothing was, or only other images, there is none.
func (o *gateOptions) findBaseline(ctx context.Context, s streams, im *assess.Image, env string, db *advisory.DB) (*assess.Baseline, error) {
	judging := o.scanOptions
	judging.env, judging.baseline, judging.observe, judging.retold = env, nil, nil, nil
	var one *side
	var err error
	against := o.against
	if against == "env" { // the environment that it is judged for
		against = envScheme + env
	}
	switch against {
	case noBaseline:
		return nil, nil
	case "":
		last, damaged, missing := o.lastRecord(env, im.Repository)
		tellDamaged(s, damaged)
		if missing != nil {
			fmt.Fprintln(s.err, "tidewaiter: no baseline: "+oneLine(missing.Error()))
			last = nil
		}
		if last == nil {
			return nil, nil
		}
		one = &side{report: last, stored: true}
	default:
		if one, err = loadSide(ctx, s, against, im.Repository, db, judging); err != nil {
			return nil, fmt.Errorf("--baseline %s: %w", o.against, err)
		}
	}
	o.compared = one
	r := one.report
	if one.stored {
		if r, err = rematch(ctx, r, db, s.now(), judging); err != nil {
			return nil, fmt.Errorf("the baseline %s: %w", one.report.Image.Reference, err)
		}
	}
	return &assess.Baseline{Name: r.Image.Reference, Subject: &r.Subject, Assessment: r.Assessment}, nil
}

// addFiles accounts for the files of an image where a goal looks at them. A stored report says what was found when the image was read.
func (o *scanOptions) addFiles(subject *assess.Subject, a *aboard, env *assess.Environment) {
	switch {
	case a.earlier != nil:
		subject.Files, subject.Attestations = a.earlier.Files, a.earlier.Attestations
	case env.Goals.NeedFiles() && a.image.Root == nil && len(a.layers) > 0:
		subject.Files = assess.NewFiles(subject, a.traced())
	}
}
