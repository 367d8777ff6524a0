package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/match"
	"tidewaiter/version"
)

// inOrder gives the findings as a reader wants them: what stands, the first to look at in front, and then what is quieted.
func inOrder(r *Report) []match.Finding {
	list := sorted(match.Standing(r.Findings))
	for _, f := range sorted(r.Findings) {
		if f.Quieted != nil {
			list = append(list, f)
		}
	}
	return list
}

// headlineOf names a finding in one line: the package, the problem, and what it is.
func headlineOf(f *match.Finding) string {
	line := f.Of.Name + " " + f.Of.Version + ": " + f.ID
	switch {
	case f.Kind == match.KindEndOfLife && f.Title != "":
		return Clean(f.Title)
	case f.Malicious:
		line += " malicious package"
	}
	if f.Title != "" {
		line += ": " + f.Title
	}
	return Clean(line)
}

// nextStep says what ends findings of one package: all of them, where versions are known that end them.
func nextStep(findings ...match.Finding) string {
	f, name := &findings[0], Clean(findings[0].Of.Name)
	target := Clean(fixOfAll(findings))
	switch {
	case slices.ContainsFunc(findings, func(f match.Finding) bool { return f.Malicious }):
		return "Remove " + name + ", and change every secret in its reach."
	case f.Kind == match.KindEndOfLife && target != "":
		return fmt.Sprintf("Move %s to %s or later, which is supported.", name, target)
	case f.Kind == match.KindEndOfLife:
		return "Move to a release that is supported."
	case target != "":
		return fmt.Sprintf("Upgrade %s %s to %s.", name, Clean(f.Of.Version), target)
	}
	return "No version is known that fixes it yet."
}

// fixOfAll gives the lowest version that ends each of a package's findings that any version ends.
func fixOfAll(findings []match.Finding) string {
	highest := ""
	for _, f := range findings {
		if len(f.Fixed) == 0 {
			continue
		}
		c, err := version.Compare(match.Order(f.Of), f.Fixed[0], highest)
		if highest == "" || err == nil && c > 0 {
			highest = f.Fixed[0]
		}
	}
	return highest
}

// fixedIn says which version ends one finding.
func fixedIn(f *match.Finding) string {
	if len(f.Fixed) == 0 {
		return "no fix yet"
	}
	return "fixed in " + Clean(strings.Join(f.Fixed, " or "))
}

// urgency says what makes a finding urgent, or less so; empty where nothing is known.
func urgency(f *match.Finding) string {
	var parts []string
	if f.Priority != "" {
		parts = append(parts, "priority "+string(f.Priority))
	}
	switch {
	case f.Overdue:
		parts = append(parts, "overdue since "+f.Due)
	case f.Due != "":
		parts = append(parts, "due "+f.Due)
	}
	if f.KEV != nil {
		parts = append(parts, "exploited in the wild")
	}
	if f.EPSS != nil {
		parts = append(parts, fmt.Sprintf("EPSS %.1f%%", f.EPSS.Score*100))
	}
	for _, l := range f.Lowered {
		parts = append(parts, "lowered by "+Clean(l.By+": "+l.Reason))
	}
	return strings.Join(parts, ", ")
}

// problemLine names a finding's problem, with how grave and urgent it is.
func problemLine(f *match.Finding) string {
	line := fmt.Sprintf("%s %s", Clean(f.ID), f.Severity)
	for _, word := range []string{urgency(f), Clean(f.Title)} {
		if word != "" {
			line += "; " + word
		}
	}
	return line
}

// grouped puts the elements of one key together; groups are in the order of their first elements.
func grouped[T any](list []T, key func(*T) string) [][]T {
	at := map[string]int{}
	var groups [][]T
	for _, f := range list {
		k := key(&f)
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], f)
	}
	return groups
}

// because says who quieted a finding, why, and until when.
func because(q *match.Quieted) string {
	text := q.By + ": " + q.Reason
	if q.Until != "" {
		text += " (until " + q.Until + ")"
	}
	return Clean(text)
}

// spotLine tells of a blind spot in one line.
func spotLine(r *Report, b image.BlindSpot) string {
	return cmp.Or(Clean(spot(b, r.Image.Layers)), string(b.Kind))
}

// pageOf gives the address of a page that tells of a problem; empty where none is known for it.
func pageOf(id string) string {
	kind, _, _ := strings.Cut(id, "-")
	switch {
	case strings.IndexFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\^{|}?#%/`+"`", r) }) >= 0:
		return ""
	case kind == "CVE":
		return "https://www.cve.org/CVERecord?id=" + id
	case kind == "GHSA":
		return "https://github.com/advisories/" + id
	case kind == "EOL":
		return ""
	}
	return "https://osv.dev/vulnerability/" + id
}

// lineOf gives the line of the Dockerfile that brought a finding, from 1; 0 where it is not known. What the base image brought,
// the FROM did.
func lineOf(r *Report, f *match.Finding) int {
	return lineOfLayer(r, f.Layer)
}

func lineOfLayer(r *Report, layer *int) int {
	if layer == nil || *layer < 0 || *layer >= len(r.Image.Layers) {
		return 0
	}
	if b := r.Image.Base; b != nil && *layer < b.Layers {
		return b.DockerfileLine
	}
	return r.Image.Layers[*layer].DockerfileLine
}

// lineOfImage gives the line of the Dockerfile at which to speak of the image as a whole: its FROM; 0 where no line of it is known.
func lineOfImage(r *Report) int {
	if b := r.Image.Base; b != nil && b.DockerfileLine > 0 {
		return b.DockerfileLine
	}
	if slices.ContainsFunc(r.Image.Layers, func(l assess.Layer) bool { return l.DockerfileLine > 0 }) {
		return 1
	}
	return 0
}

// names are the fingerprints of findings by problem and package.
type names map[[2]string]string

func (n names) of(f *match.Finding) string { return n[[2]string{f.ID, f.Package}] }

// fingerprints gives each finding a name that stays when the image is built again: of the problem, the package and the place
// where it lies, but not of a version, a layer or a day. The same package twice in one place is counted.
func fingerprints(r *Report) names {
	seen, out := map[string]int{}, names{}
	for i := range r.Findings {
		f := &r.Findings[i]
		place := f.Of.Place()
		if f.Of.Version != "" {
			place = strings.ReplaceAll(place, f.Of.Version, "")
		}
		key := strings.Join([]string{f.ID, f.Of.Type, f.Of.Name, place}, "\x00")
		if seen[key]++; seen[key] > 1 {
			key += fmt.Sprintf("\x00%d", seen[key])
		}
		sum := sha256.Sum256([]byte(key))
		out[[2]string{f.ID, f.Package}] = hex.EncodeToString(sum[:16])
	}
	return out
}

// score gives the CVSS base score that stands behind a finding's severity: the first that is of that level. Where somebody set the
// severity by other means, it is the middle of the level's range; ok is false where nobody rated it.
func score(f *match.Finding) (points float64, ok bool) {
	if f.Malicious {
		return 10, true
	}
	band := map[match.Level][2]float64{match.Critical: {9, 10}, match.High: {7, 8.9}, match.Medium: {4, 6.9}, match.Low: {0.1, 3.9}, match.Negligible: {0, 0.1}}
	span, rated := band[f.Severity]
	if !rated {
		return 0, false
	}
	i := slices.IndexFunc(f.CVSS, func(c match.CVSS) bool { return c.Score >= span[0] && c.Score <= span[1] })
	if i >= 0 {
		return f.CVSS[i].Score, true
	}
	return (span[0] + span[1]) / 2, true
}
