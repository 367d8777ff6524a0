package advisory

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// FeedNVD is the name of the feed that was made of NVD's configurations.
const FeedNVD = "nvd"

// nvdCVE is a CVE as NVD's API 2.0 gives it: https://nvd.nist.gov/developers/vulnerabilities
type nvdCVE struct {
	ID               string
	SourceIdentifier string // who assigned the CVE
	Published        string
	LastModified     string
	VulnStatus       string
	CVETags          []struct{ Tags []string }
	Descriptions     []struct{ Lang, Value string }
	Metrics          struct {
		CVSSMetricV2, CVSSMetricV30, CVSSMetricV31, CVSSMetricV40 []nvdMetric
	}
	Configurations []nvdConfiguration
}

type nvdMetric struct {
	Source   string
	CVSSData struct{ VectorString string }
}

// nvdConfiguration says on what a CVE is a problem: on any of its nodes, or on all of them together.
type nvdConfiguration struct {
	Operator string
	Negate   bool
	Nodes    []struct {
		Operator string
		Negate   bool
		CPEMatch []nvdMatch
	}
}

// nvdMatch is a name with a range of versions, or with one version.
type nvdMatch struct {
	Vulnerable            bool
	Criteria              string
	VersionStartIncluding string
	VersionStartExcluding string
	VersionEndIncluding   string
	VersionEndExcluding   string
}

// readNVD reads NVD's CVEs. All files are one feed, which is as old as the newest of them: NVD's own are one for each year.
func (im *importer) readNVD(ctx context.Context) error {
	if len(im.files.nvd) == 0 {
		return nil
	}
	counts := make([]Feed, len(im.files.nvd))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range im.files.nvd {
		group.Go(func() error {
			if err := im.readNVDFile(ctx, name, &counts[i]); err != nil {
				return &feedError{name, err}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	sum := Feed{Name: FeedNVD}
	for _, c := range counts {
		sum.Records += c.Records
		sum.Skipped += c.Skipped
		sum.Date = max(sum.Date, c.Date)
	}
	im.ecosystems[CPEEcosystem] = true
	im.addFeed(sum, "nvd")
	return nil
}

// readNVDFile reads a file of either form. One that has no dates is as old as the file.
func (im *importer) readNVDFile(ctx context.Context, name string, feed *Feed) error {
	f, err := openText(im.feeds, name, im.advance)
	if err != nil {
		return err
	}
	defer f.Close()
	encoder := newEncoder()
	add := func(c *nvdCVE) error { return cmp.Or(ctx.Err(), im.addNVD(c, encoder, feed)) }
	if strings.HasSuffix(name, ".jsonl.gz") {
		err = readNVDLines(f, feed, add)
	} else {
		err = im.readNVDPage(f, feed, add)
	}
	if err != nil || feed.Date != "" {
		return err
	}
	stat, err := f.file.Stat()
	if err != nil {
		return err
	}
	feed.Date = im.newer(stat.ModTime().UTC().Format(time.DateOnly), "")
	return nil
}

// readNVDLines reads one CVE a line.
func readNVDLines(r io.Reader, feed *Feed, add func(*nvdCVE) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxRecord)
	for lines.Scan() {
		var c nvdCVE
		if json.Unmarshal(lines.Bytes(), &c) != nil {
			feed.Skipped++
			continue
		}
		if err := add(&c); err != nil {
			return err
		}
	}
	return lines.Err()
}

// readNVDPage reads an answer of the API, or a file of a year, which is one long answer.
func (im *importer) readNVDPage(r io.Reader, feed *Feed, add func(*nvdCVE) error) error {
	part := &limited{r, maxRecord}
	page := json.NewDecoder(part)
	if t, err := page.Token(); err != nil || t != json.Delim('{') {
		return cmp.Or(err, errNoPage)
	}
	found := false
	for page.More() {
		key, err := page.Token()
		if err != nil {
			return err
		}
		switch key {
		case "vulnerabilities":
			found = true
			err = readNVDList(page, part, feed, add)
		case "timestamp":
			var at string
			err = page.Decode(&at)
			feed.Date = im.newer(day(at), feed.Date)
		default:
			err = page.Decode(new(json.RawMessage))
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return errNoPage
	}
	_, err := page.Token() // a file that ends before its time is none
	return err
}

var errNoPage = errors.New("not an answer of NVD's API 2.0: no vulnerabilities")

func readNVDList(page *json.Decoder, part *limited, feed *Feed, add func(*nvdCVE) error) error {
	if t, err := page.Token(); err != nil || t != json.Delim('[') {
		return cmp.Or(err, errNoPage)
	}
	for page.More() {
		var item struct{ CVE nvdCVE }
		part.left = maxRecord
		err := page.Decode(&item)
		switch {
		case errors.As(err, new(*json.UnmarshalTypeError)):
			feed.Skipped++
			continue
		case err != nil:
			return err
		}
		if err := add(&item.CVE); err != nil {
			return err
		}
	}
	_, err := page.Token()
	return err
}

// limited reads until nothing is left of what may be read.
type limited struct {
	io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	n, err := l.Reader.Read(p)
	l.left -= int64(n)
	return n, err
}

// addNVD adds a CVE: its programs, and what NVD says of the CVE itself. One that was rejected is none.
func (im *importer) addNVD(c *nvdCVE, encoder *encoder, feed *Feed) error {
	p, err := c.parse()
	if err != nil {
		feed.Skipped++
		return nil //nolint:nilerr // a bad record is counted; the rest of the feed is good
	}
	feed.Records++
	feed.Date = im.newer(day(c.LastModified), feed.Date)
	if c.VulnStatus == "Rejected" {
		return nil
	}
	for key, r := range p.byKey {
		if err := im.packages.add(key, encoder.encode([]Record{*r})); err != nil {
			return err
		}
	}
	if len(p.packages) > 0 {
		if err := im.addIDs(p); err != nil {
			return err
		}
	}
	known := CVE{CVSS: c.vectors(), Disputed: p.head.Disputed}
	if known.CVSS == nil && !known.Disputed {
		return nil
	}
	return im.cves.add(c.ID, encodeCVE(&known))
}

// nvdTime is how NVD writes times; they are of UTC.
const nvdTime = "2006-01-02T15:04:05"

// parse makes the record of a CVE, with an entry for each program.
func (c *nvdCVE) parse() (*parsed, error) {
	if !isCVE(c.ID) {
		return nil, errors.New("no CVE")
	}
	details := ""
	for _, d := range c.Descriptions {
		if d.Lang == "en" {
			details = d.Value
		}
	}
	p := &parsed{byKey: map[string]*Record{}, ecosystems: []string{CPEEcosystem}, head: Record{
		ID: c.ID, Summary: summary("", details), Feed: FeedNVD,
		Disputed: isDisputed(details) || slices.ContainsFunc(c.CVETags, func(t struct{ Tags []string }) bool { return slices.Contains(t.Tags, "disputed") }),
	}}
	for _, d := range []struct {
		from string
		to   *time.Time
	}{{c.Published, &p.head.Published}, {c.LastModified, &p.head.Modified}} {
		if d.from == "" {
			continue
		}
		t, err := time.Parse(nvdTime, strings.TrimSuffix(d.from, "Z"))
		if err != nil {
			return nil, err
		}
		*d.to = t.Truncate(time.Microsecond)
	}
	for name, entry := range c.programs() {
		r := p.head
		r.Affected = []Affected{*entry}
		p.byKey[Key(CPEEcosystem, name)] = &r
		p.packages = append(p.packages, PackageName{CPEEcosystem, name})
	}
	if len(p.byKey)*headBytes(&p.head) > maxSpread {
		return nil, errTooLarge
	}
	return p, nil
}

// vectors gives the CVSS vectors with who gave them, by the words of the feed of CVEs: "nvd", or "cna" for who assigned the CVE.
func (c *nvdCVE) vectors() []CVSS {
	var list []CVSS
	for _, m := range slices.Concat(c.Metrics.CVSSMetricV40, c.Metrics.CVSSMetricV31, c.Metrics.CVSSMetricV30, c.Metrics.CVSSMetricV2) {
		v := CVSS{Vector: m.CVSSData.VectorString, Source: m.Source}
		switch m.Source {
		case "nvd@nist.gov":
			v.Source = "nvd"
		case c.SourceIdentifier:
			v.Source = "cna"
		case "134c704f-9b21-4f2e-91b3-4a467353bcc0": // CISA, as https://nvd.nist.gov/developers/data-sources lists it
			v.Source = "cisa-adp"
		}
		if v.Vector != "" {
			list = append(list, v)
		}
	}
	return list
}

// programs gives what the configurations say, by the programs' names. Each match is one range, or one version of the list.
func (c *nvdCVE) programs() map[string]*Affected {
	list := map[string]*Affected{}
	seen := map[nvdMatch]bool{}
	for _, configuration := range c.Configurations {
		for _, m := range configuration.concerns() {
			name, _ := ParseCPE(m.Criteria)
			if name.Version == "-" || seen[m] { // of no version in particular
				continue
			}
			seen[m] = true
			entry := list[name.Name()]
			if entry == nil {
				entry = &Affected{Ecosystem: CPEEcosystem}
				list[name.Name()] = entry
			}
			entry.add(name, m)
		}
	}
	return list
}

// add adds a match to the entry of its program.
func (a *Affected) add(name CPE, m nvdMatch) {
	version := name.Version
	if !isOpen(name.Update) {
		version += ":" + name.Update
	}
	bounded := m.VersionStartIncluding + m.VersionStartExcluding + m.VersionEndIncluding + m.VersionEndExcluding
	if name.Version != "*" && bounded == "" {
		a.Versions = append(a.Versions, version)
		return
	}
	// Where a range starts with 8.1.x, it starts with the first of those; where it ends, it is the order's to know the last.
	start := cmp.Or(strings.TrimSuffix(strings.TrimSuffix(m.VersionStartIncluding, ".x"), ".*"), "0")
	if m.VersionStartExcluding != "" {
		start = after + m.VersionStartExcluding
	}
	a.Ranges = append(a.Ranges, Range{Type: "ECOSYSTEM", Events: singleEvents([]Event{
		{Introduced: start}, {Fixed: m.VersionEndExcluding}, {LastAffected: m.VersionEndIncluding},
	})})
}

// after before a version makes the place right after it, in the order of CPE's versions (see package version): the schema's
// events cannot say that a range leaves out the version where it starts.
const after = ">"

// concerns gives the matches of a configuration that may speak of a program in a container: the vulnerable ones that name
// applications. Where others must be there too, it must be possible that they are.
func (c *nvdConfiguration) concerns() []nvdMatch {
	if c.Negate {
		return nil
	}
	var together [][]nvdMatch // what must be there together: of each list any
	var kept []nvdMatch
	for _, node := range c.Nodes {
		if node.Negate {
			continue
		}
		choices := [][]nvdMatch{node.CPEMatch}
		if node.Operator == "AND" {
			choices = slices.Collect(slices.Chunk(node.CPEMatch, 1))
		}
		if c.Operator == "AND" {
			together = append(together, choices...)
		} else {
			kept = append(kept, applications(choices)...)
		}
	}
	return append(kept, applications(together)...)
}

// applications gives the vulnerable applications of lists of which each must have something aboard; none where a list has nothing that can be.
func applications(lists [][]nvdMatch) []nvdMatch {
	var kept []nvdMatch
	for _, list := range lists {
		possible := false
		for _, m := range list {
			name, ok := ParseCPE(m.Criteria)
			possible = possible || ok && mayBeAboard(name)
			if ok && m.Vulnerable && name.Part == "a" && isProgram(name) {
				kept = append(kept, m)
			}
		}
		if !possible {
			return nil
		}
	}
	return kept
}

// isProgram says whether a name is that of a program for Linux. Those for something else that holds them, WordPress or npm, are
// packages of that, whose own advisories judge them; Perl for Perl is Perl. The paid edition of nginx has releases of its own, R27.
func isProgram(name CPE) bool {
	return slices.Contains([]string{"*", "-", "linux", "linux_kernel", "unix", "docker", name.Product}, name.TargetSW) && name.Edition != "plus"
}

// mayBeAboard says whether a container may hold what a name names, or run on it: any application, and Linux in all its forms. Systems that
// are not known here may be that.
func mayBeAboard(name CPE) bool {
	switch name.Part {
	case "a":
		return true
	case "o":
		return !slices.Contains([]string{"microsoft", "apple", "cisco", "juniper", "freebsd", "netbsd", "openbsd", "hp", "hpe"}, name.Vendor) &&
			!slices.Contains([]string{"android", "chrome_os", "solaris", "sunos", "aix", "z/os", "i", "vxworks"}, name.Product)
	}
	return false
}
