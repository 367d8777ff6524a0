package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

// maxCandidates bounds the bases that are compared for one image.
const maxCandidates = 12

// candidates gives the bases that an image might be built on, of those that are known, its own among them: the newest build of each first.
func (o *scanOptions) candidates(a *aboard, db *advisory.DB, now time.Time) ([]assess.BaseCandidate, error) {
	b := a.inventory.Base
	if b == nil || b.Reference == "" {
		return nil, nil
	}
	repository, tag := assess.BaseTag(b.Reference)
	byTag := map[string][]inventory.KnownBase{}
	for _, k := range a.known {
		if name, t := assess.BaseTag(k.Reference); name == repository && (k.Platform == "" || k.Platform == a.image.Platform.String()) {
			byTag[t] = append(byTag[t], k)
		}
	}
	tags := make([]string, 0, len(byTag))
	for t := range byTag {
		tags = append(tags, t)
	}
	var out []assess.BaseCandidate
	for _, t := range assess.CandidateTags(tag, tags) {
		builds := byTag[t]
		slices.SortStableFunc(builds, func(x, y inventory.KnownBase) int {
			return cmp.Or(y.Created.Compare(x.Created), inventory.CompareKnownBases(x, y))
		})
		for i, k := range builds {
			if i > 0 && t != tag || len(out) == maxCandidates {
				break // of another tag only the newest build counts
			}
			c, err := o.candidate(a, &k, db, now)
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// candidate holds a base's packages against the same advisories as the image's.
func (o *scanOptions) candidate(a *aboard, k *inventory.KnownBase, db *advisory.DB, now time.Time) (assess.BaseCandidate, error) {
	c := assess.BaseCandidate{Reference: k.Reference, Digest: k.Digest, Index: k.Index, Platform: k.Platform, DiffIDs: k.DiffIDs, Created: k.Created, Size: k.Size,
		User: k.User, OS: k.OS, Packages: k.Packages}
	if k.Packages == nil {
		return c, nil
	}
	var err error
	inv := &inventory.Inventory{OS: k.OS, Packages: k.Packages}
	if c.Findings, _, err = match.Match(inv, db, match.Settings(o.rules)); err != nil {
		return c, err
	}
	ended, _, err := match.EndOfLife(inv, db, now)
	if err != nil {
		return c, err
	}
	c.Findings = append(c.Findings, ended...)
	match.SortFindings(c.Findings)
	if rebuilt := installedAnew(a.inventory, k); rebuilt != nil {
		c.Rebuilt, _, err = match.Match(rebuilt, db, match.Settings(o.rules))
	}
	return c, err
}

// installedAnew gives the packages that the image's own instructions installed, and those that these need and the other base has not, as they
// would be on another release of the image's distribution: in a version that comes after every fix, which is what its repository holds. It is
// nil where the release is the same, or where another distribution's package manager rules there.
func installedAnew(inv *inventory.Inventory, k *inventory.KnownBase) *inventory.Inventory {
	ecosystem := k.OS.Ecosystem()
	if ecosystem == "" || ecosystem == inv.OS.Ecosystem() || k.OS.ID != inv.OS.ID {
		return nil
	}
	done := map[string]bool{} // what the base has needs no installing
	for i := range k.Packages {
		done[k.Packages[i].Name] = true
	}
	byName := map[string]*inventory.Package{}
	var queue []*inventory.Package
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.OfDistribution() && p.Ecosystem == inv.OS.Ecosystem() {
			if byName[p.Name] = p; p.Origin == inventory.OfApp {
				queue = append(queue, p)
			}
		}
	}
	out := &inventory.Inventory{OS: k.OS}
	for ; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		if done[p.Name] {
			continue
		}
		done[p.Name] = true
		out.Packages = append(out.Packages, newest(p, ecosystem))
		for _, name := range p.Depends {
			if needed := byName[name]; needed != nil {
				queue = append(queue, needed)
			}
		}
	}
	return out
}

// newest is a package in a version that comes after every fix.
func newest(p *inventory.Package, ecosystem string) inventory.Package {
	version := "9999:9999" // an epoch, where versions have one: no fix has a higher version
	if p.Type == "apk" {
		version = "9999"
	}
	name, _, _ := strings.Cut(p.PURL, "@")
	q := *p
	q.PURL, q.Version, q.Ecosystem = name+"@newest", version, ecosystem
	if p.Source != nil {
		q.Source = &inventory.Source{Name: p.Source.Name, Version: version}
	}
	return q
}

// registryBases reads, from the base's registry, what the image might be built on: the base itself as it was, the same tag as it is now, and a
// handful of other tags. The layers are read, or known from before. The Dockerfile's own FROM is asked where the image names no base, or where
// the registry of the one that it names does not answer.
func (o *adviseOptions) registryBases(ctx context.Context, s streams, a *aboard) ([]inventory.KnownBase, error) {
	from, _ := a.dockerfile.Base(0)
	named, digest := "", ""
	if b := a.inventory.Base; b != nil {
		named, digest = b.Reference, b.Digest
	}
	var failed error
	for _, name := range []string{named, from} {
		if name == "" || name == "scratch" {
			continue
		}
		found, err := o.repositoryBases(ctx, s, a, name, digest)
		if err == nil {
			return found, nil
		}
		failed = cmp.Or(failed, err)
	}
	return nil, failed
}

// repositoryBases reads those of the repository of name.
func (o *adviseOptions) repositoryBases(ctx context.Context, s streams, a *aboard, name, digest string) ([]inventory.KnownBase, error) {
	repository, tag := assess.BaseTag(name)
	source := o.source()
	source.Platform = a.image.Platform.String()
	tags, _, err := image.Tags(ctx, repository, source)
	if err != nil {
		return nil, err
	}
	var out []inventory.KnownBase
	if digest != "" {
		// The base of then may be gone from the registry: what is there now can still be told.
		if k, err := o.readBase(ctx, "registry:"+repository+"@"+digest, repository+":"+tag, source); err == nil {
			out = append(out, k)
		}
	}
	for _, t := range assess.CandidateTags(tag, tags) {
		ref := repository + ":" + t
		k, err := o.readAboard(ctx, s, "registry:"+ref, ref, source.Platform)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			fmt.Fprintln(s.err, "tidewaiter: "+oneLine(fmt.Sprintf("%s is not compared: %v", ref, err)))
		default:
			out = append(out, k)
		}
	}
	return out, nil
}
