package assess

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// baseTag is a tag, taken apart at its hyphens. Two tags are compared only where they have the same shape: the same words in the same
// places, and versions of as many numbers: "12.4-slim" with "12.9-slim", and not with "12-slim", which moves by itself, nor with "12.9".
type baseTag struct {
	raw, shape string
	// numbers are the versions in the tag, the first being the image's own.
	numbers [][]int
	slim    bool
}

var (
	tagVersion = regexp.MustCompile(`^([a-z]*?)(v?)(\d+(?:\.\d+)*)$`)
	unfinished = regexp.MustCompile(`(?i)(^|[-._\d])(rc|beta|alpha|preview|pre|dev|devel|nightly|test|testing|unstable|edge|experimental|snapshot|sid|rawhide|insider|canary|latest)(\d|[-._]|$)`)
	tagOfADay  = regexp.MustCompile(`(^|-)20\d{6}`)
)

const (
	longestTag  = 128 // bytes (OCI distribution specification, "Pulling manifests")
	mostNumbers = 6
)

// codenames are the releases of distributions, the number of each being its version.
func codenames(word string) (distribution string, release []int) {
	switch word {
	case "stretch":
		return "debian", []int{9}
	case "buster":
		return "debian", []int{10}
	case "bullseye":
		return "debian", []int{11}
	case "bookworm":
		return "debian", []int{12}
	case "trixie":
		return "debian", []int{13}
	case "xenial":
		return "ubuntu", []int{16, 4}
	case "bionic":
		return "ubuntu", []int{18, 4}
	case "focal":
		return "ubuntu", []int{20, 4}
	case "jammy":
		return "ubuntu", []int{22, 4}
	case "noble":
		return "ubuntu", []int{24, 4}
	}
	return "", nil
}

func parseTag(raw string) baseTag {
	t := baseTag{raw: raw}
	var shape []string
	for _, word := range strings.Split(strings.ToLower(raw), "-") {
		if word == "slim" {
			t.slim = true
			continue
		}
		if distribution, release := codenames(word); release != nil {
			shape, t.numbers = append(shape, "@"+distribution), append(t.numbers, release)
			continue
		}
		m := tagVersion.FindStringSubmatch(word)
		if m == nil {
			shape = append(shape, word)
			continue
		}
		var v []int
		for _, n := range strings.Split(m[3], ".") {
			number, _ := strconv.Atoi(n[:min(len(n), 9)])
			v = append(v, number)
		}
		shape, t.numbers = append(shape, m[1]+m[2]+"#"+strconv.Itoa(len(v))), append(t.numbers, v)
	}
	t.shape = strings.Join(shape, "-")
	return t
}

// compare orders tags of one shape by their versions, from the first on.
func (t *baseTag) compare(u *baseTag) int {
	return slices.CompareFunc(t.numbers, u.numbers, slices.Compare)
}

// notOlder says whether no version of the tag is below that of another one of the same shape.
func (t *baseTag) notOlder(u *baseTag) bool {
	for i := range t.numbers {
		if i < len(u.numbers) && slices.Compare(t.numbers[i], u.numbers[i]) < 0 {
			return false
		}
	}
	return true
}

// isRelease says whether a tag names a finished version, and not what moves or comes before one.
func isRelease(raw string) bool {
	return raw != "" && len(raw) <= longestTag && !unfinished.MatchString(raw) && !tagOfADay.MatchString(raw)
}

// CandidateTags picks, out of a repository's tags, those that an image built on the tag current might be built on instead, current itself in
// front where it is there: of tags of the same shape the newest of the same minor version, the newest of the same major version, the newest of
// the next major version, and the newest of all; and the slim variant of current and of each. It is never one that comes before a release. They are a
// handful, however many tags there are.
func CandidateTags(current string, tags []string) []string {
	now := parseTag(current)
	var plain, slim []baseTag
	var out []string
	for _, raw := range slices.Compact(slices.Sorted(slices.Values(tags))) {
		if raw == current {
			out = append(out, raw)
			continue
		}
		t := parseTag(raw)
		if !isRelease(raw) || t.shape != now.shape || len(t.numbers) == 0 || len(t.numbers) > mostNumbers || !t.notOlder(&now) {
			continue
		}
		if t.slim == now.slim {
			plain = append(plain, t)
		} else if t.slim {
			slim = append(slim, t)
		}
	}
	for _, same := range [][]baseTag{plain, slim} {
		out = append(out, now.newest(same)...)
	}
	unique := map[string]bool{}
	return slices.DeleteFunc(out, func(raw string) bool {
		seen := unique[raw]
		unique[raw] = true
		return seen
	})
}

// newest picks out of tags of one shape.
func (t *baseTag) newest(same []baseTag) []string {
	if len(same) == 0 {
		return nil
	}
	slices.SortFunc(same, func(a, b baseTag) int { return cmp.Or(a.compare(&b), cmp.Compare(a.raw, b.raw)) })
	var out []string
	last := func(of func(u *baseTag) bool) {
		for _, u := range slices.Backward(same) {
			if of(&u) {
				out = append(out, u.raw)
				return
			}
		}
	}
	begins := func(u *baseTag, n int) bool {
		return len(t.numbers[0]) >= n && slices.Equal(u.numbers[0][:n], t.numbers[0][:n])
	}
	last(func(u *baseTag) bool { return begins(u, len(t.numbers[0])) }) // other versions in the tag may be newer
	last(func(u *baseTag) bool { return begins(u, 2) })
	last(func(u *baseTag) bool { return begins(u, 1) })
	next := 0
	for _, u := range same {
		if u.numbers[0][0] > t.numbers[0][0] {
			next = u.numbers[0][0]
			break
		}
	}
	last(func(u *baseTag) bool { return next > 0 && u.numbers[0][0] == next })
	last(func(*baseTag) bool { return true })
	return out
}

// tagChange says how far two tags lie apart: by their first versions, where they differ, else minor for another variant.
func tagChange(from, to string) string {
	a, b := parseTag(from), parseTag(to)
	if a.shape != b.shape || len(a.numbers) == 0 || len(b.numbers) == 0 {
		return Major
	}
	for i := range min(len(a.numbers[0]), len(b.numbers[0])) {
		if a.numbers[0][i] != b.numbers[0][i] {
			return []string{Major, Minor, Patch}[min(i, 2)]
		}
	}
	if a.slim != b.slim || a.compare(&b) != 0 {
		return Minor
	}
	return Patch
}
