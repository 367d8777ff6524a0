package sbom

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidewaiter/image"
	"tidewaiter/inventory"
)

// namespace begins the names of all facts that are this program's own.
const namespace = "tidewaiter:"

// fact is what a format has no field for. A list is several facts of one name; one fact with an empty value says that
// the list, or the word, is empty although the rest of the document lets one think otherwise.
type fact struct{ name, value string }

type facts []fact

func (f *facts) add(name, value string) { *f = append(*f, fact{namespace + name, value}) }

// say adds what is not empty.
func (f *facts) say(name, value string) {
	if value != "" {
		f.add(name, value)
	}
}

// differ adds a word where the document tells another one.
func (f *facts) differ(name, value, told string) {
	if value != told {
		f.add(name, value)
	}
}

func (f *facts) differList(name string, values, told []string) {
	switch {
	case slices.Equal(values, told):
	case len(values) == 0:
		f.add(name, "")
	default:
		for _, v := range values {
			f.add(name, v)
		}
	}
}

func (f *facts) flag(name string, value bool) {
	if value {
		f.add(name, "true")
	}
}

// number adds a count, or a line, that is not 0.
func (f *facts) number(name string, n int) {
	if n != 0 {
		f.add(name, strconv.Itoa(n))
	}
}

// packageFacts gives what must be said of a package for a reader to have all of it; told is what the document's own
// fields already tell.
func packageFacts(p, told *inventory.Package, layers []image.Layer) facts {
	var f facts
	f.differ("type", p.Type, told.Type)
	f.differ("name", p.Name, told.Name)
	f.differ("version", p.Version, told.Version)
	f.differ("ecosystem", p.Ecosystem, told.Ecosystem)
	f.differ("arch", p.Arch, told.Arch)
	source, toldSource := sourceOf(p), sourceOf(told)
	if source != toldSource {
		f.add("source:name", source.Name)
		f.add("source:version", source.Version)
	}
	f.differ("modularity", p.Modularity, told.Modularity)
	f.differList("license", p.Licenses, told.Licenses)
	f.say("license:source", p.LicenseSource)
	f.say("supplier", p.Supplier)
	f.differ("vendor", p.Vendor, told.Vendor)
	f.say("origin", string(p.Origin))
	if p.Layer != nil {
		f.add("layer:index", strconv.Itoa(*p.Layer))
		if i := *p.Layer; i >= 0 && i < len(layers) {
			f.say("layer:diffID", layers[i].DiffID)
		}
	}
	f.say("layer:instruction", p.Instruction)
	f.differList("path", p.Paths, told.Paths)
	f.say("extractor", p.Extractor)
	f.flag("recognised", p.Recognised)
	f.differList("evidence", p.Evidence, nil)
	f.differ("cpe", p.CPE, told.CPE)
	f.flag("claimed", p.Claimed)
	f.flag("locked", p.Locked)
	f.differList("lockFile", p.LockFiles, nil)
	f.flag("unpublished", p.Unpublished)
	f.flag("main", p.Main)
	f.say("owner", p.Owner)
	f.differList("identity", p.Identities, nil)
	return f
}

func sourceOf(p *inventory.Package) inventory.Source {
	if p.Source == nil {
		return inventory.Source{}
	}
	return *p.Source
}

// applyTo puts facts in place of what the rest of the document told of a package.
func (f facts) applyTo(p *inventory.Package) {
	begun := map[string]bool{}
	list := func(to *[]string, it fact) {
		if !begun[it.name] {
			begun[it.name], *to = true, nil
		}
		if it.value != "" {
			*to = append(*to, it.value)
		}
	}
	for _, it := range f {
		name, ours := strings.CutPrefix(it.name, namespace)
		if !ours {
			continue
		}
		switch name {
		case "type":
			p.Type = it.value
		case "name":
			p.Name = it.value
		case "version":
			p.Version = it.value
		case "ecosystem":
			p.Ecosystem = it.value
		case "arch":
			p.Arch = it.value
		case "source:name":
			p.Source = nil
			if it.value != "" {
				p.Source = &inventory.Source{Name: it.value}
			}
		case "source:version":
			if p.Source != nil {
				p.Source.Version = it.value
			}
		case "modularity":
			p.Modularity = it.value
		case "license":
			list(&p.Licenses, it)
		case "license:source":
			p.LicenseSource = it.value
		case "supplier":
			p.Supplier = it.value
		case "vendor":
			p.Vendor = it.value
		case "origin":
			p.Origin = inventory.Origin(it.value)
		case "layer:index":
			if n, err := strconv.Atoi(it.value); err == nil && n >= 0 {
				p.Layer = &n
			}
		case "layer:instruction":
			p.Instruction = it.value
		case "path":
			list(&p.Paths, it)
		case "extractor":
			p.Extractor = it.value
		case "recognised":
			p.Recognised = it.value == "true"
		case "evidence":
			list(&p.Evidence, it)
		case "cpe":
			p.CPE = it.value
		case "claimed":
			p.Claimed = it.value == "true"
		case "locked":
			p.Locked = it.value == "true"
		case "lockFile":
			list(&p.LockFiles, it)
		case "unpublished":
			p.Unpublished = it.value == "true"
		case "main":
			p.Main = it.value == "true"
		case "owner":
			p.Owner = it.value
		case "identity":
			list(&p.Identities, it)
		}
	}
}

// imageFacts gives what is to be said of the image, its layers and its base.
func imageFacts(d *Document) facts {
	var f facts
	im := d.Image
	f.say("image:reference", im.Reference)
	f.say("image:digest", im.Digest)
	f.say("image:id", im.ID)
	f.say("image:platform", im.Platform.String())
	if !im.Created.IsZero() {
		f.add("image:created", im.Created.UTC().Format(time.RFC3339Nano))
	}
	for i, l := range im.Layers {
		at := fmt.Sprintf("layer:%d:", i)
		f.add(at+"diffID", l.DiffID)
		f.say(at+"digest", l.Digest)
		if l.Size >= 0 {
			f.add(at+"size", strconv.FormatInt(l.Size, 10))
		}
		f.say(at+"instruction", l.Instruction)
		f.number(at+"dockerfileLine", l.DockerfileLine)
	}
	if b := d.Inventory.Base; b != nil {
		f.say("base:reference", b.Reference)
		f.say("base:digest", b.Digest)
		f.number("base:layers", b.Layers)
		f.number("base:dockerfileLine", b.DockerfileLine)
		f.say("base:evidence", string(b.Evidence))
		f.say("base:sure", string(b.Sure))
		f.say("base:caveat", b.Caveat)
	}
	return f
}

// applyToImage takes over what facts say of the image, its layers and its base.
func (f facts) applyToImage(d *Document) {
	im := d.Image
	for _, it := range f {
		name, ours := strings.CutPrefix(it.name, namespace)
		if !ours {
			continue
		}
		switch kind, what, _ := strings.Cut(name, ":"); kind {
		case "image":
			setImage(im, what, it.value)
		case "layer":
			setLayer(im, what, it.value)
		case "base":
			if d.Inventory.Base == nil {
				d.Inventory.Base = &inventory.Base{}
			}
			setBase(d.Inventory.Base, what, it.value)
		}
	}
}

func setImage(im *image.Image, what, value string) {
	switch what {
	case "reference":
		im.Reference = value
	case "digest":
		im.Digest = value
	case "id":
		im.ID = value
	case "platform":
		im.Platform = platform(value)
	case "created":
		if t, err := time.Parse(time.RFC3339Nano, value); err == nil {
			im.Created = t.UTC()
		}
	}
}

// platform reads os/arch or os/arch/variant.
func platform(s string) image.Platform {
	parts := append(strings.SplitN(s, "/", 3), "", "")
	return image.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
}

// setLayer reads a fact of one layer, N:what. Layers come in their order, each with its diffID first.
func setLayer(im *image.Image, name, value string) {
	number, what, _ := strings.Cut(name, ":")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > len(im.Layers) || n >= maxLayers {
		return
	}
	if n == len(im.Layers) {
		im.Layers = append(im.Layers, image.Layer{Index: n, Size: -1})
	}
	l := &im.Layers[n]
	switch what {
	case "diffID":
		l.DiffID = value
	case "digest":
		l.Digest = value
	case "size":
		if size, err := strconv.ParseInt(value, 10, 64); err == nil && size >= 0 {
			l.Size = size
		}
	case "instruction":
		l.Instruction = value
	case "dockerfileLine":
		l.DockerfileLine = atLeastZero(value)
	}
}

// atLeastZero reads a count; what is none is 0.
func atLeastZero(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

func setBase(b *inventory.Base, what, value string) {
	switch what {
	case "reference":
		b.Reference = value
	case "digest":
		b.Digest = value
	case "layers":
		b.Layers = atLeastZero(value)
	case "dockerfileLine":
		b.DockerfileLine = atLeastZero(value)
	case "caveat":
		b.Caveat = value
	case "evidence":
		b.Evidence = inventory.BaseEvidence(value)
	case "sure":
		b.Sure = inventory.Sureness(value)
	}
}

// osFacts gives what the fields for an operating system's name and version do not.
func osFacts(os inventory.OS) facts {
	var f facts
	f.add("os:id", os.ID)
	f.say("os:versionID", os.VersionID)
	f.say("os:name", os.Name)
	f.say("os:codename", os.Codename)
	f.say("os:cpe", os.CPE)
	return f
}

// blindSpotFacts gives each blind spot as JSON.
func blindSpotFacts(spots []image.BlindSpot) facts {
	var f facts
	for _, s := range spots {
		if b, err := json.Marshal(s); err == nil {
			f.add("blindSpot", string(b))
		}
	}
	return f
}

func (f facts) blindSpots() []image.BlindSpot {
	var spots []image.BlindSpot
	for _, it := range f {
		var s image.BlindSpot
		if it.name == namespace+"blindSpot" && json.Unmarshal([]byte(it.value), &s) == nil && s.Message != "" {
			spots = append(spots, s)
		}
	}
	return spots
}

// first gives the value of the first fact that has one of the names.
func (f facts) first(names ...string) string {
	for _, name := range names {
		for _, it := range f {
			if it.name == name && it.value != "" {
				return it.value
			}
		}
	}
	return ""
}
