package sbom

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"tidewaiter/image"
)

// syftDocument is the part of Syft's own JSON that is read (https://github.com/anchore/syft, schema/json): its releases
// changed where the image stands and how licences are written, and hardly anything else.
type syftDocument struct {
	Artifacts []struct {
		ID        string `json:"id"`
		Name      string `json:"name"`
		Version   string `json:"version"`
		FoundBy   string `json:"foundBy"`
		PURL      string `json:"purl"`
		Locations []struct {
			Path    string `json:"path"`
			LayerID string `json:"layerID"`
		} `json:"locations"`
		Licenses json.RawMessage `json:"licenses"` // words, or objects
		Metadata json.RawMessage `json:"metadata"` // of a form of its own for each type
	} `json:"artifacts"`
	Files []struct {
		ID       string `json:"id"`
		Location struct {
			Path string `json:"path"`
		} `json:"location"`
		Digests []syftDigest `json:"digests"`
	} `json:"files"`
	Relationships []struct {
		Parent string `json:"parent"`
		Child  string `json:"child"`
		Type   string `json:"type"`
	} `json:"artifactRelationships"`
	Source struct {
		Type     string          `json:"type"`
		Name     string          `json:"name"`
		Target   json.RawMessage `json:"target"` // up to schema 6
		Metadata json.RawMessage `json:"metadata"`
	} `json:"source"`
	Distro struct {
		ID              string `json:"id"`
		Name            string `json:"name"`
		Version         string `json:"version"`
		VersionID       string `json:"versionID"`
		VersionCodename string `json:"versionCodename"`
		PrettyName      string `json:"prettyName"`
		CPEName         string `json:"cpeName"`
	} `json:"distro"`
	Descriptor struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"descriptor"`
	Schema struct {
		Version string `json:"version"`
	} `json:"schema"`
}

type syftDigest struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"value"`
}

// syftImage is what Syft says of an image.
type syftImage struct {
	UserInput      string `json:"userInput"`
	ImageID        string `json:"imageID"`
	ManifestDigest string `json:"manifestDigest"`
	Layers         []struct {
		Digest string `json:"digest"` // the diffID
		Size   int64  `json:"size"`
	} `json:"layers"`
	Config string `json:"config"` // base64
	OS     string `json:"os"`
	Arch   string `json:"architecture"`
}

func readSyft(data []byte) (*Document, error) {
	var s syftDocument
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("not a Syft document that can be read: %w", plainJSON(err))
	}
	r := newReading(strings.TrimSpace("Syft " + s.Schema.Version))
	r.doc.Tool = Tool{s.Descriptor.Name, s.Descriptor.Version}
	r.doc.OfDirectory = s.Source.Type == "directory"
	s.image(r)
	if d := s.Distro; d.ID != "" || d.Name != "" {
		r.distribution(cmp.Or(d.ID, d.Name), cmp.Or(d.VersionID, d.Version), facts{
			{syft + "distro:prettyName", d.PrettyName}, {syft + "distro:versionCodename", d.VersionCodename}, {syft + "distro:cpeName", d.CPEName},
		})
	}
	for i := range s.Artifacts {
		a := &s.Artifacts[i]
		c := component{id: a.ID, name: a.Name, version: a.Version, purl: a.PURL, licences: syftLicences(a.Licenses),
			facts: syftFacts(a.Metadata), digests: syftArchive(a.Metadata)}
		for n, l := range a.Locations {
			c.paths = append(c.paths, strings.TrimPrefix(l.Path, "/"))
			if n == 0 {
				c.facts = append(c.facts, fact{syft + "location:0:layerID", l.LayerID})
			}
		}
		r.add(c)
	}
	for i := range s.Files {
		r.file(s.Files[i].ID, s.Files[i].Location.Path, syftDigests(s.Files[i].Digests))
	}
	for _, rel := range s.Relationships {
		switch rel.Type {
		case "dependency-of":
			r.relations.need(rel.Child, rel.Parent)
		case "contains":
			r.relations.hold(rel.Parent, rel.Child)
		case "ownership-by-file-overlap":
			r.relations.owners[rel.Child] = rel.Parent
		}
	}
	return r.finish(), nil
}

func (s *syftDocument) image(r *reading) {
	im := r.doc.Image
	var from syftImage
	raw := s.Source.Metadata
	if len(raw) == 0 {
		raw = s.Source.Target
	}
	if json.Unmarshal(raw, &from) != nil { // the path of a directory
		from = syftImage{}
	}
	im.Reference, im.ID = cmp.Or(from.UserInput, s.Source.Name), from.ImageID
	if isDigest(from.ManifestDigest) {
		im.Digest = from.ManifestDigest
	}
	if from.OS != "" {
		im.Platform = image.Platform{OS: from.OS, Architecture: from.Arch}
	}
	instructions := syftInstructions(from.Config)
	for i, l := range from.Layers {
		layer := image.Layer{Index: i, DiffID: l.Digest, Size: -1}
		if len(instructions) == len(from.Layers) {
			layer.Instruction = instructions[i]
		}
		im.Layers = append(im.Layers, layer)
	}
	r.knowLayers()
}

// syftInstructions gives what made each layer, from the history of the image's config, without the shell and the mark
// that builders put around it.
func syftInstructions(config string) []string {
	raw, err := base64.StdEncoding.DecodeString(config)
	if err != nil {
		return nil
	}
	var c struct {
		History []struct {
			CreatedBy  string `json:"created_by"`
			EmptyLayer bool   `json:"empty_layer"`
		} `json:"history"`
	}
	if json.Unmarshal(raw, &c) != nil {
		return nil
	}
	var list []string
	for _, h := range c.History {
		if !h.EmptyLayer {
			line := strings.TrimSuffix(h.CreatedBy, " # buildkit")
			line = strings.Replace(line, "RUN /bin/sh -c ", "RUN ", 1)
			list = append(list, strings.TrimPrefix(line, "/bin/sh -c #(nop) "))
		}
	}
	return list
}

// syftLicences reads a list of words, or of objects with a value.
func syftLicences(raw json.RawMessage) []string {
	var words []string
	if len(raw) == 0 || json.Unmarshal(raw, &words) == nil {
		return words
	}
	var objects []struct {
		Value      string `json:"value"`
		Expression string `json:"spdxExpression"`
	}
	if json.Unmarshal(raw, &objects) != nil {
		return nil
	}
	words = nil
	for _, o := range objects {
		if w := cmp.Or(o.Expression, o.Value); w != "" {
			words = append(words, w)
		}
	}
	return words
}

// syftFacts gives what a distribution's package says of its source, under the names that Syft gives it in CycloneDX.
func syftFacts(raw json.RawMessage) facts {
	var m map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &m) != nil {
		return nil
	}
	var f facts
	for _, name := range []string{"source", "sourceVersion", "originPackage", "sourceRpm", "modularityLabel"} {
		var word string
		if json.Unmarshal(m[name], &word) == nil && word != "" {
			f = append(f, fact{syft + "metadata:" + name, word})
		}
	}
	return f
}

// syftArchive gives the digests of the archive that a package is; nil for any that is none.
func syftArchive(raw json.RawMessage) []string {
	var m struct {
		Digests []syftDigest `json:"digest"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return syftDigests(m.Digests)
}

func syftDigests(list []syftDigest) []string {
	var all []string
	for _, d := range list {
		if text := digestOf(d.Algorithm, d.Value); text != "" {
			all = append(all, text)
		}
	}
	return all
}
