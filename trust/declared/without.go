package declared

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// withoutLayer judges the instructions that should have left files and have no layer of their own: what they do must be aboard.
func (m *model) withoutLayer() {
	if len(m.history) > 0 && m.firstFit() == len(m.history) && m.nothingFits() {
		m.result.Differences = append(m.result.Differences, trust.Undeclared{Kind: trust.InstructionWithout, Line: m.root.from.line, Subject: "Dockerfile",
			Why: fmt.Sprintf("none of its %d instructions is in the image's history or layers: it is another image's, or the history was taken away", len(m.chain))})
		return
	}
	for i, c := range m.chain {
		o := m.outcome(c)
		if !c.makesFiles() || o.layer >= 0 || c.kind == "WORKDIR" {
			continue
		}
		told := m.stepOf[i] >= 0
		switch missing, known := m.missingOf(c); {
		case missing != "":
			m.differ(c, -1, trust.Undeclared{Kind: trust.InstructionWithout, Subject: c.kind, Declared: c.text(), Why: "it made no layer, and " + missing + " is not aboard"})
		case !told && m.fits && len(m.history) > 0:
			m.differ(c, -1, trust.Undeclared{Kind: trust.InstructionWithout, Subject: c.kind, Declared: c.text(), Why: "neither the history nor a layer tells of it"})
		case known:
			o.note("it made no layer, and what it makes is aboard")
		default:
			o.untold = true
			o.note("it made no layer: whether it ran cannot be told")
		}
	}
}

// nothingFits says whether no layer was found for any instruction either.
func (m *model) nothingFits() bool {
	return !slices.ContainsFunc(m.groups, func(g *group) bool { return g != nil && !g.none })
}

// missingOf gives something that an instruction makes and that is not aboard. known is false where nothing can be looked for.
func (m *model) missingOf(c *command) (missing string, known bool) {
	switch c.kind {
	case "COPY", "ADD":
		return m.missingCopy(c)
	case "RUN":
		return m.missingRun(c)
	}
	return "", false
}

func (m *model) missingCopy(c *command) (missing string, known bool) {
	e := m.expect(c, view{isDir: m.isDir, wrote: func(string) bool { return false }, real: m.real})
	for _, at := range slices.Sorted(maps.Keys(e.files)) {
		if e.files[at].optional {
			continue
		}
		if m.lstat(at) == nil && !m.everWritten(at) {
			return "/" + at, true
		}
		known = true
	}
	if known {
		return "", true
	}
	dest := c.dest
	if !path.IsAbs(dest) {
		dest = path.Join(c.context.workdir, dest)
	}
	if dest = strings.Trim(path.Clean(dest), "/"); strings.Contains(dest, unknown) {
		return "", false
	}
	for _, source := range c.sources {
		base := path.Base("/" + source)
		if source == "." || base == "/" || strings.ContainsAny(base, "*?[") || strings.Contains(base, unknown) || hasFlag(c, "from") || c.isSet("parents") {
			continue
		}
		if ext := path.Ext(base); ext != "" && ext != base && len(ext) <= 6 { // by its name it is a file
			at := path.Join(dest, base)
			if !strings.HasSuffix(c.dest, "/") && c.dest != "." && len(c.sources) == 1 && !m.isDir(dest) {
				at = dest
			}
			if m.lstat(m.real(at)) == nil && !m.everWritten(at) {
				return "/" + at, true
			}
			known = true
		}
	}
	if !known && dest != "" && m.lstat(m.real(dest)) == nil && !m.everWritten(dest) {
		return "/" + dest, true
	}
	return "", known
}

// everWritten says whether any layer above the base had a file at a path, or below it: a later instruction may have taken it away.
func (m *model) everWritten(at string) bool {
	if m.written == nil {
		m.written = map[string]bool{}
		for i := max(m.baseLayers, 0); i < len(m.deltas); i++ {
			for _, d := range m.deltas[i] {
				for p := d.path; p != "." && !m.written[p]; p = path.Dir(p) {
					m.written[p] = true
				}
			}
		}
	}
	return m.written[at]
}

// missingRun looks for the packages that a RUN names.
func (m *model) missingRun(c *command) (missing string, known bool) {
	e := m.effectsOf(c)
	if len(e.untold) > 0 {
		return "", false
	}
	aboard := map[string]bool{}
	for i := range m.Inventory.Packages {
		p := &m.Inventory.Packages[i]
		aboard[p.Type+" "+p.Name] = true
		for _, name := range p.Provides {
			aboard[p.Type+" "+name] = true
		}
	}
	removed := slices.ContainsFunc(m.Inventory.Changes, func(ch inventory.Change) bool { return ch.Removed })
	for _, i := range e.installs {
		if i.any || takesOrphansAway(c) || i.purl == "rpm" {
			continue
		}
		for _, name := range i.names {
			if strings.Contains(name, unknown) || removed {
				continue
			}
			if known = true; !aboard[i.purl+" "+name] {
				return "the package " + name, true
			}
		}
	}
	for _, p := range e.places {
		if p.tree || strings.Contains(p.path, unknown) || strings.HasPrefix(p.path, "tmp/") || strings.HasPrefix(p.path, "root/") || strings.Contains(c.script(), "rm ") {
			continue
		}
		if m.lstat(p.path) != nil {
			known = true
		}
	}
	return "", known || len(e.places)+len(e.installs) == 0 && len(e.modes) == 0
}

// notMade names the layers that the builder says nothing of, although it does of others: whatever the history tells, it did not make them.
func (m *model) notMade() {
	if m.Build == nil || m.mayBeRewritten() {
		return
	}
	for i := range m.Layers {
		_, known := m.made[i]
		if known || i < m.baseLayers || m.groups[i] == nil || m.groups[i].none || len(m.deltas[i]) == 0 {
			continue
		}
		m.differ(m.commandOf(i), i, trust.Undeclared{Kind: trust.LayerWithout, Subject: fmt.Sprintf("layer %d", i), Actual: m.Image.Layers[i].Digest,
			Why: "the builder recorded the blobs of the layers that it made, and this is none of them"})
	}
}

// mayBeRewritten says whether the layers' blobs may have become others after the build by right: none of them, apart from empty ones, is
// one that the builder recorded, or the build set all times to one, for which BuildKit may write layers anew.
func (m *model) mayBeRewritten() bool {
	if _, ok := m.Build.Args["SOURCE_DATE_EPOCH"]; ok {
		return true
	}
	same := true
	for _, h := range m.Image.History[m.firstFit():] {
		same = same && h.Created.Equal(m.Image.Created)
	}
	recorded := false
	for i, by := range m.made {
		recorded = recorded || !by.base && len(m.deltas[i]) > 0
	}
	return same || !recorded
}

// compareConfig holds the image's config against the instructions that set it.
func (m *model) compareConfig() {
	declared := declaredSettings(m.chain, m.target, m.file.escape)
	actual := actualSettings(m.Image)
	inherited, told := m.settingsOfBase()
	var labels, untold []string
	for _, name := range names(declared, actual, inherited) {
		d, isDeclared := declared[name]
		a, is := actual[name]
		switch {
		case isDeclared:
			m.compareSetting(name, d, a, is)
		case !is:
			if b := inherited[name]; told && m.mustInherit(name, b) {
				m.differ(nil, -1, trust.Undeclared{Kind: trust.OtherConfig, Subject: name, Declared: side(b.text), Why: "the base sets it, and the image does not"})
			}
		case m.isOfBase(name, a, inherited):
		case strings.HasPrefix(name, "LABEL "):
			if m.Build == nil || m.Build.Labels[name[len("LABEL "):]] != a.text {
				labels = append(labels, name[len("LABEL "):])
			}
		case told:
			m.differ(nil, -1, trust.Undeclared{Kind: trust.OtherConfig, Subject: name, Actual: side(a.text), Why: "neither the Dockerfile nor its base sets it"})
		case name != "CMD" && name != "ENV PATH":
			untold = append(untold, name)
		}
	}
	if len(labels) > 0 && told {
		m.say("labels that the Dockerfile does not set, of the build or the base: " + quoteList(labels))
	}
	if len(untold) > 0 {
		m.say("of the base, or added: nothing tells which for " + quoteList(untold))
	}
}

// settingsOfBase are what the base sets: by its own config, where the base is known, or else by the history. told is false where what they do
// not have may be the base's nevertheless.
func (m *model) settingsOfBase() (inherited settings, told bool) {
	if m.root.image == "scratch" {
		return settings{}, true
	}
	inherited, told = inheritedSettings(m.history[:m.firstFit()])
	if m.firstFit() == len(m.history) {
		told = false
	}
	k := m.knownBase()
	if k == nil {
		return inherited, told
	}
	known := actualSettings(&image.Image{Process: k.Process})
	for name, s := range inherited { // of labels, only the history tells
		if strings.HasPrefix(name, "LABEL ") {
			known[name] = s
		}
	}
	return known, true
}

// mustInherit says whether what the base sets is in every image that is built on it and does not set it anew. What only the history tells
// of the base counts where it cannot be misread.
func (m *model) mustInherit(name string, base setting) bool {
	switch {
	case len(bare(base.text)) == 0 || base.text == "null":
		return false
	case m.knownBase() != nil:
		return name != "ONBUILD" && name != "SHELL" && name != "CMD" && !strings.HasPrefix(name, "LABEL ")
	}
	return name == "USER" || name == "ENTRYPOINT"
}

// isOfBase says whether a setting that the Dockerfile does not have is the base's, or every builder's.
func (m *model) isOfBase(name string, a setting, inherited settings) bool {
	if b, ok := inherited[name]; ok && alike(name, a.text, b.text) {
		return true
	}
	if variable, ok := strings.CutPrefix(name, "ENV "); ok && m.knownBase() == nil && m.toldOfBase(variable, a.text) {
		return true
	}
	switch name {
	case "ENV PATH":
		return a.text == defaultPath
	case "WORKDIR":
		return a.text == "/"
	case "SHELL":
		return a.text == `["/bin/sh","-c"]`
	case "LABEL io.buildah.version", "LABEL io.balena.architecture":
		return true
	}
	return false
}

// toldOfBase says whether the history tells that the base sets a variable to a value: where a value ends is not marked there.
func (m *model) toldOfBase(variable, text string) bool {
	return slices.ContainsFunc(m.history[:m.firstFit()], func(e entry) bool {
		plain := strings.NewReplacer(`"`, "", `'`, "", `\`, "").Replace(e.text)
		return e.kind == "ENV" && (strings.Contains(" "+plain+" ", " "+variable+"="+text+" ") || plain == variable+" "+text)
	})
}

// side is a setting's value as a difference has it; of those that only are there or not, it is nothing.
func side(text string) string {
	if text == isSet {
		return ""
	}
	return bounded(text)
}

// compareSetting holds one setting against the instruction that sets it.
func (m *model) compareSetting(name string, d, a setting, is bool) {
	if d.text == a.text {
		return
	}
	if label, ok := strings.CutPrefix(name, "LABEL "); ok && m.Build != nil {
		if given, ok := m.Build.Labels[label]; ok && given == a.text {
			return // the build set it over the Dockerfile
		}
	}
	if d.unsure && (matches(d.pattern, a.text) || name == "CMD" && d.text == "" && m.cmdOfBase(a.text)) {
		if name != "CMD" || d.text != "" {
			m.outcome(d.command).note(name + " depends on what the build was given, or on the base")
		}
		return
	}
	why := "the image has another value than the instruction sets"
	switch {
	case !is:
		why = "the instruction sets it, and the image does not have it"
	case d.text == "":
		why = "the instruction takes it back, and the image has it"
	}
	m.differ(d.command, -1, trust.Undeclared{Kind: trust.OtherConfig, Subject: name, Declared: side(d.text), Actual: side(a.text), Why: why})
}

// cmdOfBase says whether a CMD that ENTRYPOINT should have taken back may be the base's own, which some builders leave.
func (m *model) cmdOfBase(text string) bool {
	inherited, told := m.settingsOfBase()
	return text == "" || !told || alike("CMD", text, inherited["CMD"].text)
}
