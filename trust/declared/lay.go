package declared

import (
	"fmt"
	"slices"
	"strings"

	"tidewaiter/layer"
	"tidewaiter/trust"
)

// layBeside finds the step and the layer of each instruction. Where the history tells which step made which layer, the texts are laid
// beside each other; else the layers by what they hold.
func (m *model) layBeside() {
	first := m.firstStep()
	steps := m.history[first:]
	var score float64
	m.stepOf, score = align(len(m.chain), len(steps), func(i, j int) float64 { return m.weigh(m.chain[i], &steps[j]) })
	for i, s := range m.stepOf {
		if s >= 0 {
			m.stepOf[i] = s + first
		}
	}
	if score <= 0 {
		m.stepOf = slices.Repeat([]int{-1}, len(m.chain))
	}
	m.pairLeftovers()
	if m.baseLayers < 0 && m.fits && score > 0 {
		m.baseLayers = m.layersBefore(m.firstFit())
	}
}

// weigh says how well an instruction fits a step. What the builder's provenance says of a layer goes before.
func (m *model) weigh(c *command, e *entry) float64 {
	if by, ok := m.made[e.layer]; ok && e.layer >= 0 && by.line > 0 {
		if by.line == c.line {
			return 2
		}
		return 0
	}
	return likeness(c, e, m.file.escape)
}

// firstStep is the first step that may be an instruction's: that after the base's last layer, where it is known.
func (m *model) firstStep() int {
	if m.baseLayers <= 0 || !m.fits {
		return 0
	}
	for i := range m.history {
		if m.history[i].layer == m.baseLayers-1 {
			return i + 1
		}
	}
	return 0
}

// firstFit is the first step that an instruction has; the number of steps where none has one.
func (m *model) firstFit() int {
	first := len(m.history)
	for _, s := range m.stepOf {
		if s >= 0 {
			first = min(first, s)
		}
	}
	return first
}

// layersBefore counts the layers of the steps before one.
func (m *model) layersBefore(step int) int {
	n := 0
	for _, e := range m.history[:step] {
		if e.layer >= 0 {
			n++
		}
	}
	return n
}

// pairLeftovers gives an instruction that fits no step the one in its place that is of the same kind: the history then tells of another
// instruction than the Dockerfile.
func (m *model) pairLeftovers() {
	used := map[int]bool{}
	for _, s := range m.stepOf {
		used[s] = true
	}
	before := m.firstFit()
	if before == len(m.history) {
		return
	}
	for i, s := range m.stepOf {
		if s >= 0 {
			before = s
			continue
		}
		after := len(m.history)
		for _, next := range m.stepOf[i+1:] {
			if next >= 0 {
				after = next
				break
			}
		}
		for j := before + 1; j < after; j++ {
			if !used[j] && m.history[j].kind == m.chain[i].kind {
				m.stepOf[i], before, used[j] = j, j, true
				break
			}
		}
	}
}

// group gives each layer above the base the instructions that explain it.
func (m *model) group() {
	m.groups = make([]*group, len(m.Layers))
	if !m.fits {
		m.groupByContent()
		return
	}
	commandAt := map[int]*command{}
	for i, s := range m.stepOf {
		if s >= 0 {
			commandAt[s] = m.chain[i]
		}
	}
	var pending []*command
	next := 0 // of the chain
	for j := range m.history {
		e, c := &m.history[j], commandAt[j]
		for c != nil && next < len(m.chain) && m.chain[next] != c {
			if m.chain[next].makesFiles() {
				pending = append(pending, m.chain[next])
			}
			next++
		}
		if c != nil {
			next++
		}
		switch {
		case e.layer < 0:
			if c != nil && c.makesFiles() {
				pending = append(pending, c)
			}
		case e.layer < m.baseLayers || m.baseLayers < 0:
		case c != nil && c.makesFiles():
			m.groups[e.layer] = &group{commands: append(pending, c)}
			m.outcome(c).layer = e.layer
			pending = nil
		case hasContent(pending):
			m.groups[e.layer] = &group{commands: pending, squashed: true}
			for _, p := range pending {
				m.outcome(p).layer = e.layer
			}
			pending = nil
		default:
			m.groups[e.layer] = &group{none: true}
		}
	}
}

// hasContent says whether there is an instruction among several that must have left files somewhere.
func hasContent(commands []*command) bool {
	return slices.ContainsFunc(commands, func(c *command) bool { return c.kind != "WORKDIR" })
}

// maxFits bounds the pairs of instruction and layer whose content is compared.
const maxFits = 40_000

// groupByContent lays instructions and layers beside each other by what the layers hold: the history does not tell.
func (m *model) groupByContent() {
	var makers []*command
	for _, c := range m.chain {
		if c.makesFiles() {
			makers = append(makers, c)
		}
	}
	from := max(m.baseLayers, 0)
	above := len(m.Layers) - from
	if above == 1 && len(makers) > 0 {
		m.groups[from] = &group{commands: makers, squashed: len(makers) > 1}
		for _, c := range makers {
			m.outcome(c).layer = from
		}
		m.baseLayers = from
		return
	}
	if len(makers)*above > maxFits {
		m.say("the Dockerfile and the image are too large for instructions to be laid beside layers by what these hold")
		return
	}
	steps, score := align(len(makers), above, func(i, j int) float64 { return m.contentFit(makers[i], from+j) })
	if score <= 0 {
		return
	}
	commandAt, first := map[int]int{}, above
	for i, s := range steps {
		if s >= 0 {
			commandAt[from+s] = i
			first = min(first, s)
		}
	}
	if m.baseLayers < 0 {
		m.baseLayers = first
	}
	next := 0
	for i := m.baseLayers; i < len(m.Layers); i++ {
		n, ok := commandAt[i]
		if !ok {
			m.groups[i] = &group{none: true}
			continue
		}
		m.groups[i] = &group{commands: slices.Clone(makers[next : n+1])}
		m.outcome(makers[n]).layer = i
		next = n + 1
	}
}

// contentFit says how much of a layer an instruction explains; 0 where it is less than half.
func (m *model) contentFit(c *command, index int) float64 {
	if by, ok := m.made[index]; ok && by.line > 0 {
		if by.line == c.line {
			return 2
		}
		return 0
	}
	holds := func(*delta) bool { return false }
	switch c.kind {
	case "RUN":
		if len(m.effectsOf(c).untold) > 0 {
			return 0.6
		}
		run := m.newJudge(index, &group{commands: []*command{c}})
		holds = func(d *delta) bool {
			_, _, ok := run.ran(d)
			return ok
		}
	case "COPY", "ADD":
		var loose placeSet
		e := m.expect(c, m.viewOf(index))
		loose.add(e.loose, 0)
		holds = func(d *delta) bool { return e.files[d.path] != nil || loose.holds(d.path) }
	}
	all, held := 0, 0
	for i := range m.deltas[index] {
		if d := &m.deltas[index][i]; !d.gone {
			all++
			if holds(d) {
				held++
			}
		}
	}
	switch {
	case all == 0 && c.kind == "WORKDIR":
		return 1
	case all == 0:
		return 0.55
	case 2*held < all:
		return 0
	}
	return float64(held) / float64(all)
}

// viewOf is the file system as an instruction's layer left it. The final tree stands for it: directories do not become files.
func (m *model) viewOf(index int) view {
	return view{
		isDir: m.isDir,
		wrote: func(at string) bool {
			pattern := m.real(wildcards(at))
			return slices.ContainsFunc(m.deltas[index], func(d delta) bool { return !d.gone && matches(pattern, d.path) && d.file.Type != layer.Directory })
		},
		real: m.real,
	}
}

// compareHistory names what the history tells otherwise than the Dockerfile.
func (m *model) compareHistory() {
	if len(m.history) == 0 {
		m.say("the image has no history: instructions were laid beside its layers by what these hold")
		return
	}
	if !m.fits {
		m.say(fmt.Sprintf("the history tells of another number of layers than the image has (%d): instructions were laid beside the layers by what these hold", len(m.Layers)))
	}
	stepped := map[int]bool{}
	for i, s := range m.stepOf {
		if s < 0 {
			continue
		}
		stepped[s] = true
		if c := m.chain[i]; saysOther(c, &m.history[s], m.file.escape) || likeness(c, &m.history[s], m.file.escape) == 0 && c.makesFiles() {
			m.differ(c, m.history[s].layer, trust.Undeclared{Kind: trust.OtherInstruction, Subject: c.kind, Declared: c.text(), Actual: bounded(m.history[s].String()),
				Why: "the image's history tells of another instruction in its place"})
		}
	}
	for j := m.firstFit(); j < len(m.history); j++ {
		e := &m.history[j]
		if stepped[j] || e.layer >= 0 {
			continue
		}
		switch e.kind {
		case "RUN", "COPY", "ADD", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD", "EXPOSE", "VOLUME", "HEALTHCHECK", "STOPSIGNAL", "SHELL", "ONBUILD":
			m.differ(nil, -1, trust.Undeclared{Kind: trust.OtherInstruction, Subject: e.kind, Actual: bounded(e.String()),
				Why: "the image's history tells of an instruction that the Dockerfile does not have"})
		}
	}
}

// bounded keeps a text short enough for a screen.
func bounded(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, unknown, "…")), " ")
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
