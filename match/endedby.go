package match

import (
	"tidewaiter/advisory"
	"tidewaiter/version"
)

// EndedBy says whether a version of the package is free of the problem, by every record that found it: records of several databases may not
// agree on which version fixes it. known is false where they are not at hand, as in a finding of a stored report.
func (f *Finding) EndedBy(text string) (ended, known bool) {
	for _, h := range f.hits {
		v, ok := h.subject.judgeAs(text, h.record)
		if !ok {
			return false, false
		}
		if v.affected {
			return false, true
		}
	}
	return len(f.hits) > 0, len(f.hits) > 0
}

// FixesAfter gives the versions that fix what the version would bring: problems that other records of the package know of it, and that the
// version aboard does not have. It gives none where nothing is brought, or what is has no fix yet.
func (f *Finding) FixesAfter(text string) []string {
	var fixed []string
	for _, s := range f.silent {
		if v, ok := s.subject.judgeAs(text, s.record); ok && v.affected {
			fixed = append(fixed, v.fixed...)
		}
	}
	return asWritten(f.Of, fixed)
}

// judgeAs is what a record would say of the subject in another version; false where that is no version.
func (s *subject) judgeAs(text string, r *advisory.Record) (verdict, bool) {
	other := *s
	other.text, other.places = text, map[string]place{}
	if other.version, other.err = version.Parse(other.ecosystem, text); other.err != nil {
		return verdict{}, false
	}
	var all verdict
	for _, entry := range other.entries(r) {
		if v, err := other.judge(entry); err == nil && v.affected {
			all.affected, all.fixed = true, append(all.fixed, v.fixed...)
		}
	}
	return all, true
}
