package assess

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// SetBase changes the tag, and where the file has one the digest, of the image that a FROM names: that at line from, or of the last stage
// where from is 0. The repository stays as it is written there, however reference spells it. Where an argument stands for them, its default
// is changed. What was given to the build as an argument is no text of the file: the error then says what to give instead.
func (d *Dockerfile) SetBase(from int, reference, digest string) (*Edit, error) {
	if d == nil {
		return nil, errNoDockerfile
	}
	chain := d.target(from)
	if len(chain) == 0 {
		return nil, fmt.Errorf("%s has no FROM at line %d", d.name, from)
	}
	return d.setFrom(d.stages[chain[0]], reference, digest)
}

func (d *Dockerfile) setFrom(s buildStage, reference, digest string) (*Edit, error) {
	old := d.expand(s.base)
	if !plainReference.MatchString(reference) {
		return nil, fmt.Errorf("%q is no name for a base image", reference) // an image's own labels may have named it
	}
	repository, oldTag, oldDigest := splitReference(old)
	if oldDigest != "" && digest == "" {
		return nil, fmt.Errorf("%s pins the base by its digest, and the new one's is not known", d.name)
	}
	named, tag, _ := splitReference(reference)
	wanted := cmp.Or(repository, named) + ":" + tag
	if oldTag == "" && oldDigest != "" && tag == "latest" {
		wanted = repository
	}
	if oldDigest != "" {
		wanted += "@" + digest
	}
	switch {
	case wanted == old:
		return nil, errors.New("the line stays as it is")
	case !strings.Contains(s.base, "$"):
		return d.substitute(s.from, strings.Trim(s.base, `"'`), wanted)
	}
	before, name, after, ok := oneVariable(s.base)
	if !ok || !strings.HasPrefix(wanted, before) || !strings.HasSuffix(wanted, after) || len(before)+len(after) > len(wanted) {
		return nil, fmt.Errorf("%s names the base by arguments, %s, and no single one of them can be changed to make it %s", d.name, s.base, wanted)
	}
	value := wanted[len(before) : len(wanted)-len(after)]
	arg, ok := d.globalArg(name)
	switch {
	case !ok || arg.given || !arg.hasDefault:
		return nil, &buildArgError{file: d.name, name: name, value: value}
	case arg.twice || strings.Contains(arg.value, "$"):
		return nil, fmt.Errorf("%s makes the argument %s of others: change it by hand to %s", d.name, name, value)
	}
	return d.substitute(arg.instruction, name+"="+arg.value, name+"="+value)
}

// plainReference knows what can stand in a Dockerfile, and in a shell's command, as it is.
var plainReference = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]*$`)

// buildArgError says that not the file but an argument of the build decides.
type buildArgError struct{ file, name, value string }

func (e *buildArgError) Error() string {
	return fmt.Sprintf("%s takes it from a build argument: build with %s", e.file, e.flag())
}

func (e *buildArgError) flag() string { return "--build-arg " + e.name + "=" + e.value }

// oneVariable splits a word with exactly one variable in it, without modifiers other than a default.
func oneVariable(word string) (before, name, after string, ok bool) {
	m := variable.FindAllStringSubmatchIndex(word, -1)
	if len(m) != 1 {
		return "", "", "", false
	}
	found := variable.FindStringSubmatch(word)
	return strings.Trim(word[:m[0][0]], `"'`), cmp.Or(found[1], found[2]), strings.Trim(word[m[0][1]:], `"'`), true
}

var variable = regexp.MustCompile(`\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))`)

// splitReference splits an image's name into repository, tag and digest. A registry's port is no tag.
func splitReference(ref string) (repository, tag, digest string) {
	repository, digest, _ = strings.Cut(ref, "@")
	if colon := strings.LastIndexByte(repository, ':'); colon > strings.LastIndexByte(repository, '/') {
		return repository[:colon], repository[colon+1:], digest
	}
	return repository, "", digest
}

// SetPin changes the version that a RUN demands of a package: name=old becomes name=new. It must stand there once.
func (d *Dockerfile) SetPin(name, old, version string) (*Edit, error) {
	if d == nil {
		return nil, errNoDockerfile
	}
	var at []int
	for _, i := range d.runs(d.target(0)) {
		if n := d.count(i, name+"="+old); n == 1 {
			at = append(at, i)
		} else if n > 1 {
			return nil, fmt.Errorf("%s demands %s=%s more than once", d.name, name, old)
		}
	}
	if len(at) != 1 {
		return nil, fmt.Errorf("%s has not one instruction that demands %s=%s", d.name, name, old)
	}
	return d.substitute(at[0], name+"="+old, name+"="+version)
}

// What begins the work of each package manager in a RUN, after the options that it may have.
var (
	aptUpdate  = regexp.MustCompile(`\b(apt-get|apt)((?:\s+-\S+)*)\s+update\b[^&|;\\"'#]*`)
	apkAdd     = regexp.MustCompile(`\bapk((?:\s+-\S+)*)\s+add\b`)
	rpmInstall = regexp.MustCompile(`\b(dnf|microdnf|yum|tdnf)((?:\s+-\S+)*)\s+install\b`)
	upgrades   = regexp.MustCompile(`\b(apt-get|apt|apk|dnf|microdnf|yum|tdnf)\b[^&|;]*\b(upgrade|dist-upgrade|full-upgrade)\b`)
)

// errUpgrades is what [Dockerfile.AddUpgrade] ends with where there is nothing to add.
var errUpgrades = errors.New("an instruction upgrades all packages already: a build without cache does it")

// AddUpgrade adds the upgrade of all packages to the first RUN that installs some, purlType saying by which manager.
func (d *Dockerfile) AddUpgrade(purlType string) (*Edit, error) {
	if d == nil {
		return nil, errNoDockerfile
	}
	runs := d.runs(d.target(0))
	for _, i := range runs {
		if upgrades.MatchString(d.instructions[i].Original) {
			return nil, errUpgrades
		}
	}
	for _, i := range runs {
		in := &d.instructions[i]
		for line := in.start; line <= in.end; line++ {
			text, _ := cutEnding(d.lines[line-1])
			if isComment(text) {
				continue
			}
			if changed, ok := withUpgrade(text, purlType); ok {
				return d.edit(i, line, changed)
			}
		}
	}
	return nil, fmt.Errorf("%s has no instruction that an upgrade could be added to", d.name)
}

// withUpgrade adds the upgrade to a line of a shell's commands: after apt's update, and before what others install.
func withUpgrade(text, purlType string) (string, bool) {
	insert := func(at int, command string) (string, bool) { return text[:at] + command + text[at:], true }
	switch purlType {
	case "deb":
		m := aptUpdate.FindStringSubmatchIndex(text)
		if m == nil {
			return "", false
		}
		end := m[0] + len(strings.TrimRight(text[m[0]:m[1]], " \t"))
		if rest := strings.TrimLeft(text[m[1]:], " \t"); rest != "" && !strings.HasPrefix(rest, "&&") && !strings.HasPrefix(rest, ";") && rest != `\` {
			return "", false // update || true, update | tee: what follows is not the next command
		}
		return insert(end, " && "+text[m[2]:m[3]]+text[m[4]:m[5]]+" upgrade -y")
	case "apk":
		if m := apkAdd.FindStringIndex(text); m != nil {
			return insert(m[0], "apk upgrade --no-cache && ")
		}
	case "rpm":
		if m := rpmInstall.FindStringSubmatchIndex(text); m != nil {
			return insert(m[0], text[m[2]:m[3]]+" upgrade -y && ")
		}
	}
	return "", false
}

var npmInstall = regexp.MustCompile(`\bnpm (ci|install)\b`)

// omitDev is what tells npm to leave out the development dependencies.
const omitDev = " --omit=dev"

// OmitDev makes the npm ci of a RUN leave out the development dependencies.
func (d *Dockerfile) OmitDev() (*Edit, error) {
	if d == nil {
		return nil, errNoDockerfile
	}
	var all []int
	for s := range d.stages {
		all = append(all, s)
	}
	for _, i := range d.runs(all) {
		in := &d.instructions[i]
		if strings.Contains(in.Original, "--omit") || strings.Contains(in.Original, "--prod") || strings.Contains(in.Original, "--only") {
			continue
		}
		for line := in.start; line <= in.end; line++ {
			text, _ := cutEnding(d.lines[line-1])
			if m := npmInstall.FindStringIndex(text); m != nil && !isComment(text) {
				return d.edit(i, line, text[:m[1]]+omitDev+text[m[1]:])
			}
		}
	}
	return nil, fmt.Errorf("%s has no npm ci that installs development dependencies", d.name)
}

// AddUser makes the image run as a user that is not root: a USER before what is started.
func (d *Dockerfile) AddUser(user string) (*Edit, error) {
	if d == nil {
		return nil, errNoDockerfile
	}
	chain := d.target(0)
	last := d.stages[chain[len(chain)-1]]
	at := 0
	for i := last.from + 1; i < len(d.instructions) && d.instructions[i].kind != "FROM"; i++ {
		switch d.instructions[i].kind {
		case "USER":
			return d.setUser(i, user)
		case "ENTRYPOINT", "CMD":
			if at == 0 {
				at = i
			}
		case "RUN", "COPY", "ADD": // they may need root
			at = 0
		}
	}
	if at == 0 {
		return nil, fmt.Errorf("%s ends with instructions that may need root: add USER %s by hand", d.name, user)
	}
	in := &d.instructions[at]
	text, ending := cutEnding(d.lines[in.start-1])
	if strings.HasSuffix(ending, "\r\n") {
		ending = "\r\n"
	} else {
		ending = "\n"
	}
	return d.edit(at, in.start, "USER "+user+ending+text)
}

func (d *Dockerfile) setUser(i int, user string) (*Edit, error) {
	words := d.instructions[i].words()
	if len(words) != 1 || strings.Contains(words[0], "$") {
		return nil, fmt.Errorf("%s:%d: the user is set by an argument", d.name, d.instructions[i].start)
	}
	return d.substitute(i, words[0], user)
}

// substitute changes a text of an instruction that stands in it once, between spaces or quotes.
func (d *Dockerfile) substitute(i int, old, text string) (*Edit, error) {
	in := &d.instructions[i]
	if d.count(i, old) != 1 {
		return nil, fmt.Errorf("%s:%d: %s does not stand there once, so it is left alone: change it by hand to %s", d.name, in.start, old, text)
	}
	for line := in.start; line <= in.end; line++ {
		had, _ := cutEnding(d.lines[line-1])
		if at := word(had, old); at >= 0 && !isComment(had) {
			return d.edit(i, line, had[:at]+text+had[at+len(old):])
		}
	}
	return nil, fmt.Errorf("%s:%d: %s is not on one line", d.name, in.start, old)
}

// count is how often a text stands in an instruction between spaces or quotes.
func (d *Dockerfile) count(i int, text string) int {
	n := 0
	for line := d.instructions[i].start; line <= d.instructions[i].end; line++ {
		rest, _ := cutEnding(d.lines[line-1])
		if isComment(rest) {
			continue
		}
		for at := word(rest, text); at >= 0; at = word(rest, text) {
			n++
			rest = rest[at+len(text):]
		}
	}
	return n
}

// word finds a text that spaces, quotes or the ends of the line enclose; -1 where there is none.
func word(line, text string) int {
	encloses := func(c byte) bool { return strings.IndexByte(" \t\"';&|()", c) >= 0 }
	for from := 0; ; {
		at := strings.Index(line[from:], text)
		if at < 0 || text == "" {
			return -1
		}
		at += from
		end := at + len(text)
		if (at == 0 || encloses(line[at-1])) && (end == len(line) || encloses(line[end])) {
			return at
		}
		from = at + 1
	}
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }

// edit changes one line, and holds the result against what was: all other instructions must read the same.
func (d *Dockerfile) edit(i, line int, changed string) (*Edit, error) {
	old, _ := cutEnding(d.lines[line-1])
	e := &Edit{File: d.name, Line: line, Old: old, New: changed}
	source, err := e.Apply([]byte(strings.Join(d.lines, "")))
	if err != nil {
		return nil, err
	}
	after, err := ParseDockerfile(d.name, source, d.args)
	if err != nil {
		return nil, fmt.Errorf("%s:%d cannot be edited safely: %w", d.name, line, err)
	}
	added := len(after.instructions) - len(d.instructions)
	if added < 0 || added > 1 {
		return nil, fmt.Errorf("%s:%d cannot be edited safely: other instructions would change", d.name, line)
	}
	for n := range d.instructions {
		to := n
		if n > i || n == i && added == 1 {
			to += added
		}
		if (n != i || added == 1) && d.instructions[n].text() != after.instructions[to].text() || d.instructions[n].kind != after.instructions[to].kind {
			return nil, fmt.Errorf("%s:%d cannot be edited safely: other instructions would change", d.name, line)
		}
	}
	return e, nil
}

// text is all that an instruction says.
func (in *instruction) text() string {
	var b strings.Builder
	b.WriteString(in.Dump())
	for _, h := range in.Heredocs {
		b.WriteString("\x00" + h.Name + "\x00" + h.Content)
	}
	return b.String()
}
