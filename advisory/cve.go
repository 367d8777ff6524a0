package advisory

import (
	"encoding/binary"
	"math"
)

// What is known of a CVE is kept as flags and then what they speak of; most CVEs have an EPSS score and nothing else, and that
// takes a few bytes. The day of the scores is that of their feed, and stands there.
const (
	cveKEV = 1 << iota
	cveRansomware
	cveEPSS
	cveFine // the score and the percentile are no multiples of epssUnit
	cveCVSS
	cveSSVC
	cveDisputed
)

// epssUnit is how finely FIRST publishes scores.
const epssUnit = 1e-5

func encodeCVE(c *CVE) []byte {
	b := []byte{0}
	if c.KEV != nil {
		b[0] |= cveKEV
		if c.KEV.Ransomware {
			b[0] |= cveRansomware
		}
		b = appendString(appendString(b, c.KEV.Added), c.KEV.Due)
	}
	if c.EPSS != nil {
		b[0] |= cveEPSS
		score, percentile := units(c.EPSS.Score), units(c.EPSS.Percentile)
		if fromUnits(score) == c.EPSS.Score && fromUnits(percentile) == c.EPSS.Percentile {
			b = binary.AppendUvarint(binary.AppendUvarint(b, score), percentile)
		} else {
			b[0] |= cveFine
			b = binary.AppendUvarint(binary.AppendUvarint(b, math.Float64bits(c.EPSS.Score)), math.Float64bits(c.EPSS.Percentile))
		}
	}
	if len(c.CVSS) > 0 {
		b[0] |= cveCVSS
		b = binary.AppendUvarint(b, uint64(len(c.CVSS)))
		for _, v := range c.CVSS {
			b = appendString(appendString(b, v.Vector), v.Source)
		}
	}
	if c.Exploitation != "" || c.Automatable != "" || c.TechnicalImpact != "" {
		b[0] |= cveSSVC
		b = appendString(appendString(appendString(b, c.Exploitation), c.Automatable), c.TechnicalImpact)
	}
	if c.Disputed {
		b[0] |= cveDisputed
	}
	return b
}

func units(f float64) uint64     { return uint64(math.Round(f / epssUnit)) }
func fromUnits(n uint64) float64 { return float64(n) / (1 / epssUnit) }

func decodeCVE(text string) (CVE, error) {
	var c CVE
	if text == "" {
		return c, errEncoding
	}
	flags, r := text[0], reader{rest: text[1:]}
	if flags&cveKEV != 0 {
		c.KEV = &KEV{Added: r.string(), Due: r.string(), Ransomware: flags&cveRansomware != 0}
	}
	if flags&cveEPSS != 0 {
		score, percentile := r.uint(), r.uint()
		if flags&cveFine != 0 {
			c.EPSS = &EPSS{Score: math.Float64frombits(score), Percentile: math.Float64frombits(percentile)}
		} else {
			c.EPSS = &EPSS{Score: fromUnits(score), Percentile: fromUnits(percentile)}
		}
	}
	if flags&cveCVSS != 0 {
		c.CVSS = make([]CVSS, r.count(2))
		for i := range c.CVSS {
			c.CVSS[i] = CVSS{Vector: r.string(), Source: r.string()}
		}
	}
	if flags&cveSSVC != 0 {
		c.Exploitation, c.Automatable, c.TechnicalImpact = r.string(), r.string(), r.string()
	}
	c.Disputed = flags&cveDisputed != 0
	if r.err == nil && r.rest != "" {
		r.fail()
	}
	return c, r.err
}
