package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tidewaiter/advisory"
)

func newDB(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "db",
		Short: "Make and look at the advisory file",
		Long: `The advisory file holds what is known to be wrong with the world's packages. It is one read-only file: copy it to
where there is no network.`,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDBImport(s), newDBUpdate(s), newDBStatus(s))
	return cmd
}

func newDBImport(s streams) *cobra.Command {
	var file string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "import DIR",
		Short: "Build the advisory file from a directory of feeds, without a network",
		Long: `Builds the advisory file from feeds in DIR; any of them may be absent:

  osv/<Ecosystem>/all.zip   OSV exports
  kev/*.json                CISA's catalog of known exploited vulnerabilities
  epss/*.csv.gz or *.csv    FIRST's exploit prediction scores
  cve/*.jsonl.gz            CVSS vectors and SSVC decision points by CVE
  eol/*.zip                 end-of-life dates, as endoflife.date keeps them

The file is replaced at once when the new one is whole; until then, and if anything fails, the old one stays.`,
		Args: exactArgs("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return dbImport(cmd.Context(), s, args[0], file, quiet)
		},
	}
	addAdvisoryFlag(cmd.Flags(), &file)
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}

func dbImport(ctx context.Context, s streams, dir, file string, quiet bool) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("no such directory of feeds: %s", dir)
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory of feeds", dir)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	p := newProgress(s, quiet, "importing "+dir)
	got, err := advisory.Import(ctx, os.DirFS(dir), file, advisory.ImportOptions{Now: s.now(), Source: dir, Progress: p.show})
	p.done()
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return showInfo(s, file, got)
}

func newDBUpdate(s streams) *cobra.Command {
	var file string
	var quiet bool
	var o advisory.UpdateOptions
	cmd := &cobra.Command{
		Use:   "update",
		Short: "Fetch the feeds that have changed and build the advisory file",
		Long: `Fetches the feeds that have changed since the last update and builds the advisory file from them. Without --from the
feeds come from where their publishers keep them (OSV, CISA, FIRST); with it, from a mirror that has the layout of
tidewaiter db import --help: a directory that any web server shows, or one with an index.txt that lists its files.`,
		Example: `  tidewaiter db update
  tidewaiter db update --from https://mirror.example.com/feeds`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := newProgress(s, quiet, "updating")
			defer p.done()
			o.Out, o.Now, o.Progress = file, s.now(), p.show
			return dbUpdate(cmd.Context(), s, o, p)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.From, "from", "", "URL of a mirror of the feeds")
	f.StringVar(&o.Mirror, "mirror", filepath.Join(xdg("XDG_CACHE_HOME", ".cache"), "feeds"), "directory in which fetched feeds are kept")
	f.StringSliceVar(&o.CACerts, "ca-cert", nil, "PEM file with certificates of the mirror's authority; may repeat")
	addAdvisoryFlag(f, &file)
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress")
	return cmd
}

func dbUpdate(ctx context.Context, s streams, o advisory.UpdateOptions, p *progress) error {
	if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
		return err
	}
	info, changes, err := advisory.Update(ctx, o)
	p.done()
	var network net.Error
	if errors.As(err, &network) {
		return fmt.Errorf("%w; without a network, import a directory of feeds: tidewaiter db import --help", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(s.err, changes)
	return showInfo(s, o.Out, info)
}

func newDBStatus(s streams) *cobra.Command {
	var file, format string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "What the advisory file holds: each feed's source, date and record count",
		Args:  exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			db, err := advisory.Open(file)
			if err != nil {
				return err
			}
			defer db.Close()
			switch format {
			case "json":
				e := json.NewEncoder(s.out)
				e.SetIndent("", "  ")
				return e.Encode(db.Info())
			case "text":
				return showInfo(s, file, db.Info())
			}
			return fmt.Errorf("unknown format %q: text or json", format)
		},
	}
	addAdvisoryFlag(cmd.Flags(), &file)
	cmd.Flags().StringVarP(&format, "format", "f", "text", "text or json")
	offer(cmd, "format", "text", "json")
	return cmd
}

func showInfo(s streams, file string, info advisory.Info) error {
	fmt.Fprintf(s.out, "%s  %s\n\n", file, info.Revision)
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "feed\tdate\trecords\tsource")
	for _, f := range info.Feeds {
		note := ""
		if f.Skipped > 0 {
			note += fmt.Sprintf("  (%d records unreadable)", f.Skipped)
		}
		if f.Unnamed > 0 {
			note += fmt.Sprintf("  (%d entries name no package)", f.Unnamed)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s%s\n", f.Name, f.Date, f.Records, f.Source, note)
	}
	return w.Flush()
}
