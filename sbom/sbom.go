// Package sbom turns inventories into SBOM documents and SBOM documents into inventories.
//
// In go an image's inventory, or the bytes of a document; out come SPDX 2.3 or CycloneDX, or an inventory that matches
// as the image itself would. What a format has no field for is kept as a named fact (a CycloneDX property, an SPDX
// annotation, all under "tidewaiter:"), so that nothing is lost between writing and reading.
//
// This package must never believe a document more than it says (a package without a name that advisories know is
// counted as a blind spot, never dropped in silence), never read without a bound, and never put a clock's time into a document.
package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// Document is an SBOM: an image and what is aboard it.
type Document struct {
	// Format says what [Read] found: "SPDX 2.3", "CycloneDX 1.6".
	Format string
	// Tool is the program that made the document, where it says so.
	Tool Tool
	// Created is the time that the document gives for its own making; the image's own is Image.Created.
	Created time.Time
	// OfDirectory says that the document is about a directory, such as what BuildKit gives its generators, and not about an image:
	// some tools then look for other things.
	OfDirectory bool
	// Image is what the document is about. One that was read has no layers to read: it only describes them.
	Image     *image.Image
	Inventory *inventory.Inventory
	// Files are those of which the document gives digests, sorted by path. Of an image, [FilesOf] gives them.
	Files []File
}

// Tool is a program that makes documents.
type Tool struct {
	Name, Version string
}

// New makes a document of an image and its inventory. Its time is the image's own, so that the same image gives the same
// document. layers, which may be nil, are the indexes of the image's layers: they prove the digests that a config claims.
func New(tool Tool, im *image.Image, layers []*layer.Index, inv *inventory.Inventory) *Document {
	described := &image.Image{
		Reference: im.Reference, Digest: im.Digest, ID: im.ID, Platform: im.Platform, Created: im.Created, Layers: slices.Clone(im.Layers),
	}
	for i := range described.Layers {
		if i < len(layers) && layers[i].DiffID != "" {
			described.Layers[i].DiffID = layers[i].DiffID
		}
	}
	return &Document{Tool: tool, Created: im.Created, Image: described, Inventory: inv}
}

// unidentified stands where a document's identifier will, while it is made: one of the same length.
const unidentified = "00000000-0000-8000-8000-000000000000"

// encode writes a document as JSON. Its identifier, the first [unidentified] in it, is made from its content: a UUID of
// version 8 (RFC 9562).
func encode(w io.Writer, document any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(document); err != nil {
		return err
	}
	sum := sha256.Sum256(b.Bytes())
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	id := fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	_, err := w.Write(lines(bytes.Replace(b.Bytes(), []byte(unidentified), []byte(id), 1)))
	return err
}

// lines puts each field of a JSON document, and each element of its lists, on a line of its own: what changed between two
// documents can be seen, at a fraction of what indenting all of it costs.
func lines(document []byte) []byte {
	const deepest = 2
	out := make([]byte, 0, len(document)+len(document)/64)
	depth, quoted := 0, false
	for i := 0; i < len(document); i++ {
		c := document[i]
		switch {
		case quoted && c == '\\':
			out = append(out, c)
			i++
			c = document[i]
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth <= deepest && document[i+1] != '}' && document[i+1] != ']' {
				out = append(out, c)
				c = '\n'
			}
		case c == '}' || c == ']':
			if depth <= deepest && document[i-1] != '{' && document[i-1] != '[' {
				out = append(out, '\n')
			}
			depth--
		case c == ',' && depth <= deepest:
			out = append(out, c)
			c = '\n'
		}
		out = append(out, c)
	}
	return out
}
