package inventory

import (
	"cmp"
	"slices"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// Place says where a file lies in an image, who brought it, and what became of it.
type Place struct {
	// Path is without a leading slash; empty for what is no file.
	Path string `json:"path,omitempty"`
	// Layer is the index of the layer that brought it; nil for a directory, which has no layers, and for what is in no layer.
	Layer       *int   `json:"layer,omitempty"`
	Instruction string `json:"instruction,omitempty"`
	// DockerfileLine is the line of the Dockerfile, from 1, where it is known.
	DockerfileLine int    `json:"dockerfileLine,omitempty"`
	Origin         Origin `json:"origin,omitempty"`
	// Class is empty for what is no file, or is hidden.
	Class Class `json:"class,omitempty"`
	// Owner is the package URL of the package that installed the file; empty where none did.
	Owner string `json:"owner,omitempty"`
	// Verified says that the content is what the owner installed, by the checksum in its database.
	Verified bool `json:"verified,omitempty"`
	// Hidden is how a later layer hides it; nil for what stands in the final image.
	Hidden *HiddenBy `json:"hidden,omitempty"`
}

// HiddenBy says which layer hides a file that a lower one still ships.
type HiddenBy struct {
	Layer       int    `json:"layer"`
	Instruction string `json:"instruction,omitempty"`
	How         Hiding `json:"how"`
}

// Noted is a file of which a sink has something to say, with its place.
type Noted struct {
	Place
	File *layer.File
	Note layer.Note
	// Package is the index in [Inventory].Packages of the owner; -1: none.
	Package int
}

// NotedBy finds the places of the files that a sink has notes on, sorted by path and layer. The trace is that of the same indexes. A file
// that a later layer carries again as it is counts once.
func NotedBy(sink string, im *image.Image, indexes []*layer.Index, inv *Inventory, t *Trace) []Noted {
	noted := map[*layer.File]*Noted{}
	var found []*Noted
	for i, ix := range indexes {
		if ix.Seen[sink] == nil {
			continue
		}
		for _, note := range ix.Seen[sink].Notes {
			f := &ix.Files[note.File]
			if noted[f] == nil { // of a layer that occurs twice, the lower one counts
				noted[f] = &Noted{Place: Place{Path: f.Path, Layer: &i}, File: f, Note: note, Package: -1}
				found = append(found, noted[f])
			}
		}
	}
	rewritten := map[*layer.File]bool{}
	for _, s := range t.Steps {
		for _, h := range s.Hidden {
			n := noted[h.Entry]
			if n == nil {
				continue
			}
			rewritten[h.Entry] = h.How == Rewritten
			n.Path, n.Hidden = h.Path, hiddenBy(&h, im)
		}
	}
	for i := range t.Files {
		f := &t.Files[i]
		n := noted[f.Entry]
		if n == nil || n.Class != "" { // of hard links the first name counts
			continue
		}
		at := f.Layer
		n.Path, n.Layer, n.Class, n.Verified, n.Hidden, n.Package = f.Path, &at, f.Class, f.Verified, nil, f.Owner
		if f.Owner >= 0 {
			n.Owner = inv.Packages[f.Owner].PURL
		}
	}
	out := make([]Noted, 0, len(found))
	for _, n := range found {
		if n.Hidden != nil && rewritten[n.File] {
			continue
		}
		n.settle(im, inv)
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b Noted) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.LayerIndex(), b.LayerIndex()))
	})
	return out
}

func hiddenBy(h *Hidden, im *image.Image) *HiddenBy {
	by := &HiddenBy{Layer: h.By, How: h.How}
	if h.By < len(im.Layers) {
		by.Instruction = im.Layers[h.By].Instruction
	}
	return by
}

// LayerIndex gives the place's layer, by which places are sorted; -1 for none.
func (p *Place) LayerIndex() int {
	if p.Layer == nil {
		return -1
	}
	return *p.Layer
}

// settle names the instruction and the origin of a place's layer.
func (p *Place) settle(im *image.Image, inv *Inventory) {
	if p.Layer == nil {
		return
	}
	if len(im.Layers) == 0 {
		p.Layer = nil
		return
	}
	if l := *p.Layer; l < len(im.Layers) {
		p.Instruction, p.DockerfileLine, p.Origin = im.Layers[l].Instruction, im.Layers[l].DockerfileLine, inv.Base.Origin(l)
	}
}

// PlaceOf gives the place of a file of the final image.
func PlaceOf(f *File, im *image.Image, inv *Inventory) Place {
	at := f.Layer
	p := Place{Path: f.Path, Layer: &at, Class: f.Class, Verified: f.Verified}
	if f.Owner >= 0 {
		p.Owner = inv.Packages[f.Owner].PURL
	}
	p.settle(im, inv)
	return p
}

// HiddenPlaceOf gives the place of a file that a layer carries and a later one hides.
func HiddenPlaceOf(h *Hidden, carrying int, im *image.Image, inv *Inventory) Place {
	p := Place{Path: h.Path, Layer: &carrying, Hidden: hiddenBy(h, im)}
	p.settle(im, inv)
	return p
}
