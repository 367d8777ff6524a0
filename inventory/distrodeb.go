package inventory

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// deb says who built a Debian package.
func (in *installation) deb(p *Package) (OS, string) {
	if vendor := in.debVendor(p); vendor != "" {
		return OS{}, vendor
	}
	byUbuntu := ofUbuntu(mailDomain(p.Supplier))
	switch {
	case in.os.ID == "debian" && byUbuntu && strings.Contains(p.Version, "ubuntu"):
		if m := ubuntuMark.FindStringSubmatch(p.Version); m != nil {
			return OS{ID: "ubuntu", VersionID: m[1]}, "Ubuntu " + m[1]
		}
		return OS{}, "Ubuntu"
	case in.os.ID == "debian", in.os.ID == "ubuntu" && !byUbuntu: // Ubuntu puts itself down as the maintainer of what it rebuilds
		if m := debianMark.FindStringSubmatch(p.Version); m != nil && (in.os.ID == "ubuntu" || m[1] != debianRelease(in.os)) {
			return OS{ID: "debian", VersionID: m[1]}, "Debian " + m[1]
		}
	}
	return in.os, ""
}

// Marks in versions of Debian packages.
var (
	// debianMark ends the version of what was uploaded for a release that is out already:
	// https://www.debian.org/doc/manuals/developers-reference/pkgs.en.html#special-case-uploads-to-the-stable-and-oldstable-distributions
	debianMark = regexp.MustCompile(`[+~]deb(\d+)u\d+(?:\+b\d+)?$`)
	// ubuntuMark ends the version of what was uploaded for a release of Ubuntu: 0ubuntu0.22.04.1, 1ubuntu2~22.04.3.
	ubuntuMark = regexp.MustCompile(`(?:ubuntu0\.|~)(\d\d\.(?:04|10))(?:\.\d+)?$`)
	// codenameMark is how vendors tell apart their builds for several releases: 1.25.3-1~bookworm, 3.12.1-1+jammy1.
	// Debian and Ubuntu number their releases.
	codenameMark = regexp.MustCompile(`[~+.](?:jessie|stretch|buster|bullseye|bookworm|trixie|forky|trusty|xenial|bionic|focal|jammy|noble)\d*$`)
	// numberMark is the same of others: 24.0.7-1~debian.12~bookworm, 8.2.29-1+0~20250707.86+debian12~1.gbp5be9d2.
	numberMark = regexp.MustCompile(`[~+](?:debian|ubuntu)\.?\d+(?:\.\d+)?~`)
)

// debVendor names the vendor that built a package; empty for a distribution, and where nothing shows another. None of the
// 63,664 packages of Debian 12 has anything of what is looked for.
func (in *installation) debVendor(p *Package) string {
	domain := mailDomain(p.Supplier)
	unnamed := cmp.Or(vendorAt(domain), domain, person(p.Supplier))
	if unnamed == "" || ofDebian(domain) || ofUbuntu(domain) {
		unnamed = "an unnamed builder"
	}
	// Only others' tools write who built a package into it; fpm writes "none" where it was not told.
	switch b := strings.ToLower(p.Builder); b {
	case "", "debian", "ubuntu":
	case "none", "unknown":
		return unnamed
	default:
		return person(p.Builder)
	}
	for _, m := range [...]struct{ mark, vendor string }{
		{"nodesource", "NodeSource"}, {".pgdg", "PGDG"}, {"deb.sury.org", "deb.sury.org"}, {"+maria~", "MariaDB"},
		{"-dmo", "deb-multimedia.org"}, {"+rpi", "Raspbian"}, {"+rpt", "Raspberry Pi"}, {"kali", "Kali"}, {"ppa", "a Launchpad PPA"},
	} {
		if strings.Contains(p.Version, m.mark) {
			return m.vendor
		}
	}
	switch {
	case vendorAt(domain) != "":
		return vendorAt(domain)
	case strings.HasPrefix(p.Supplier, "Kubernetes Authors "):
		return "Kubernetes"
	case p.Supplier != "" && domain == "", // Debian's policy (section 5.6.2) asks for an address
		!ofUbuntu(domain) && (codenameMark.MatchString(p.Version) || numberMark.MatchString(p.Version)),
		slices.ContainsFunc(in.aptHosts, func(host string) bool { return serves(host, domain) }):
		return unnamed
	}
	return ""
}

// serves says whether a repository's host belongs to a maintainer's domain: apt.grafana.com to grafana.com, and
// packages.example.com to mail.example.com.
func serves(host, domain string) bool {
	if under(host, "debian.org") || under(host, "ubuntu.com") || strings.Count(domain, ".") == 0 {
		return false
	}
	labels := strings.Split(domain, ".")
	registered := strings.Join(labels[len(labels)-2:], ".")
	// A suffix such as co.uk is not one owner's.
	return under(host, domain) || len(labels[len(labels)-2]) > 3 && under(host, registered)
}

// vendorAt names the vendor whose packages' maintainers have addresses in a domain.
func vendorAt(domain string) string {
	for {
		if vendor := debVendors()[domain]; vendor != "" {
			return vendor
		}
		_, parent, ok := strings.Cut(domain, ".")
		if !ok {
			return ""
		}
		domain = parent
	}
}

// debVendors are vendors with Debian repositories of their own, by the domain of their packages' maintainers. No package of
// Debian's own has a maintainer there (testdata/debian-maintainers.txt has those it has).
var debVendors = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"amazon.com": "Amazon", "azul.com": "Azul", "bell-sw.com": "BellSoft", "brave.com": "Brave",
		"caddyserver.com": "Caddy", "chef.io": "Chef", "citusdata.com": "Citus Data", "clickhouse.com": "ClickHouse",
		"cloudflare.com": "Cloudflare", "confluent.io": "Confluent", "couchbase.com": "Couchbase", "crowdstrike.com": "CrowdStrike",
		"datadoghq.com": "Datadog", "docker.com": "Docker", "dotnetfoundation.org": "Microsoft", "dynatrace.com": "Dynatrace",
		"eclipse.org": "Eclipse Adoptium", "elastic.co": "Elastic", "erlang-solutions.com": "Erlang Solutions", "f5.com": "nginx.org",
		"github.com": "GitHub", "gitlab.com": "GitLab", "grafana.com": "Grafana", "haproxy.com": "HAProxy", "hashicorp.com": "HashiCorp",
		"influxdata.com": "InfluxData", "konghq.com": "Kong", "lightcodelabs.com": "Caddy", "mariadb.com": "MariaDB", "mariadb.org": "MariaDB",
		"microsoft.com": "Microsoft", "mongodb.com": "MongoDB", "mysql.com": "Oracle", "neo4j.com": "Neo4j", "newrelic.com": "New Relic",
		"nginx.com": "nginx.org", "nodesource.com": "NodeSource", "openresty.com": "OpenResty", "openresty.org": "OpenResty",
		"oracle.com": "Oracle", "percona.com": "Percona", "posit.co": "Posit", "proxmox.com": "Proxmox", "puppet.com": "Puppet",
		"puppetlabs.com": "Puppet", "rabbitmq.com": "RabbitMQ", "raspberrypi.com": "Raspberry Pi", "raspberrypi.org": "Raspberry Pi",
		"redis.com": "Redis", "redis.io": "Redis", "rstudio.com": "Posit", "saltstack.com": "Salt", "splunk.com": "Splunk",
		"tailscale.com": "Tailscale", "timescale.com": "Timescale", "varnish-software.com": "Varnish Software", "vmware.com": "VMware",
		"xamarin.com": "Microsoft", "yarnpkg.com": "Yarn", "zabbix.com": "Zabbix",
	}
})
