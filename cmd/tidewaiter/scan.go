package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/inventory/bases"
	"tidewaiter/layer"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/sbom"
)

// scanOptions are what the user asked of a scan.
type scanOptions struct {
	imageOptions
	environmentOptions
	deploymentOptions
	advisories string
	// advisoriesFlag is the flag of it: a file that the user named and that is missing is an error.
	advisoriesFlag *pflag.Flag
	maxAge         time.Duration
	onlyBase       bool
	rules          rules
	learnBase      bool
	ignoreBase     bool
	exitOn         condition
	vex            vexOptions
	search         searchOptions
	sources        sourceOptions
	outputs        outputs
	// firstSeen gives the days since which findings are known where the image is being deployed; nil where it is not.
	firstSeen func(im *assess.Image, findings []match.Finding) map[assess.FindingKey]string
	// trust says whose papers may decide; nil where none are looked for.
	trust *trustOptions
	// retold is how a decision is taken again; nil where one is taken. observe is called with what was read, ahead of the judgement.
	retold  *retold
	observe func(a *aboard, db *advisory.DB) error
	// baseline finds what a gate compares an image with in an environment; nil where nothing is.
	baseline func(im *assess.Image, environment string) (*assess.Baseline, error)
}

func newScan(s streams) *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan IMAGE",
		Short: "What is aboard an image, what is wrong with it, and what to do next",
		Long: `Reads every layer of IMAGE once, lists the packages that are aboard, and holds them against the advisory file
(tidewaiter db update makes it). In the same reading it looks into every file for malware and secrets, and then at how the image is
configured and built. What could not be read or judged is listed as a blind spot.

` + formatHelp() + `

` + exitCodeHelp,
		Example: `  tidewaiter scan debian:12
  tidewaiter scan --platform linux/arm64 ghcr.io/acme/shop:2.1
  tidewaiter scan --platform all ghcr.io/acme/shop:2.1
  tidewaiter scan --output json=shop.json --output sarif=shop.sarif ./shop.tar
  tidewaiter scan --exit-on high,kev oci:build/shop
  tidewaiter scan sbom:shop.spdx.json`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return scanCommand(cmd.Context(), s, args[0], o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.outputs.addReport(cmd)
	o.outputs.addAll(f)
	f.Var(&o.exitOn, "exit-on", "exit with 2 when found: a comma-separated list of "+strings.Join(conditions(), ", ")+" (a severity stands for the graver ones too)")
	o.trust = &trustOptions{}
	o.trust.addFlags(f)
	f.BoolVar(&o.learnBase, "learn-base", false, "make the image known as a base, if nothing says that it was built on another one")
	o.addJudging(cmd)
	f.Lookup("platform").Usage = "os/arch[/variant] to pick from a multi-platform image, or all: each of its images, and what differs"
	offer(cmd, "exit-on", conditions()...)
	return cmd
}

// addJudging adds what is asked of reading and judging an image, whatever is then shown of it.
func (o *scanOptions) addJudging(cmd *cobra.Command) {
	f := cmd.Flags()
	o.addEnvironment(cmd)
	o.addDeployments(f)
	f.BoolVar(&o.onlyBase, "only-base", false, "quiet what the application brought: only the base image's problems stand")
	f.BoolVar(&o.ignoreBase, "ignore-base", false, "quiet what the base image brought")
	addRuleFlag(cmd, f, &o.rules)
	o.vex.addFlags(f)
	o.search.addFlags(cmd)
	o.addFlags(f)
	o.addAdvisories(f)
	o.maxAge = usualMaxAge
	f.Var((*age)(&o.maxAge), "max-data-age", "advisory data older than this is a blind spot (7d, 36h; 0: any age)")
}

func (o *scanOptions) addAdvisories(f *pflag.FlagSet) {
	addAdvisoryFlag(f, &o.advisories)
	o.advisoriesFlag = f.Lookup("advisories")
}

func addAdvisoryFlag(f *pflag.FlagSet, file *string) {
	f.StringVar(file, "advisories", defaultAdvisories(), "the advisory file")
}

// defaultAdvisories is where the advisory file lies unless told otherwise, after the XDG base directory specification.
func defaultAdvisories() string {
	return filepath.Join(xdg("XDG_DATA_HOME", ".local/share"), "advisories.db")
}

func scanCommand(ctx context.Context, s streams, ref string, o scanOptions) error {
	if err := o.outputs.check(); err != nil {
		return err
	}
	if err := o.checkOrigin(); err != nil {
		return err
	}
	db, err := openAdvisories(o)
	if err != nil {
		return err
	}
	if db != nil {
		defer db.Close()
	}
	if o.platform == allPlatforms {
		return scanPlatforms(ctx, s, ref, db, o)
	}
	r, err := scan(ctx, s, ref, db, o)
	if err != nil {
		return err
	}
	o.vex.tell(s, r.UnusedStatements)
	if err := o.outputs.write(s, o.outputs.reportForms(s, r, o.dockerfile)); err != nil {
		return err
	}
	return o.exitOn.judge(r)
}

// scan is the main job: open the image, read its layers once, say what is aboard, match it, report. db is nil where there
// is no advisory file.
func scan(ctx context.Context, s streams, ref string, db *advisory.DB, o scanOptions) (*report.Report, error) {
	if file, ok := sbomFile(ref); ok {
		if err := o.vex.check(); err != nil {
			return nil, err
		}
		d, err := readDocument(s, file, sbom.Read)
		if err != nil {
			return nil, err
		}
		if d.Image.Reference == "" { // the document does not name what it describes
			d.Image.Reference = ref
		}
		return o.conclude(ctx, &aboard{image: d.Image, inventory: d.Inventory}, db, s.now())
	}
	return o.readAndJudge(ctx, s, ref, db, false, func(a *aboard) error {
		if o.learnBase && a.inventory.Base == nil && a.image.Root == nil {
			return o.learn(s, a, baseName(ref))
		}
		return nil
	})
}

// readAndJudge opens an image, reads its layers once, and judges what is aboard. digests asks for the digest of every file; before is called
// with what was read, ahead of the judgement.
func (o *scanOptions) readAndJudge(ctx context.Context, s streams, ref string, db *advisory.DB, digests bool, before func(*aboard) error) (*report.Report, error) {
	if err := o.vex.check(); err != nil {
		return nil, err
	}
	im, err := o.open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer im.Close()
	o.retold.name(im)
	search, err := o.search.begin(ctx, db, &o.redaction)
	if err != nil {
		return nil, err
	}
	defer search.close()
	o.sinks = search.sinks()
	digests, o.sha256 = search.digests(digests && im.Root == nil)
	a, err := o.read(ctx, s, im, digests)
	if err != nil {
		return nil, err
	}
	a.search = search
	if err := before(a); err != nil {
		return nil, err
	}
	return o.conclude(ctx, a, db, s.now())
}

// learn makes an image known as a base by what was read of it. Of a layer that was not read whole nothing is proven:
// that is no reason not to report the rest.
func (o *scanOptions) learn(s streams, a *aboard, name string) error {
	known, err := inventory.NewKnownBase(a.image, a.layers, name)
	if err != nil {
		hint := ""
		if slices.ContainsFunc(a.layers, func(ix *layer.Index) bool { return ix.TOC }) {
			hint = ": with --full-read it can be"
		}
		fmt.Fprintln(s.err, "tidewaiter: "+oneLine(err.Error())+hint)
		return nil
	}
	return bases.Add(o.bases, known)
}

// openAdvisories opens the advisory file; nil where none lies at the usual place. What is aboard can then still be told.
func openAdvisories(o scanOptions) (*advisory.DB, error) {
	db, err := advisory.Open(o.advisories)
	if errors.Is(err, fs.ErrNotExist) && !o.advisoriesFlag.Changed {
		return nil, nil
	}
	return db, err
}
