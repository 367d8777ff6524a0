// Package vex reads what others say of vulnerabilities: whether a product is affected by one, and why not.
//
// In go documents (OpenVEX, CSAF, CycloneDX), bare, in attestations, in directories, or in VEX repositories; out come
// [Statement] values, in one shape and in the words of OpenVEX. Who said it is kept with each, and whether somebody whom the user
// believes signed it. The package must never decide what a statement means for a finding (match does), and never
// believe what an image says of itself.
package vex

import (
	"slices"
	"strings"
	"time"
)

// Statement is one author's word on one vulnerability in some products.
type Statement struct {
	// Vulnerabilities are the names of the vulnerability, the document's own name first.
	Vulnerabilities []string
	Products        []Product
	Status          Status
	// Justification is one of OpenVEX's labels, or empty.
	Justification string
	// Impact says in free text why nothing is affected; Action what to do; Notes how the status was found.
	Impact, Action, Notes string
	// Unreasoned says that the format demands a reason for the status, and none is given.
	Unreasoned bool

	Author, Role string
	// Time is when the statement was made or last changed; zero where the document does not say.
	Time time.Time
	// Document and Version are the document's own id and version.
	Document, Version string

	// Source is where the statement was read: a file's path, or an attestation's digest.
	Source string
	// Signer is who signed it, of those whom the user believes; empty where nobody of them did.
	Signer string
	// Believed says that the user named the source, or believes its signer. Anything else is only a claim.
	Believed bool
	// Bulk says that the document is one of many that were not named one by one.
	Bulk bool
}

// Status is what a statement says of its products. The words are those of OpenVEX.
type Status string

// The statuses (https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md#status-labels).
const (
	NotAffected        Status = "not_affected"
	Affected           Status = "affected"
	Fixed              Status = "fixed"
	UnderInvestigation Status = "under_investigation"
)

// Quiets says whether the status ends a finding.
func (s Status) Quiets() bool { return s == NotAffected || s == Fixed }

// OpenVEX's justifications of not_affected, into which those of the other formats are translated.
const (
	componentNotPresent = "component_not_present"
	codeNotPresent      = "vulnerable_code_not_present"
	codeNotExecuted     = "vulnerable_code_not_in_execute_path"
	codeNotControlled   = "vulnerable_code_cannot_be_controlled_by_adversary"
	alreadyMitigated    = "inline_mitigations_already_exist"
)

// Product is what a statement is about: one component, or a component inside others, the outermost first: an image and a
// package in it, a program and a module of it, a distribution's release and its package.
type Product []Component

// Component is one thing that has names.
type Component struct {
	// Names are all of its names: package URLs, CPEs, digests ("sha256:..."), image references. The first is shown to people.
	Names []string
	// Range is the versions that are meant, as vers (https://github.com/package-url/vers-spec); empty where the names say
	// which, and where all are meant.
	Range string
}

// String is the product as a person would write it.
func (p Product) String() string {
	var parts []string
	for _, c := range p {
		if s := c.String(); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " > ")
}

func (c Component) String() string {
	switch {
	case len(c.Names) == 0:
		return c.Range
	case c.Range != "":
		return c.Names[0] + " " + c.Range
	}
	return c.Names[0]
}

// maxNames bounds the names of one vulnerability or component: each is compared with all.
const maxNames = 256

// add adds names that are not empty and not there yet.
func (c *Component) add(names ...string) {
	for _, name := range names {
		if len(c.Names) == maxNames {
			return
		}
		if name != "" && !slices.Contains(c.Names, name) {
			c.Names = append(c.Names, name)
		}
	}
}

// parseTime reads a date of RFC 3339; zero for anything else.
func parseTime(texts ...string) time.Time {
	for _, text := range texts {
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
