package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/advisory"
)

// sample is a small image of real packages and the slice of real advisories that speaks of them; cmd/demosample
// makes it, sample/SOURCES.md says what is in it and under which licences.
//
//go:embed sample/shop.tar sample/feeds
var sample embed.FS

func newDemo(s streams) *cobra.Command {
	var o outputs
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Scan a sample image that the program carries with it: no network, nothing to install",
		Long: `Scans a sample image that the program carries with it, with a slice of the advisories: no network, nothing to install.

` + formatHelp(),
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return demo(cmd.Context(), s, o) },
	}
	o.addReport(cmd)
	o.addAll(cmd.Flags())
	return cmd
}

// newestFeed is the day of the newest feed.
func newestFeed(info advisory.Info) (time.Time, error) {
	newest := ""
	for _, f := range info.Feeds {
		newest = max(newest, f.Date)
	}
	return time.Parse(time.DateOnly, newest)
}

// demo does what a user would do with an image and feeds of their own: import the feeds, scan the image.
func demo(ctx context.Context, s streams, o outputs) error {
	if err := o.check(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tidewaiter-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	archive, err := sample.ReadFile("sample/shop.tar")
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "shop.tar")
	if err := os.WriteFile(file, archive, 0o600); err != nil {
		return err
	}
	feeds, err := fs.Sub(sample, "sample/feeds")
	if err != nil {
		return err
	}
	db := filepath.Join(dir, "advisories.db")
	if _, err := advisory.Import(ctx, feeds, db, advisory.ImportOptions{Now: s.now(), Source: "sample"}); err != nil {
		return err
	}
	feed, err := advisory.Open(db)
	if err != nil {
		return err
	}
	defer feed.Close()
	// The sample's advisories never change, and their age says nothing about the user's own: it is judged on their day.
	day, err := newestFeed(feed.Info())
	if err != nil {
		return err
	}
	s.now = func() time.Time { return day }
	r, err := scan(ctx, s, "oci-archive:"+file, feed, scanOptions{imageOptions: imageOptions{limits: newLimits()}})
	if err != nil {
		return err
	}
	r.Image.Reference = "shop:demo"
	o.steps = "tidewaiter demo --all"
	if err := o.write(s, o.reportForms(s, r, "")); err != nil || o.format != "text" {
		return err
	}
	_, err = fmt.Fprint(s.out, `
  This was a sample image with a slice of the advisories. To go on:
    tidewaiter demo --all             every finding of it
    tidewaiter demo --format json     the same for programs
    tidewaiter db update              fetch the advisories of today
    tidewaiter scan IMAGE             an image of yours: debian:12, ./image.tar, oci:DIR, dir:/srv/root
    tidewaiter advise IMAGE           what to do next, with the lines to change
    tidewaiter gate IMAGE             may it go to production?
`)
	return err
}
