package lang

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// The bounds of looking into one Java archive.
const (
	// maxJarHeld is how many bytes of compressed nested archives may be held in memory at once. Nested
	// archives that are stored as they are, as Spring Boot does, are read in place.
	maxJarHeld = 64 << 20
	// maxJarInflated is how many bytes may be inflated of one file in all.
	maxJarInflated = 512 << 20
	// maxJarArchives is how many archives one file may hold.
	maxJarArchives = 20_000
	// maxJarFacts is about how many bytes of names and versions are kept of one file.
	maxJarFacts = 8 << 20
	// maxPomProperties and maxManifest are in bytes. The main section of a manifest comes first; the digests
	// of signed entries that follow may be long and are not needed.
	maxPomProperties = 64 << 10
	maxManifest      = 64 << 10
	// maxPomXML is the largest pom.xml, in bytes, that is read for what it asks for.
	maxPomXML = 256 << 10
	// maxJarText is how many bytes a manifest or a pom.properties may say it has.
	maxJarText = 16 << 20
	// maxJarProblems is how many problems end the reading of a file, and maxJarTold how many are told.
	maxJarProblems = 64
	maxJarTold     = 3
)

// jarKind starts the facts of a Java archive; JSON of jarFacts follows.
const jarKind = "jar\n"

// jarFacts is what is kept of a Java archive.
type jarFacts struct {
	Archives []jarArchive `json:"archives,omitempty"`
	// Problems say what could not be read.
	Problems []string `json:"problems,omitempty"`
}

// jarArchive is one archive: the file itself, or one inside of it.
type jarArchive struct {
	// Path is where it lies in the file ("BOOT-INF/lib/a.jar", deeper ones after "!/"); empty for the file itself.
	Path string           `json:"path,omitempty"`
	Poms []jarCoordinates `json:"poms,omitempty"`
	// PomXML are the pom.xml files.
	PomXML []jarPom `json:"pomXML,omitempty"`
	// Manifest has the fields of MANIFEST.MF that help to tell what the archive is.
	Manifest map[string]string `json:"manifest,omitempty"`

	unreadable bool // nothing was found before reading failed
}

// jarPom is one pom.xml: group and artifact, which its directory names, and what it asks for.
type jarPom struct {
	jarCoordinates
	Requires []jarRequirement `json:"r,omitempty"`
}

// jarRequirement is a dependency that a pom.xml names, save those for tests and those that a container provides.
type jarRequirement struct {
	jarCoordinates
	Optional bool `json:"o,omitempty"`
}

// jarCoordinates are Maven's.
type jarCoordinates struct {
	Group    string `json:"g,omitempty"`
	Artifact string `json:"a,omitempty"`
	Version  string `json:"v,omitempty"`
}

// jarSuffixes are the names of archives that hold Java classes.
var jarSuffixes = [...]string{".jar", ".war", ".ear", ".rar", ".sar", ".par", ".jpi", ".hpi", ".lpkg", ".kar", ".aar", ".nar"}

func isJar(name []byte) bool {
	i := bytes.LastIndexByte(name, '.')
	return i >= 0 && len(name)-i <= 5 && slices.Contains(jarSuffixes[:], strings.ToLower(string(name[i:])))
}

// distilJar takes out of a Java archive what says which packages are in it. What is wrong with the archive
// goes into the facts, so that what could be read is kept too.
func (e javaExtractor) distilJar(ctx context.Context, _ string, r io.ReaderAt, size int64) ([]byte, error) {
	j := jarReader{ctx: ctx, nesting: e.nesting, entries: maxZipEntries, inflated: maxJarInflated, held: maxJarHeld, kept: maxJarFacts, archives: maxJarArchives}
	j.read(r, size, "", 1)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if j.problems > maxJarTold {
		j.facts.Problems = append(j.facts.Problems, fmt.Sprintf("and %d more problems", j.problems-maxJarTold))
	}
	j.facts.Archives = slices.DeleteFunc(j.facts.Archives, func(a jarArchive) bool { return a.unreadable })
	if len(j.facts.Archives) == 0 && len(j.facts.Problems) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(j.facts)
	return append([]byte(jarKind), b...), err
}

// jarReader reads one file, with what is left of each bound.
type jarReader struct {
	ctx               context.Context
	nesting           int // how deep archives may lie
	facts             jarFacts
	problems          int
	entries, inflated int64
	held, kept        int64
	archives          int
}

func (j *jarReader) problem(p string, err error) {
	if j.problems++; j.problems > maxJarTold {
		return
	}
	if p != "" {
		err = fmt.Errorf("%s: %w", p, err)
	}
	j.facts.Problems = append(j.facts.Problems, err.Error())
}

// read looks into the archive at p inside the file.
func (j *jarReader) read(r io.ReaderAt, size int64, p string, depth int) {
	if j.archives--; j.archives < 0 {
		j.problem(p, fmt.Errorf("more than %d archives in one", maxJarArchives))
		return
	}
	place := len(j.facts.Archives)
	a := jarArchive{Path: p}
	j.kept -= int64(len(p))
	j.facts.Archives = append(j.facts.Archives, a)
	err := walkZip(j.ctx, r, size, &j.entries, func(e zipEntry) error {
		j.entry(r, e, &a, depth)
		return j.exhausted()
	})
	if err != nil {
		j.problem(p, err)
		a.unreadable = len(a.Poms)+len(a.PomXML)+len(a.Manifest) == 0
	}
	j.facts.Archives[place] = a
}

// exhausted ends the reading of a file that has used up a bound that all its archives share.
func (j *jarReader) exhausted() error {
	switch {
	case j.archives < 0 || j.inflated <= 0 || j.kept < 0 || j.problems > maxJarProblems:
		return errors.New("the rest is left unread: a bound of the whole file was reached")
	case j.ctx.Err() != nil:
		return j.ctx.Err()
	}
	return nil
}

// entry reads one entry when it says something of what the archive is.
func (j *jarReader) entry(r io.ReaderAt, e zipEntry, a *jarArchive, depth int) {
	name := e.name
	switch {
	case bytes.HasSuffix(name, []byte("/pom.properties")) && bytes.Contains(name, []byte("META-INF/maven/")):
		if b, ok := j.head(r, e, a, maxPomProperties); ok {
			if c := parsePomProperties(b); c.Artifact != "" {
				a.Poms = append(a.Poms, c)
				j.kept -= int64(len(c.Group) + len(c.Artifact) + len(c.Version))
			}
		}
	case bytes.HasSuffix(name, []byte("/pom.xml")) && bytes.HasPrefix(name, []byte("META-INF/maven/")):
		if d := strings.Split(string(name), "/"); len(d) == 5 {
			found := jarPom{jarCoordinates: jarCoordinates{Group: d[2], Artifact: d[3]}}
			j.kept -= int64(len(name))
			if e.size <= maxPomXML { // one that cannot be read proves no package, and is no problem
				b, _ := e.head(r, min(maxPomXML, j.inflated))
				j.inflated -= int64(len(b))
				found.Requires = jarRequirements(parsePom(b))
			}
			for _, d := range found.Requires {
				j.kept -= int64(len(d.Group) + len(d.Artifact) + len(d.Version))
			}
			a.PomXML = append(a.PomXML, found)
		}
	case len(name) == len("META-INF/MANIFEST.MF") && strings.EqualFold(string(name), "META-INF/MANIFEST.MF"):
		if b, ok := j.head(r, e, a, maxManifest); ok {
			a.Manifest = parseManifest(b)
			for _, v := range a.Manifest {
				j.kept -= int64(len(v))
			}
		}
	case isJar(name):
		j.nested(r, e, nestedPath(a.Path, string(name)), depth+1)
	}
}

// jarRequirements gives the dependencies of a pom.xml that go into what is built of it.
func jarRequirements(p pomFile) []jarRequirement {
	var out []jarRequirement
	for _, d := range p.dependencies {
		if d.scope != "test" && d.scope != "provided" {
			out = append(out, jarRequirement{jarCoordinates{d.group, d.artifact, d.version}, d.optional})
		}
	}
	return out
}

func nestedPath(outer, inner string) string {
	inner = strings.TrimPrefix(path.Clean("/"+inner), "/")
	if outer == "" {
		return inner
	}
	return outer + "!/" + inner
}

// head gives the start of a small file in the archive.
func (j *jarReader) head(r io.ReaderAt, e zipEntry, a *jarArchive, limit int64) ([]byte, bool) {
	if e.size > maxJarText {
		j.problem(nestedPath(a.Path, string(e.name)), fmt.Errorf("%d MiB is too large for what it is", e.size>>20))
		return nil, false
	}
	b, err := e.head(r, min(limit, j.inflated))
	j.inflated -= int64(len(b))
	if err != nil {
		j.problem(nestedPath(a.Path, string(e.name)), err)
	}
	return b, err == nil
}

// nested looks into an archive inside the archive.
func (j *jarReader) nested(r io.ReaderAt, e zipEntry, p string, depth int) {
	if depth > j.nesting {
		j.problem(p, fmt.Errorf("archives lie more than %d deep", j.nesting))
		return
	}
	if e.method == 0 && !e.encrypted {
		if section, err := e.raw(r); err != nil {
			j.problem(p, err)
		} else {
			j.read(section, section.Size(), p, depth)
		}
		return
	}
	content, err := j.inflate(r, e)
	if err != nil {
		j.problem(p, err)
		return
	}
	j.held -= int64(len(content))
	j.read(bytes.NewReader(content), int64(len(content)), p, depth)
	j.held += int64(len(content))
}

// inflate gives a compressed archive's whole content.
func (j *jarReader) inflate(r io.ReaderAt, e zipEntry) ([]byte, error) {
	limit := min(j.held, j.inflated)
	if e.size > limit {
		return nil, fmt.Errorf("a compressed archive of %d MiB is too large to look into", e.size>>20)
	}
	content, err := e.open(r) // fails where the archive is too short for e.compressed
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	buf.Grow(int(min(e.size, e.compressed*8) + bytes.MinRead)) // a higher ratio is not believed beforehand
	n, err := buf.ReadFrom(io.LimitReader(content, limit+1))
	j.inflated -= n
	switch {
	case n > limit:
		return nil, errors.New("the archive is larger than its entry says, too large to look into")
	case err != nil:
		return nil, fmt.Errorf("cannot be inflated: %w", err)
	}
	return buf.Bytes(), nil
}

// parsePomProperties reads the file that Maven writes into what it packs.
func parsePomProperties(content []byte) jarCoordinates {
	var c jarCoordinates
	for line := range strings.Lines(string(content)) {
		i := strings.IndexAny(line, "=:")
		if i < 0 || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		value := strings.TrimSpace(line[i+1:])
		if strings.Contains(value, "${") {
			continue
		}
		switch strings.TrimSpace(line[:i]) {
		case "groupId":
			c.Group = value
		case "artifactId":
			c.Artifact = value
		case "version":
			c.Version = value
		}
	}
	return c
}

// manifestFields are the fields of a manifest that say what an archive is.
var manifestFields = [...]string{
	"Implementation-Title", "Implementation-Version", "Implementation-Vendor-Id", "Specification-Version",
	"Bundle-SymbolicName", "Bundle-Name", "Bundle-Version", "Bundle-License", "Automatic-Module-Name", "Short-Name",
	"Group-Id", "Artifact-Id", "Plugin-Version",
}

// parseManifest reads the main section of a manifest, whose lines are folded after 72 bytes:
// https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html#jar-manifest.
func parseManifest(content []byte) map[string]string {
	fields := map[string]string{}
	last := ""
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(content))
	for line := range strings.SplitSeq(text, "\n") {
		switch name, value, _ := strings.Cut(line, ":"); {
		case line == "": // some have empty lines in the main section
		case line[0] == ' ':
			if last != "" {
				fields[last] += line[1:]
			}
		case strings.EqualFold(name, "Name"):
			return fields // the sections of single entries begin
		default:
			if last = manifestField(name); last != "" {
				fields[last] = strings.TrimSpace(value)
			}
		}
	}
	return fields
}

// manifestField gives a field's name in its usual spelling, or the empty string for one that is not kept.
func manifestField(name string) string {
	for _, f := range manifestFields {
		if strings.EqualFold(name, f) {
			return f
		}
	}
	return ""
}
