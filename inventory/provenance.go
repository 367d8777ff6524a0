package inventory

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/package-url/packageurl-go"

	"tidewaiter/image"
)

// Provenance is what a builder's SLSA provenance tells of the image that another one was built on, and of the
// Dockerfile. Nobody has signed it.
type Provenance struct {
	// Dockerfile is the build's Dockerfile; nil where the provenance does not carry it.
	Dockerfile []byte
	// Args are the build arguments that were given.
	Args map[string]string

	// base is what the final stage began with, and baseLayers the blob digests of its layers, once for each way in which
	// they were compressed. Both need the build's steps, which only provenance of mode max has.
	base       *imageName
	baseLayers [][]string
	// scratch says that the steps are known, and that no image was the first of them.
	scratch bool
	// images are all those that took part in the build, in some way, without those that cannot be a base.
	images []imageName
}

// imageName is an image as a document names it.
type imageName struct{ reference, digest string }

// IsProvenance says whether a statement of this type is one that [ReadProvenance] wants.
func IsProvenance(predicateType string) bool {
	return strings.HasPrefix(predicateType, "https://slsa.dev/provenance/")
}

// ReadProvenance reads the first SLSA provenance (version 0.2 or 1, as BuildKit writes them:
// https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md) among statements about an image;
// nil where there is none. One that is not valid is a blind spot.
func ReadProvenance(statements []image.Statement) (*Provenance, []image.BlindSpot) {
	var spots []image.BlindSpot
	for _, s := range statements {
		if !IsProvenance(s.PredicateType) {
			continue
		}
		p, err := ParseProvenance(s.Predicate)
		if err == nil {
			return p, spots
		}
		spots = append(spots, image.BlindSpot{Kind: image.UnreadablePaper, Where: "attestation " + s.Digest,
			Message: fmt.Sprintf("the provenance is not valid: %v", err)})
	}
	return nil, spots
}

// predicate has the fields of both versions of SLSA provenance that are of use here.
type predicate struct {
	// Version 0.2.
	Materials   []material  `json:"materials"`
	BuildConfig buildConfig `json:"buildConfig"`
	Invocation  struct {
		Parameters request `json:"parameters"`
	} `json:"invocation"`
	Metadata struct {
		BuildKit BuildMetadata `json:"https://mobyproject.org/buildkit@v1#metadata"`
	} `json:"metadata"`
	// Version 1.
	BuildDefinition struct {
		ResolvedDependencies []material `json:"resolvedDependencies"`
		InternalParameters   struct {
			BuildConfig buildConfig `json:"buildConfig"`
		} `json:"internalParameters"`
		ExternalParameters struct {
			Request request `json:"request"`
		} `json:"externalParameters"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Metadata struct {
			BuildKit BuildMetadata `json:"buildkit_metadata"`
		} `json:"metadata"`
	} `json:"runDetails"`
}

type material struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest"`
}

type request struct {
	Args map[string]string `json:"args"`
	Root struct {
		Request struct {
			Args map[string]string `json:"args"`
		} `json:"request"`
	} `json:"root"`
}

type buildConfig struct {
	Steps []BuildStep `json:"llbDefinition"`
}

// BuildMetadata is what BuildKit says of the steps of a build besides.
type BuildMetadata struct {
	Source struct {
		// Locations are, by step, the lines of the files that Infos has.
		Locations map[string]struct {
			Locations []struct {
				SourceIndex int `json:"sourceIndex"`
				Ranges      []struct {
					Start struct {
						Line int `json:"line"`
					} `json:"start"`
				} `json:"ranges"`
			} `json:"locations"`
		} `json:"locations"`
		Infos []struct {
			Language string `json:"language"`
			Data     []byte `json:"data"`
		} `json:"infos"`
	} `json:"source"`
	// Layers are, by step and output, the blobs that make up what the step left, once for each compression.
	Layers map[string][][]struct {
		Digest string `json:"digest"`
	} `json:"layers"`
}

// BuildRecord is what BuildKit writes down of a build in an SLSA provenance, of version 0.2 or 1.
type BuildRecord struct {
	// Steps are empty but for mode max.
	Steps []BuildStep
	// Requests are the arguments of the frontend (build-arg:NAME, target, ...): what another frontend was asked for before what was asked
	// for itself.
	Requests []map[string]string
	Metadata []BuildMetadata

	materials []material
}

// ParseBuildRecord reads the predicate of an SLSA provenance. What another builder than BuildKit wrote has images alone.
func ParseBuildRecord(raw []byte) (*BuildRecord, error) {
	var doc predicate
	// A field of another type than expected is one of another builder: the rest is read nevertheless.
	var other *json.UnmarshalTypeError
	if err := json.Unmarshal(raw, &doc); err != nil && !errors.As(err, &other) {
		return nil, err
	}
	version1 := doc.BuildDefinition
	r := &BuildRecord{
		Steps: doc.BuildConfig.Steps, materials: doc.Materials,
		Metadata: []BuildMetadata{doc.Metadata.BuildKit, doc.RunDetails.Metadata.BuildKit},
	}
	if len(r.materials) == 0 {
		r.materials = version1.ResolvedDependencies
	}
	if len(r.Steps) == 0 {
		r.Steps = version1.InternalParameters.BuildConfig.Steps
	}
	for _, asked := range []request{doc.Invocation.Parameters, version1.ExternalParameters.Request} {
		r.Requests = append(r.Requests, asked.Root.Request.Args, asked.Args)
	}
	return r, nil
}

// ParseProvenance reads the predicate of an SLSA provenance. Of that of another builder than BuildKit it knows the images alone.
func ParseProvenance(raw []byte) (*Provenance, error) {
	record, err := ParseBuildRecord(raw)
	if err != nil {
		return nil, err
	}
	p := &Provenance{Args: map[string]string{}}
	var frontends []string
	for _, args := range record.Requests {
		frontends = append(frontends, args["source"], args["cmdline"])
		for k, v := range args {
			if name, ok := strings.CutPrefix(k, "build-arg:"); ok {
				p.Args[name] = v
			}
		}
	}
	for _, m := range record.materials {
		if name, ok := m.image(); ok && !IsBuildTool(name.reference, frontends) {
			p.images = append(p.images, name)
		}
	}
	p.readSteps(record.Steps, record.Metadata...)
	return p, nil
}

// readSteps takes what only provenance of mode max has.
func (p *Provenance) readSteps(steps []BuildStep, metadata ...BuildMetadata) {
	first, known := firstState(steps)
	p.scratch = known && first.id == ""
	if first.id != "" {
		name := sourceName(first.identifier)
		if name.digest == "" {
			for _, m := range p.images {
				if sameReference(m.reference, name.reference) {
					name.digest = m.digest
				}
			}
		}
		p.base = &name
	}
	for _, m := range metadata {
		for _, info := range m.Source.Infos {
			if p.Dockerfile == nil && strings.EqualFold(info.Language, "Dockerfile") {
				p.Dockerfile = info.Data
			}
		}
		if p.base == nil {
			continue
		}
		for _, blobs := range m.Layers[first.id+":0"] {
			chain := make([]string, len(blobs))
			for i, b := range blobs {
				chain[i] = b.Digest
			}
			p.baseLayers = append(p.baseLayers, chain)
		}
	}
}

// image reads a material that is an image: "pkg:docker/registry.example/base/node@18?platform=linux%2Famd64".
func (m material) image() (imageName, bool) {
	purl, err := packageurl.FromString(m.URI)
	if err != nil || purl.Type != "docker" && purl.Type != "oci" {
		return imageName{}, false
	}
	name := imageName{reference: purl.Name}
	if purl.Namespace != "" {
		name.reference = purl.Namespace + "/" + purl.Name
	}
	if purl.Version != "" && !strings.Contains(purl.Version, ":") {
		name.reference += ":" + purl.Version
	}
	name.reference = shortReference(name.reference)
	if hex := m.Digest["sha256"]; hex != "" {
		name.digest = "sha256:" + hex
	}
	name.digest = cmp.Or(name.digest, purl.Qualifiers.Map()["digest"])
	return name, true
}

// sourceName reads the identifier of a step that is an image:
// "docker-image://docker.io/library/debian:12@sha256:...".
func sourceName(identifier string) imageName {
	_, rest, _ := strings.Cut(identifier, "://")
	reference, digest, _ := strings.Cut(rest, "@")
	return imageName{shortReference(reference), digest}
}

// shortReference leaves out what Docker Hub's names may leave out.
func shortReference(s string) string {
	return strings.TrimPrefix(strings.TrimPrefix(s, "docker.io/"), "library/")
}

func sameReference(a, b string) bool {
	full := func(s string) string {
		if s = shortReference(s); !strings.Contains(s[strings.LastIndexByte(s, '/')+1:], ":") {
			s += ":latest"
		}
		return s
	}
	return full(a) == full(b)
}

// IsBuildTool says whether an image takes part in a build without being built on: one of the frontends that the request names, or
// the frontends and SBOM scanners that BuildKit uses by itself.
func IsBuildTool(reference string, frontends []string) bool {
	repository := func(s string) string {
		s, _, _ = strings.Cut(shortReference(s), "@")
		if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
			s = s[:i]
		}
		return s
	}
	image := repository(reference)
	for _, f := range frontends {
		if name, _, _ := strings.Cut(f, " "); name != "" && repository(name) == image {
			return true
		}
	}
	switch image {
	case "docker/dockerfile", "docker/dockerfile-upstream", "docker/buildkit-syft-scanner", "docker/scout-sbom-indexer":
		return true
	}
	return false
}
