package declared

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// Build is what a BuildKit provenance of mode max tells of how an image was built. That it is true, its attestation's status says.
type Build struct {
	// Attested is the status of the provenance, Where the digest of its document.
	Attested trust.Status
	Where    string
	// Dockerfile is the one that was built; nil where the provenance does not carry it.
	Dockerfile []byte
	// Args are the build arguments that were given, Labels those that were set by the build and not by the Dockerfile, Contexts the
	// images and directories that stood for names, and Target the stage that was asked for; empty for the last.
	Args, Labels, Contexts map[string]string
	Target                 string

	steps []step
	byID  map[string]*step
	lines map[string]int // of the Dockerfile, by step
	// layers are, by step and output, the blobs that make up what the step left, once for each compression.
	layers map[string][][]string
}

type step = inventory.BuildStep

// ReadBuild takes from an image's attestations the provenance to go by: one that is verified before others, one that carries the
// Dockerfile before one that does not. It is nil where there is none that tells anything of a build with a Dockerfile.
func ReadBuild(list []trust.Attestation) *Build {
	var best *Build
	for i := range list {
		a := &list[i]
		if a.Status == trust.Broken || a.Statement == nil || !inventory.IsProvenance(a.PredicateType) {
			continue
		}
		b, err := parseBuild(a.Statement.Predicate)
		if err != nil || b.Dockerfile == nil && len(b.Args) == 0 && len(b.steps) == 0 {
			continue
		}
		b.Attested, b.Where = a.Status, cmp.Or(a.Found.Blob, a.Found.Manifest)
		if best == nil || b.compare(best) < 0 {
			best = b
		}
	}
	return best
}

// compare puts first what is believed most, and then what tells most.
func (b *Build) compare(other *Build) int {
	rank := func(b *Build) int {
		r := 8 * slices.Index([]trust.Status{trust.Verified, trust.Stranger, trust.Unsigned}, b.Attested)
		if b.Dockerfile == nil {
			r += 2
		}
		if len(b.layers) == 0 {
			r++
		}
		return r
	}
	return cmp.Or(cmp.Compare(rank(b), rank(other)), cmp.Compare(b.Where, other.Where))
}

func parseBuild(predicate []byte) (*Build, error) {
	record, err := inventory.ParseBuildRecord(predicate)
	if err != nil {
		return nil, err
	}
	b := &Build{steps: record.Steps, Args: map[string]string{}, Labels: map[string]string{}, Contexts: map[string]string{}, byID: map[string]*step{}, lines: map[string]int{}, layers: map[string][][]string{}}
	for _, args := range record.Requests {
		b.readArgs(args)
	}
	for i := range b.steps {
		b.byID[b.steps[i].ID] = &b.steps[i]
	}
	for _, m := range record.Metadata {
		b.readMetadata(m)
	}
	return b, nil
}

func (b *Build) readArgs(args map[string]string) {
	for k, v := range args {
		kind, name, ok := strings.Cut(k, ":")
		switch {
		case k == "target":
			b.Target = v
		case !ok:
		case kind == "build-arg":
			b.Args[name] = v
		case kind == "label":
			b.Labels[name] = v
		case kind == "context":
			name, _, _ = strings.Cut(name, "::") // of one platform
			b.Contexts[name] = v
		}
	}
}

func (b *Build) readMetadata(m inventory.BuildMetadata) {
	for _, info := range m.Source.Infos {
		if b.Dockerfile == nil && strings.EqualFold(info.Language, "Dockerfile") {
			b.Dockerfile = info.Data
		}
	}
	for id, at := range m.Source.Locations {
		for _, l := range at.Locations {
			if l.SourceIndex == 0 && len(l.Ranges) > 0 && b.lines[id] == 0 {
				b.lines[id] = l.Ranges[0].Start.Line
			}
		}
	}
	for at, chains := range m.Layers {
		for _, blobs := range chains {
			chain := make([]string, len(blobs))
			for i, blob := range blobs {
				chain[i] = blob.Digest
			}
			b.layers[at] = append(b.layers[at], chain)
		}
	}
}

// end is the output that the build made the image of, "step6:0"; empty where that is not told.
func (b *Build) end() string {
	if len(b.steps) == 0 {
		return ""
	}
	last := &b.steps[len(b.steps)-1]
	op := &last.Op.Op
	if op.Source == nil && op.Exec == nil && op.File == nil && op.Merge == nil && len(last.Inputs) > 0 {
		return last.Inputs[0]
	}
	return last.ID + ":0"
}

// made is what the provenance tells of one layer of the image.
type made struct {
	// line is that of the instruction that the builder made the layer for; 0 where it is the base's, or is not told.
	line int
	// base says that it is one of the image that the build began with.
	base bool
}

// layersMade tells which of an image's layers the builder says it made, by their blobs. It is empty for an image whose layers were compressed
// anew since.
func (b *Build) layersMade(im *image.Image) map[int]made {
	layers := map[int]made{}
	end := b.end()
	var chain []string
	most := 0
	for _, c := range b.layers[end] {
		if n := shared(c, im); n > most || chain == nil {
			chain, most = c, n
		}
	}
	if most == 0 {
		return layers
	}
	lineOf := map[string]int{} // by the chain up to a layer
	baseUpTo := 0
	for at, chains := range b.layers {
		id, _, _ := strings.Cut(at, ":")
		for _, c := range chains {
			if len(c) > len(chain) || !slices.Equal(c, chain[:len(c)]) || len(c) == 0 {
				continue
			}
			if s := b.byID[id]; s != nil && s.Op.Op.Source != nil {
				baseUpTo = max(baseUpTo, len(c))
			} else if line := b.lines[id]; line > 0 {
				key := strconv.Itoa(len(c))
				if lineOf[key] == 0 || line < lineOf[key] {
					lineOf[key] = line
				}
			}
		}
	}
	next := 0 // in the chain
	for i, l := range im.Layers {
		at := slices.Index(chain[next:], l.Digest)
		if at < 0 {
			continue
		}
		at += next
		next = at + 1
		layers[i] = made{line: lineOf[strconv.Itoa(at+1)], base: at < baseUpTo}
	}
	return layers
}

// shared counts the blobs of a chain that are an image's layers.
func shared(chain []string, im *image.Image) int {
	n := 0
	for _, l := range im.Layers {
		if l.Digest != "" && slices.Contains(chain, l.Digest) {
			n++
		}
	}
	return n
}

// sourceOf follows what COPY --from copied: the line of the instruction that left the file system which it was copied from, or the image's
// name. Both are empty where the steps do not tell.
func (b *Build) sourceOf(line int) (from int, image string) {
	for i := range b.steps {
		s := &b.steps[i]
		if b.lines[s.ID] != line || s.Op.Op.File == nil {
			continue
		}
		for _, a := range s.Op.Op.File.Actions {
			if a.Secondary < 0 || a.Secondary >= len(s.Inputs) {
				continue
			}
			id, _, _ := strings.Cut(s.Inputs[a.Secondary], ":")
			origin := b.byID[id]
			if origin == nil {
				continue
			}
			if src := origin.Op.Op.Source; src != nil {
				_, image, _ = strings.Cut(src.Identifier, "://")
				return 0, image
			}
			if at := b.lines[id]; at > 0 {
				return at, ""
			}
		}
	}
	return 0, ""
}
