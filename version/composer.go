package version

import (
	"regexp"
	"strings"
)

// composerDate is a version that is a date, perhaps with a time and two numbers more. A regexp is read only: this is a constant.
var composerDate = regexp.MustCompile(`^([0-9]{4}(?:[.:-]?[0-9]{2}){1,6}(?:[.:-]?[0-9]{1,3}){0,2})([^0-9].*)?$`)

// normalizeComposer gives a version as Composer\Semver\VersionParser::normalize does, with four numbers and one spelling of
// each stability: "1.0b2" is "1.0.0.0-beta2", and the branch "2.x-dev" is "2.9999999.9999999.9999999-dev".
// See https://getcomposer.org/doc/articles/versions.md
func normalizeComposer(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if f := strings.Fields(text); len(f) == 3 && f[1] == "as" && !strings.ContainsAny(text, ",\t\n") {
		text = f[0] // an alias
	}
	text = trimStabilityFlag(text)
	if version, build, ok := strings.Cut(text, "+"); ok {
		if version == "" || build == "" || strings.ContainsAny(text, " \t,") {
			return "", false
		}
		text = version
	}
	rest := strings.TrimPrefix(lowerASCII(text), "v")
	if normal, ok := readComposer(rest); ok {
		return normal, true
	}
	if branch, ok := strings.CutSuffix(rest, "dev"); ok {
		if n := len(branch) - 1; n >= 0 && (branch[n] == '.' || branch[n] == '-') {
			branch = branch[:n]
		}
		return normalizeBranch(branch)
	}
	return "", false
}

// trimStabilityFlag takes "@beta" off the end.
func trimStabilityFlag(text string) string {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		switch lowerASCII(text[i+1:]) {
		case "stable", "rc", "beta", "alpha", "dev":
			return text[:i]
		}
	}
	return text
}

// readComposer reads numbers or a date, and the stability behind them.
func readComposer(text string) (string, bool) {
	numbers, rest := cutRelease(text)
	if first, _, _ := strings.Cut(numbers, "."); len(first) >= 1 && len(first) <= 5 && strings.Count(numbers, ".") < 4 {
		if stability, ok := readStability(rest); ok {
			return padNumbers(numbers) + stability, true
		}
	}
	if m := composerDate.FindStringSubmatch(text); m != nil {
		stability, ok := readStability(m[2])
		return strings.NewReplacer(":", ".", "-", ".").Replace(m[1]) + stability, ok
	}
	return "", false
}

func padNumbers(numbers string) string {
	return numbers + strings.Repeat(".0", 3-strings.Count(numbers, "."))
}

// readStability reads what may follow the numbers, "-beta.2", "RC1dev", and gives it as Composer spells it.
func readStability(text string) (string, bool) {
	word, rest := cutStability(trimOne(text, "._-"))
	end := 0
	if word != "" {
		end = stabilityNumberEnd(rest)
	}
	count, dev := strings.TrimLeft(rest[:end], ".-"), rest[end:]
	if dev != "" && trimOne(dev, ".-") != "dev" {
		return "", false
	}
	switch {
	case word == "stable":
		return "", true
	case word != "":
		word = "-" + word + count
	}
	if dev != "" {
		word += "-dev"
	}
	return word, true
}

func cutStability(text string) (word, rest string) {
	for _, w := range [...]struct{ short, long string }{{"stable", "stable"}, {"beta", "beta"}, {"b", "beta"}, {"rc", "RC"}, {"alpha", "alpha"},
		{"a", "alpha"}, {"patch", "patch"}, {"pl", "patch"}, {"p", "patch"}} {
		if rest, ok := strings.CutPrefix(text, w.short); ok {
			return w.long, rest
		}
	}
	return "", text
}

// stabilityNumberEnd is where the numbers behind a stability end, "2.1-3": each with a separator in front or none.
func stabilityNumberEnd(text string) int {
	end := 0
	for {
		digits, _ := cutDigits(trimOne(text[end:], ".-"))
		if digits == "" {
			return end
		}
		end = len(text) - len(trimOne(text[end:], ".-")) + len(digits)
	}
}

func trimOne(text, cutset string) string {
	if text != "" && strings.IndexByte(cutset, text[0]) >= 0 {
		return text[1:]
	}
	return text
}

// normalizeBranch reads a branch that is named for the versions made from it, "2.1.x".
func normalizeBranch(name string) (string, bool) {
	parts := strings.Split(name, ".")
	if len(parts) > 4 || !isDigits(parts[0]) {
		return "", false
	}
	for i, part := range parts {
		if i > 0 && (part == "x" || part == "*") {
			parts[i] = "9999999"
		} else if !isDigits(part) {
			return "", false
		}
	}
	for len(parts) < 4 {
		parts = append(parts, "9999999")
	}
	return strings.Join(parts, ".") + "-dev", true
}
