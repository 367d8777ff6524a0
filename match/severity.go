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

// SeverityOrder tells users whose word on the severity counts.
const SeverityOrder = `The severity is set by the first who rated the problem: the distribution for its own packages; the word of the ecosystem's databases,
those of the language's own people before GitHub's; their CVSS scores; the CVSS scores that others gave the CVE (its CNA, CISA, NVD).
Of several CVSS scores the highest of the newest version counts. Malicious packages are critical. All scores are kept.`

// level gives a problem its word, and says who set it; empty where nobody did. The order is [SeverityOrder]: the distribution
// knows how it built the package. What a distribution's entry for a CVE repeats of the CVE's vectors is not its own word. RustSec's notes on
// crates that nobody maintains, which nobody rates, are negligible.
func level(hits []hit, own, others []CVSS) (Level, string) {
	if i := slices.IndexFunc(hits, func(h hit) bool { return isMalicious(h.record) }); i >= 0 {
		return Critical, publisher(hits[i].record.ID)
	}
	for _, word := range []func(hit) Level{distributionWord, func(h hit) Level { return wordLevel(h.record.Rating) }} {
		for _, h := range hits {
			if l := word(h); l != Unknown {
				return l, publisher(h.record.ID)
			}
		}
	}
	for _, list := range [][]CVSS{own, others} {
		if len(list) > 0 {
			decides := slices.MinFunc(list, compareCVSS)
			if advisory.CVEOf(decides.Source) != "" {
				return scoreLevel(decides), "CVE"
			}
			return scoreLevel(decides), publisher(decides.Source)
		}
	}
	if i := hits[0].entry.Informational; i == "unmaintained" || i == "notice" {
		return Negligible, publisher(hits[0].record.ID)
	}
	return Unknown, ""
}

// RestsOn gives the CVSS score that the severity rests on: the best of who set the severity, or where that one gave no vector the best that there
// is, by the newest version of CVSS and then the highest score; false where nobody scored it.
func (f *Finding) RestsOn() (CVSS, bool) {
	for _, c := range f.CVSS { // the best comes first
		if f.SeveritySource != "" && (publisher(c.Source) == f.SeveritySource || f.SeveritySource == "CVE" && advisory.CVEOf(c.Source) != "") {
			return c, true
		}
	}
	if len(f.CVSS) == 0 {
		return CVSS{}, false
	}
	return f.CVSS[0], true
}

// publisher is who publishes a record, by its id, or who gave a CVE its vector, as people know them.
func publisher(source string) string {
	prefix, _, _ := strings.Cut(source, "-")
	switch prefix {
	case "DSA", "DLA", "DEBIAN":
		return "Debian"
	case "USN", "LSN", "UBUNTU":
		return "Ubuntu"
	case "ALPINE":
		return "Alpine"
	case "ALSA", "ALBA", "ALEA":
		return "AlmaLinux"
	case "RLSA", "RLBA", "RLEA", "RXSA":
		return "Rocky Linux"
	case "RHSA", "RHBA", "RHEA":
		return "Red Hat"
	case "ELSA", "ELBA", "ELEA":
		return "Oracle"
	case "openSUSE":
		return "SUSE"
	case "CGA":
		return "Chainguard"
	case "GHSA":
		return "GitHub"
	case "GO":
		return "Go"
	case "PYSEC":
		return "PyPA"
	case "RUSTSEC":
		return "RustSec"
	case "BIT":
		return "Bitnami"
	case "MAL":
		return "OpenSSF"
	case "cisa":
		return "CISA"
	}
	return strings.ToUpper(prefix)
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
	if advisory.IsErratum(h.record.ID) {
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

// scoreLevel rates a score by the qualitative scale of https://www.first.org/cvss/v4.0/specification-document (section 6); NVD's
// scale for v2, which has no critical.
func scoreLevel(c CVSS) Level {
	switch s := c.Score; {
	case s >= 9 && cvssVersion(c.Vector) > "2":
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
// that is not valid is left out. Those in a distribution's entry for a CVE are not its own word, and come apart.
func vectors(hits []hit) (own, repeated []CVSS) {
	for _, h := range hits {
		list := &own
		if advisory.CVEOf(h.record.ID) != "" {
			list = &repeated
		}
		for _, s := range slices.Concat(h.entry.Severity, h.record.Severity) {
			*list = appendScored(*list, s.Score, h.record.ID)
		}
	}
	return own, repeated
}

// cveVectors gives the vectors that others gave a CVE.
func cveVectors(given []advisory.CVSS) []CVSS {
	var out []CVSS
	for _, v := range given {
		out = appendScored(out, v.Vector, v.Source)
	}
	return out
}

func appendScored(list []CVSS, vector, source string) []CVSS {
	if score, ok := baseScore(vector); ok {
		list = append(list, CVSS{Vector: vector, Score: score, Source: source})
	}
	return list
}

// compareCVSS puts the newest CVSS version first, and the highest score first among its vectors.
func compareCVSS(a, b CVSS) int {
	return cmp.Or(cmp.Compare(cvssVersion(b.Vector), cvssVersion(a.Vector)), cmp.Compare(b.Score, a.Score),
		cmp.Compare(a.Vector, b.Vector), cmp.Compare(a.Source, b.Source))
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
