package advisory

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// maxDisputed is how much of a text is searched for the note that it is disputed: as much as a CVE record may hold, and more.
const maxDisputed = 64 << 10

// dispute is how the CVE program marks what somebody denies to be a vulnerability: once "** DISPUTED **" before the text, now a
// tag, and with either a note of who denies it. https://cve.mitre.org/docs/cve_tags/disputed-tag.html
var dispute = regexp.MustCompile(`(?i)\*\*\s*disputed\s*\*\*` +
	`|note:[^.]{0,120}\bdisput(ed|es)\b` +
	`|\b(this|this (issue|vulnerability|cve)|cve id assignment)\s+(is|was|has been)\s+(\w+\s+)?\[?disputed\b`)

func isDisputed(text string) bool {
	text = text[:min(len(text), maxDisputed)]
	if !strings.Contains(text, "isput") && !strings.Contains(text, "ISPUT") {
		return false
	}
	return dispute.MatchString(text)
}

// disputedTag says whether database_specific has a record marked as disputed, as OSV's own conversions of CVE records do.
func disputedTag(raw json.RawMessage) bool {
	var fields struct {
		IsDisputed bool
		Tags       []string
	}
	_ = json.Unmarshal(raw, &fields) // a field of another type says nothing, and does not hide the other
	return fields.IsDisputed || slices.Contains(fields.Tags, "disputed")
}
