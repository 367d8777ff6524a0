package match

import (
	"cmp"
	"slices"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"

	"tidewaiter/advisory"
)

// level gives a problem its word, from the first that has one: the distribution's own, as it knows how it built
// the package; the record's own rating; the CVSS vectors of the records; those that others gave the CVE. Malware is
// critical. RustSec's notes on crates that nobody maintains, which nobody rates, are negligible.
func level(hits []hit, scores, others []CVSS) Level {
	if slices.ContainsFunc(hits, func(h hit) bool { return isMalicious(h.record) }) {
		return Critical
	}
	for _, word := range []func(hit) Level{distributionWord, func(h hit) Level { return wordLevel(h.record.Rating) }} {
		for _, h := range hits {
			if l := word(h); l != Unknown {
				return l
			}
		}
	}
	for _, list := range [][]CVSS{scores, others} {
		if len(list) > 0 {
			return scoreLevel(list)
		}
	}
	if i := hits[0].entry.Informational; i == "unmaintained" || i == "notice" {
		return Negligible
	}
	return Unknown
}

// distributionWord is what the distribution says of the severity: Debian's urgency, Ubuntu's priority, or the word
// with which errata begin ("Important: openssl security update").
func distributionWord(h hit) Level {
	if l := wordLevel(h.entry.Urgency); l != Unknown {
		return l
	}
	for _, s := range slices.Concat(h.entry.Severity, h.record.Severity) {
		if !strings.HasPrefix(s.Type, "CVSS") {
			if l := wordLevel(s.Score); l != Unknown {
				return l
			}
		}
	}
	if isErratum(h.record.ID) {
		word, _, _ := strings.Cut(h.record.Summary, ":")
		return wordLevel(word)
	}
	return Unknown
}

// wordLevel reads a rating as GitHub, Red Hat, Debian, Ubuntu and Bitnami write it.
func wordLevel(word string) Level {
	switch strings.ToLower(strings.TrimRight(word, "*")) {
	case "critical":
		return Critical
	case "high", "important":
		return High
	case "medium", "moderate":
		return Medium
	case "low":
		return Low
	case "negligible", "unimportant":
		return Negligible
	}
	return Unknown
}

// scoreLevel rates the highest score of the newest CVSS version, by the qualitative scale of
// https://www.first.org/cvss/v4.0/specification-document (section 6); NVD's scale for v2, which has no critical.
func scoreLevel(scores []CVSS) Level {
	best := slices.MaxFunc(scores, func(a, b CVSS) int {
		return cmp.Or(cmp.Compare(cvssVersion(a.Vector), cvssVersion(b.Vector)), cmp.Compare(a.Score, b.Score))
	})
	switch s := best.Score; {
	case s >= 9 && cvssVersion(best.Vector) > "2":
		return Critical
	case s >= 7:
		return High
	case s >= 4:
		return Medium
	case s > 0:
		return Low
	}
	return Negligible
}

// vectors gives the CVSS vectors of the records, each with its score and the record that gives it. A vector
// that is not valid is left out.
func vectors(hits []hit) []CVSS {
	var out []CVSS
	for _, h := range hits {
		for _, s := range slices.Concat(h.entry.Severity, h.record.Severity) {
			out = appendScored(out, s.Score, h.record.ID)
		}
	}
	return sortCVSS(out)
}

// cveVectors gives the vectors that others gave a CVE.
func cveVectors(given []advisory.CVSS) []CVSS {
	var out []CVSS
	for _, v := range given {
		out = appendScored(out, v.Vector, v.Source)
	}
	return sortCVSS(out)
}

func appendScored(list []CVSS, vector, source string) []CVSS {
	if score, ok := baseScore(vector); ok {
		list = append(list, CVSS{Vector: vector, Score: score, Source: source})
	}
	return list
}

// sortCVSS puts the newest CVSS version first, and the highest score first among its vectors.
func sortCVSS(list []CVSS) []CVSS {
	slices.SortFunc(list, func(a, b CVSS) int {
		return cmp.Or(cmp.Compare(cvssVersion(b.Vector), cvssVersion(a.Vector)), cmp.Compare(b.Score, a.Score),
			cmp.Compare(a.Vector, b.Vector), cmp.Compare(a.Source, b.Source))
	})
	return slices.Compact(list)
}

// cvssVersion is "4.0", "3.1", "3.0", or "2" for a vector without the prefix that came with version 3.
func cvssVersion(vector string) string {
	if rest, ok := strings.CutPrefix(vector, "CVSS:"); ok {
		v, _, _ := strings.Cut(rest, "/")
		return v
	}
	return "2"
}

// baseScore computes the score of a vector: the base score up to version 3.1, the whole one for 4.0, which has no other.
func baseScore(vector string) (float64, bool) {
	switch cvssVersion(vector) {
	case "4.0":
		if v, err := gocvss40.ParseVector(vector); err == nil {
			return v.Score(), true
		}
	case "3.1":
		if v, err := gocvss31.ParseVector(vector); err == nil {
			return v.BaseScore(), true
		}
	case "3.0":
		if v, err := gocvss30.ParseVector(vector); err == nil {
			return v.BaseScore(), true
		}
	case "2":
		if v, err := gocvss20.ParseVector(strings.Trim(vector, "()")); err == nil {
			return v.BaseScore(), true
		}
	}
	return 0, false
}
