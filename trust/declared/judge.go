package declared

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/trust"
)

// maxNamed bounds how many files of one layer are named one by one; the rest is counted.
const maxNamed = 50

// judgeLayers holds each layer above the base against the instructions that explain it.
func (m *model) judgeLayers() {
	for i, g := range m.groups {
		if g == nil {
			continue
		}
		if g.none {
			m.layerWithout(i)
			continue
		}
		if g.withBase = g.squashed && i == 0 && m.root.image != "scratch"; g.withBase {
			o := m.outcome(m.root.from)
			o.untold, o.notes = true, nil
			o.note("one layer holds the base and what was made of it: what the base brought cannot be told apart")
		}
		if m.Image.Layers[i].Unreadable || m.cutShort(i) {
			for _, c := range g.commands {
				m.outcome(c).untold = true
				m.outcome(c).note("its layer could not be read, or not all of it")
			}
		}
		j := m.newJudge(i, g)
		for k := range m.deltas[i] {
			j.file(&m.deltas[i][k])
		}
		j.missing()
		j.packages()
		j.sumUp()
	}
}

// cutShort says whether only a part of a layer was read: what is missing of it may be what was declared.
func (m *model) cutShort(index int) bool {
	return slices.ContainsFunc(m.Layers[index].BlindSpots, func(s image.BlindSpot) bool { return s.Kind == image.LimitReached && s.Where == "" })
}

// layerWithout names a layer that no instruction made, and what it brings.
func (m *model) layerWithout(index int) {
	var files []string
	for i := range m.deltas[index] {
		d := &m.deltas[index][i]
		switch {
		case d.gone:
			files = append(files, "removes /"+d.path)
		case d.before != nil:
			files = append(files, "changes /"+d.path)
		default:
			files = append(files, "adds /"+d.path)
		}
	}
	what := "it is empty"
	if len(files) > 0 {
		what = "it " + strings.Join(files[:min(3, len(files))], ", ")
		if more := len(files) - 3; more > 0 {
			what += fmt.Sprintf(" and %d more", more)
		}
	}
	said := ""
	if index < len(m.Image.Layers) {
		said = m.Image.Layers[index].Instruction
	}
	m.differ(nil, index, trust.Undeclared{Kind: trust.LayerWithout, Subject: fmt.Sprintf("layer %d", index), Actual: bounded(said),
		Why: "no instruction of the Dockerfile made this layer: " + what})
	for _, p := range m.broughtBy(index) {
		m.differ(nil, index, trust.Undeclared{Kind: trust.UndeclaredPackage, Subject: subjectOf(p.Package), Actual: p.Version, Why: "it came with a layer that no instruction made"})
	}
	for i := range m.deltas[index] {
		d := &m.deltas[index][i]
		if d.gone || len(m.deltas[index]) > maxNamed && d.before == nil && !isProgram(d.file) {
			continue
		}
		m.differ(nil, index, trust.Undeclared{Kind: trust.UnexplainedFile, Subject: "/" + d.path, Actual: describe(d), Why: "it came with a layer that no instruction made"})
	}
}

func subjectOf(p *inventory.Package) string {
	if p.PURL != "" {
		return p.PURL
	}
	return p.Type + " " + p.Name + " " + p.Version
}

// judge is one layer being judged.
type judge struct {
	*model
	index  int
	group  *group
	copies []copied
	runs   []*command
	// wants are the files that were copied, by path; loose, places and modes are the places of COPYs and RUNs, numbered as in copies and runs.
	wants                map[string]wanted
	loose, places, modes placeSet
	// last is the instruction that made the layer.
	last *command
	// installs says that a package manager of the distribution ran.
	installs bool
	named    int // files named one by one
	unnamed  map[*command]int
	// brought are the layer's packages, called what those of the distribution may call files after.
	brought []packageCopy
	called  map[string]bool
	// dirs are the directories just below /etc that they have files in.
	dirs map[string]bool
}

// copied is a COPY or ADD of the group, with what it should have put there.
type copied struct {
	command  *command
	expected *expected
}

// wanted is a file that one of the copies put somewhere.
type wanted struct {
	*want
	number int
}

func (m *model) newJudge(index int, g *group) *judge {
	j := &judge{model: m, index: index, group: g, unnamed: map[*command]int{}, last: g.commands[len(g.commands)-1], brought: m.broughtBy(index), called: map[string]bool{}, dirs: map[string]bool{}, wants: map[string]wanted{}}
	v := m.viewOf(index)
	for _, c := range g.commands {
		switch c.kind {
		case "COPY", "ADD":
			e := m.expect(c, v)
			for at, w := range e.files {
				j.wants[at] = wanted{w, len(j.copies)}
			}
			j.loose.add(e.loose, len(j.copies))
			j.copies = append(j.copies, copied{c, e})
		case "RUN":
			e := m.effectsOf(c)
			j.places.add(e.places, len(j.runs))
			j.modes.add(e.modes, len(j.runs))
			j.runs = append(j.runs, c)
			j.installs = j.installs || e.arbitrary || slices.ContainsFunc(e.installs, func(i install) bool { return i.purl == "deb" || i.purl == "apk" || i.purl == "rpm" })
		}
	}
	for _, p := range j.brought {
		if !p.OfDistribution() {
			continue
		}
		j.called[p.Name] = true
		if p.Source != nil {
			j.called[p.Source.Name] = true
		}
		if end := strings.IndexAny(p.Name, "-0123456789"); end > 2 {
			j.called[p.Name[:end]] = true
		}
		for _, f := range p.Files {
			if words := strings.SplitN(f.Path, "/", 3); len(words) == 3 && words[0] == "etc" {
				j.dirs[words[0]+"/"+words[1]] = true
			}
		}
	}
	return j
}

// file judges one file that the layer wrote.
func (j *judge) file(d *delta) {
	if d.gone {
		if len(j.runs) == 0 {
			j.unexplained(j.last, d, "the layer of "+j.last.kind+" takes it away, which that never does")
		}
		return
	}
	if by, ok := j.explains(d); ok {
		if by != nil {
			j.outcome(by).files++
		}
		return
	}
	if by, why, ok := j.ran(d); ok {
		j.outcome(by).files++
		if why != "" {
			j.outcome(by).untold = true
			j.outcome(by).note(why)
		}
	} else {
		j.unexplained(j.last, d, why)
	}
}

// explains says whether a COPY or ADD explains a file. What it should be is compared; where a RUN of the same layer may have changed it, it is not.
func (j *judge) explains(d *delta) (by *command, ok bool) {
	loose := j.loose.find(d.path)
	if w, ok := j.wants[d.path]; ok && w.number >= loose {
		c := j.copies[w.number].command
		if is := j.compare(d.file, w.want); is.why != "" && !j.mayBeRewritten(c, d.path) {
			j.other(c, d, w.want, is)
		} else if is.why == "" && setuid(d.file) && w.loose && w.chmod < 0 {
			j.unexplained(c, d, "it has the right to run as another user, which no instruction gives it")
			return nil, true
		}
		return c, true
	}
	if loose >= 0 {
		return j.copies[loose].command, true
	}
	if f := j.standingFile(j.index, d); f != nil && (f.Rule == "builder" || f.Rule == "device") {
		return nil, true
	}
	return nil, false
}

// mayBeRewritten says whether an instruction after a COPY of the same layer may have written its file anew.
func (j *judge) mayBeRewritten(after *command, at string) bool {
	at2 := slices.Index(j.group.commands, after)
	for _, c := range j.group.commands[at2+1:] {
		if c.kind != "RUN" {
			continue
		}
		if e := j.effectsOf(c); len(e.untold) > 0 || anyHolds(e.places, at) {
			return true
		}
	}
	return false
}

// unlike says in what a file is not the one that was wanted, and both sides of it; why is empty where it is, or where that cannot be told.
type unlike struct{ why, declared, actual string }

func (j *judge) compare(f *layer.File, w *want) unlike {
	mode := fmt.Sprintf("%04o", posixMode(f))
	switch {
	case f.Type == layer.Regular && w.chmod >= 0 && int(posixMode(f)) != w.chmod:
		return unlike{"its mode is not the one that --chmod gives", fmt.Sprintf("%04o", w.chmod), mode}
	case w.loose:
		return unlike{}
	case f.Type != w.kind:
		return unlike{why: "it is of another kind than what was copied"}
	case f.Type == layer.Symlink && f.Link != w.link:
		return unlike{"it leads elsewhere", bounded(w.link), bounded(f.Link)}
	case f.Type != layer.Regular:
		return unlike{}
	case w.chmod == -1 && setuid(f) && w.mode&(fs.ModeSetuid|fs.ModeSetgid) == 0:
		return unlike{"it has the right to run as another user, which what was copied does not have", fmt.Sprintf("%04o", w.mode.Perm()), mode}
	}
	sum, err := j.sumOf(w)
	if err != nil {
		j.say(fmt.Sprintf("%s of the build context cannot be read: %v", w.source, err))
		return unlike{}
	}
	actual := ""
	if d := f.Digests(); d != nil {
		actual = fmt.Sprintf("sha256:%x", d.SHA256)
	}
	switch {
	case w.size >= 0 && f.Size != w.size:
		return unlike{fmt.Sprintf("its content is another one: %d bytes, and not %d", f.Size, w.size), "sha256:" + sum, actual}
	case actual != "sha256:"+sum:
		return unlike{"its content is another one", "sha256:" + sum, actual}
	}
	return unlike{}
}

// sumOf is the SHA-256 of what was wanted, read from the context once.
func (j *judge) sumOf(w *want) (sum string, err error) {
	if w.sum == "" {
		w.sum, err = j.buildContext.digest(w.source)
	}
	return w.sum, err
}

func setuid(f *layer.File) bool {
	return f.Type == layer.Regular && f.Mode&0o111 != 0 && f.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0
}

func isProgram(f *layer.File) bool { return f.Program || setuid(f) }

func posixMode(f *layer.File) uint32 { return (&inventory.File{Entry: f}).PosixMode() }

// describe says of a file what a person would ask first.
func describe(d *delta) string {
	var words []string
	if d.before != nil {
		words = append(words, "changed")
	}
	if setuid(d.file) {
		words = append(words, fmt.Sprintf("mode %04o", posixMode(d.file)))
	}
	switch {
	case d.file.Type == layer.Symlink:
		words = append(words, "link to "+bounded(d.file.Link))
	case d.file.Program:
		words = append(words, "program")
	}
	if d.file.Type == layer.Regular {
		words = append(words, fmt.Sprintf("%d bytes", d.file.Size))
	}
	return strings.Join(words, ", ")
}

// other names a copied file that is not what was copied.
func (j *judge) other(c *command, d *delta, w *want, is unlike) {
	u := trust.Undeclared{Kind: trust.OtherCopy, Subject: "/" + d.path, Declared: is.declared, Actual: is.actual, Why: is.why}
	if w.from != "" {
		u.Why += " (" + bounded(w.from) + ")"
	}
	j.name(c, d, u)
}

// unexplained names a file that no instruction explains.
func (j *judge) unexplained(c *command, d *delta, why string) {
	if j.group.withBase {
		return // it may be the base's
	}
	kind := trust.UnexplainedFile
	if why == "" {
		why = "it is not what the instruction makes"
		for _, cp := range j.copies {
			if cp.expected.compared && len(cp.expected.why) == 0 {
				kind, why = trust.OtherCopy, "it is nothing that was to be copied"
			}
		}
	}
	j.name(c, d, trust.Undeclared{Kind: kind, Subject: "/" + d.path, Actual: describe(d), Why: why})
}

// name names the difference of a file, as long as there are not too many of the layer. Programs are always named.
func (j *judge) name(c *command, d *delta, u trust.Undeclared) {
	if j.named++; j.named > maxNamed && (!isProgram(d.file) || j.named >= 20*maxNamed) {
		j.unnamed[c]++
		j.outcome(c).differs = true
		return
	}
	j.differ(c, j.index, u)
}

// missing names what a COPY or ADD should have put there and is not there.
func (j *judge) missing() {
	if j.Image.Layers[j.index].Unreadable || j.cutShort(j.index) {
		return
	}
	for _, c := range j.copies {
		if c.command != j.last && !j.group.squashed {
			continue // it has no layer, and is judged for that
		}
		var gone []string
		for at, w := range c.expected.files {
			if w.optional || w.loose || j.stood(at, j.index) || j.mayBeRewritten(c.command, at) || j.removedBy(c.command) {
				continue
			}
			gone = append(gone, at)
		}
		slices.Sort(gone)
		for i, at := range gone {
			if i == maxNamed {
				j.unnamed[c.command] += len(gone) - maxNamed
				break
			}
			j.differ(c.command, j.index, trust.Undeclared{Kind: trust.OtherCopy, Subject: "/" + at, Declared: c.expected.files[at].from,
				Why: "it was to be copied, and is not in the layer"})
		}
	}
}

// removedBy says whether a RUN of the same layer comes after a COPY: it may have taken files away.
func (j *judge) removedBy(after *command) bool {
	at := slices.Index(j.group.commands, after)
	return slices.ContainsFunc(j.group.commands[at+1:], func(c *command) bool { return c.kind == "RUN" })
}

// stood says whether a layer, or one below it, wrote a file that no layer up to there took away.
func (m *model) stood(at string, index int) bool {
	for i := index; i >= 0; i-- {
		n, ok := slices.BinarySearchFunc(m.deltas[i], at, func(d delta, at string) int { return strings.Compare(d.path, at) })
		if ok {
			return !m.deltas[i][n].gone
		}
	}
	return false
}

// sumUp says what the verdicts of the group rest on.
func (j *judge) sumUp() {
	for c, n := range j.unnamed {
		j.differ(c, j.index, trust.Undeclared{Kind: trust.UnexplainedFile, Subject: fmt.Sprintf("%d more files", n), Why: "they differ, too, and are not named one by one"})
	}
	for _, c := range j.copies {
		o := j.outcome(c.command)
		for _, why := range c.expected.why {
			o.note(why)
		}
		switch {
		case len(c.expected.why) > 0 && o.files > 0:
			o.untold = o.untold || j.buildContext != nil || hasFlag(c.command, "from")
		case !c.expected.compared && o.files > 0 && j.buildContext == nil && !hasFlag(c.command, "from"):
			o.note("by its names; --context compares the content")
		}
		if _, ok := c.command.flag("from"); ok {
			o.note(j.tracedFrom(c.command))
		}
	}
	if j.group.withBase {
		for _, c := range j.runs {
			j.outcome(c).untold = true
		}
	}
	if j.group.squashed {
		for _, c := range j.group.commands {
			j.outcome(c).note(fmt.Sprintf("its layer holds %d instructions", len(j.group.commands)))
		}
	}
}

func hasFlag(c *command, name string) bool {
	_, ok := c.flag(name)
	return ok
}

// tracedFrom says which instruction of which stage, or which image, made what COPY --from copied.
func (m *model) tracedFrom(c *command) string {
	from, _ := c.flag("from")
	from = c.context.expand(from, m.file.escape).text
	s := m.file.stageNamed(from, c.stage)
	if m.Build != nil {
		line, image := m.Build.sourceOf(c.line)
		switch {
		case image != "":
			return "from the image " + bounded(image) + ", as the provenance tells"
		case line > 0 && s == nil:
			return fmt.Sprintf("from what line %d left, as the provenance tells", line)
		}
	}
	if s == nil {
		return "from the image " + bounded(from)
	}
	for _, source := range c.sources {
		if by := m.maker(s, strings.Trim(path.Clean("/"+source), "/")); by != nil {
			return fmt.Sprintf("from stage %s, where line %d made it: %s", stageLabel(s), by.line, shortText(by))
		}
	}
	return fmt.Sprintf("from stage %s", stageLabel(s))
}

func shortText(c *command) string {
	text := []rune(c.text())
	if len(text) > 60 {
		return string(text[:60]) + "…"
	}
	return string(text)
}

// maker is the last instruction of a stage that makes a path, or something below it; where none is known to, the last that may.
func (m *model) maker(s *stage, at string) *command {
	commands, _ := m.file.chain(s.index)
	var may *command
	for _, c := range slices.Backward(commands) {
		switch c.kind {
		case "RUN":
			e := m.effectsOf(c)
			if anyHolds(e.places, at) || slices.ContainsFunc(e.places, func(p place) bool { return strings.HasPrefix(p.path, at+"/") }) {
				return c
			}
			if len(e.untold) > 0 && may == nil {
				may = c
			}
		case "COPY", "ADD":
			dest := c.dest
			if !path.IsAbs(dest) {
				dest = path.Join(c.context.workdir, dest)
			}
			dest = strings.Trim(path.Clean(dest), "/")
			if dest == at || strings.HasPrefix(at, dest+"/") || strings.HasPrefix(dest, at+"/") || dest == "" {
				if may != nil {
					return may
				}
				return c
			}
		}
	}
	return may
}
