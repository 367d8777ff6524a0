package report

import (
	"bufio"
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"tidewaiter/match"
)

// PlatformsSchema is the JSON schema of what [Platforms.JSON] writes.
//
//go:embed schema-platforms.json
var PlatformsSchema []byte

// Platforms is what one scan found in every image of an index.
type Platforms struct {
	SchemaVersion int    `json:"schemaVersion"`
	Tool          Tool   `json:"tool"`
	Reference     string `json:"reference"`
	// Reports are in the order of their platforms.
	Reports     []*Report   `json:"reports"`
	Differences Differences `json:"differences"`
}

// Differences is what is not the same on all platforms.
type Differences struct {
	Packages []PackageDifference `json:"packages"`
	Findings []FindingDifference `json:"findings"`
}

// PackageDifference is a package that not all platforms have, or not in the same versions.
type PackageDifference struct {
	Type string `json:"type"`
	Name string `json:"name"`
	// Versions are those of each platform that has the package, sorted.
	Versions map[string][]string `json:"versions"`
}

// FindingDifference is a problem that a package has on some platforms alone.
type FindingDifference struct {
	ID        string      `json:"id"`
	Type      string      `json:"type"`
	Name      string      `json:"name"`
	Severity  match.Level `json:"severity"`
	Platforms []string    `json:"platforms"`
}

// NewPlatforms puts the reports of an index's images together and compares them. There must be one at least.
func NewPlatforms(reference string, reports []*Report) *Platforms {
	return &Platforms{
		SchemaVersion: SchemaVersion, Tool: reports[0].Tool, Reference: reference, Reports: reports,
		Differences: Differences{Packages: notNil(packageDifferences(reports)), Findings: notNil(findingDifferences(reports))},
	}
}

// named is a package on whatever platform.
type named struct{ purlType, name string }

func packageDifferences(reports []*Report) []PackageDifference {
	versions := map[named]map[string][]string{}
	for _, r := range reports {
		for _, p := range r.Packages {
			key := named{p.Type, p.Name}
			if versions[key] == nil {
				versions[key] = map[string][]string{}
			}
			versions[key][r.Image.Platform] = append(versions[key][r.Image.Platform], p.Version)
		}
	}
	var differ []PackageDifference
	for key, by := range versions {
		same := len(by) == len(reports)
		for platform := range by {
			slices.Sort(by[platform])
			by[platform] = slices.Compact(by[platform])
			same = same && slices.Equal(by[platform], by[reports[0].Image.Platform])
		}
		if !same {
			differ = append(differ, PackageDifference{key.purlType, key.name, by})
		}
	}
	slices.SortFunc(differ, func(a, b PackageDifference) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	return differ
}

func findingDifferences(reports []*Report) []FindingDifference {
	type problem struct {
		id string
		of named
	}
	found := map[problem]*FindingDifference{}
	for _, r := range reports {
		for _, f := range match.Standing(r.Findings) {
			key := problem{f.ID, named{f.Of.Type, f.Of.Name}}
			if found[key] == nil {
				found[key] = &FindingDifference{ID: f.ID, Type: f.Of.Type, Name: f.Of.Name, Severity: f.Severity}
			}
			if on := &found[key].Platforms; !slices.Contains(*on, r.Image.Platform) {
				*on = append(*on, r.Image.Platform)
			}
		}
	}
	var differ []FindingDifference
	for f := range maps.Values(found) {
		if len(f.Platforms) < len(reports) {
			differ = append(differ, *f)
		}
	}
	slices.SortFunc(differ, func(a, b FindingDifference) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	return differ
}

// JSON writes the reports and their differences as one document.
func (p *Platforms) JSON(w io.Writer) error { return writeJSON(w, p) }

// Text writes one line for each platform and what differs between them; with o.All, each platform's own report, too.
func (p *Platforms) Text(w io.Writer, o TextOptions) error {
	b := bufio.NewWriter(w)
	s := newScreen(b, o)
	s.line(s.bold(Clean(p.Reference)), "  ", plural(len(p.Reports), "platform"))
	for _, r := range p.Reports {
		s.line()
		s.line("  ", s.bold(Clean(cmp.Or(r.Image.Platform, "no platform"))), "  ", short(cmp.Or(r.Image.Digest, r.Image.ID)))
		s.fact("aboard", aboard(r))
		s.fact("found", found(s, r))
		if line := urgent(r); line != "" {
			s.fact("urgent", s.red(line))
		}
		if n := len(r.BlindSpots); n > 0 {
			s.fact("unknown", s.red(unknown(r)))
		}
	}
	p.differences(s, o.All)
	if o.All {
		for _, r := range p.Reports {
			s.line()
			if err := Text(b, r, o); err != nil {
				return err
			}
		}
		return b.Flush()
	}
	s.line()
	s.line("  ", s.paint(ansiFaint, "tidewaiter scan --platform OS/ARCH shows one of them, --all each"))
	return b.Flush()
}

const shownDifferences = 8

func (p *Platforms) differences(s *screen, all bool) {
	d := p.Differences
	if len(d.Packages)+len(d.Findings) == 0 {
		s.section("No differences", "the same packages in the same versions, and the same problems")
		return
	}
	if len(d.Packages) > 0 {
		s.section("Packages that differ", plural(len(d.Packages), "package"))
		list, more := head(d.Packages, shownDifferences, all)
		rows := make([][]string, 0, len(list))
		for _, q := range list {
			rows = append(rows, append([]string{Clean(q.Type), Clean(q.Name)}, p.versions(q)...))
		}
		s.table(rows, 1, 2)
		s.more(more, "package")
	}
	if len(d.Findings) > 0 {
		s.section("Problems of some platforms alone", plural(len(d.Findings), "problem"))
		list, more := head(d.Findings, shownDifferences, all)
		rows := make([][]string, 0, len(list))
		for _, f := range list {
			rows = append(rows, []string{s.severity(f.Severity, string(f.Severity)), Clean(f.ID), Clean(f.Name), Clean(strings.Join(f.Platforms, ", "))})
		}
		s.table(rows, 3, 2)
		s.more(more, "problem")
	}
}

// versions gives a cell for each platform.
func (p *Platforms) versions(d PackageDifference) []string {
	cells := make([]string, 0, len(p.Reports))
	for _, r := range p.Reports {
		has := "absent"
		if v := d.Versions[r.Image.Platform]; len(v) > 0 {
			has = strings.Join(v, " ")
		}
		cells = append(cells, fmt.Sprintf("%s: %s", Clean(r.Image.Platform), Clean(has)))
	}
	return cells
}
