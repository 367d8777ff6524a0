package declared

import (
	"cmp"
	"fmt"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// findBase says how many of the lowest layers are the base's, as far as anything but the history tells.
func (m *model) findBase() {
	m.baseLayers = -1
	b := m.Inventory.Base
	switch {
	case m.root.image == "scratch":
		m.baseLayers = 0
	case b != nil && b.Layers > 0 && b.Sure == inventory.Exact && (b.Evidence == inventory.FromProvenance || b.Evidence == inventory.FromAnnotations):
		m.baseLayers = b.Layers
	case m.baseMade() > 0:
		m.baseLayers = m.baseMade()
	case b != nil && b.Layers > 0 && m.isDeclaredBase(b.Reference): // labels and known layers may be those of the base's base
		m.baseLayers = b.Layers
	}
}

// baseMade is how many of the lowest layers are the base's by the builder's own account.
func (m *model) baseMade() int {
	n := 0
	for m.made[n].base {
		n++
	}
	return n
}

// knownBase gives the known image that the base is, with its config; nil where there is none.
func (m *model) knownBase() *inventory.KnownBase {
	b := m.Inventory.Base
	if b == nil || b.Sure != inventory.Exact || b.Layers != m.baseLayers {
		return nil
	}
	var found *inventory.KnownBase
	for i := range m.Known {
		k := &m.Known[i]
		if k.Process == nil || len(k.DiffIDs) != b.Layers || !m.isUnder(k) {
			continue
		}
		if b.Digest != "" && (k.Digest == b.Digest || k.Index == b.Digest) {
			return k
		}
		if found == nil || inventory.CompareKnownBases(*k, *found) < 0 {
			found = k
		}
	}
	return found
}

// isUnder says whether a known image's layers are the lowest ones of the image.
func (m *model) isUnder(k *inventory.KnownBase) bool {
	if len(k.DiffIDs) > len(m.Layers) {
		return false
	}
	for i, id := range k.DiffIDs {
		if m.Layers[i].DiffID != id {
			return false
		}
	}
	return true
}

// isDeclaredBase says whether a name is what FROM names.
func (m *model) isDeclaredBase(reference string) bool {
	return reference != "" && shortName(reference) == shortName(m.root.image)
}

// shortName leaves out of an image's name what may be left out, and the digest.
func shortName(name string) string {
	name, _, _ = strings.Cut(name, "@")
	name = strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/")
	if !strings.Contains(name[strings.LastIndexByte(name, '/')+1:], ":") {
		name += ":latest"
	}
	return name
}

// judgeBase says whether the base is the one that FROM names.
func (m *model) judgeBase() {
	from := m.root.from
	o := m.outcome(from)
	o.files = 0
	switch why, actual := m.otherBase(); {
	case why != "" && m.root.unsure:
		o.untold = true
		o.note("the build may have been given another base than " + bounded(m.root.image) + ": " + why)
	case why != "":
		m.differ(from, -1, trust.Undeclared{Kind: trust.OtherBase, Subject: "FROM", Declared: bounded(m.root.image), Actual: bounded(actual), Why: why})
	default:
		o.note(m.baseNote())
	}
}

// otherBase says why the base is another one than FROM names; nothing where nothing says so.
func (m *model) otherBase() (why, actual string) {
	name := m.root.image
	if name == "scratch" {
		return m.notScratch()
	}
	if m.Build != nil {
		if at, ok := m.Build.Contexts[m.root.image]; ok {
			name = at // the build was told what stands for the name
		}
	}
	b := m.Inventory.Base
	_, digest, pinned := strings.Cut(name, "@")
	platform := m.Image.Platform.String()
	var sameName *inventory.KnownBase
	for i := range m.Known {
		k := &m.Known[i]
		if pinned && (k.Digest == digest || k.Index == digest && k.Platform == platform) && !m.isUnder(k) {
			return "the image that FROM pins is known, and its layers are not the lowest ones of this image", m.actualBase()
		}
		if shortName(k.Reference) == shortName(name) && (k.Platform == "" || k.Platform == platform) {
			if m.isUnder(k) {
				return "", ""
			}
			sameName = k
		}
	}
	switch {
	case b != nil && b.Sure == inventory.Contradicted:
		return b.Caveat, m.actualBase()
	case m.Build != nil && m.baseReplaced():
		return "the lowest layers are not those of the base that the builder began with", m.actualBase()
	case sameName != nil && sameName.OS.ID != "" && (sameName.OS.ID != m.Inventory.OS.ID || sameName.OS.VersionID != m.Inventory.OS.VersionID):
		return "the known image of that name is " + cmp.Or(sameName.OS.Name, sameName.OS.ID) + ", and this is " + cmp.Or(m.Inventory.OS.Name, "of no distribution"), m.actualBase()
	}
	if want := distributionOf(name); want.id != "" && !want.fits(m.Inventory.OS) && m.Inventory.OS.ID != "" {
		return "FROM names " + want.String() + ", and the image is " + cmp.Or(m.Inventory.OS.Name, m.Inventory.OS.ID), m.actualBase()
	}
	return "", ""
}

// notScratch says why an image that was to begin with nothing has more layers than instructions.
func (m *model) notScratch() (why, actual string) {
	if b := m.Inventory.Base; b != nil && b.Layers > 0 && b.Sure == inventory.Exact {
		return "FROM names no image, and the lowest layers are those of a known one", cmp.Or(b.Reference, b.Digest)
	}
	return "", ""
}

// baseReplaced says whether the builder says of its base which layers it has, and of other layers of the image that it made them, but the
// lowest ones are not the base's.
func (m *model) baseReplaced() bool {
	if len(m.made) == 0 {
		return false
	}
	base := 0
	for at, chains := range m.Build.layers {
		id, _, _ := strings.Cut(at, ":")
		if s := m.Build.byID[id]; s != nil && s.Op.Op.Source != nil && len(chains) > 0 {
			base = max(base, len(chains[0]))
		}
	}
	return base > 0 && !m.made[0].base
}

// actualBase is what is known of the base that there is.
func (m *model) actualBase() string {
	if b := m.Inventory.Base; b != nil && b.Sure == inventory.Exact {
		return cmp.Or(b.Reference, b.Digest)
	}
	return cmp.Or(m.Inventory.OS.Name, m.Inventory.OS.ID)
}

// baseNote says what the verdict on the base rests on.
func (m *model) baseNote() string {
	o := m.outcome(m.root.from)
	b := m.Inventory.Base
	switch {
	case m.root.image == "scratch":
		return ""
	case m.root.image == "" || strings.Contains(m.root.image, unknown):
		o.untold = true
		return "which image it names depends on an argument of the build"
	case b != nil && b.Sure == inventory.Exact && (m.isDeclaredBase(b.Reference) || b.Evidence != inventory.FromChain):
		return "its layers are those of the known " + bounded(cmp.Or(b.Reference, b.Digest))
	case m.baseMade() > 0:
		if m.Build.Attested != trust.Verified {
			return "its layers are those that the provenance names, which is " + m.Build.Attested.Words()
		}
		return "its layers are those that the provenance names"
	}
	if want := distributionOf(m.root.image); want.id != "" && m.Inventory.OS.ID != "" {
		o.note("only its distribution was compared: " + cmp.Or(m.Inventory.OS.Name, m.Inventory.OS.ID))
	} else {
		o.untold = true
		o.note("nothing known tells which layers it has: tidewaiter base add makes an image known")
	}
	if m.baseLayers > 0 {
		o.note(fmt.Sprintf("%s, which no instruction explains, taken for it", lowestLayers(m.baseLayers)))
	}
	return ""
}

func lowestLayers(n int) string {
	if n == 1 {
		return "the lowest layer"
	}
	return fmt.Sprintf("the lowest %d layers", n)
}

// distribution is what an image's name promises.
type distribution struct{ id, version, codename string }

func (d distribution) String() string {
	return strings.TrimSpace(d.id + " " + cmp.Or(d.version, d.codename))
}

// fits says whether an os-release is of it. A version promises as many of its parts as it has.
func (d distribution) fits(os inventory.OS) bool {
	if d.id != os.ID && d.id != "" {
		return false
	}
	if d.codename != "" && os.Codename != "" {
		return d.codename == os.Codename
	}
	return d.version == "" || os.VersionID == "" || os.VersionID == d.version || strings.HasPrefix(os.VersionID, d.version+".") || strings.HasPrefix(d.version, os.VersionID+".")
}

// distributionOf reads the name of an image: the official images of distributions are called after them, and tags of others say which
// distribution they stand on by its codename.
func distributionOf(name string) distribution {
	short := shortName(name)
	repository, tag := short, ""
	if i := strings.LastIndexByte(short, ':'); i > 0 {
		repository, tag = short[:i], short[i+1:]
	}
	base := repository[strings.LastIndexByte(repository, '/')+1:]
	var d distribution
	switch base {
	case "debian", "ubuntu", "alpine", "fedora", "rocky", "almalinux":
		d.id = base
	case "rockylinux":
		d.id = "rocky"
	case "amazonlinux":
		d.id = "amzn"
	case "oraclelinux":
		d.id = "ol"
	case "archlinux":
		d.id = "arch"
	case "centos":
		d.id = "centos"
	case "photon":
		d.id = "photon"
	case "ubi8", "ubi8-minimal", "ubi9", "ubi9-minimal", "ubi10", "ubi10-minimal":
		return distribution{id: "rhel", version: strings.TrimSuffix(strings.TrimPrefix(base, "ubi"), "-minimal")}
	}
	words := strings.Split(tag, "-")
	if d.id != "" && words[0] != "" && words[0][0] >= '0' && words[0][0] <= '9' {
		d.version = words[0]
	}
	for _, w := range words {
		if id, ok := codenames()[w]; ok && (d.id == "" || d.id == id) {
			d.id, d.codename = id, w
		}
		if version, ok := strings.CutPrefix(w, "alpine"); ok && d.id == "" {
			d.id, d.version = "alpine", version
		}
	}
	return d
}

// codenames are those of releases that images' tags are called after.
func codenames() map[string]string {
	return map[string]string{
		"jessie": "debian", "stretch": "debian", "buster": "debian", "bullseye": "debian", "bookworm": "debian", "trixie": "debian", "forky": "debian", "sid": "debian",
		"trusty": "ubuntu", "xenial": "ubuntu", "bionic": "ubuntu", "focal": "ubuntu", "jammy": "ubuntu", "noble": "ubuntu",
	}
}
