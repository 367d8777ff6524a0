package version

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// ParseVers reads a version range specifier, "vers:npm/>=1.2.0|<2": https://github.com/package-url/vers-spec. It
// reads what is not canonical too, where the meaning is plain: constraints out of order, with spaces, or with another
// percent-encoding; [Range.String] gives the canonical text. "vers:all/*" holds every version of every ecosystem and
// "vers:none/*" none. The error wraps [ErrInvalidRange] or [ErrUnknownEcosystem].
func ParseVers(text string) (Range, error) {
	body, ok := strings.CutPrefix(text, "vers:")
	kind, constraints, hasConstraints := strings.Cut(body, "/")
	if !ok || !hasConstraints || constraints == "" || kind != strings.ToLower(kind) {
		return Range{}, fmt.Errorf("%.60q %w: it should look like vers:TYPE/CONSTRAINTS", text, ErrInvalidRange)
	}
	r := Range{ecosystem: versEcosystem(kind)}
	s := schemeOf(r.ecosystem, "")
	r.parse = s.parse
	switch {
	case strings.TrimSpace(constraints) == "*" && (kind == "all" || kind == "none" || s.parse != nil):
		r.everyText = kind != "none"
		r.text = "vers:" + kind + "/*"
		return r, nil
	case s.parse == nil:
		return Range{}, fmt.Errorf("vers type %.40q %w", kind, ErrUnknownEcosystem)
	case len(constraints) > maxVersLength || strings.Count(constraints, "|") > maxBounds:
		return Range{}, fmt.Errorf("%.60q... %w: it is too long", text, ErrInvalidRange)
	}
	bounds, err := r.versConstraints(constraints)
	if err != nil {
		return Range{}, fmt.Errorf("%.60q %w: %w", text, ErrInvalidRange, err)
	}
	r.text = "vers:" + kind + "/" + joinBounds(bounds)
	r.clauses, r.except = versClauses(bounds)
	return r, nil
}

// versEcosystem is the OSV ecosystem that orders the versions of a vers type. Types that have none go by their own name.
func versEcosystem(kind string) string {
	switch kind {
	case "alpine", "apk":
		return "Alpine"
	case "bitnami":
		return "Bitnami"
	case "cargo":
		return "crates.io"
	case "composer":
		return "Packagist"
	case "conan":
		return "ConanCenter"
	case "cran":
		return "CRAN"
	case "deb", "debian":
		return "Debian"
	case "ebuild":
		return "gentoo"
	case "gem":
		return "RubyGems"
	case "golang":
		return "Go"
	case "hackage":
		return "Hackage"
	case "hex":
		return "Hex"
	case "maven":
		return "Maven"
	case "nuget":
		return "NuGet"
	case "pub":
		return "Pub"
	case "pypi":
		return "PyPI"
	case "rpm":
		return "Red Hat"
	case "semver", "generic", "github":
		return "SEMVER"
	case "swift":
		return "SwiftURL"
	}
	return kind
}

// versConstraints reads the constraints and sorts them by version.
func (r Range) versConstraints(text string) ([]bound, error) {
	var bounds []bound
	for part := range strings.SplitSeq(text, "|") {
		part = strings.Join(strings.Fields(part), "")
		if part == "" {
			continue
		}
		op, quoted := cutOperator(part, ">=", "<=", "!=", ">", "<", "=")
		text, err := url.PathUnescape(quoted)
		if err != nil {
			return nil, fmt.Errorf("%.40q: bad percent-encoding", quoted)
		}
		b := bound{op: operator(op), text: text}
		if op == "" {
			b.op = equal
		}
		value, ok := ordered(nil), false
		if len(text) <= maxLength {
			value, ok = r.parse(text)
		}
		if ok {
			b.value = value
		} else if text == "" || b.op != equal && b.op != notEqual || r.ecosystem == "datetime" {
			return nil, fmt.Errorf("%.40q is no version of %s", text, r.ecosystem)
		}
		bounds = append(bounds, b)
	}
	if len(bounds) == 0 {
		return nil, fmt.Errorf("there is no constraint")
	}
	return bounds, sortBounds(bounds)
}

// sortBounds sorts by version, those that cannot be read first.
func sortBounds(bounds []bound) error {
	var failed error
	slices.SortStableFunc(bounds, func(a, b bound) int {
		switch {
		case a.value != nil && b.value != nil:
			c, err := a.value.compare(b.value)
			if err != nil {
				failed = err
			}
			return c
		case a.value == nil && b.value == nil:
			return strings.Compare(a.text, b.text)
		}
		return before(a.value == nil)
	})
	return failed
}

func joinBounds(bounds []bound) string {
	parts := make([]string, len(bounds))
	for i, b := range bounds {
		parts[i] = quoteVers(b.text)
		if b.op != equal {
			parts[i] = string(b.op) + parts[i]
		}
	}
	return strings.Join(parts, "|")
}

// quoteVers percent-encodes as a purl does: all but letters, digits, ".-_~" and the colon.
func quoteVers(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(text), "+", "%20"), "%3A", ":")
}

// versClauses follows "Checking if a version is contained within a range" of the specification: versions that are named go
// first, and the other constraints stand in pairs, from a lower bound to the upper bound after it. Of bounds in a row on one side
// the widest counts.
func versClauses(bounds []bound) (clauses []clause, except []bound) {
	var lower *bound
	var sides []bound
	for _, b := range bounds {
		switch b.op {
		case equal:
			clauses = append(clauses, clause{b})
		case notEqual:
			b.op = equal
			except = append(except, b)
		default:
			sides = append(sides, b)
		}
	}
	if len(sides) == 0 && len(clauses) == 0 {
		return []clause{{}}, except
	}
	for i, b := range sides {
		switch {
		case !b.isUpper():
			if lower == nil {
				lower = &b
			}
		case i+1 < len(sides) && sides[i+1].isUpper(): // the next one reaches further
		case lower == nil:
			clauses = append(clauses, clause{b})
		default:
			clauses = append(clauses, clause{*lower, b})
			lower = nil
		}
	}
	if lower != nil {
		clauses = append(clauses, clause{*lower})
	}
	return clauses, except
}
