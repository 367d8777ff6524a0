package advisory

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// kevName is the name under which CISA publishes its catalog.
const kevName = "known_exploited_vulnerabilities.json"

// kevCatalog is CISA's catalog: https://www.cisa.gov/known-exploited-vulnerabilities-catalog
type kevCatalog struct {
	CatalogVersion  string
	DateReleased    string
	Vulnerabilities []struct {
		CVEID                      string
		DateAdded                  string
		DueDate                    string
		KnownRansomwareCampaignUse string
	}
}

// readKEV reads the newest catalog there; of equally new ones, that with CISA's own name.
func (im *importer) readKEV(context.Context) error {
	if len(im.files.kev) == 0 {
		return nil
	}
	var newest kevCatalog
	var from string
	for _, name := range im.files.kev {
		c, err := im.readCatalog(name)
		if err != nil {
			return &feedError{name, err}
		}
		if from == "" || c.DateReleased > newest.DateReleased || c.DateReleased == newest.DateReleased && path.Base(name) == kevName {
			newest, from = c, name
		}
	}
	feed := Feed{Name: "kev", Date: day(newest.DateReleased)}
	for _, v := range newest.Vulnerabilities {
		if !isCVE(v.CVEID) {
			feed.Skipped++
			continue
		}
		feed.Records++
		kev := KEV{Added: v.DateAdded, Due: v.DueDate, Ransomware: v.KnownRansomwareCampaignUse == "Known"}
		if err := im.cves.add(v.CVEID, encodeCVE(&CVE{KEV: &kev})); err != nil {
			return err
		}
	}
	im.addFeed(feed, from)
	return nil
}

func (im *importer) readCatalog(name string) (kevCatalog, error) {
	var c kevCatalog
	f, err := openText(im.feeds, name, im.advance)
	if err != nil {
		return c, err
	}
	defer f.Close()
	data, err := readAtMost(f, maxCatalog)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, err
	}
	if day(c.DateReleased) == "" {
		return c, errors.New("not a catalog of known exploited vulnerabilities: no dateReleased")
	}
	return c, nil
}

// readEPSS reads the file with the newest scores: https://www.first.org/epss/data_stats
func (im *importer) readEPSS(ctx context.Context) error {
	var newest, date string
	for _, name := range im.files.epss {
		d, err := epssDate(im.feeds, name)
		if err != nil {
			return &feedError{name, err}
		}
		if newest == "" || d > date {
			newest, date = name, d
		}
	}
	if newest == "" {
		return nil
	}
	feed := Feed{Name: "epss", Date: date}
	if err := im.readScores(ctx, newest, &feed); err != nil {
		return &feedError{newest, err}
	}
	im.addFeed(feed, newest)
	return nil
}

var isoDay = regexp.MustCompile(`\d{4}-\d{2}-\d{2}`)

// epssDate is the day of the scores: the first line says "#model_version:...,score_date:2026-08-16T00:00:00+0000", or the
// file's name has it.
func epssDate(feeds fs.FS, name string) (string, error) {
	f, err := openText(feeds, name, func(int64) {})
	if err != nil {
		return "", err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, maxLine)).ReadString('\n')
	if err != nil {
		return "", err
	}
	_, after, found := strings.Cut(line, "score_date:")
	if d := isoDay.FindString(after); found && d != "" {
		return d, nil
	}
	return isoDay.FindString(path.Base(name)), nil
}

func (im *importer) readScores(ctx context.Context, name string, feed *Feed) error {
	f, err := openText(im.feeds, name, im.advance)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment, r.ReuseRecord, r.FieldsPerRecord = '#', true, -1
	head, err := r.Read()
	if err != nil {
		return err
	}
	cve, score, percentile := slices.Index(head, "cve"), slices.Index(head, "epss"), slices.Index(head, "percentile")
	if min(cve, score, percentile) < 0 {
		return errors.New("no columns cve, epss and percentile")
	}
	for ctx.Err() == nil {
		row, err := r.Read()
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, new(*csv.ParseError)) || err == nil && len(row) <= max(cve, score, percentile):
			feed.Skipped++
			continue
		case err != nil:
			return err
		}
		if err := im.addScore(row[cve], row[score], row[percentile], feed); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (im *importer) addScore(cve, score, percentile string, feed *Feed) error {
	s, err1 := strconv.ParseFloat(score, 64)
	p, err2 := strconv.ParseFloat(percentile, 64)
	if err1 != nil || err2 != nil || !isCVE(cve) || !(0 <= s && s <= 1 && 0 <= p && p <= 1) {
		feed.Skipped++
		return nil //nolint:nilerr // a bad line is counted; the rest of the feed is good
	}
	feed.Records++
	return im.cves.add(cve, encodeCVE(&CVE{EPSS: &EPSS{Score: s, Percentile: p}}))
}

// cveLine is one CVE of cve/*.jsonl.gz: a CVE record (https://cveproject.github.io/cve-schema/) made slim.
type cveLine struct {
	ID          string
	Modified    string
	Description string
	Tags        []string
	CVSS        []CVSS
	SSVC        struct {
		Exploitation    string
		Automatable     string
		TechnicalImpact string `json:"Technical Impact"`
	}
}

func (im *importer) readCVEs(ctx context.Context) error {
	for _, name := range im.files.cves {
		feed := Feed{Name: "cve"}
		if err := im.readCVELines(ctx, name, &feed); err != nil {
			return &feedError{name, err}
		}
		im.addFeed(feed, name)
	}
	return nil
}

func (im *importer) readCVELines(ctx context.Context, name string, feed *Feed) error {
	f, err := openText(im.feeds, name, im.advance)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := im.addCVELine(lines.Bytes(), feed); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (im *importer) addCVELine(line []byte, feed *Feed) error {
	var c cveLine
	if err := json.Unmarshal(line, &c); err != nil || !isCVE(c.ID) {
		feed.Skipped++
		return nil //nolint:nilerr // a bad line is counted; the rest of the feed is good
	}
	feed.Records++
	feed.Date = im.newer(day(c.Modified), feed.Date)
	return im.cves.add(c.ID, encodeCVE(&CVE{
		CVSS: c.CVSS, Disputed: isDisputed(c.Description) || slices.Contains(c.Tags, "disputed"),
		Exploitation: c.SSVC.Exploitation, Automatable: c.SSVC.Automatable, TechnicalImpact: c.SSVC.TechnicalImpact,
	}))
}

// mergeCVEs puts together what the feeds say of one CVE. Where two say different things of the same point, one of them
// is taken, the same one every time.
func mergeCVEs(_ string, payloads [][]byte) ([]byte, error) {
	if len(payloads) == 1 {
		return payloads[0], nil
	}
	var all CVE
	for _, p := range payloads {
		c, err := decodeCVE(string(p))
		if err != nil {
			return nil, err
		}
		if c.KEV != nil {
			all.KEV = c.KEV
		}
		if c.EPSS != nil {
			all.EPSS = c.EPSS
		}
		for _, v := range c.CVSS {
			if !slices.Contains(all.CVSS, v) {
				all.CVSS = append(all.CVSS, v)
			}
		}
		all.Disputed = all.Disputed || c.Disputed
		if c.Exploitation != "" {
			all.Exploitation, all.Automatable, all.TechnicalImpact = c.Exploitation, c.Automatable, c.TechnicalImpact
		}
	}
	return encodeCVE(&all), nil
}

var cveID = regexp.MustCompile(`^CVE-\d{4}-\d{4,19}$`)

func isCVE(id string) bool { return cveID.MatchString(id) }

// day is the day at the front of a date, YYYY-MM-DD, or nothing.
func day(date string) string {
	if len(date) < len("2006-01-02") {
		return ""
	}
	return isoDay.FindString(date[:len("2006-01-02")])
}
