package match

import (
	"strings"
	"sync"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
	"tidewaiter/version"
)

// Programs that no package manager installed have no ecosystem. Two feeds know them all the same: NVD's, by the names of the CPE
// dictionary, and Bitnami's, which has the versions of upstream in its ranges.

// program is one program under all names that feeds have for it.
type program struct {
	// cpes are its names in the CPE dictionary: those that it had once and those of its copies in NVD's data, too.
	cpes string
	// bitnami is its name in Bitnami's feed; empty where that does not have the same program.
	bitnami string
	// java says that its versions are Java's.
	java bool
}

// programs are those programs that have more than one name.
func programs() []program {
	return []program{
		{"nodejs:node.js nodejs:nodejs nodejs:node", "node", false},
		{"python:python python_software_foundation:cpython", "python", false},
		{"php:php", "php", false},
		{"ruby-lang:ruby", "ruby", false},
		{"lua:lua", "lua", false},
		{"oracle:openjdk sun:openjdk", "java", true},
		{"oracle:jdk oracle:jre oracle:java_se sun:jdk sun:jre", "", true},
		{"microsoft:.net microsoft:.net_core", "dotnet", false},
		{"microsoft:asp.net_core", "aspnet-core", false},
		{"nginx:nginx f5:nginx f5:nginx_open_source igor_sysoev:nginx", "nginx", false},
		{"openresty:openresty", "openresty", false},
		{"apache:http_server apache:httpd", "apache", false},
		{"haproxy:haproxy", "haproxy", false},
		{"varnish-software:varnish_cache varnish_cache_project:varnish_cache varnish-cache:varnish varnish_cache_project:varnish", "varnish", false},
		{"memcached:memcached memcachedb:memcached", "memcached", false},
		{"redis:redis redislabs:redis", "redis", false},
		{"lfprojects:valkey linuxfoundation:valkey valkey-io:valkey", "valkey", false},
		{"postgresql:postgresql", "postgresql", false},
		{"mariadb:mariadb", "mariadb", false},
		{"oracle:mysql oracle:mysql_server mysql:mysql", "", false},
		{"sqlite:sqlite", "sqlite", false},
		{"git-scm:git git:git git_project:git", "git", false},
		{"haxx:curl haxx:libcurl curl:curl", "", false}, // one source and one version; which of the two is named is chance
		{"exim:exim university_of_cambridge:exim", "", false},
		{"libexpat_project:libexpat libexpat:expat", "", false},
		{"tukaani:xz xz_project:xz", "", false},
		{"sudo_project:sudo todd_miller:sudo", "", false},
	}
}

// programsByCPE has the products by each of their names.
var programsByCPE = sync.OnceValue(func() map[string]*program {
	byName := map[string]*program{}
	for _, p := range programs() {
		for _, name := range strings.Fields(p.cpes) {
			byName[name] = &p
		}
	}
	return byName
})

// productSubjects gives the names under which feeds know a package that has no ecosystem as a program; none where it is not known
// which it is, or where another package answers for it. A distribution's package is never held against them: its version
// does not tell what was mended in it.
func productSubjects(p *inventory.Package) []*subject {
	cpe, ok := advisory.ParseCPE(p.CPE)
	if !ok || cpe.Part != "a" || p.Ecosystem != "" || p.Owner != "" || p.OfDistribution() {
		return nil
	}
	known := programsByCPE()[cpe.Name()]
	if known == nil {
		known = &program{cpes: cpe.Name()}
	}
	ecosystem := advisory.CPEEcosystem
	if known.java {
		ecosystem += ":java"
	}
	modern := known.modern(p.Version)
	var list []*subject
	for _, name := range strings.Fields(known.cpes) {
		list = append(list, productSubject(p, ecosystem, name, p.Version))
		if known.java && modern != p.Version { // records have the one or the other
			list = append(list, productSubject(p, ecosystem, name, modern))
		}
	}
	if known.bitnami != "" {
		list = append(list, productSubject(p, "Bitnami", known.bitnami, modern))
	}
	return list
}

// Order is the ecosystem in whose order a package's versions are: its own, or that of programs without a package manager.
func Order(p *inventory.Package) string {
	if p.Ecosystem != "" {
		return p.Ecosystem
	}
	if subjects := productSubjects(p); len(subjects) > 0 {
		return subjects[0].ecosystem
	}
	return advisory.CPEEcosystem
}

func productSubject(p *inventory.Package, ecosystem, name, text string) *subject {
	base, _, _ := strings.Cut(ecosystem, ":")
	s := &subject{pkg: p, ecosystem: ecosystem, base: base, name: name, text: text, places: map[string]place{}}
	s.version, s.err = version.Parse(ecosystem, text)
	return s
}

// modern is a program's version as Bitnami writes it: Java's 1.8.0_372 as 8.0.372, and Python's 3.11.2+, which is built from what
// came after 3.11.2, as that.
func (k *program) modern(text string) string {
	if rest, old := strings.CutPrefix(text, "1."); old && k.java {
		return strings.ReplaceAll(rest, "_", ".")
	}
	return strings.TrimSuffix(text, "+")
}

// byProduct says whether the subject is a program that no package manager declares.
func (s *subject) byProduct() bool { return s.pkg.Ecosystem == "" }

// A range of NVD's may begin right after a version, which the feed writes with a > in front.

// startOf writes the beginning of a range.
func startOf(text string) string {
	if start, after := strings.CutPrefix(text, ">"); after {
		return "> " + start
	}
	return ">= " + text
}

// beforeStart writes that a version comes before the beginning of a range.
func beforeStart(text string) string {
	if start, after := strings.CutPrefix(text, ">"); after {
		return "<= " + start + ", after which the problem came in"
	}
	return "< " + text + ", where the problem came in"
}
