package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/report"
)

// side is one of the two that are compared: an image, or what was written down of one.
type side struct {
	report *report.Report
	// stored says that the report was written earlier, with the advisories and the rules of then.
	stored bool
	// files accounts for the image's files; nil where no image was read, or none that has layers.
	files *inventory.Trace
}

// What a side of a comparison may be, besides an image.
const (
	reportScheme = "report:"
	envScheme    = "env:"
)

const sideHelp = `An image may be given as any command takes it. What was written down of one does as well: report:FILE (of scan --format json),
sbom:FILE, or env:NAME, what was last recorded to run in an environment (tidewaiter record).`

// loadSide reads one side of a comparison. repository says of which image env:NAME means the deployment, where several run there.
func loadSide(ctx context.Context, s streams, ref, repository string, db *advisory.DB, o scanOptions) (*side, error) {
	if name, ok := strings.CutPrefix(ref, envScheme); ok {
		r, err := o.lastDeployment(s, name, repository)
		if err != nil {
			return nil, err
		}
		return &side{report: r, stored: true}, nil
	}
	if file, ok := reportFile(ref); ok {
		r, err := readDocument(s, file, report.Read)
		if err != nil {
			return nil, err
		}
		if !looked(r) {
			unasked(r.Findings, r.Rules)
		}
		return &side{report: r, stored: true}, nil
	}
	if _, ok := sbomFile(ref); ok {
		r, err := scan(ctx, s, ref, db, o)
		if err != nil {
			return nil, err
		}
		unasked(r.Findings, r.Rules)
		return &side{report: r}, nil
	}
	return readSide(ctx, s, ref, db, o)
}

// readSide reads an image, and accounts for its files besides.
func readSide(ctx context.Context, s streams, ref string, db *advisory.DB, o scanOptions) (*side, error) {
	out := &side{}
	r, err := o.readAndJudge(ctx, s, ref, db, true, func(a *aboard) error {
		if a.image.Root == nil {
			out.files = inventory.NewTrace(a.image, a.layers, a.inventory)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.report = r
	return out, nil
}

// reportFile gives the file of a reference to a stored report: report:FILE, or a path to a file that has one.
func reportFile(ref string) (string, bool) {
	if file, ok := strings.CutPrefix(ref, reportScheme); ok {
		return file, true
	}
	info, err := os.Stat(ref)
	if err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	f, err := os.Open(ref)
	if err != nil {
		return "", false
	}
	defer f.Close()
	start, _ := bufio.NewReader(io.LimitReader(f, 512)).Peek(512) // a short file gives what it has
	return ref, strings.HasPrefix(strings.TrimSpace(string(start)), "{") && strings.Contains(string(start), `"schemaVersion"`) &&
		strings.Contains(string(start), `"tidewaiter"`)
}

// readDocument reads a document from a file, or from standard input ("-").
func readDocument[D any](s streams, file string, read func(io.Reader) (*D, error)) (*D, error) {
	in := s.in
	if file != "-" {
		f, err := os.Open(file)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("no such file: %s", file)
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	d, err := read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

// looked says whether a stored report is of an image that was read, so that rules could look into it.
func looked(r *report.Report) bool {
	return len(r.Image.Layers) > 0
}

// unasked notes on findings that were made without an image which rules would have looked into it.
func unasked(findings []match.Finding, had match.Settings) {
	var names []string
	for _, rule := range match.Rules() {
		if rule.Looks && cmp.Or(had[rule.Name], rule.Effect) != match.Off {
			names = append(names, rule.Name)
		}
	}
	for i := range findings {
		findings[i].Unasked = names
	}
}

// rematch judges what a stored report says to be aboard by the advisories, rules, statements and environment of today. Rules that
// look into the image answer as they did when it was read ([match.Rematch]). The report given stays as it is.
func rematch(ctx context.Context, r *report.Report, db *advisory.DB, now time.Time, o scanOptions) (*report.Report, error) {
	out, err := o.conclude(ctx, recalled(r), db, now)
	if err != nil {
		return nil, err
	}
	out.Image = r.Image
	if !looked(r) {
		unasked(out.Findings, out.Rules)
	}
	return out, nil
}

// recalled is the image that a stored report is of, as far as the report tells.
func recalled(r *report.Report) *aboard {
	inv := &inventory.Inventory{Packages: slices.Clone(r.Packages), Base: r.Image.Base}
	if r.Image.OS != nil {
		inv.OS = *r.Image.OS
	}
	for _, b := range r.BlindSpots {
		switch b.Kind {
		case image.NoFeed, image.StaleFeed, image.EndOfLife, image.Unjudged, image.UnknownBase, image.UnreadablePaper: // found anew
		default:
			inv.BlindSpots = append(inv.BlindSpots, b)
		}
	}
	return &aboard{image: recalledImage(r.Image), inventory: inv, earlier: r}
}

func recalledImage(d assess.Image) *image.Image {
	im := &image.Image{Reference: d.Reference, Repository: d.Repository, Digest: d.Digest, ID: d.ID, Created: d.Created, Labels: d.Labels}
	parts := append(strings.SplitN(d.Platform, "/", 3), "", "", "")
	im.Platform = image.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
	if c := d.Config; c != nil {
		im.Process = &image.Process{User: c.User, Entrypoint: c.Entrypoint, Cmd: c.Cmd, Env: c.Env, WorkingDir: c.WorkingDir,
			Healthcheck: c.Healthcheck, ExposedPorts: c.ExposedPorts}
	}
	for _, l := range d.Layers {
		im.Layers = append(im.Layers, image.Layer{Index: l.Index, Digest: l.Digest, DiffID: l.DiffID, Size: l.Size, Instruction: l.Instruction, DockerfileLine: l.DockerfileLine})
	}
	return im
}

// match holds what is aboard against the advisories.
func (a *aboard) match(db *advisory.DB, settings match.Settings) ([]match.Finding, []image.BlindSpot, error) {
	if a.earlier == nil {
		return match.Match(a.inventory, db, settings)
	}
	return match.Rematch(a.inventory, db, settings, a.earlier.Findings, a.earlier.Rules)
}
