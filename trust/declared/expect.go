package declared

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/patternmatcher"

	"tidewaiter/layer"
)

// want is a file that an instruction should have put somewhere.
type want struct {
	kind layer.Type
	size int64
	// sum is the content's SHA-256 in hex; where it is empty, it is that of the context's file at source.
	sum, source string
	link        string
	mode        fs.FileMode
	// chmod is the mode that --chmod gives; -1 for none.
	chmod int
	// loose says that only the file's place is known; optional that it may be missing.
	loose, optional bool
	// from says where it is from, for people.
	from string
}

// expected is what a COPY or ADD should have put into the image.
type expected struct {
	// files are by their place in the image, without leading slash.
	files map[string]*want
	// loose are the places of files whose names or content cannot be told.
	loose []place
	// compared says that names and content are known of some files; why says what is not known of the rest.
	compared bool
	why      []string
	// made are the lines of instructions of other stages that made such files.
	made []int
}

func newExpected() *expected { return &expected{files: map[string]*want{}} }

func (e *expected) doubt(format string, args ...any) {
	if why := fmt.Sprintf(format, args...); !slices.Contains(e.why, why) && len(e.why) < 10 {
		e.why = append(e.why, why)
	}
}

// open notes a place of which nothing more is known.
func (e *expected) open(at string, tree bool) {
	if p, ok := newPlace("/"+at, tree); ok {
		e.loose = append(e.loose, p)
	} else {
		e.loose = append(e.loose, place{tree: true})
	}
}

// view is what is seen of a file system while an instruction is judged: the image's, or nothing for that of another stage.
type view struct {
	// isDir says whether there is a directory, wrote whether the instruction's layer has a file there, by a path or a pattern.
	isDir, wrote func(at string) bool
	// real puts a path where it really is: no directory of it is a symbolic link.
	real func(at string) string
}

// expect works out what a COPY or ADD puts where.
func (m *model) expect(c *command, v view) *expected {
	e := newExpected()
	dest := c.dest
	if !path.IsAbs(dest) && !strings.HasPrefix(dest, unknown) {
		dest = path.Join(c.context.workdir, dest)
		if strings.HasSuffix(c.dest, "/") || c.dest == "." || c.dest == "./" {
			dest += "/"
		}
	}
	if strings.Contains(dest, unknown) {
		e.doubt("where it copies to depends on an argument of the build")
		e.open(strings.TrimPrefix(path.Clean(dest), "/"), true)
		return e
	}
	x := &copying{model: m, command: c, view: v, expected: e, isDir: strings.HasSuffix(dest, "/"), chmod: -1}
	x.dest = v.real(strings.Trim(path.Clean(dest), "/"))
	x.isDir = x.isDir || len(c.sources)+len(c.inline) > 1 || v.isDir(x.dest)
	if mode, ok := c.flag("chmod"); ok {
		x.chmod = -2 // not known
		if n, err := strconv.ParseUint(c.context.expand(mode, m.file.escape).text, 8, 32); err == nil {
			x.chmod = int(n & 0o7777)
		}
	}
	x.readExcludes()
	for _, f := range c.inline {
		sum := sha256.Sum256([]byte(f.content))
		x.put(f.name, f.name, want{size: int64(len(f.content)), sum: hex.EncodeToString(sum[:]), loose: f.unsure, from: "the here-document"})
		e.compared = true
	}
	for _, source := range c.sources {
		x.source(source)
	}
	return e
}

// copying is one COPY or ADD at work.
type copying struct {
	*model
	command  *command
	view     view
	expected *expected
	dest     string // real, without slashes at its ends; empty for the root
	isDir    bool
	chmod    int
	excludes *patternmatcher.PatternMatcher
}

func (x *copying) readExcludes() {
	patterns := x.command.all("exclude")
	for i := range patterns {
		patterns[i] = x.command.context.expand(patterns[i], x.file.escape).text
	}
	if len(patterns) == 0 {
		return
	}
	var err error
	if x.excludes, err = patternmatcher.New(patterns); err != nil {
		x.excludes, _ = patternmatcher.New([]string{"**"})
	}
}

// excluded says whether --exclude may leave a file out: what its patterns are relative to has changed over the versions of BuildKit.
func (x *copying) excluded(at, root string) bool {
	if x.excludes == nil {
		return false
	}
	for _, name := range []string{at, strings.TrimPrefix(strings.TrimPrefix(at, root), "/"), path.Base(at)} {
		if out, err := x.excludes.MatchesOrParentMatches(name); err != nil || out && name != "" {
			return true
		}
	}
	return false
}

// put notes a file. rel is its name below the destination, where that is a directory.
func (x *copying) put(at, rel string, w want) {
	place := x.dest
	if x.isDir || rel == "" {
		place = path.Join(x.dest, rel)
	}
	w.chmod = x.chmod
	w.optional = w.optional || x.excluded(at, "")
	x.expected.files[x.view.real(place)] = &w
}

var gitAddress = regexp.MustCompile(`^(git@|git://|ssh://)|^https?://.*\.git(#.*|\?.*)?$|^github\.com/`)

// source works out one source.
func (x *copying) source(source string) {
	from, hasFrom := x.command.flag("from")
	from = x.command.context.expand(from, x.file.escape).text
	switch {
	case x.command.kind == "ADD" && gitAddress.MatchString(source):
		x.expected.doubt("what %s holds is not known", source)
		x.expected.open(x.dest, true)
	case x.command.kind == "ADD" && (strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://")):
		x.download(source)
	case strings.Contains(source, unknown):
		x.expected.doubt("what it copies depends on an argument of the build")
		x.expected.open(x.dest, true)
	case hasFrom && from != "":
		if s := x.file.stageNamed(from, x.command.stage); s != nil {
			x.fromStage(s, source)
			return
		}
		x.expected.doubt("what the image %s holds is not known", from)
		x.byName(source)
	case x.buildContext != nil:
		x.fromContext(source)
	default:
		x.byName(source)
	}
}

// download is a file of the network, whose name is that of the address, and whose content only --checksum tells.
func (x *copying) download(source string) {
	name := namesOfURL(source)[0]
	w := want{loose: true, from: source}
	if sum, ok := x.command.flag("checksum"); ok {
		if algorithm, hex, _ := strings.Cut(sum, ":"); algorithm == "sha256" {
			w.sum, w.size, w.loose = strings.ToLower(hex), -1, false
			x.expected.compared = true
		}
	} else {
		x.expected.doubt("what %s held is not known", source)
	}
	if x.command.isSet("unpack") {
		x.expected.open(x.dest, true)
		return
	}
	x.put(name, name, w)
}

// byName tells no more than which names a source may have got. Of one that the layer has as a file the name is known; else it is taken
// for a directory, whose content may have any.
func (x *copying) byName(source string) {
	e := x.expected
	clean := strings.Trim(path.Clean("/"+source), "/")
	base := path.Base("/" + clean)
	below := path.Join(x.dest, base)
	switch {
	case x.command.isSet("parents"):
		_, inner, ok := strings.Cut(source, "/./")
		if !ok {
			inner = clean
		}
		e.open(path.Join(x.dest, wildcards(strings.Trim(inner, "/"))), true)
	case clean == "":
		e.open(x.dest, true)
	case strings.ContainsAny(base, "*?["):
		if pattern := path.Join(x.dest, base); x.view.wrote(pattern) {
			e.open(path.Join(x.dest, wildcards(base)), false)
		} else {
			e.open(x.dest, true)
		}
	case x.command.kind == "ADD" && looksArchived(base) && !x.view.wrote(below):
		e.open(x.dest, true)
	case x.isDir && x.view.wrote(below):
		e.files[x.view.real(below)] = &want{loose: true, chmod: x.chmod, from: source}
	case !x.isDir && x.view.wrote(x.dest):
		e.files[x.view.real(x.dest)] = &want{loose: true, chmod: x.chmod, from: source}
	default:
		e.open(x.dest, true)
	}
}

// wildcards makes those of Dockerfiles ours.
func wildcards(pattern string) string {
	pattern = regexp.MustCompile(`\[[^\]]*\]`).ReplaceAllString(pattern, unknown)
	return strings.NewReplacer("**", unknown, "*", unknown, "?", unknown).Replace(pattern)
}

func looksArchived(name string) bool {
	for _, ending := range []string{".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// fromContext takes a source from the build context.
func (x *copying) fromContext(source string) {
	b, e := x.buildContext, x.expected
	if x.command.isSet("parents") {
		x.withParents(source)
		return
	}
	found := b.find(source)
	if len(found) == 0 {
		e.doubt("%s is not in the build context that was given", source)
		x.byName(source)
		return
	}
	x.isDir = x.isDir || len(found) > 1
	e.compared = true
	for _, at := range found {
		top, _ := b.entry(at)
		switch {
		case top.mode.IsDir():
			for _, f := range b.below(top.path) {
				rel := strings.TrimPrefix(strings.TrimPrefix(f.path, top.path), "/")
				if top.path == "." {
					rel = f.path
				}
				x.entry(f, rel, top.path)
			}
		case x.command.kind == "ADD" && x.unpack(top):
		default:
			x.entry(top, path.Base(at), "") // a link's own name, and what it leads to
		}
	}
}

// entry notes one file of the context.
func (x *copying) entry(f contextEntry, rel, root string) {
	w := want{size: f.size, source: f.path, mode: f.mode, from: f.path, optional: x.excluded(f.path, root)}
	switch {
	case f.mode.IsDir():
		return
	case f.mode&fs.ModeSymlink != 0:
		w.kind, w.link = layer.Symlink, f.link
	case !f.mode.IsRegular():
		w.loose = true
	}
	if root != "" { // below a directory that was copied, the destination is one
		x.isDir = true
	}
	x.put(f.path, rel, w)
}

// unpack notes what is in a local archive, as ADD unpacks it.
func (x *copying) unpack(f contextEntry) bool {
	if value, ok := x.command.flag("unpack"); ok && strings.EqualFold(value, "false") {
		return false
	}
	files, isArchive, told := x.buildContext.archive(f.path)
	if !isArchive {
		return false
	}
	if !told {
		x.expected.doubt("%s is damaged, or too large to be read", f.path)
		x.expected.open(x.dest, true)
		return true
	}
	for at, w := range files {
		w.from, w.chmod = f.path+" holds "+at, x.chmod
		x.expected.files[x.view.real(path.Join(x.dest, at))] = w
	}
	return true
}

// withParents keeps the directories of a source; those before a pivot, "/./", are left out.
func (x *copying) withParents(source string) {
	root, pattern, ok := strings.Cut(source, "/./")
	if !ok {
		root, pattern = ".", source
	}
	root, pattern = path.Clean(strings.TrimPrefix(root, "/")), strings.TrimPrefix(path.Clean("/"+pattern), "/")
	matcher, err := patternmatcher.New([]string{pattern})
	if err != nil || root == "" {
		x.expected.doubt("what %s means is not known", source)
		x.expected.open(x.dest, true)
		return
	}
	x.isDir, x.expected.compared = true, true
	for _, f := range x.buildContext.below(root) {
		rel := strings.TrimPrefix(f.path, root+"/")
		if in, err := matcher.MatchesOrParentMatches(rel); err == nil && in {
			x.entry(f, rel, root)
		}
	}
}

// stageFiles are what is known of the files of an earlier stage.
type stageFiles struct {
	files map[string]*want
	// loose are the places where instructions may have written anything; any says that this is everywhere.
	loose []madePlace
	any   bool
	why   []string
}

// madePlace is a place with the line of the instruction that filled it; 0 for one of which nothing is known.
type madePlace struct {
	place
	line int
}

// filesOf goes through the instructions of a stage.
func (m *model) filesOf(s *stage) *stageFiles {
	if known := m.stages[s.index]; known != nil {
		return known
	}
	out := &stageFiles{files: map[string]*want{}}
	m.stages[s.index] = out // a stage cannot copy from itself, and a circle ends here
	commands, _ := m.file.chain(s.index)
	dirs := map[string]bool{}
	blind := view{isDir: func(at string) bool { return at == "" || dirs[at] }, wrote: func(string) bool { return false }, real: func(at string) string { return at }}
	for _, c := range commands {
		switch c.kind {
		case "WORKDIR":
			dirs[strings.Trim(workdirAfter(c, m.file.escape), "/")] = true
		case "COPY", "ADD":
			e := m.expect(c, blind)
			for at, w := range e.files {
				out.files[at] = w
				for dir := path.Dir(at); dir != "." && !dirs[dir]; dir = path.Dir(dir) {
					dirs[dir] = true
				}
			}
			for _, p := range e.loose {
				out.loose = append(out.loose, madePlace{place: p})
			}
			out.why = append(out.why, e.why...)
		case "RUN":
			out.ran(effectsOf(c, m.look()), c)
		}
	}
	return out
}

// ran notes what a RUN may have done to what was copied before.
func (s *stageFiles) ran(e *effects, c *command) {
	if len(e.untold) > 0 {
		s.any = true
		s.why = append(s.why, fmt.Sprintf("what line %d made cannot be told", c.line))
	}
	for _, p := range e.places {
		s.loose = append(s.loose, madePlace{p, c.line})
	}
	for at, w := range s.files {
		if s.any || anyHolds(e.places, at) {
			delete(s.files, at)
			continue
		}
		loosened := *w
		loosened.optional = true // it may have been taken away
		s.files[at] = &loosened
	}
}

// fromStage takes a source from an earlier stage.
func (x *copying) fromStage(s *stage, source string) {
	e, known := x.expected, x.filesOf(s)
	src := strings.Trim(path.Clean("/"+source), "/")
	if known.any || strings.ContainsAny(src, "*?[") || x.command.isSet("parents") {
		e.why = append(e.why, known.why...)
		e.doubt("what the stage %s holds there cannot be told from its text", stageLabel(s))
		x.byName(source)
		return
	}
	if w := known.files[src]; w != nil {
		x.put(src, path.Base(src), *w)
		e.compared = true
		return
	}
	under := func(at string) (string, bool) {
		if src == "" {
			return at, true
		}
		return strings.CutPrefix(at, src+"/")
	}
	exact := 0
	for at, w := range known.files {
		if rel, ok := under(at); ok {
			x.isDir = true
			x.put(at, rel, *w)
			exact++
		}
	}
	e.compared = e.compared || exact > 0
	made := x.madeBelow(known, src, under)
	switch {
	case exact == 0 && !made:
		e.doubt("what the stage %s holds there cannot be told from its text", stageLabel(s))
		x.byName(source)
	case exact > 0 && !x.startsWithout(s, src):
		e.doubt("what %s held below /%s is not known", cmp.Or(rootOf(x.file, s).image, "the base"), src)
		e.open(x.dest, true)
	}
}

// madeBelow opens the places in the destination for what instructions of a stage made at a path, or below it; false where none did.
func (x *copying) madeBelow(known *stageFiles, src string, under func(at string) (string, bool)) bool {
	found := false
	for _, p := range known.loose {
		rel, below := under(p.path)
		switch {
		case below:
			x.expected.open(path.Join(x.dest, rel), p.tree)
		case p.path == src && !p.tree:
			at := x.dest
			if x.isDir {
				at = path.Join(x.dest, path.Base(src))
			}
			x.expected.open(at, x.view.isDir(at))
		case p.holds(src) || p.path == src:
			x.byName("/" + src)
		default:
			continue
		}
		if found = true; p.line > 0 && !slices.Contains(x.expected.made, p.line) {
			x.expected.made = append(x.expected.made, p.line)
		} else if p.line == 0 && x.buildContext != nil {
			x.expected.doubt("what was copied to /%s cannot be told", src)
		}
	}
	return found
}

// rootOf gives the stage whose FROM names the image that a stage stands on.
func rootOf(f *file, s *stage) *stage {
	for s.parent >= 0 {
		s = f.stages[s.parent]
	}
	return s
}

// startsWithout says whether the image that a stage begins with is known to have nothing in a directory: an empty one, or the image that
// the final stage begins with, too, whose files are known.
func (x *copying) startsWithout(s *stage, dir string) bool {
	root := rootOf(x.file, s)
	if root.image == "scratch" {
		return true
	}
	if len(root.from.words) == 0 || len(x.root.from.words) == 0 {
		return false
	}
	if root.from.words[0] != x.root.from.words[0] || x.baseTree == nil || dir == "" {
		return false
	}
	entries, err := x.baseTree.ReadDir(dir)
	return err != nil || len(entries) == 0
}

// stageLabel names a stage to people.
func stageLabel(s *stage) string {
	if s.name != "" {
		return s.name
	}
	return fmt.Sprintf("of line %d", s.from.line)
}
