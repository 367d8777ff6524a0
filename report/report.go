// Package report shows what was found: as a screen for people and as JSON for programs.
//
// In go an image, its inventory, findings and steps; out comes text or JSON, the same bytes for the same
// input. The package must never decide anything (what is grave, what comes first): it shows what the rooms
// above it found, and hides none of it.
package report

import (
	"tidewaiter/assess"
)

// SchemaVersion is the version of the JSON contract. Fields are only ever added to it.
const SchemaVersion = 1

// Report is everything that one scan found, in the shape of the JSON contract (schema.json).
type Report struct {
	SchemaVersion int  `json:"schemaVersion"`
	Tool          Tool `json:"tool"`
	assess.Subject
	Assessment *assess.Assessment `json:"assessment,omitempty"`
	// Deployment is set in the record of one.
	Deployment *assess.Deployment `json:"deployment,omitempty"`
}

// Tool is the program that made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// New puts a report together of what is known of an image and what it means. assessment is nil where nothing was matched.
func New(tool Tool, subject *assess.Subject, assessment *assess.Assessment) *Report {
	return &Report{SchemaVersion: SchemaVersion, Tool: tool, Subject: *subject, Assessment: assessment}
}

// notNil keeps an empty list a list: the contract says [] and never null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
