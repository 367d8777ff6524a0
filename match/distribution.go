package match

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/version"
)

// entries gives the entries of a record that speak of the subject's release, and of its build where several are told apart.
func (s *subject) entries(r *advisory.Record) []*advisory.Affected {
	var entries []*advisory.Affected
	for i := range r.Affected {
		if entry := &r.Affected[i]; s.fits(entry.Ecosystem) && s.sameModule(r, entry) && !isLivepatch(entry) {
			entries = append(entries, entry)
		}
	}
	switch {
	case len(entries) < 2:
		return entries
	case s.base == "Ubuntu":
		return s.sameService(entries)
	case advisory.IsErratum(r.ID):
		return []*advisory.Affected{s.nearestBuild(entries)}
	}
	return entries
}

// sameModule keeps the builds of rpm modules and ordinary packages apart: a modular build's version says nothing of an
// ordinary one's. Of two streams of one module the erratum's summary ("nodejs:18 security update") tells the stream; an
// erratum that does not name it is held against all streams.
func (s *subject) sameModule(r *advisory.Record, entry *advisory.Affected) bool {
	fix := lastFix(entry)
	if fix == "" || s.version.Scheme() != "rpm" {
		return true
	}
	modular := s.pkg.Modularity != "" || strings.Contains(s.text, ".module")
	if strings.Contains(fix, ".module") != modular {
		return false
	}
	if !modular {
		return true
	}
	module, rest, labelled := strings.Cut(s.pkg.Modularity, ":")
	installed, _, _ := strings.Cut(rest, ":")
	for word := range strings.FieldsSeq(r.Summary) {
		name, stream, ok := strings.Cut(strings.Trim(word, ",.;()"), ":")
		switch {
		case !ok || stream == "":
		case labelled && name == module:
			return stream == installed
		case !labelled && s.name == name && ofStream(fix, stream):
			return ofStream(s.text, stream)
		}
	}
	return true
}

// ofStream says whether a version is of the stream that its module names after it: 1:18.19.0-1 of nodejs:18. Packages known
// from a purl alone have no label that tells.
func ofStream(text, stream string) bool {
	if _, rest, ok := strings.Cut(text, ":"); ok {
		text = rest
	}
	rest, ok := strings.CutPrefix(text, stream)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '-')
}

// nearestBuild chooses among the entries that an erratum has for one package: they are builds of one fix for several minor
// releases or module builds. The one for the same build counts, else that for the same minor release, else any: the lowest.
func (s *subject) nearestBuild(entries []*advisory.Affected) *advisory.Affected {
	for _, of := range []func(text string) string{moduleSource, minorRelease} {
		mine := of(s.text)
		near := slices.DeleteFunc(slices.Clone(entries), func(entry *advisory.Affected) bool {
			return mine == "" || of(lastFix(entry)) != mine
		})
		if len(near) > 0 {
			entries = near
			break
		}
	}
	return slices.MinFunc(entries, s.compareFirstFix)
}

// moduleSource is what a module's builds of one source package have in common: 1.60-1 of 1.60-1.module_el8.6.0+2766+8bf0b7ce.
func moduleSource(text string) string {
	before, _, ok := strings.Cut(text, ".module")
	if !ok {
		return ""
	}
	return strings.TrimPrefix(before, "0:")
}

var minorMark = regexp.MustCompile(`[.+_]el(\d+)[_.](\d+)`)

// minorRelease gives the minor release that an rpm was built for: 8.6 of 2.0-1.el8_6.1 and of 1-1.module+el8.6.0+2766+8bf0b7ce.
func minorRelease(text string) string {
	if m := minorMark.FindStringSubmatch(text); m != nil {
		return m[1] + "." + m[2]
	}
	return ""
}

// compareFirstFix orders the entries of an erratum by the build that fixes.
func (s *subject) compareFirstFix(a, b *advisory.Affected) int {
	c, err := version.Compare(s.ecosystem, lastFix(a), lastFix(b))
	if err != nil {
		return strings.Compare(lastFix(a), lastFix(b))
	}
	return c
}

func lastFix(entry *advisory.Affected) string {
	fix := ""
	for _, r := range entry.Ranges {
		for _, e := range r.Events {
			fix = cmp.Or(e.Fixed, fix)
		}
	}
	return fix
}

// Ubuntu's feed tells apart what everybody gets ("Ubuntu:22.04:LTS") and what is part of Ubuntu Pro: fixes for packages and
// releases without free ones ("Ubuntu:Pro:22.04:LTS"), and certified or special builds ("Ubuntu:Pro:FIPS:22.04:LTS").

// fitsUbuntu says whether an entry for a release, or a service for one, speaks of the subject's package. What Pro fixes is
// broken without Pro too; the special builds are packages of their own, whose versions say so.
func (s *subject) fitsUbuntu(entry, release string) bool {
	if entry == release {
		return true
	}
	rest, pro := strings.CutPrefix(entry, "Pro:")
	if rest == release || !pro {
		return pro
	}
	service, rest, _ := strings.Cut(rest, ":")
	kind, _, _ := strings.Cut(strings.ToLower(service), "-")
	return rest == release && strings.Contains(strings.ToLower(s.text), kind)
}

// sameService chooses, where a record speaks of a package both with and without Ubuntu Pro, what it says of the installed
// build: one that came with Pro has "esm" in its version, or the name of the special build.
func (s *subject) sameService(entries []*advisory.Affected) []*advisory.Affected {
	rank := func(entry *advisory.Affected) int {
		pro := strings.HasPrefix(entry.Ecosystem, "Ubuntu:Pro:")
		switch {
		case pro && !isPro(entry, s):
			return 0 // a special build, which fits only its own
		case pro == strings.Contains(s.text, "esm"):
			return 1
		}
		return 2
	}
	best := rank(slices.MinFunc(entries, func(a, b *advisory.Affected) int { return rank(a) - rank(b) }))
	return slices.DeleteFunc(entries, func(entry *advisory.Affected) bool { return rank(entry) != best })
}

// isPro says whether an entry is for the subject's release with Ubuntu Pro, and for no special build.
func isPro(entry *advisory.Affected, s *subject) bool {
	release, _ := strings.CutPrefix(s.ecosystem, "Ubuntu:")
	return entry.Ecosystem == "Ubuntu:Pro:"+release
}

// isLivepatch says whether an entry is of a patch for a running kernel, whose versions are not those of any package.
func isLivepatch(entry *advisory.Affected) bool { return entry.Specific["module_version"] != nil }

// distributionFacts is what a distribution says of a problem besides the range.
func distributionFacts(h hit) []string {
	s := h.subject
	switch s.base {
	case "Debian":
		if strings.EqualFold(h.entry.Urgency, "end-of-life") {
			return []string{s.ecosystem + " no longer has security support for " + s.name}
		}
	case "Ubuntu":
		if isPro(h.entry, s) && len(h.verdict.fixed) > 0 && !strings.Contains(s.text, "esm") {
			return []string{"the fix is part of Ubuntu Pro"}
		}
		for i := range h.record.Affected {
			if other := &h.record.Affected[i]; len(h.verdict.fixed) == 0 && isPro(other, s) && lastFix(other) != "" {
				return []string{fmt.Sprintf("%s fixes it with Ubuntu Pro", lastFix(other))}
			}
		}
	}
	return nil
}
