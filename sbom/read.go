package sbom

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/klauspost/compress/gzip"

	"tidewaiter/image"
	"tidewaiter/inventory"
)

// MaxSize bounds a document, in bytes, also after decompression.
const MaxSize = 128 << 20

// maxWrapped is how many envelopes may lie around a document.
const maxWrapped = 4

// Read reads a document of any kind that is known: SPDX 2.2 and 2.3 (JSON, tag-value), CycloneDX (JSON, XML), Syft's own
// JSON, this program's JSON report; compressed with gzip, and in the envelopes that carry them: in-toto statements, DSSE,
// sigstore bundles, and what "docker buildx imagetools inspect" shows. Signatures are not looked at.
//
// [match.Match] finds in the inventory of a document that this package wrote what it finds in the image's own. Of
// other tools' documents, packages that cannot be named as advisories name them are a blind spot.
//
// The error says in one line what the document is and why it is not read. A document that names no package is no error.
func Read(r io.Reader) (*Document, error) {
	data, err := readBounded(r)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("not a gzip file that can be read: %w", err)
		}
		if data, err = readBounded(z); err != nil {
			return nil, err
		}
	}
	return read(data, 0)
}

func readBounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxSize {
		return nil, fmt.Errorf("over %d MiB: no SBOM document that is read is larger", MaxSize>>20)
	}
	return data, nil
}

// read tells by its content what a document is.
func read(data []byte, depth int) (*Document, error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	switch {
	case len(data) == 0:
		return nil, errors.New("the document is empty")
	case depth > maxWrapped:
		return nil, fmt.Errorf("more than %d envelopes around one document", maxWrapped)
	case data[0] == '{':
		return readJSON(data, depth)
	case data[0] == '<':
		return readXML(data)
	}
	if head := data[:min(len(data), 64<<10)]; bytes.HasPrefix(head, []byte("SPDXVersion:")) || bytes.Contains(head, []byte("\nSPDXVersion:")) {
		return readTagValue(data)
	} else if bytes.Contains(head, []byte("spdxVersion:")) {
		return nil, errors.New("SPDX in YAML is not read: convert it to SPDX JSON")
	}
	return nil, errors.New("not an SBOM document: known are SPDX, CycloneDX, Syft's JSON and tidewaiter's JSON report")
}

func readXML(data []byte) (*Document, error) {
	head := data[:min(len(data), 64<<10)]
	switch {
	case bytes.Contains(head, []byte("cyclonedx.org/schema/bom")):
		if bytes.Count(data, []byte("<component")) > maxPackages {
			return nil, errPackages
		}
		return readCycloneDX(data, cdx.BOMFileFormatXML)
	case bytes.Contains(head, []byte("spdx.org/rdf")) || bytes.Contains(head, []byte("spdxVersion")):
		return nil, errors.New("SPDX in RDF or XML is not read: convert it to SPDX JSON")
	}
	return nil, errors.New("an XML document, but not CycloneDX")
}

// outline is what tells JSON documents from one another.
type outline struct {
	SPDXVersion   string          `json:"spdxVersion"`
	BOMFormat     string          `json:"bomFormat"`
	Artifacts     json.RawMessage `json:"artifacts"`
	SchemaVersion json.RawMessage `json:"schemaVersion"`
	Tool          json.RawMessage `json:"tool"`
	ArtifactName  string          `json:"ArtifactName"`
	Graph         json.RawMessage `json:"@graph"`

	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
	Subject       []struct {
		Name   string            `json:"name"`
		Digest map[string]string `json:"digest"`
	} `json:"subject"`
	Payload      string          `json:"payload"`
	DSSEEnvelope json.RawMessage `json:"dsseEnvelope"`

	SPDX json.RawMessage `json:"SPDX"` // docker buildx imagetools inspect
	SBOM json.RawMessage `json:"sbom"` // GitHub's dependency graph
	Data json.RawMessage `json:"Data"` // cosign's custom predicate
}

func readJSON(data []byte, depth int) (*Document, error) {
	if err := crowded(data); err != nil {
		return nil, err
	}
	var o outline
	// A field of a strange type is no reason to give up yet: it may be one that this kind of document does not have.
	var strange *json.UnmarshalTypeError
	if err := json.Unmarshal(data, &o); err != nil && !errors.As(err, &strange) {
		return nil, fmt.Errorf("not JSON that can be read: %w", plainJSON(err))
	}
	switch {
	case o.SPDXVersion != "":
		return readSPDX(data)
	case o.BOMFormat == cdx.BOMFormat:
		return readCycloneDX(data, cdx.BOMFileFormatJSON)
	case o.Graph != nil:
		return nil, errors.New("SPDX 3 (JSON-LD) is not read yet: ask its maker for SPDX 2.3")
	case o.Tool != nil && o.SchemaVersion != nil:
		return readReport(data)
	case o.Artifacts != nil:
		return readSyft(data)
	case o.ArtifactName != "":
		return nil, errors.New("a Trivy report, not an SBOM: make one with trivy --format cyclonedx")
	}
	return o.open(data, depth)
}

// open takes a document out of its envelope.
func (o *outline) open(data []byte, depth int) (*Document, error) {
	switch {
	case o.Payload != "":
		payload, err := base64.StdEncoding.DecodeString(o.Payload)
		if err != nil {
			return nil, fmt.Errorf("a DSSE envelope whose payload cannot be read: %w", err)
		}
		return read(payload, depth+1)
	case o.DSSEEnvelope != nil:
		return read(o.DSSEEnvelope, depth+1)
	case o.Predicate != nil:
		d, err := readWrapped(o.Predicate, depth)
		if err != nil {
			return nil, fmt.Errorf("an in-toto statement of type %s: %w", o.PredicateType, err)
		}
		o.nameSubject(d.Image)
		return d, nil
	}
	for _, inner := range []json.RawMessage{o.SPDX, o.SBOM, o.Data} {
		if inner != nil {
			return readWrapped(inner, depth)
		}
	}
	if platforms := platformsOf(data); len(platforms) == 1 {
		return read(platforms[0], depth+1)
	} else if len(platforms) > 1 {
		return nil, fmt.Errorf("the documents of %d platforms in one: take one out, as .[\"linux/amd64\"].SPDX", len(platforms))
	}
	return nil, errors.New("JSON, but not an SBOM document: known are SPDX, CycloneDX, Syft's JSON and tidewaiter's JSON report")
}

// readWrapped reads a document that stands in another as JSON or as a text.
func readWrapped(inner json.RawMessage, depth int) (*Document, error) {
	var text string
	if json.Unmarshal(inner, &text) == nil {
		return read([]byte(text), depth+1)
	}
	return read(inner, depth+1)
}

// nameSubject takes the image's digest from a statement where the document has none.
func (o *outline) nameSubject(im *image.Image) {
	for _, s := range o.Subject {
		if d := "sha256:" + s.Digest["sha256"]; im.Digest == "" && isDigest(d) {
			im.Digest = d
			if im.Reference == "" {
				im.Reference = s.Name
			}
		}
	}
}

// platformsOf gives the documents of what buildx shows of an index: {"linux/amd64": {"SPDX": ...}}.
func platformsOf(data []byte) []json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(data, &all) != nil {
		return nil
	}
	var found []json.RawMessage
	for name, inner := range all {
		if strings.Contains(name, "/") && bytes.Contains(inner[:min(len(inner), 64)], []byte(`"SPDX"`)) {
			found = append(found, inner)
		}
	}
	return found
}

// readReport reads this program's own JSON report. What it says of advisories is left out: whoever reads the packages
// matches them anew.
func readReport(data []byte) (*Document, error) {
	var in struct {
		Tool  Tool `json:"tool"`
		Image struct {
			Reference string          `json:"reference"`
			Digest    string          `json:"digest"`
			ID        string          `json:"id"`
			Platform  string          `json:"platform"`
			Created   json.RawMessage `json:"created"`
			OS        inventory.OS    `json:"os"`
			Base      *inventory.Base `json:"base"`
			Layers    []struct {
				DiffID      string `json:"diffID"`
				Digest      string `json:"digest"`
				Size        int64  `json:"size"`
				Instruction string `json:"instruction"`
				Line        int    `json:"dockerfileLine"`
			} `json:"layers"`
		} `json:"image"`
		Packages   []inventory.Package `json:"packages"`
		BlindSpots []image.BlindSpot   `json:"blindSpots"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("not a report of tidewaiter's that can be read: %w", plainJSON(err))
	}
	d := &Document{Format: "tidewaiter report", Tool: in.Tool, Inventory: &inventory.Inventory{OS: in.Image.OS, Base: in.Image.Base}}
	d.Image = &image.Image{Reference: in.Image.Reference, Digest: in.Image.Digest, ID: in.Image.ID, Platform: platform(in.Image.Platform)}
	_ = json.Unmarshal(in.Image.Created, &d.Image.Created) // absent, or a time
	d.Created = d.Image.Created
	for i, l := range in.Image.Layers {
		size := l.Size
		if l.Digest == "" {
			size = -1
		}
		d.Image.Layers = append(d.Image.Layers, image.Layer{Index: i, DiffID: l.DiffID, Digest: l.Digest, Size: size, Instruction: l.Instruction, DockerfileLine: l.Line})
	}
	for _, p := range in.Packages {
		if p.Layer != nil && *p.Layer < 0 {
			p.Layer = nil
		}
		d.Inventory.Packages = append(d.Inventory.Packages, p)
	}
	d.Inventory.BlindSpots = slices.DeleteFunc(in.BlindSpots, func(s image.BlindSpot) bool {
		switch s.Kind {
		case image.NoFeed, image.StaleFeed, image.EndOfLife, image.Unjudged:
			return true
		}
		return false
	})
	return d, nil
}

// plainJSON shortens the errors of parsers, which may quote a document.
func plainJSON(err error) error {
	const longest = 200
	var odd *json.UnmarshalTypeError
	if errors.As(err, &odd) {
		return fmt.Errorf("%s is a JSON %s, which does not belong there", cmp.Or(odd.Field, "the document"), odd.Value)
	}
	s := strings.Join(strings.Fields(err.Error()), " ")
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "..."
	}
	return errors.New(s)
}
