package match

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"tidewaiter/advisory"
)

// outsideKnownRange quiets what only a range without an end holds to be affected, where the database that wrote the range knows
// better and could not say so in it.
var outsideKnownRange = Rule{
	Name: "outside-known-range", Effect: Quiet,
	About: "the advisory's range has no end, but its database says elsewhere in the record which versions are affected, and this one is not: " +
		"Go's database of release tags that are no module versions (custom_ranges), GitHub's of what has no fix (last_known_affected_version_range)",
	holds: func(f *Finding, _ *ruleContext) string {
		reason := ""
		for i := range f.hits {
			why := f.hits[i].outside()
			if why == "" {
				return ""
			}
			if reason == "" {
				reason = why
			}
		}
		return reason
	},
}

// outside says why a record's own words outside of its ranges acquit the version; empty where they do not.
func (h *hit) outside() string {
	entry, what := advisory.Affected{Ecosystem: h.entry.Ecosystem}, "last known affected versions"
	switch {
	case len(h.verdict.fixed) > 0:
	case h.entry.LastKnown != "":
		entry.Ranges = knownRange(h.entry.LastKnown)
	case !pseudoVersion.MatchString(h.subject.text): // a commit is a module version, and no tag of a release
		what = "release tags"
		entry.Ranges = tagRanges(h.entry.Specific["custom_ranges"])
	}
	if len(entry.Ranges) == 0 {
		return ""
	}
	v, err := h.subject.judge(&entry)
	if err != nil || v.affected || v.place.reached == nil { // a version before all that the words speak of is not what they acquit
		return ""
	}
	return fmt.Sprintf("by the %s in %s %s", what, h.record.ID, h.subject.exculpate(&entry, v))
}

// pseudoVersion is what the go command calls a commit: https://go.dev/ref/mod#pseudo-versions
var pseudoVersion = regexp.MustCompile(`-(0\.|[^+]*\.0\.)?\d{14}-[0-9a-f]{12}(\+.*)?$`)

// tagRanges reads what Go's database says of tags that are no versions of the module; nil for what is not ranges.
func tagRanges(custom any) []advisory.Range {
	data, err := json.Marshal(custom)
	if custom == nil || err != nil {
		return nil
	}
	var ranges []advisory.Range
	if json.Unmarshal(data, &ranges) != nil {
		return nil
	}
	return ranges
}

// knownRange reads "< 4.0.0" and "<= 2.2.15"; nil for what is neither.
func knownRange(text string) []advisory.Range {
	operator, version, ok := strings.Cut(strings.TrimSpace(text), " ")
	end := advisory.Event{Fixed: strings.TrimSpace(version)}
	if operator == "<=" {
		end = advisory.Event{LastAffected: end.Fixed}
	} else if operator != "<" {
		return nil
	}
	if !ok || version == "" {
		return nil
	}
	return []advisory.Range{{Type: "ECOSYSTEM", Events: []advisory.Event{{Introduced: "0"}, end}}}
}
