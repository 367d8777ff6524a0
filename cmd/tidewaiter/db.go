package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

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
	cmd.AddCommand(newDBImport(s), newDBUpdate(s), newDBStatus(s), newDBDelta(s), newDBApply(s), newDBPush(s), newDBPull(s), newDBExport(s))
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
  secdb/*.json              security databases of Alpine, Wolfi and Chainguard
  kev/*.json                CISA's catalog of known exploited vulnerabilities
  nvd/*.json or *.json.gz   NVD's CVEs, for programs that no package manager installed; also one a line in *.jsonl.gz
  epss/*.csv.gz or *.csv    FIRST's exploit prediction scores
  cve/*.jsonl.gz            CVSS vectors and SSVC decision points by CVE
  eol/*.zip                 end-of-life dates, as endoflife.date keeps them
  malware/*                 hashes of malware: MalwareBazaar's exports (.csv, .txt), ClamAV's (.hdb, .hsb), or lists of your own:
                            MD5, SHA-1 or SHA-256 and a name, a line each (.txt, .csv, .sha256); .gz or .zip, too

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
tidewaiter db import --help: a directory that any web server shows, or one with an index.txt that lists its files.

Lists of hashes of malware are fetched where they are named with --hashes NAME=URL, and kept until the next time they are named. Only the
host and the end of such a URL is ever shown: MalwareBazaar's has your key in it.`,
		Example: `  tidewaiter db update
  tidewaiter db update --hashes bazaar.txt=https://mb-api.abuse.ch/v2/files/exports/$ABUSE_CH_KEY/sha256_full.txt.zip
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
	f.StringArrayVar(&o.Hashes, "hashes", nil, "a list of hashes of malware to fetch as well, as NAME=URL; may repeat")
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
