package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/layer"
	"tidewaiter/match"
	"tidewaiter/sbom"
)

// saying is what a tool says once of an image: a package has a problem. The claims are that under each name of the package and
// each id of the problem.
type saying struct {
	text   string
	fate   string // what this program's rules do to it: "stands", "RULE quiets"
	claims []claim
}

// comparison is what two tools say of one image.
type comparison struct{ both, onlyOurs, onlyTheirs []saying }

// compare sorts what is said by who says it. What one tool says more than once, as of a problem that has several records, the
// other may say in one.
func compare(ours, theirs []saying) comparison {
	var c comparison
	saidOurs, saidTheirs := spoken(ours), spoken(theirs)
	for _, s := range ours {
		if s.among(saidTheirs) {
			c.both = append(c.both, s)
		} else {
			c.onlyOurs = append(c.onlyOurs, s)
		}
	}
	for _, s := range theirs {
		if !s.among(saidOurs) {
			c.onlyTheirs = append(c.onlyTheirs, s)
		}
	}
	return c
}

func spoken(all []saying) map[claim]bool {
	claims := map[claim]bool{}
	for _, s := range all {
		for _, c := range s.claims {
			claims[c] = true
		}
	}
	return claims
}

func (s saying) among(claims map[claim]bool) bool {
	return slices.ContainsFunc(s.claims, func(c claim) bool { return claims[c] })
}

func (c comparison) print(w io.Writer, name string, verbose bool) {
	fmt.Fprintln(w, name)
	for _, group := range []struct {
		name    string
		sayings []saying
	}{{"both", c.both}, {"only tidewaiter", c.onlyOurs}, {"only osv-scanner", c.onlyTheirs}} {
		line := fmt.Sprintf("  %-16s %5d  %s", group.name, len(group.sayings), fates(group.sayings))
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	if !verbose {
		return
	}
	for _, s := range c.onlyOurs {
		fmt.Fprintf(w, "    only tidewaiter   %s (%s)\n", s.text, s.fate)
	}
	for _, s := range c.onlyTheirs {
		fmt.Fprintf(w, "    only osv-scanner  %s\n", s.text)
	}
}

// fates counts what the rules do: "3 go-symbols quiets, 70 stands".
func fates(all []saying) string {
	counts := map[string]int{}
	for _, s := range all {
		if s.fate != "" {
			counts[s.fate]++
		}
	}
	var list []string
	for _, fate := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, fmt.Sprintf("%d %s", counts[fate], fate))
	}
	return strings.Join(list, ", ")
}

// compareImages holds what is found in images, files as docker save writes them, beside what OSV-Scanner finds there.
func compareImages(w io.Writer, files []string, feeds string, verbose bool) error {
	scanner, err := exec.LookPath("osv-scanner")
	if err != nil {
		return err
	}
	db, done, err := load(feeds)
	if err != nil {
		return err
	}
	defer done()
	p, done, err := newPeer(scanner, feeds)
	if err != nil {
		return err
	}
	defer done()
	for _, file := range files {
		file = strings.TrimPrefix(file, "docker-archive:")
		ours, err := scanImage(file, db)
		if err != nil {
			return err
		}
		theirs, err := p.scanImage(file)
		if err != nil {
			return err
		}
		compare(ours, theirs).print(w, filepath.Base(file), verbose)
	}
	return nil
}

// scanImage gives all that this program says of an image, quieted or not.
func scanImage(file string, db *advisory.DB) ([]saying, error) {
	ctx := context.Background()
	im, err := image.Open(ctx, "docker-archive:"+file, image.Options{})
	if err != nil {
		return nil, err
	}
	defer im.Close()
	all := append(extractors.Default(inventory.DefaultLimits()), sbom.Claims())
	layers, err := layer.Read(ctx, im, inventory.NewRules(all), layer.Options{Limits: layer.DefaultLimits()})
	if err != nil {
		return nil, err
	}
	inv, err := inventory.Assemble(ctx, im, layers, all, inventory.DefaultLimits())
	if err != nil {
		return nil, err
	}
	findings, _, err := match.Match(inv, db, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var sayings []saying
	for i := range findings {
		sayings = append(sayings, newSaying(&findings[i]))
	}
	return sayings, nil
}

// newSaying names a package as itself and as its source: advisories of distributions mostly speak of the source.
func newSaying(f *match.Finding) saying {
	s := saying{fate: "stands", text: fmt.Sprintf("%s %s %s", f.ID, f.Of.Name, f.Of.Version)}
	switch {
	case f.Quieted != nil:
		s.fate = f.Quieted.By + " quiets"
	case len(f.Lowered) > 0:
		s.fate = f.Lowered[0].By + " lowers"
	}
	for _, id := range append([]string{f.ID}, f.Aliases...) {
		s.claims = append(s.claims, newClaim(f.Of.Name, f.Of.Version, id))
		if source := f.Of.Source; source != nil {
			s.claims = append(s.claims, newClaim(source.Name, source.Version, id), newClaim(source.Name, f.Of.Version, id))
		}
	}
	return s
}
