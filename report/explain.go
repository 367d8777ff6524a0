package report

import (
	_ "embed"
	"io"
	"slices"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

// ExplainSchema is the JSON schema of an [Explanation].
//
//go:embed schema-explain.json
var ExplainSchema []byte

// Explanation is why one problem affects one image, or why it does not, or what one rule of malware, secrets or hardening found, in the
// shape of schema-explain.json.
type Explanation struct {
	SchemaVersion int  `json:"schemaVersion"`
	Tool          Tool `json:"tool"`
	// Data has the feeds that the answer rests on: those whose records are named, and where nothing was found those that
	// speak of what is aboard.
	Data  *assess.Data `json:"data,omitempty"`
	Image assess.Image `json:"image"`
	match.Explanation
	// Environment is the one that the findings are judged in; nil where they are not: see [Explanation.Judge].
	Environment *Judged `json:"environment,omitempty"`
	// Contraband is what was found by the rule that was asked for; nil for a vulnerability.
	*Contraband

	aboard map[string]int // packages, by the feed that speaks of their ecosystem
}

// NewExplanation puts an explanation together from the report of a scan.
func NewExplanation(r *Report, e *match.Explanation) *Explanation {
	out := &Explanation{SchemaVersion: SchemaVersion, Tool: r.Tool, Image: r.Image, Explanation: *e}
	out.Findings = notNil(out.Findings)
	out.Considered = notNil(out.Considered)
	out.Absent = notNil(out.Absent)
	out.BlindSpots = notNil(out.BlindSpots)
	if r.Data == nil {
		return out
	}
	out.Data = &assess.Data{Revision: r.Data.Revision, Feeds: notNil(slices.Clone(r.Data.Feeds))}
	out.aboard = map[string]int{}
	for _, p := range r.Packages {
		base, _, _ := strings.Cut(p.Ecosystem, ":")
		out.aboard["osv/"+base]++
	}
	needed := map[string]bool{}
	for _, f := range e.Findings {
		needed[f.Evidence.Feed] = true
	}
	for _, c := range e.Considered {
		for _, r := range c.Rulings {
			needed[r.Feed] = true
		}
	}
	out.Data.Feeds = slices.DeleteFunc(out.Data.Feeds, func(f advisory.Feed) bool {
		return !needed[f.Name] && (len(e.Findings) > 0 || out.aboard[f.Name] == 0)
	})
	return out
}

// JSON writes the explanation as a document of its own.
func (e *Explanation) JSON(w io.Writer) error { return writeJSON(w, e) }

// date is the day that a feed is of; empty where it is not known.
func (e *Explanation) date(feed string) string {
	if e.Data == nil {
		return ""
	}
	for _, f := range e.Data.Feeds {
		if f.Name == feed {
			return f.Date
		}
	}
	return ""
}

// layer gives the layer that brought a package; nil where it is not known.
func (e *Explanation) layer(p *inventory.Package) *assess.Layer {
	if p.Layer == nil {
		return nil
	}
	if i := slices.IndexFunc(e.Image.Layers, func(l assess.Layer) bool { return l.Index == *p.Layer }); i >= 0 {
		return &e.Image.Layers[i]
	}
	return nil
}
