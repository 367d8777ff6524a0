package lang

import (
	"bytes"
	"regexp"
	"strings"

	"tidewaiter/inventory"
)

// gradleCoordinates is a dependency in one string: implementation("group:artifact:version").
var gradleCoordinates = regexp.MustCompile(`^\s*([A-Za-z]+)\b.*?["']([A-Za-z0-9._-]+):([A-Za-z0-9._-]+):([^"':@$]+)`)

// readGradle reads the dependencies that a Gradle build names with their versions in one string. What a program in it makes up is not seen.
func readGradle(_ string, content []byte) (inventory.Manifest, bool) {
	m := newManifest("maven", content)
	for i, line := range m.Lines {
		c := gradleCoordinates.FindStringSubmatch(line)
		if c == nil || strings.HasPrefix(strings.TrimSpace(line), "//") || len(m.Requires) == maxRequirements {
			continue
		}
		kind := inventory.RequirementKind("")
		if strings.HasPrefix(c[1], "test") || c[1] == "annotationProcessor" || c[1] == "classpath" {
			kind = inventory.Development
		}
		m.Requires = append(m.Requires, declared(c[2]+":"+c[3], c[4], kind, i+1))
	}
	return m, true
}

// readPom reads the dependencies of a pom.xml, with the line of each version: that of the property where it is one.
func readPom(_ string, content []byte) (inventory.Manifest, bool) {
	p := parsePom(content)
	if p.artifact == "" {
		return inventory.Manifest{}, false
	}
	m := newManifest("maven", content)
	m.Project = p.group + ":" + p.artifact
	for _, d := range p.dependencies {
		kind := inventory.RequirementKind("")
		switch {
		case d.scope == "test" || d.scope == "provided":
			kind = inventory.Development
		case d.optional:
			kind = inventory.Optional
		}
		out := declared(d.group+":"+d.artifact, d.version, kind, 0)
		if d.version != "" {
			out.Line = lineAt(content, d.at)
		}
		m.Requires = append(m.Requires, out)
	}
	return m, true
}

// pomFile is what is read of a pom.xml: https://maven.apache.org/pom.html.
type pomFile struct {
	group, artifact, version string
	dependencies             []pomDependency
}

type pomDependency struct {
	group, artifact, version, scope string
	optional                        bool
	at                              int // where the version stands, or the property that gives it
}

// parsePom reads a pom.xml by its tags alone, without their attributes and namespaces: an XML decoder takes a hundred times as long, and
// an archive may hold hundreds of poms. Profiles, plugins and what is only managed are passed over. A property that is not
// set here, but in a parent, leaves a version empty.
func parsePom(content []byte) pomFile {
	r := pomReader{properties: map[string]pomValue{}}
	for pos := 0; pos < len(content); {
		open := bytes.IndexByte(content[pos:], '<')
		if open < 0 {
			break
		}
		pos += open
		if bytes.HasPrefix(content[pos:], []byte("<!--")) {
			end := bytes.Index(content[pos:], []byte("-->"))
			if end < 0 {
				break
			}
			pos += end + len("-->")
			continue
		}
		end := bytes.IndexByte(content[pos:], '>')
		if end < 0 {
			break
		}
		r.tag(content, pos+1, pos+end)
		pos += end + 1
	}
	return r.finish()
}

type pomValue struct {
	text string
	at   int
}

type pomReader struct {
	path       []byte // the tags that the place lies in, between slashes
	depth      int
	start      int // where the text of the innermost began
	properties map[string]pomValue
	parent     pomDependency
	pomFile
	now pomDependency
}

const (
	// maxPomDepth bounds how deep tags may lie in tags, and maxPomPath how long their names may be together; what is beyond is of no interest.
	maxPomDepth = 64
	maxPomPath  = 4 << 10
	// maxPomValue bounds one value, in bytes.
	maxPomValue = 1000
)

// tag takes note of one tag, whose text is content[from:to].
func (r *pomReader) tag(content []byte, from, to int) {
	switch text := content[from:to]; {
	case len(text) == 0 || text[0] == '?' || text[0] == '!' || text[len(text)-1] == '/':
	case text[0] == '/':
		if r.depth == 0 {
			return
		}
		r.depth--
		end := bytes.LastIndexByte(r.path, '/')
		r.close(string(r.path[:end]), string(r.path[end+1:]), content[r.start:max(r.start, min(from-1, r.start+maxPomValue))])
		r.path = r.path[:end]
	case r.depth < maxPomDepth && len(r.path)+len(text) < maxPomPath:
		name, _, _ := bytes.Cut(text, []byte(" "))
		r.depth++
		r.path = append(append(r.path, '/'), bytes.ReplaceAll(name, []byte("/"), nil)...)
		r.start = to + 1
		if string(r.path) == "/project/dependencies/dependency" {
			r.now = pomDependency{}
		}
	}
}

// close takes the value of the tag that ends, which lies in those of where.
func (r *pomReader) close(where, last string, text []byte) {
	value := func() string { return string(bytes.TrimSpace(text)) }
	switch where {
	case "/project":
		r.coordinates(last, value())
	case "/project/parent":
		switch last {
		case "groupId":
			r.parent.group = value()
		case "version":
			r.parent.version = value()
		}
	case "/project/properties":
		if len(r.properties) < maxRequirements {
			r.properties[last] = pomValue{value(), r.start}
		}
	case "/project/dependencies":
		if last == "dependency" && len(r.dependencies) < maxRequirements {
			r.dependencies = append(r.dependencies, r.now)
		}
	case "/project/dependencies/dependency":
		r.dependency(last, value())
	}
}

func (r *pomReader) coordinates(tag, value string) {
	switch tag {
	case "groupId":
		r.group = value
	case "artifactId":
		r.artifact = value
	case "version":
		r.version = value
	}
}

func (r *pomReader) dependency(tag, value string) {
	switch tag {
	case "groupId":
		r.now.group = value
	case "artifactId":
		r.now.artifact = value
	case "version":
		r.now.version, r.now.at = value, r.start
	case "scope":
		r.now.scope = value
	case "optional":
		r.now.optional = value == "true"
	}
}

// finish puts the values of properties in.
func (r *pomReader) finish() pomFile {
	p := r.pomFile
	if p.group == "" {
		p.group = r.parent.group
	}
	if p.version == "" {
		p.version = r.parent.version
	}
	r.pomFile = p
	p.group, _ = r.resolve(p.group, 0)
	p.version, _ = r.resolve(p.version, 0)
	r.pomFile = p
	var kept []pomDependency
	for _, d := range p.dependencies {
		d.group, _ = r.resolve(d.group, 0)
		d.artifact, _ = r.resolve(d.artifact, 0)
		d.version, d.at = r.resolve(d.version, d.at)
		if d.group != "" && d.artifact != "" {
			kept = append(kept, d)
		}
	}
	p.dependencies = kept
	return p
}

// resolve gives what a value that may be one property stands for, and where that is written; empty where it is not known.
func (r *pomReader) resolve(value string, at int) (string, int) {
	const most = 5
	for range most {
		name, isProperty := strings.CutPrefix(value, "${")
		if !isProperty {
			break
		}
		name = strings.TrimSuffix(name, "}")
		switch strings.TrimPrefix(strings.TrimPrefix(name, "project."), "pom.") {
		case "groupId":
			return r.group, at
		case "version":
			return r.version, at
		}
		p := r.properties[name]
		value, at = p.text, p.at
	}
	if strings.Contains(value, "${") {
		return "", at
	}
	return value, at
}
