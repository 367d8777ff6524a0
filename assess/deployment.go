package assess

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

// Deployment says when a report's image went where. It ends when the next one of the same repository in the same environment begins.
type Deployment struct {
	Time        time.Time `json:"time"`
	Environment string    `json:"environment"`
	// Repository is the image's name without tag and digest; empty where the image came from a file that has none.
	Repository string `json:"repository,omitempty"`
	// Change says in one sentence what it changed; empty for the first.
	Change string `json:"change,omitempty"`
	// Since are the days on which deployments first showed findings that a newer version ends.
	Since []Since `json:"since,omitempty"`
}

// Running is the deployment that an image would take the place of.
type Running struct {
	Reference string    `json:"reference"`
	Digest    string    `json:"digest,omitempty"`
	Since     time.Time `json:"since"`
	// Score and Grade are those of the day on which it was recorded; Grade is empty where nothing was matched.
	Score float64 `json:"score"`
	Grade string  `json:"grade,omitempty"`
}

// Since is the day (YYYY-MM-DD) on which a finding was first seen in an environment with a version that ends it.
type Since struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
	Day  string `json:"day"`
}

// SinceMap gives the days as [Options] wants them.
func (d *Deployment) SinceMap() map[FindingKey]string {
	days := make(map[FindingKey]string, len(d.Since))
	for _, s := range d.Since {
		days[FindingKey{ID: s.ID, Type: s.Type, Name: s.Name}] = s.Day
	}
	return days
}

// Earlier is a deployment that was recorded before, with what was known of its image then.
type Earlier struct {
	*Deployment
	Subject *Subject
}

// FirstSeen gives the days from which the findings of an image that is deployed at a time count, where the records of the deployments before
// it, the newest first, show that they could not be mended earlier: the same package was there, and the problem, or its fix, was not known
// then. What a deployment brings that was known long before counts from its publication, so that recording an image puts off nothing.
func FirstSeen(findings []match.Finding, now time.Time, earlier []Earlier) []Since {
	if len(earlier) == 0 {
		return nil
	}
	known := map[FindingKey]string{}
	for _, d := range slices.Backward(earlier) {
		for _, s := range d.Since {
			known[FindingKey{ID: s.ID, Type: s.Type, Name: s.Name}] = s.Day
		}
	}
	last := seenIn(earlier[0].Subject)
	today := now.UTC().Format(time.DateOnly)
	seen := map[FindingKey]bool{}
	var list []Since
	for i := range findings {
		f := &findings[i]
		key := KeyOf(f)
		if fix(*f) == "" || f.Of == nil || seen[key] {
			continue
		}
		seen[key] = true
		day := ""
		if last.brings(f, key) {
			day = today
		}
		for _, id := range append([]string{f.ID}, f.Aliases...) { // an advisory may have had another name then
			if was := known[FindingKey{ID: id, Type: key.Type, Name: key.Name}]; was != "" && (day == "" || was < day) {
				day = was
			}
		}
		if day != "" {
			list = append(list, Since{ID: key.ID, Type: key.Type, Name: key.Name, Day: day})
		}
	}
	slices.SortFunc(list, func(a, b Since) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), advisory.CompareIDs(a.ID, b.ID))
	})
	return list
}

// pastFindings is what was known of an image: its packages, and of its problems whether they could be mended.
type pastFindings struct {
	packages map[string]bool
	fixable  map[FindingKey]bool
}

func seenIn(s *Subject) pastFindings {
	past := pastFindings{packages: map[string]bool{}, fixable: map[FindingKey]bool{}}
	if s.Data == nil { // nothing was matched, and nothing can be said to be new
		return past
	}
	for i := range s.Packages {
		past.packages[s.Packages[i].PURL] = true
	}
	for i := range s.Findings {
		f := &s.Findings[i]
		key := KeyOf(f)
		for _, id := range append([]string{f.ID}, f.Aliases...) {
			key.ID = id
			past.fixable[key] = past.fixable[key] || fix(*f) != ""
		}
	}
	return past
}

// brings says whether it was only after that time that a finding became known, or its fix.
func (past pastFindings) brings(f *match.Finding, key FindingKey) bool {
	for _, id := range append([]string{f.ID}, f.Aliases...) {
		key.ID = id
		if fixable, there := past.fixable[key]; there {
			return !fixable
		}
	}
	return past.packages[f.Package]
}

// What a record of a deployment keeps of the longest lists.
const (
	keptSteps  = 20
	keptPaths  = 20
	keptReason = 200 // bytes
)

// Short is a subject as a record of a deployment keeps it: what tells what is aboard, what is wrong with it and what quiets it, so
// that it can be judged again; not the evidence. The subject itself stays as it is.
func (s *Subject) Short() *Subject {
	out := &Subject{Data: shortData(s.Data), Image: s.Image, Rules: s.Rules, BlindSpots: s.BlindSpots, Bindings: s.Bindings,
		Malware: s.Malware, Secrets: s.Secrets, Hardening: s.Hardening,
		Packages: make([]inventory.Package, len(s.Packages)), Findings: make([]match.Finding, len(s.Findings))}
	out.shortenContraband()
	for i, p := range s.Packages {
		p.Instruction, p.Evidence, p.LockFiles, p.LicenseSource, p.Identities = "", nil, nil, "", nil
		p.Paths = firstOf(p.Paths, keptPaths)
		out.Packages[i] = p
	}
	for i, f := range s.Findings {
		f.Instruction, f.Title, f.Layer, f.CVSS, f.SSVC, f.Environmental, f.Statements = "", "", nil, nil, nil, nil, nil
		f.Paths = firstOf(f.Paths, keptPaths)
		f.Evidence = match.Evidence{Advisory: f.Evidence.Advisory, Feed: f.Evidence.Feed}
		if f.Quieted != nil {
			q := *f.Quieted
			q.Reason = cut(q.Reason)
			f.Quieted = &q
		}
		f.Lowered = slices.Clone(f.Lowered)
		for j := range f.Lowered {
			f.Lowered[j].Reason = cut(f.Lowered[j].Reason)
		}
		out.Findings[i] = f
	}
	return out
}

// shortenContraband leaves what tells malware, secrets and weaknesses apart, where they are, and what quiets them.
func (s *Subject) shortenContraband() {
	s.copyContraband()
	if r := s.Malware; r != nil {
		for i := range r.Hits {
			h := &r.Hits[i]
			h.Evidence, h.Why, h.Mend, h.Digest = "", "", "", ""
		}
	}
	if r := s.Secrets; r != nil {
		for i := range r.Found {
			f := &r.Found[i]
			f.Extract, f.Why, f.Mend = "", "", ""
		}
	}
	if r := s.Hardening; r != nil {
		for i := range r.Findings {
			f := &r.Findings[i]
			f.Why, f.Mend = "", ""
		}
	}
}

// Short is an assessment as a record of a deployment keeps it.
func (a *Assessment) Short() *Assessment {
	if a == nil {
		return nil
	}
	out := *a
	out.Costs, out.Bases, out.Running = nil, nil, nil
	out.Steps = slices.Clone(firstOf(a.Steps, keptSteps))
	for i := range out.Steps {
		s := &out.Steps[i]
		s.Edit, s.Command, s.Note, s.Loses = nil, "", "", nil
	}
	return &out
}

func shortData(d *Data) *Data {
	if d == nil {
		return nil
	}
	out := *d
	out.Feeds = slices.Clone(d.Feeds)
	for i := range out.Feeds {
		out.Feeds[i].Source = ""
	}
	return &out
}

func firstOf[T any](list []T, n int) []T { return list[:min(len(list), n)] }

// cut keeps the beginning of a reason, whole characters of it.
func cut(text string) string {
	if len(text) <= keptReason {
		return text
	}
	return strings.ToValidUTF8(text[:keptReason], "") + "..."
}
