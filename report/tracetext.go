package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// TraceOptions say how a trace looks.
type TraceOptions struct {
	TextOptions
	// Files lists every file.
	Files bool
}

// What a trace shows of each list, unless all is asked for.
const (
	shownPrograms = 5
	shownModified = 5
	shownSecrets  = 5
)

// tracer writes a trace.
type tracer struct {
	*screen
	t   *Trace
	all bool
}

// TraceText writes the trace for people: what each instruction did, then the sum.
func TraceText(w io.Writer, t *Trace, o TraceOptions) error {
	b := bufio.NewWriter(w)
	tr := &tracer{screen: &screen{w: b, width: cmp.Or(o.Width, 100), color: o.Color}, t: t, all: o.All}
	im := t.Image
	tr.line(tr.bold(Clean(im.Reference)), "  ", short(cmp.Or(im.Digest, im.ID)), "  ", Clean(im.Platform))
	if im.Base != nil {
		tr.fact("base", Clean(base(t.Report)))
	}
	tr.line()
	tr.instructions()
	if o.Files {
		tr.files()
	}
	tr.sum()
	blindSpots(tr.screen, t.Report, o.All)
	return b.Flush()
}

// margin is the column at which what belongs to an instruction stands.
const margin = "          "

func (tr *tracer) instructions() {
	var settings []string // instructions without a layer, in a row
	flush := func() {
		if tr.all {
			for _, s := range settings {
				tr.wrapped(margin, s)
			}
		} else if len(settings) > 0 {
			tr.line(margin, tr.paint(ansiFaint, truncate(strings.Join(settings, " · "), tr.width-len(margin))))
		}
		settings = nil
	}
	for i := range tr.t.Instructions {
		in, step := &tr.t.Instructions[i], &tr.t.trace.Steps[i]
		if in.Effect == nil {
			settings = append(settings, instructionText(in.Instruction))
			continue
		}
		flush()
		tr.head(in)
		tr.packages(in)
		tr.programs(in)
		tr.modified(step)
		tr.placed(step)
		tr.removed(in)
		tr.contraband(*in.Layer)
		tr.hidden(in)
	}
	flush()
}

// head is an instruction's first line: its text on the left, its line and what it brought on the right.
func (tr *tracer) head(in *Instruction) {
	files, size := in.Added.Files+in.Changed.Files, in.Added.Bytes+in.Changed.Bytes
	right := fmt.Sprintf("%9s  %-13s", "+"+Bytes(size), plural(files, "file"))
	if files == 0 {
		right = fmt.Sprintf("%9s  %-13s", "", "no files")
	}
	if in.DockerfileLine > 0 {
		right = fmt.Sprintf("Dockerfile:%-4d ", in.DockerfileLine) + right
	}
	left := fmt.Sprintf("layer %-3d ", *in.Layer)
	room := max(tr.width-len(left)-visible(right)-2, 20)
	text := instructionText(cmp.Or(in.Instruction, "(the image does not tell)"))
	shown := truncate(text, room)
	tr.line(left, tr.bold(shown), strings.Repeat(" ", room-visible(shown)+2), right)
	if tr.all && shown != text {
		tr.wrapped(margin, text)
	}
}

// instructionText puts an instruction on one line. What a builder's cache mounts are, and most of a hash that stands for a
// source's name, tells nobody anything.
func instructionText(text string) string {
	words := slices.DeleteFunc(strings.Fields(text), func(w string) bool { return strings.HasPrefix(w, "--mount=") })
	for i, w := range words {
		if kind, hash, ok := strings.Cut(w, ":"); ok && len(hash) == 64 && (kind == "file" || kind == "dir" || kind == "multi") {
			words[i] = kind + ":" + hash[:7]
		}
	}
	return Clean(strings.Join(words, " "))
}

// item writes one line that belongs to an instruction, with a mark that says of what kind it is. A line that is too long is
// cut, unless all is asked for.
func (tr *tracer) item(mark, text string, paint string) {
	if tr.all {
		tr.wrapped(margin+mark+" ", text)
		return
	}
	tr.line(margin, tr.paint(paint, mark+" "+cut(text, tr.width-len(margin)-2)))
}

// cut shortens a line at its end.
func cut(text string, n int) string {
	if visible(text) <= n || n < 1 {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// packages says what was brought, upgraded and removed. The packages that the instruction names come first; what is part of
// a distribution's package is not told again.
func (tr *tracer) packages(in *Instruction) {
	var brought, upgraded, removed []string
	kinds := map[string]int{}
	list := slices.DeleteFunc(slices.Clone(in.Packages), func(p inventory.PackageChange) bool { return p.Owner != "" })
	words := strings.FieldsFunc(in.Instruction, func(r rune) bool { return strings.ContainsRune(" \t\n;&|=\"'", r) })
	slices.SortStableFunc(list, func(a, b inventory.PackageChange) int {
		return cmp.Compare(mention(words, a.Name), mention(words, b.Name))
	})
	for _, p := range list {
		name := Clean(p.Name)
		switch {
		case p.From == "":
			kinds[p.Type]++
			brought = append(brought, strings.TrimSpace(name+" "+Clean(p.To)))
		case p.To == "":
			removed = append(removed, strings.TrimSpace(name+" "+Clean(p.From)))
		default:
			upgraded = append(upgraded, name+" "+Clean(p.From)+" -> "+Clean(p.To))
		}
	}
	if len(brought) > 0 {
		count := plural(len(brought), "package")
		if len(kinds) > 1 {
			var parts []string
			for _, k := range byCount(kinds) {
				parts = append(parts, number(kinds[k])+" "+Clean(k))
			}
			count += " (" + strings.Join(parts, ", ") + ")"
		}
		tr.item("+", tr.fit(count+": ", brought), "")
	}
	if len(upgraded) > 0 {
		tr.item("^", tr.fit(plural(len(upgraded), "package")+" changed: ", upgraded), "")
	}
	if len(removed) > 0 {
		tr.item("-", tr.fit(plural(len(removed), "package")+" removed: ", removed), "")
	}
}

// mention is 0 for a package that is one of the words of an instruction, else 1.
func mention(words []string, name string) int {
	if slices.Contains(words, name) {
		return 0
	}
	return 1
}

// fit writes after a text as many of a list as the line holds, one at least, and says how many more there are.
func (tr *tracer) fit(text string, items []string) string {
	room := tr.width - len(margin) - 2
	for i, item := range items {
		rest := ""
		if left := len(items) - i - 1; left > 0 {
			rest = fmt.Sprintf(" and %s more", number(left))
		}
		if i > 0 && !tr.all && visible(text)+2+visible(item)+visible(rest) > room {
			return text + fmt.Sprintf(" and %s more", number(len(items)-i))
		}
		if i > 0 {
			text += ", "
		}
		text += item
	}
	return text
}

// programs lists what can be run and no package manager answers for.
func (tr *tracer) programs(in *Instruction) {
	shown, more := head(in.Programs, shownPrograms, tr.all)
	for _, p := range shown {
		what := "program, no package owns it"
		switch {
		case p.Orphan:
			what = "bytecode without its source, no package owns it"
		case p.Package != "":
			what = "of " + packageName(p.Package)
		case p.Known != "":
			what = "looks like " + packageName(p.Known) + ", no package owns it"
		}
		if p.Setuid {
			what += ", SETUID"
		}
		room := tr.width - len(margin) - 4 - visible(what)
		tr.item("!", truncate("/"+Clean(p.Path), max(room, 20))+"  "+what, ansiYellow)
	}
	if more > 0 {
		tr.item(" ", fmt.Sprintf("and %s more that no package owns", plural(more, "program")), ansiFaint)
	}
}

// packageName shortens a purl to name and version.
func packageName(purl string) string {
	name, _, _ := strings.Cut(purl, "?")
	name = strings.TrimPrefix(name, "pkg:")
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Replace(name, "@", " ", 1)
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return Clean(name)
}

// modified lists the files of packages that the instruction changed; configuration apart, and quietly.
func (tr *tracer) modified(s *inventory.Step) {
	var changed, config []string
	for _, i := range s.Modified {
		f := &tr.t.trace.Files[i]
		line := "/" + Clean(f.Path)
		if f.Config {
			config = append(config, line)
			continue
		}
		what := "  not as " + packageName(tr.t.purl(f.Owner)) + " installed it"
		if f.Actual() == "" {
			what += ": a " + typeName(f.Entry.Type) + " now"
		}
		if f.Entry.Link != "" {
			what += ", to " + Clean(f.Entry.Link)
		}
		if !tr.all {
			line = truncate(line, max(tr.width-len(margin)-2-visible(what), 20))
		}
		changed = append(changed, line+what)
	}
	shown, more := head(changed, shownModified, tr.all)
	for _, line := range shown {
		tr.item("~", line, ansiRed)
	}
	if more > 0 {
		tr.item(" ", fmt.Sprintf("and %s more of packages changed", plural(more, "file")), ansiFaint)
	}
	if len(config) > 0 {
		tr.item("~", tr.fit("configuration changed: ", config), ansiFaint)
	}
}

// placed says where the instruction put what no package owns.
func (tr *tracer) placed(s *inventory.Step) {
	if len(s.Placed) == 0 {
		return
	}
	paths := make([]string, 0, len(s.Placed))
	for _, i := range s.Placed {
		paths = append(paths, tr.t.trace.Files[i].Path)
	}
	tr.item(".", tr.fit(plural(len(paths), "file")+" placed: ", tr.places(paths)), "")
}

// places tells where paths are: by directories, the fullest first, or the paths themselves where all is asked for.
func (tr *tracer) places(paths []string) []string {
	var parts []string
	if tr.all || len(paths) <= 2 {
		for _, p := range paths {
			parts = append(parts, "/"+Clean(p))
		}
		return parts
	}
	count, last := map[string]int{}, map[string]string{}
	for _, p := range paths {
		dir := place(p)
		count[dir]++
		last[dir] = p
	}
	for _, dir := range byCount(count) {
		if count[dir] == 1 {
			parts = append(parts, "/"+Clean(last[dir]))
		} else {
			parts = append(parts, Clean(dir)+" "+number(count[dir]))
		}
	}
	return parts
}

// place is the directory that a file is counted under: up to three levels deep in the system's own trees, two elsewhere.
func place(p string) string {
	dirs := strings.Split(path.Dir(p), "/")
	most := 2
	if len(dirs) > 1 && (dirs[0] == "usr" || dirs[0] == "var" || dirs[0] == "opt") {
		most = 3
	}
	return "/" + strings.TrimPrefix(strings.Join(dirs[:min(most, len(dirs))], "/"), ".")
}

// removed says what of lower layers the instruction deleted.
func (tr *tracer) removed(in *Instruction) {
	if in.Removed.Files == 0 {
		return
	}
	text := plural(in.Removed.Files, "file") + " of lower layers deleted"
	if in.Removed.Bytes > 0 {
		text += ": their " + Bytes(in.Removed.Bytes) + " stay in the image"
	}
	tr.item("-", text, "")
}

// hidden says what of the layer nobody sees and everybody can read.
func (tr *tracer) hidden(in *Instruction) {
	var gone, twice []Hidden
	secrets := 0
	for _, h := range in.Hidden {
		if h.How == inventory.Rewritten {
			twice = append(twice, h)
			continue
		}
		gone = append(gone, h)
		if h.Secret {
			secrets++
		}
	}
	shown, rest := gone[:min(secrets, shownSecrets)], gone[min(secrets, shownSecrets):]
	if tr.all {
		shown, rest = gone, nil
	}
	for _, h := range shown {
		mark, paint := "!", ansiRed
		if !h.Secret {
			mark, paint = " ", ""
		}
		tr.item(mark, fmt.Sprintf("/%s  %s, %s in layer %d, still in the image", Clean(h.Path), Bytes(h.Size), h.How, h.By), paint)
	}
	if len(rest) > 0 {
		tr.item(" ", tr.summary("hidden later", rest), ansiFaint)
	}
	if len(twice) > 0 {
		tr.item(" ", tr.summary("written again unchanged", twice), ansiFaint)
	}
}

// summary tells of hidden files together: how much, where, and by which layers.
func (tr *tracer) summary(what string, hidden []Hidden) string {
	var size int64
	var paths []string
	var layers []int
	for _, h := range hidden {
		size += h.Size
		paths = append(paths, h.Path)
		layers = append(layers, h.By)
	}
	slices.Sort(layers)
	layers = slices.Compact(layers)
	by := make([]string, len(layers))
	for i, l := range layers {
		by[i] = fmt.Sprint(l)
	}
	shown, more := head(by, 3, false)
	word := "layer "
	if len(by) > 1 {
		word = "layers "
	}
	where := word + strings.Join(shown, ", ")
	if more > 0 {
		where += fmt.Sprintf(" and %d more", more)
	}
	return tr.fit(fmt.Sprintf("%s: %s in %s by %s: ", what, Bytes(size), plural(len(hidden), "file"), where), tr.places(paths))
}

// files lists every file.
func (tr *tracer) files() {
	tr.section("Files", "class, layer, size, path, and whose it is")
	for i := range tr.t.trace.Files {
		f := &tr.t.trace.Files[i]
		whose := f.Rule
		if f.Owner >= 0 {
			whose = strings.TrimSpace(whose + " " + packageName(tr.t.purl(f.Owner)))
		}
		if f.Config {
			whose += " (configuration)"
		}
		tr.line(fmt.Sprintf("    %-9s %3d %9s  /%s  ", f.Class, f.Layer, Bytes(f.Entry.Size), Clean(f.Path)), tr.paint(ansiFaint, whose))
	}
}

// sum says what stands aboard in the end.
func (tr *tracer) sum() {
	f := &tr.t.Files
	config := 0
	for _, m := range f.Modified {
		if m.Config {
			config++
		}
	}
	modified := number(len(f.Modified)) + " modified"
	if config > 0 {
		modified += fmt.Sprintf(" (%s configuration)", number(config))
	}
	tr.line()
	tr.fact("aboard", fmt.Sprintf("%s: %s owned by packages (%s verified), %s, %s placed, %s generated", plural(f.Total, "file"),
		number(f.Owned), number(f.Verified), modified, number(len(f.Placed)), number(f.Generated)))
	if len(f.Rules) > 0 {
		rules := make([]string, 0, len(f.Rules))
		for _, r := range f.Rules {
			rules = append(rules, r.Rule+" "+number(r.Files))
		}
		tr.fact("rules", tr.fit("", rules))
	}
	if setuid := tr.setuid(); len(setuid) > 0 {
		tr.fact("setuid", tr.fit(plural(len(setuid), "program")+" of packages: ", setuid))
	}
	if len(f.Missing) > 0 {
		paths := make([]string, 0, len(f.Missing))
		for _, m := range f.Missing {
			paths = append(paths, m.Path)
		}
		tr.fact("missing", tr.fit(plural(len(paths), "file")+" of packages: ", tr.places(paths)))
	}
	var hidden inventory.Count
	for _, in := range tr.t.Instructions {
		if in.Effect != nil {
			hidden.Files += in.HiddenTotal.Files
			hidden.Bytes += in.HiddenTotal.Bytes
		}
	}
	if hidden.Files > 0 {
		tr.fact("hidden", fmt.Sprintf("%s in %s that no container sees are in the image", Bytes(hidden.Bytes), plural(hidden.Files, "file")))
	}
}

// setuid gives the programs of packages that run with another's rights. Their packages say nothing of that, or it is not
// read: a person has to judge.
func (tr *tracer) setuid() []string {
	var paths []string
	for i := range tr.t.trace.Files {
		if f := &tr.t.trace.Files[i]; f.Class != inventory.Placed && f.Setuid() {
			paths = append(paths, "/"+Clean(f.Path))
		}
	}
	return paths
}

// byCount gives the keys of a count, the greatest first.
func byCount(count map[string]int) []string {
	keys := make([]string, 0, len(count))
	for k := range count {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	return keys
}

// Bytes writes a size as Docker does: in powers of 1000, with one decimal.
func Bytes(n int64) string {
	size, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB", "TB", "PB"} {
		if size < 999.95 {
			break
		}
		size, unit = size/1000, u
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", size, unit)
}
