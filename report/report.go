// Package report shows what was found: as a screen for people and as JSON for programs.
//
// In go an image, its inventory, findings and steps; out comes text or JSON, the same bytes for the same
// input. The package must never decide anything (what is grave, what comes first): it shows what the rooms
// above it found, and hides none of it.
package report

import (
	"slices"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/match"
)

// SchemaVersion is the version of the JSON contract. Fields are only ever added to it.
const SchemaVersion = 1

// Report is everything that one scan found, in the shape of the JSON contract (schema.json).
type Report struct {
	SchemaVersion int                 `json:"schemaVersion"`
	Tool          Tool                `json:"tool"`
	Data          *Data               `json:"data,omitempty"`
	Image         Image               `json:"image"`
	Packages      []inventory.Package `json:"packages"`
	// Findings are sorted by package and id here; the text report shows the gravest first.
	Findings   []match.Finding    `json:"findings"`
	BlindSpots []image.BlindSpot  `json:"blindSpots"`
	Assessment *assess.Assessment `json:"assessment,omitempty"`
	// UnusedStatements are the VEX statements that changed no finding, and why.
	UnusedStatements []match.UnusedStatement `json:"unusedStatements,omitempty"`
}

// Tool is the program that made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Data says which advisory data the findings rest on.
type Data struct {
	Revision string          `json:"revision"`
	Feeds    []advisory.Feed `json:"feeds"`
}

// Image is what was scanned.
type Image struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest,omitempty"`
	// ID is the config's digest: the same wherever the image is kept.
	ID       string          `json:"id,omitempty"`
	Platform string          `json:"platform,omitempty"`
	Created  time.Time       `json:"created,omitzero"`
	OS       *inventory.OS   `json:"os,omitempty"`
	Base     *inventory.Base `json:"base,omitempty"`
	Layers   []Layer         `json:"layers,omitempty"`
}

// Layer is one layer of the image.
type Layer struct {
	Index  int    `json:"index"`
	DiffID string `json:"diffID,omitempty"`
	// Digest and Size (bytes) are those of the stored blob; absent where the source does not name its blobs.
	Digest      string `json:"digest,omitempty"`
	Size        int64  `json:"size,omitempty"`
	Instruction string `json:"instruction,omitempty"`
	// Read is "table-of-contents" where only that and the files that matter were fetched: the layer's diffID is then the
	// config's claim. It is absent where the whole layer was read.
	Read string `json:"read,omitempty"`
	// DockerfileLine is the line of the Dockerfile that made the layer, from 1.
	DockerfileLine int `json:"dockerfileLine,omitempty"`
}

// New puts a report together. info is nil where there was no advisory file to match against.
func New(tool Tool, im *image.Image, layers []*layer.Index, inv *inventory.Inventory, info *advisory.Info,
	findings []match.Finding, blindSpots []image.BlindSpot) *Report {
	r := &Report{
		SchemaVersion: SchemaVersion,
		Tool:          tool,
		Image:         describe(im, layers),
		Packages:      notNil(inv.Packages),
		Findings:      notNil(findings),
		BlindSpots:    notNil(image.SortBlindSpots(slices.Concat(inv.BlindSpots, blindSpots))),
	}
	r.Image.Base = inv.Base
	if inv.OS.ID != "" {
		r.Image.OS = &inv.OS
	}
	if info != nil {
		r.Data = &Data{Revision: info.Revision, Feeds: notNil(info.Feeds)}
		r.Assessment = &assess.Assessment{Steps: notNil(assess.Steps(match.Standing(findings)))}
	}
	return r
}

func describe(im *image.Image, layers []*layer.Index) Image {
	d := Image{Reference: im.Reference, Digest: im.Digest, ID: im.ID, Platform: im.Platform.String(), Created: im.Created}
	for i, l := range im.Layers {
		out := Layer{Index: l.Index, DiffID: l.DiffID, Digest: l.Digest, Instruction: l.Instruction, DockerfileLine: l.DockerfileLine}
		if l.Digest != "" {
			out.Size = max(l.Size, 0)
		}
		if i < len(layers) && layers[i].DiffID != "" {
			out.DiffID = layers[i].DiffID
		}
		if i < len(layers) && layers[i].TOC {
			out.Read = "table-of-contents"
		}
		d.Layers = append(d.Layers, out)
	}
	return d
}

// notNil keeps an empty list a list: the contract says [] and never null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
