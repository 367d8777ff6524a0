package advisory

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxSummary    = 500 // bytes
	maxSentence   = 200 // bytes, of a summary made from the details
	maxReferences = 5
	// maxSpread bounds the bytes that one record may take when it is written once for each package it names.
	maxSpread = 256 << 20
)

// osvRecord is what we read of a record: https://ossf.github.io/osv-schema/
type osvRecord struct {
	ID               string
	Aliases          []string
	Related          []string
	Upstream         []string
	Summary          string
	Details          string
	Published        string
	Modified         string
	Withdrawn        string
	Severity         []Severity
	References       []Reference
	Affected         []osvAffected
	DatabaseSpecific json.RawMessage `json:"database_specific"`
}

type osvAffected struct {
	Package struct {
		Ecosystem string
		Name      string
	}
	Ranges            []Range
	Versions          []string
	Severity          []Severity
	EcosystemSpecific json.RawMessage `json:"ecosystem_specific"`
	DatabaseSpecific  json.RawMessage `json:"database_specific"`
}

// parsed is one record as it is kept: once for each package that it names.
type parsed struct {
	head       Record // what is said of all packages; Affected is empty
	byKey      map[string]*Record
	packages   []PackageName
	ecosystems []string // as the record writes them
	unnamed    int      // entries that name no package
}

// parseOSV reads one record. A date that is not one makes the whole record unreadable: what was withdrawn, and which of
// two versions of a record is the newer, hangs on dates.
func parseOSV(data []byte, feed string) (*parsed, error) {
	var o osvRecord
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, err
	}
	if o.ID == "" {
		return nil, errors.New("no id")
	}
	head := Record{
		ID: o.ID, Aliases: o.Aliases, Related: o.Related, Upstream: o.Upstream, Summary: summary(o.Summary, o.Details),
		Severity: o.Severity, Rating: word(o.DatabaseSpecific, "severity"), References: exploitReferences(o.References), Feed: feed,
		Disputed: isDisputed(o.Summary) || isDisputed(o.Details) || disputedTag(o.DatabaseSpecific),
	}
	for _, d := range []struct {
		from string
		to   *time.Time
	}{{o.Published, &head.Published}, {o.Modified, &head.Modified}, {o.Withdrawn, &head.Withdrawn}} {
		if d.from == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, d.from)
		if err != nil {
			return nil, err
		}
		*d.to = t.UTC().Truncate(time.Microsecond)
	}
	p := &parsed{head: head, byKey: map[string]*Record{}}
	for i := range o.Affected {
		p.add(&o.Affected[i], &head)
	}
	if len(p.byKey)*headBytes(&head) > maxSpread {
		return nil, fmt.Errorf("%s names %d packages, and is too long for that", o.ID, len(p.byKey))
	}
	return p, nil
}

// headBytes is about what a record takes beside its affected entries.
func headBytes(r *Record) int {
	n := len(r.Summary)
	for _, list := range [][]string{r.Aliases, r.Related, r.Upstream} {
		for _, s := range list {
			n += len(s) + 1
		}
	}
	for _, s := range r.Severity {
		n += len(s.Type) + len(s.Score)
	}
	return n
}

func (p *parsed) add(o *osvAffected, head *Record) {
	if o.Package.Ecosystem == "" || o.Package.Name == "" {
		p.unnamed++
		return
	}
	key := Key(o.Package.Ecosystem, o.Package.Name)
	r := p.byKey[key]
	if r == nil {
		copied := *head
		r = &copied
		p.byKey[key] = r
		base, _, _ := strings.Cut(o.Package.Ecosystem, ":")
		p.packages = append(p.packages, PackageName{base, o.Package.Name})
	}
	specific := object(o.EcosystemSpecific)
	a := Affected{
		Ecosystem: o.Package.Ecosystem, Ranges: o.Ranges, Versions: o.Versions, Severity: o.Severity,
		Urgency: urgency(specific), Informational: word(o.DatabaseSpecific, "informational"), Specific: specific,
		Remark: oneLine(clip(word(o.DatabaseSpecific, "tracker"), maxSentence)),
	}
	if !slices.ContainsFunc(o.Ranges, isBounded) {
		a.LastKnown = clip(word(o.DatabaseSpecific, "last_known_affected_version_range"), maxSentence)
	}
	delete(specific, "binaries")
	for i := range a.Ranges {
		a.Ranges[i].Events = singleEvents(a.Ranges[i].Events)
	}
	r.Affected = append(r.Affected, a)
	if !slices.Contains(p.ecosystems, a.Ecosystem) {
		p.ecosystems = append(p.ecosystems, a.Ecosystem)
	}
}

// isBounded says whether a range says where it ends.
func isBounded(r Range) bool {
	return slices.ContainsFunc(r.Events, func(e Event) bool { return e.Fixed != "" || e.LastAffected != "" || e.Limit != "" })
}

// urgency takes the distribution's own word out of ecosystem_specific.
func urgency(specific map[string]any) string {
	for _, name := range []string{"urgency", "severity", "ubuntu_priority"} {
		if s, ok := specific[name].(string); ok && s != "" {
			delete(specific, name)
			return s
		}
	}
	return ""
}

// singleEvents makes each event say one thing, as the schema wants it, whatever a record does.
func singleEvents(events []Event) []Event {
	var list []Event
	for _, e := range events {
		for _, one := range []Event{
			{Introduced: e.Introduced}, {Fixed: e.Fixed}, {LastAffected: e.LastAffected}, {Limit: e.Limit},
		} {
			if one != (Event{}) {
				list = append(list, one)
			}
		}
	}
	return list
}

// object reads what may be anything; only an object says something.
func object(raw json.RawMessage) map[string]any {
	var m map[string]any
	if len(raw) == 0 || json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return m
}

// word is the text of one field of what may be anything.
func word(raw json.RawMessage, field string) string {
	var fields map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &fields) != nil {
		return ""
	}
	var s string
	if json.Unmarshal(fields[field], &s) != nil {
		return ""
	}
	return s
}

// summary is one line: the record's own, else the first sentence of its details.
func summary(own, details string) string {
	if own = oneLine(own); own != "" {
		return clip(own, maxSummary)
	}
	// What comes after the first few lines is never in the first sentence; details can be megabytes.
	text := strings.TrimPrefix(oneLine(clip(details, 4*maxSentence)), "- ")
	if strings.HasPrefix(text, "NOTE:") { // Debian's remarks, where nobody has described the problem
		return ""
	}
	if i := strings.Index(text, ". "); i >= 0 {
		text = text[:i+1]
	}
	return clip(text, maxSentence)
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
}

// clip cuts text to so many bytes, between two characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const mark = "…"
	cut := most - len(mark)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strings.TrimSpace(s[:cut]) + mark
}

// exploitReferences keeps the links that bear on whether an exploit is known.
func exploitReferences(all []Reference) []Reference {
	var list []Reference
	for _, r := range all {
		if len(list) < maxReferences && (r.Type == "EVIDENCE" || isExploitURL(r.URL)) && !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

// isExploitURL knows the places where exploits are published.
func isExploitURL(url string) bool {
	url = strings.ToLower(url)
	for _, place := range []string{
		"exploit-db.com/", "packetstormsecurity.", "packetstorm.news/", "rapid7.com/db/modules/", "metasploit",
		"projectdiscovery/nuclei-templates", "sploitus.com/", "vulncheck.com/xdb",
	} {
		if strings.Contains(url, place) {
			return true
		}
	}
	_, path, github := strings.Cut(url, "github.com/")
	if !github {
		return false
	}
	words := strings.FieldsFunc(path, func(c rune) bool { return strings.ContainsRune("/-_.", c) })
	return slices.Contains(words, "poc") || slices.Contains(words, "exploit") || slices.Contains(words, "exploits")
}
