package version

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrInvalidRange says that a text is not a range.
var ErrInvalidRange = errors.New("is not a version range")

// ErrNoRanges says that an ecosystem has no words for ranges of versions, or none known here.
var ErrNoRanges = errors.New("has no version ranges")

// These limit the work that a hostile range can ask for. A vers may list many versions; nobody writes long requirements.
const (
	maxNativeLength = 8 << 10
	maxVersLength   = 64 << 10
	maxBounds       = 4096
)

// Range is a set of versions of one ecosystem: those that a vers or a requirement admits. The zero Range holds no version.
type Range struct {
	ecosystem string
	text      string
	parse     func(text string) (ordered, bool)
	clauses   []clause                       // a version is in the range when one of these holds it
	except    []bound                        // and none of these names it
	admit     func(c clause, v ordered) bool // what else the ecosystem asks of a version that a clause holds; may be nil
	everyText bool                           // holds every version, readable or not
}

// clause is bounds that must all hold; one without bounds holds every version.
type clause []bound

// bound is one comparison with a version.
type bound struct {
	op    operator
	text  string
	fold  bool                 // letters of either case are the same in text
	value ordered              // nil where text cannot be read: it then equals its own text alone
	test  func(v ordered) bool // decides in place of the order where an ecosystem's operator is more than that
}

type operator string

const (
	equal        operator = "="
	notEqual     operator = "!="
	less         operator = "<"
	lessEqual    operator = "<="
	greater      operator = ">"
	greaterEqual operator = ">="
)

// String is the canonical text of a vers, and the text of a native range as it was given.
func (r Range) String() string { return r.text }

// Contains says whether a version is in the range, by the rules of the ecosystem's own tool: npm and Cargo leave pre-releases out
// that the range does not name, Dart those of an upper bound. A vers goes by order alone. The error wraps [ErrInvalid].
func (r Range) Contains(text string) (bool, error) {
	if r.everyText {
		return true, nil
	}
	v, err := r.read(text)
	if err != nil {
		return false, err
	}
	for _, b := range r.except {
		if held, err := b.holds(v, text); err != nil || held {
			return false, err
		}
	}
	for _, c := range r.clauses {
		held, err := c.holds(v, text)
		if err != nil {
			return false, err
		}
		if held && (r.admit == nil || v == nil || r.admit(c, v)) {
			return true, nil
		}
	}
	return false, nil
}

// read gives nil for a text that is no version but that the range names as it stands.
func (r Range) read(text string) (ordered, error) {
	if r.parse != nil && len(text) <= maxLength {
		if v, ok := r.parse(text); ok {
			return v, nil
		}
	}
	named := func(b bound) bool { return b.value == nil && b.names(text) }
	if slices.ContainsFunc(r.except, named) || slices.ContainsFunc(r.clauses, func(c clause) bool { return slices.ContainsFunc(c, named) }) {
		return nil, nil
	}
	return nil, fmt.Errorf("%.60q %w of %s", text, ErrInvalid, r.ecosystem)
}

func (c clause) holds(v ordered, text string) (bool, error) {
	for _, b := range c {
		if held, err := b.holds(v, text); err != nil || !held {
			return false, err
		}
	}
	return true, nil
}

func (b bound) holds(v ordered, text string) (bool, error) {
	switch {
	case b.test != nil:
		return v != nil && b.test(v), nil
	case b.value == nil || v == nil:
		return b.names(text) == (b.op == equal), nil
	}
	c, err := v.compare(b.value)
	switch b.op {
	case equal:
		return c == 0, err
	case notEqual:
		return c != 0, err
	case less:
		return c < 0, err
	case lessEqual:
		return c <= 0, err
	case greater:
		return c > 0, err
	}
	return c >= 0, err
}

func (b bound) isUpper() bool { return b.op == less || b.op == lessEqual }

func (b bound) names(text string) bool {
	return b.text == text || b.fold && lowerASCII(b.text) == lowerASCII(text)
}

// ParseRange reads a range in the words of an ecosystem's own tool: npm ("^1.2 || 2.x"), Cargo, PEP 440 specifiers, RubyGems
// ("~> 1.2, >= 1.2.3"), Maven and NuGet ("[1.0,2.0)"), Composer, Pub, Hex ("~> 1.2 or 2.0.0") and Conan; and the lists of the
// advisories of OpenSSL and nginx. The error wraps [ErrInvalidRange], [ErrNoRanges] or [ErrUnknownEcosystem].
func ParseRange(ecosystem, native string) (Range, error) {
	base, _, _ := strings.Cut(ecosystem, ":")
	s := schemeOf(base, "")
	if s.parse == nil {
		return Range{}, fmt.Errorf("%s %w", ecosystem, ErrUnknownEcosystem)
	}
	parse := rangeParser(base)
	if parse == nil {
		return Range{}, fmt.Errorf("%s %w", ecosystem, ErrNoRanges)
	}
	native = strings.TrimSpace(native)
	r := Range{ecosystem: base, text: native, parse: s.parse, admit: rangeRule(base)}
	ok := len(native) <= maxNativeLength
	if ok {
		r.clauses, ok = parse(native)
	}
	bounds := 0
	for _, c := range r.clauses {
		bounds += len(c)
	}
	if !ok || bounds > maxBounds {
		return Range{}, fmt.Errorf("%.60q %w of %s", native, ErrInvalidRange, ecosystem)
	}
	return r, nil
}

func rangeParser(ecosystem string) func(string) ([]clause, bool) {
	switch ecosystem {
	case "npm":
		return npmRange
	case "crates.io":
		return cargoRange
	case "PyPI":
		return pep440Range
	case "RubyGems":
		return gemRange
	case "Maven":
		return mavenRange
	case "NuGet":
		return nugetRange
	case "Packagist":
		return composerRange
	case "Pub":
		return pubRange
	case "Hex":
		return hexRange
	case "ConanCenter":
		return conanRange
	case "openssl":
		return opensslRange
	case "nginx":
		return nginxRange
	}
	return nil
}

// rangeRule is what an ecosystem's tool asks beyond order.
func rangeRule(ecosystem string) func(clause, ordered) bool {
	switch ecosystem {
	case "npm", "crates.io":
		return admitsNamedPreReleases
	case "Pub":
		return admitsNoPreReleaseOfMax
	}
	return nil
}

// newBound reads the version of a bound of an ecosystem.
func newBound(parse func(string) (ordered, bool), op operator, text string) (bound, bool) {
	if len(text) > maxLength {
		return bound{}, false
	}
	v, ok := parse(text)
	if !ok {
		return bound{}, false
	}
	return bound{op: op, text: text, value: v}, true
}

// cutOperator cuts the first of the operators that s begins with.
func cutOperator(s string, operators ...string) (op, rest string) {
	for _, op := range operators {
		if rest, ok := strings.CutPrefix(s, op); ok {
			return op, strings.TrimSpace(rest)
		}
	}
	return "", s
}

// next is dotted numbers with the i-th of them one higher and the others after it gone.
func next(numbers string, i int) string {
	parts := strings.Split(numbers, ".")
	for len(parts) <= i {
		parts = append(parts, "0")
	}
	parts[i] = increment(parts[i])
	return strings.Join(parts[:i+1], ".")
}

// increment adds one to a decimal number of any size.
func increment(number string) string {
	digits := []byte(number)
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] != '9' {
			digits[i]++
			return string(digits)
		}
		digits[i] = '0'
	}
	return "1" + string(digits)
}
