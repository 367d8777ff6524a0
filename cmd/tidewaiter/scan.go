package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/layer"
	"tidewaiter/match"
	"tidewaiter/report"
)

// scanOptions are what the user asked of a scan.
type scanOptions struct {
	platform   string
	plainHTTP  bool
	caCerts    []string
	advisories string
	// asked says that the advisory file was named by the user: one that is missing is then an error.
	asked   bool
	maxAge  time.Duration
	quiet   bool
	exitOn  condition
	outputs outputs
}

func newScan(s streams) *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan IMAGE",
		Short: "What is aboard an image, what is wrong with it, and what to do next",
		Long: `Reads every layer of IMAGE once, lists the packages that are aboard, and holds them against the advisory file
(tidewaiter db update makes it). What could not be read or judged is listed as a blind spot.

` + exitCodeHelp,
		Example: `  tidewaiter scan debian:12
  tidewaiter scan --platform linux/arm64 ghcr.io/acme/shop:2.1
  tidewaiter scan --output json=shop.json ./shop.tar
  tidewaiter scan --exit-on high,kev oci:build/shop`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.asked = cmd.Flags().Changed("advisories")
			return scanCommand(cmd.Context(), s, args[0], o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.outputs.addFlags(f)
	f.Var(&o.exitOn, "exit-on", "exit with 2 when found: a comma-separated list of "+strings.Join(conditions, ", ")+" (a severity stands for the graver ones too)")
	addImageFlags(f, &o)
	addAdvisoryFlag(f, &o.advisories)
	o.maxAge = 7 * 24 * time.Hour
	f.Var((*age)(&o.maxAge), "max-data-age", "advisory data older than this is a blind spot (7d, 36h; 0: any age)")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	offer(cmd, "format", formats()...)
	offer(cmd, "exit-on", conditions...)
	return cmd
}

func addImageFlags(f *pflag.FlagSet, o *scanOptions) {
	f.StringVar(&o.platform, "platform", "", "os/arch[/variant] to pick from a multi-platform image")
	f.BoolVar(&o.plainHTTP, "plain-http", false, "speak to the registry without TLS (loopback hosts need no asking)")
	f.StringSliceVar(&o.caCerts, "ca-cert", nil, "PEM file with certificates of a registry's authority; may repeat")
}

func addAdvisoryFlag(f *pflag.FlagSet, file *string) {
	f.StringVar(file, "advisories", defaultAdvisories(), "the advisory file")
}

// defaultAdvisories is where the advisory file lies unless told otherwise, after the XDG base directory specification.
func defaultAdvisories() string {
	return filepath.Join(xdg("XDG_DATA_HOME", ".local/share"), "advisories.db")
}

// xdg gives the program's directory of one kind: https://specifications.freedesktop.org/basedir-spec/latest/
func xdg(variable, fallback string) string {
	dir := os.Getenv(variable)
	if !filepath.IsAbs(dir) { // the specification says to ignore a relative one
		home, err := os.UserHomeDir()
		if err != nil {
			home = os.TempDir()
		}
		dir = filepath.Join(home, fallback)
	}
	return filepath.Join(dir, "tidewaiter")
}

// collectAt is how far a scan's heap may grow between collections, in percent, unless GOGC says otherwise. Half of Go's
// default costs no time that can be measured, and keeps a scan under 200 MiB. A limit on memory would do worse: over it, an
// image of very many files would be collected without end.
const collectAt = 50

func scanCommand(ctx context.Context, s streams, ref string, o scanOptions) error {
	if err := o.outputs.check(); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	r, err := scan(ctx, s, ref, o)
	if err != nil {
		return err
	}
	if err := o.outputs.write(s, r); err != nil {
		return err
	}
	return o.exitOn.judge(r)
}

// scan is the main job: open the image, read its layers once, say what is aboard, match it, report.
func scan(ctx context.Context, s streams, ref string, o scanOptions) (*report.Report, error) {
	db, err := openAdvisories(o)
	if err != nil {
		return nil, err
	}
	if db != nil {
		defer db.Close()
	}
	im, err := image.Open(ctx, ref, image.Options{
		Platform: o.platform, PlainHTTP: o.plainHTTP, CACerts: o.caCerts, UserAgent: "tidewaiter/" + release,
	})
	if err != nil {
		return nil, err
	}
	defer im.Close()

	all := extractors.Default()
	progress := newProgress(s, o.quiet, "reading "+ref)
	layers, err := layer.Read(ctx, im, inventory.NewRules(all), layer.Options{Limits: layer.DefaultLimits(), Progress: progress.show})
	progress.done()
	if err != nil {
		return nil, err
	}
	inv, err := inventory.Assemble(ctx, im, layers, all)
	if err != nil {
		return nil, err
	}
	tool := report.Tool{Name: "tidewaiter", Version: release}
	if db == nil {
		unmatched := image.BlindSpot{Kind: image.NoFeed, Packages: len(inv.Packages),
			Message: "no advisory file, so nothing was matched: make one with tidewaiter db update"}
		return report.New(tool, im, layers, inv, nil, nil, []image.BlindSpot{unmatched}), nil
	}
	findings, spots, err := match.Match(inv, db)
	if err != nil {
		return nil, err
	}
	ended, err := match.EndOfLife(inv.OS, db.Cycles, s.now())
	if err != nil {
		return nil, err
	}
	spots = append(spots, ended...)
	info := db.Info()
	if o.maxAge > 0 {
		spots = append(spots, match.Stale(inv, info, s.now(), o.maxAge)...)
	}
	return report.New(tool, im, layers, inv, &info, findings, spots), nil
}

// openAdvisories opens the advisory file; nil where none lies at the usual place. What is aboard can then still be told.
func openAdvisories(o scanOptions) (*advisory.DB, error) {
	db, err := advisory.Open(o.advisories)
	if errors.Is(err, fs.ErrNotExist) && !o.asked {
		return nil, nil
	}
	return db, err
}
