package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/match"
)

// maxReport bounds a stored report, in bytes: that of an image of 10,000 packages and as many findings has a fifth of it.
const maxReport = 256 << 20

// Read reads a report that [JSON] wrote. The error says in one line what is wrong with it.
func Read(r io.Reader) (*Report, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	switch {
	case err != nil:
		return nil, err
	case len(raw) > maxReport:
		return nil, fmt.Errorf("a report of more than %d MiB is not read", maxReport>>20)
	}
	var rep Report
	if err := json.Unmarshal(raw, &rep); err != nil {
		return nil, fmt.Errorf("no report of scan --format json: %w", err)
	}
	switch {
	case rep.SchemaVersion != SchemaVersion:
		return nil, fmt.Errorf("no report of scan --format json of schema version %d", SchemaVersion)
	case rep.Packages == nil || rep.Findings == nil:
		return nil, errors.New("the report lists no packages or no findings: write one with scan --format json")
	}
	if err := rep.checkLayers(); err != nil {
		return nil, err
	}
	if err := rep.relink(); err != nil {
		return nil, err
	}
	return &rep, nil
}

// checkLayers refuses numbers of layers that no image has: layers are looked up by them.
func (r *Report) checkLayers() error {
	for i := range r.Packages {
		if p := &r.Packages[i]; p.Layer != nil && *p.Layer < 0 {
			return fmt.Errorf("the report's package %s is of layer %d, which no image has", p.PURL, *p.Layer)
		}
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Layer != nil && *f.Layer < 0 {
			return fmt.Errorf("the report's finding %s is of layer %d, which no image has", f.ID, *f.Layer)
		}
	}
	for _, c := range contrabandOf(r) {
		if p := &c.Place; p.Layer != nil && *p.Layer < 0 || p.Hidden != nil && p.Hidden.Layer < 0 {
			return fmt.Errorf("the report's %s is of a layer that no image has", c.id)
		}
	}
	if b := r.Image.Base; b != nil && b.Layers < 0 {
		return fmt.Errorf("the report's base has %d layers", b.Layers)
	}
	return nil
}

// relink finds for each finding the package that it is of.
func (r *Report) relink() error {
	by := map[string]*inventory.Package{}
	for i := range r.Packages {
		if p := &r.Packages[i]; by[p.PURL] == nil {
			by[p.PURL] = p
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Of = by[f.Package]; f.Of == nil && f.Kind == match.KindEndOfLife {
			f.Of = namedDistribution(f.Package)
		}
		if f.Of == nil {
			return fmt.Errorf("the report's finding %s is of the package %q, which it does not list", f.ID, f.Package)
		}
	}
	return nil
}

// namedDistribution makes the package that a distribution's end of life is a finding of: it is not among those aboard.
func namedDistribution(purl string) *inventory.Package {
	name, version, ok := strings.Cut(strings.TrimPrefix(purl, "pkg:generic/"), "@")
	if !ok || strings.Contains(name, "/") {
		return nil
	}
	return &inventory.Package{PURL: purl, Type: "generic", Name: name, Version: version, Paths: []string{"etc/os-release"}}
}
