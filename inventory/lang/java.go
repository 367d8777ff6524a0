package lang

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/google/osv-scalibr/extractor/filesystem/language/java/groupid"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// javaExtractor names the packages in Java archives. osv-scalibr's extractor hashes each archive, reads nested
// ones into memory whole, gives "unknown" for what it cannot name, and takes the symbolic name of an OSGi
// bundle for a Maven group.
type javaExtractor struct {
	nesting int // how deep archives may lie in archives
}

func (javaExtractor) Name() string { return "java-archive" }

func (e javaExtractor) Rules() []inventory.Rule {
	var rules []inventory.Rule
	for _, s := range jarSuffixes {
		// An archive of Spring Boot's may start with a shell script; the others start with a zip entry.
		rule := inventory.Rule{Suffix: s, Magic: "PK", Distil: e.distilJar, Setting: fmt.Sprint("nesting ", e.nesting, ", requirements")}
		rules = append(rules, rule)
		if s == ".jar" || s == ".war" {
			rule.Magic = "#!"
			rules = append(rules, rule)
		}
	}
	return rules
}

func (e javaExtractor) Extract(_ context.Context, tree *layer.Tree, p string) ([]inventory.Package, error) {
	raw, ok := facts(tree, p, jarKind)
	if !ok {
		return nil, nil
	}
	var f jarFacts
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, err
	}
	var pkgs []inventory.Package
	for _, a := range f.Archives {
		place := p
		if a.Path != "" {
			place += "!/" + a.Path
		}
		pkgs = append(pkgs, proven(a.packages(place), e.Name(), place)...)
	}
	var err error
	if len(f.Problems) > 0 {
		err = errors.New(strings.Join(f.Problems, "; "))
	}
	return pkgs, err
}

// packages names what is in one archive that lies at place. Maven's own records come first: an archive made of
// several has one for each. Only without them is it guessed from the manifest and the file's name.
func (a jarArchive) packages(place string) []inventory.Package {
	var pkgs []inventory.Package
	seen := map[jarCoordinates]bool{}
	for _, c := range a.Poms {
		if len(a.Poms) == 1 {
			c = c.or(a.guess(place))
		}
		if c.Group == "" || c.Version == "" || seen[c] {
			continue
		}
		seen[c] = true
		pkgs = append(pkgs, a.coordinated(c))
	}
	if len(a.Poms) == 0 && !systemJar(place) {
		switch c := a.guess(place); {
		case c.Artifact == "" || c.Version == "":
		case c.Group == "":
			// Without a group it is no Maven coordinate, and no advisory can be looked up.
			pkgs = append(pkgs, newPackage("generic", c.Artifact, c.Version))
		default:
			pkgs = append(pkgs, a.coordinated(c))
		}
	}
	if len(pkgs) == 1 {
		pkgs[0].Licenses = bundleLicences(a.Manifest["Bundle-License"])
	}
	return pkgs
}

// coordinated makes a package, with what its pom.xml in the archive asks for.
func (a jarArchive) coordinated(c jarCoordinates) inventory.Package {
	pkg := newPackage("maven", c.Group+":"+c.Artifact, c.Version)
	for _, p := range a.PomXML {
		if p.Artifact != c.Artifact || p.Group != c.Group {
			continue
		}
		for _, d := range p.Requires {
			r := inventory.Requirement{Name: d.Group + ":" + d.Artifact, Range: d.Version}
			if d.Optional {
				r.Kind = inventory.Optional
			}
			pkg.Requires = append(pkg.Requires, r)
		}
	}
	return pkg
}

// systemJar says whether a jar is one that a distribution's package put into the system's own directories.
// Its package, and the Maven repository beside it, say better than a guess what it is.
func systemJar(place string) bool {
	return strings.HasPrefix(place, "usr/share/java/") || strings.HasPrefix(place, "usr/share/maven-repo/")
}

func (c jarCoordinates) or(other jarCoordinates) jarCoordinates {
	if c.Group == "" {
		c.Group = other.Group
	}
	if c.Version == "" {
		c.Version = other.Version
	}
	return c
}

// jarFile splits a file's name at the first "-" or "_" before a digit: guava-31.1-jre.
var jarFile = regexp.MustCompile(`^(.+?)[-_](\d.*)$`)

// guess reads coordinates from what is left of them outside of Maven's records.
func (a jarArchive) guess(place string) jarCoordinates {
	var c jarCoordinates
	m := a.Manifest
	name := path.Base(place)
	name = strings.TrimSuffix(name, path.Ext(name))
	if f := jarFile.FindStringSubmatch(name); f != nil {
		c.Artifact, c.Version = f[1], f[2]
	}
	if len(a.PomXML) == 1 {
		c.Group, c.Artifact = a.PomXML[0].Group, a.PomXML[0].Artifact
	}
	if c.Artifact == "" {
		c.Artifact = firstWord(m["Artifact-Id"], m["Short-Name"], m["Implementation-Title"], name)
	}
	if c.Version == "" {
		c.Version = firstWord(m["Implementation-Version"], m["Plugin-Version"], m["Bundle-Version"], m["Specification-Version"])
	}
	if c.Group == "" {
		c.Group = a.group(c.Artifact)
	}
	// Some name the file by the whole coordinates: org.apache.felix.framework.
	c.Artifact = strings.TrimPrefix(c.Artifact, c.Group+".")
	return c
}

// firstWord gives the first value that is one word, as artifacts and versions are.
func firstWord(values ...string) string {
	for _, v := range values {
		if v != "" && !strings.ContainsAny(v, " \t${}/") {
			return v
		}
	}
	return ""
}

// group guesses the Maven group of an artifact: as the manifest says it outright, by osv-scalibr's table of
// well-known artifacts, by an OSGi name that ends in the artifact, by the families below, or as old Apache Commons have it.
func (a jarArchive) group(artifact string) string {
	m := a.Manifest
	if g := groupid.FromArtifactID(artifact); g != "" {
		return g
	}
	if g := familyGroup(artifact); g != "" {
		return g
	}
	for _, g := range []string{m["Group-Id"], m["Implementation-Vendor-Id"]} {
		if strings.Contains(g, ".") && firstWord(g) != "" {
			return g
		}
	}
	for _, name := range []string{m["Bundle-SymbolicName"], m["Bundle-Name"], m["Automatic-Module-Name"], artifact} {
		name, _, _ = strings.Cut(name, ";")
		name = strings.TrimSpace(name)
		last := artifact[strings.LastIndexByte(artifact, '.')+1:]
		if g, ok := strings.CutSuffix(name, "."+last); ok && strings.Contains(g, ".") {
			if strings.HasSuffix(g, "."+last) { // org.freemarker.freemarker, but org.a.b.b
				g = strings.TrimSuffix(g, "."+last)
			}
			return g
		}
	}
	return ""
}

// familyGroup knows artifacts whose builds (with Gradle or Ivy) leave no record of Maven's, by their first words.
func familyGroup(artifact string) string {
	for _, f := range [...]struct{ prefix, group string }{
		{"spring-boot", "org.springframework.boot"},
		{"spring-security-", "org.springframework.security"},
		{"spring-cloud-", "org.springframework.cloud"},
		{"spring-data-", "org.springframework.data"},
		{"spring-session-", "org.springframework.session"},
		{"spring-integration-", "org.springframework.integration"},
		{"spring-batch-", "org.springframework.batch"},
		{"spring-kafka", "org.springframework.kafka"},
		{"spring-rabbit", "org.springframework.amqp"},
		{"spring-amqp", "org.springframework.amqp"},
		{"spring-ldap-", "org.springframework.ldap"},
		{"spring-ws-", "org.springframework.ws"},
		{"spring-", "org.springframework"},
		{"tomcat-embed-", "org.apache.tomcat.embed"},
		{"tomcat-", "org.apache.tomcat"},
		{"kotlin-", "org.jetbrains.kotlin"},
		{"kotlinx-", "org.jetbrains.kotlinx"},
		{"okhttp", "com.squareup.okhttp3"},
		{"okio", "com.squareup.okio"},
		{"hibernate-core", "org.hibernate"},
		{"micrometer-", "io.micrometer"},
		{"reactor-netty", "io.projectreactor.netty"},
		{"reactor-", "io.projectreactor"},
		{"kafka", "org.apache.kafka"},
		{"lucene-", "org.apache.lucene"},
		{"groovy", "org.codehaus.groovy"},
		{"bcprov-", "org.bouncycastle"},
		{"bcpkix-", "org.bouncycastle"},
		{"bcutil-", "org.bouncycastle"},
		{"grpc-", "io.grpc"},
		{"freemarker", "org.freemarker"},
		{"junit", "junit"},
		{"h2", "com.h2database"},
	} {
		if strings.HasPrefix(artifact, f.prefix) {
			return f.group
		}
	}
	if strings.HasPrefix(artifact, "commons-") && strings.Trim(artifact, "abcdefghijklmnopqrstuvwxyz-") == "" {
		return artifact
	}
	return ""
}

// bundleLicences reads Bundle-License: names or addresses, with attributes, between commas.
func bundleLicences(s string) []string {
	whole, _, _ := strings.Cut(s, ";")
	if id, ok := familiarLicence(whole); ok {
		return []string{id}
	}
	var stated []string
	for part := range strings.SplitSeq(s, ",") {
		id, _, _ := strings.Cut(part, ";")
		id = strings.Trim(strings.TrimSpace(id), `"`)
		if known, ok := familiarLicence(id); ok {
			id = known
		}
		if !strings.Contains(id, "://") && !strings.Contains(id, "=") {
			stated = append(stated, id)
		}
	}
	return licences(stated...)
}

// mavenRepoExtractor names the jars that a distribution keeps in a Maven repository of its own: the jar in
// it, most often a link, has its coordinates in its path.
type mavenRepoExtractor struct{}

func (mavenRepoExtractor) Name() string { return "maven-repo" }

func (mavenRepoExtractor) Rules() []inventory.Rule {
	return []inventory.Rule{{Suffix: ".pom", Dir: "usr/share/maven-repo"}}
}

func (e mavenRepoExtractor) Extract(_ context.Context, tree *layer.Tree, p string) ([]inventory.Package, error) {
	_, rel, _ := strings.Cut(p, "maven-repo/")
	dirs := strings.Split(path.Dir(rel), "/")
	if len(dirs) < 3 {
		return nil, nil
	}
	n := len(dirs)
	group, artifact, version := strings.Join(dirs[:n-2], "."), dirs[n-2], dirs[n-1]
	if version == "debian" || strings.HasSuffix(version, ".x") {
		return nil, nil // an alias (2.x) of the real version, which has its own directory
	}
	jar, ok := tree.Lookup(fmt.Sprintf("%s/%s-%s.jar", path.Dir(p), artifact, version))
	if !ok || jar.File.Type != layer.Regular {
		return nil, nil // a parent, with no archive of its own
	}
	pkg := newPackage("maven", group+":"+artifact, version)
	if strings.Contains(string(jar.File.Facts()), fmt.Sprintf(`{"g":%q,"a":%q,"v":%q}`, group, artifact, version)) {
		return nil, nil // the archive says so itself
	}
	pkg.Paths = []string{jar.Path, p}
	return proven([]inventory.Package{pkg}, e.Name(), p), nil
}
