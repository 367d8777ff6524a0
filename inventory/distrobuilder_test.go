package inventory

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/layer"
)

// The maintainers, vendors and versions are those of real packages.
func TestBuilder(t *testing.T) {
	debian, ubuntu := OS{ID: "debian", VersionID: "12"}, OS{ID: "ubuntu", VersionID: "22.04"}
	rhel, rocky := OS{ID: "rhel", VersionID: "9.5"}, OS{ID: "rocky", VersionID: "9.3"}
	amazon, leap := OS{ID: "amzn", VersionID: "2023"}, OS{ID: "opensuse-leap", VersionID: "15.5", Name: "openSUSE Leap 15.5"}
	tests := []struct {
		name                       string
		on                         OS
		kind, version, by, builder string
		ecosystem, vendor          string
	}{
		{"Debian's own", debian, "deb", "2.36-9+deb12u10", "GNU Libc Maintainers <debian-glibc@lists.debian.org>", "", "Debian:12", ""},
		{"a private address", debian, "deb", "1.47.0-2+b2", "Theodore Y. Ts'o <tytso@mit.edu>", "", "Debian:12", ""},
		{"nothing known", debian, "deb", "1.0", "", "", "Debian:12", ""},
		{"Docker", debian, "deb", "5:24.0.7-1~debian.12~bookworm", "Docker <support@docker.com>", "", "", "Docker"},
		{"NodeSource", debian, "deb", "20.20.2-1nodesource1", "NodeSource Support <support@nodesource.com>", "", "", "NodeSource"},
		{"PGDG, under a Debian team", debian, "deb", "16.4-1.pgdg120+2", "Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>", "", "", "PGDG"},
		{"nginx.org", debian, "deb", "1.27.1-1~bookworm", "NGINX Packaging <nginx-packaging@f5.com>", "", "", "nginx.org"},
		{"Microsoft", debian, "deb", "8.0.8-1", ".NET Team <dotnetpackages@dotnetfoundation.org>", "", "", "Microsoft"},
		{"Sury, under a Debian team", debian, "deb", "8.3.10-1+0~20240801.46+debian12~1.gbpf35b63", "Debian PHP Maintainers <team+pkg-php@tracker.debian.org>", "", "", "an unnamed builder"},
		{"no address", debian, "deb", "528.0.0-0", "Google Cloud CLI Authors <https://code.google.com/p/google-cloud-sdk/>", "", "", "Google Cloud CLI Authors"},
		{"a shared address", debian, "deb", "1:528.0.0-0", "Kubernetes Authors <kubernetes-dev+release@googlegroups.com>", "", "", "Kubernetes"},
		{"made with fpm", debian, "deb", "1.2.3", "<ops@build>", "none", "", "build"},
		{"an origin", debian, "deb", "1.2.3-1", "Acme <ops@acme.example>", "Acme Tools", "", "Acme Tools"},
		{"an unknown vendor's build for a release", debian, "deb", "1.2.3~bookworm", "Acme <ops@acme.example>", "", "", "acme.example"},
		{"Raspbian", debian, "deb", "2.36-9+rpt2+deb12u4", "GNU Libc Maintainers <debian-glibc@lists.debian.org>", "", "", "Raspberry Pi"},
		{"another release of Debian", debian, "deb", "1.1.1w-0+deb11u1", "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>", "", "Debian:11", "Debian 11"},
		{"rebuilt", debian, "deb", "1.2-3+deb11u1+b2", "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>", "", "Debian:11", "Debian 11"},
		{"taken over from a newer release", debian, "deb", "3.3.1-1+deb13u1~deb12u1", "Anuradha Weeraman <anuradha@debian.org>", "", "Debian:12", ""},
		{"a backport", debian, "deb", "2.9-1~bpo12+1", "Debian Authentication Maintainers <x@alioth-lists.debian.net>", "", "Debian:12", ""},
		{"unreleased, of its own release", OS{ID: "debian", Codename: "trixie"}, "deb", "1-1+deb13u1", "A <a@debian.org>", "", "Debian:13", ""},
		{"Ubuntu on Debian", debian, "deb", "1.2-3ubuntu0.22.04.1", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", "", "Ubuntu:22.04:LTS", "Ubuntu 22.04"},
		{"Ubuntu on Debian, of no known release", debian, "deb", "1.2-3ubuntu4", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", "", "", "Ubuntu"},
		{"Ubuntu's own", ubuntu, "deb", "1.21.1-1~ubuntu22.04.2", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", "", "Ubuntu:22.04:LTS", ""},
		{"Ubuntu's own, taken over from Debian", ubuntu, "deb", "2.1-2+deb12u1", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", "", "Ubuntu:22.04:LTS", ""},
		{"Debian on Ubuntu", ubuntu, "deb", "120.0.6099.129-1~deb12u1", "Debian Chromium Team <chromium@packages.debian.org>", "", "Debian:12", "Debian 12"},
		{"a PPA", ubuntu, "deb", "2.43.0-0ppa1~ubuntu22.04.1", "Jonathan Nieder <jrnieder@gmail.com>", "", "", "a Launchpad PPA"},
		{"deadsnakes", ubuntu, "deb", "3.12.1-1+jammy1", "Matthias Klose <doko@debian.org>", "", "", "an unnamed builder"},
		{"Root", debian, "deb", "3.0.15-1~deb12u1.root.io.1", "Debian OpenSSL Team <x@alioth-lists.debian.net>", "", "Root:Debian:12", "Root"},
		{"Root on Alpine", OS{ID: "alpine", VersionID: "3.18.4"}, "apk", "3.1.3-r1.root.io.1", "", "", "Root:Alpine:3.18", "Root"},

		{"nginx.org on Alpine", OS{ID: "alpine", VersionID: "3.18.4"}, "apk", "1.25.3-r1", "NGINX Packaging <nginx-packaging@f5.com>", "", "", "nginx.org"},
		{"Alpine's nginx", OS{ID: "alpine", VersionID: "3.18.4"}, "apk", "1.24.0-r7", "Jakub Jirutka <jakub@jirutka.cz>", "", "Alpine:v3.18", ""},

		{"Red Hat's own", rhel, "rpm", "3.0.7-27.el9", "Red Hat, Inc.", "", "Red Hat:enterprise_linux:9", ""},
		{"of another major release", rhel, "rpm", "1.1.1k-12.el8_9", "Red Hat, Inc.", "", "Red Hat:enterprise_linux:8", ""},
		{"without a mark", rhel, "rpm", "1.0-1", "Red Hat, Inc.", "", "Red Hat:enterprise_linux:9", ""},
		{"EPEL", rhel, "rpm", "3.6.3-1.el9", "Fedora Project", "", "", "EPEL 9"},
		{"EPEL's own release package", rhel, "rpm", "9-7", "Fedora Project", "", "", "EPEL 9"},
		{"CentOS on RHEL", rhel, "rpm", "252-51.el9", "CentOS", "", "CentOS:9", "CentOS 9"},
		{"PGDG", rhel, "rpm", "16.4-1PGDG.rhel9", "PostgreSQL Global Development Group", "", "", "PGDG"},
		{"Docker's rpm", rhel, "rpm", "3:27.1.1-1.el9", "Docker <support@docker.com>", "", "", "Docker"},
		{"AlmaLinux on Rocky", rocky, "rpm", "3.0.7-27.el9", "AlmaLinux", "", "AlmaLinux:9", "AlmaLinux 9"},
		{"a module of Rocky", rocky, "rpm", "1:18.19.0-1.module+el9.3.0+1589+a5d23d3d", "Rocky Enterprise Software Foundation", "", "Rocky Linux:9", ""},
		{"no vendor", rocky, "rpm", "1-1.el9", "", "", "Rocky Linux:9", ""},
		{"a distribution without a vendor", rocky, "rpm", "1-1.el9", "", "Fedora Project", "", "EPEL 9"},
		{"Amazon's own", amazon, "rpm", "8.3.0-1.amzn2023.0.2", "Amazon Linux", "", "Amazon Linux:2023", ""},
		{"EPEL on Amazon Linux 2", OS{ID: "amzn", VersionID: "2"}, "rpm", "1.5-1.el7", "Fedora Project", "", "", "EPEL 7"},
		{"Fedora of an earlier mass rebuild", OS{ID: "fedora", VersionID: "40"}, "rpm", "1.0-5.fc39", "Fedora Project", "", "Fedora:40", ""},
		{"Fedora on Amazon Linux", amazon, "rpm", "1.0-5.fc39", "Fedora Project", "", "Fedora:39", "Fedora 39"},
		{"Amazon Linux on RHEL", rhel, "rpm", "8.3.0-1.amzn2023.0.2", "Amazon Linux", "", "Amazon Linux:2023", "Amazon Linux 2023"},
		{"Amazon's Java on RHEL", rhel, "rpm", "1:17.0.12+7-1", "Amazon.com, Inc.", "", "", "Amazon.com, Inc."},
		{"SUSE in openSUSE", leap, "rpm", "1.1.1l-150500.17.34.1", "SUSE LLC <https://www.suse.com/>", "", "openSUSE:Leap 15.5", ""},
		{"somebody's project of the Open Build Service", leap, "rpm", "1-1.1", "obs://build.opensuse.org/home:somebody", "", "", "obs://build.opensuse.org/home:somebody"},
		{"Azure Linux", OS{ID: "mariner", VersionID: "2.0"}, "rpm", "5.1.8-1.cm2", "Microsoft Corporation", "", "Azure Linux:2", ""},
		{"Microsoft on RHEL", rhel, "rpm", "8.0.8-1", "Microsoft Corporation", "", "", "Microsoft Corporation"},
		{"Photon on RHEL", rhel, "rpm", "8.0.8-1.ph5", "VMware, Inc.", "", "Photon OS:5.0", "Photon OS 5.0"},
		{"an unknown distribution's own", OS{ID: "eurolinux", VersionID: "9"}, "rpm", "1-1.el9", "EuroLinux", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := Package{Type: tt.kind, Name: "x", Version: tt.version, Supplier: tt.by, Builder: tt.builder}
			p.SetBuilder(tt.on)
			if p.Ecosystem != tt.ecosystem || p.Vendor != tt.vendor {
				t.Errorf("%q by %q, want %q by %q", p.Ecosystem, p.Vendor, tt.ecosystem, tt.vendor)
			}
		})
	}
}

// No maintainer of Debian's own packages makes them somebody else's.
func TestDebianMaintainersAreNoVendors(t *testing.T) {
	list, err := os.ReadFile("testdata/debian-maintainers.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(list)) {
		domain := strings.TrimSpace(line)
		if strings.HasPrefix(domain, "#") {
			continue
		}
		n++
		p := Package{Type: "deb", Version: "1.0-1", Supplier: "A Maintainer <m@" + domain + ">"}
		if p.SetBuilder(OS{ID: "debian", VersionID: "12"}); p.Ecosystem != "Debian:12" || p.Vendor != "" {
			t.Errorf("%s: %q by %q", domain, p.Ecosystem, p.Vendor)
		}
	}
	if n < 600 {
		t.Errorf("only %d domains", n)
	}
}

func TestReadInstallation(t *testing.T) {
	tree := layer.NewTree()
	tree.Apply(0, &layer.Index{Files: []layer.File{
		file("srv/root/etc/os-release", "ID=debian\nVERSION_ID=12\n"),
		file("srv/root/etc/apt/sources.list", "deb http://deb.debian.org/debian bookworm main\n"),
		file("srv/root/etc/apt/sources.list.d/x.list", "deb https://deb.debian.org/debian bookworm main\ndeb https://apt.example.com/ x main\n"),
		file("srv/root/etc/apt/sources.list.d/y.sources", "URIs: https://packages.example.org/apt\n"),
		file("etc/apk/world", "curl@edge\n"),
		file("etc/apk/repositories", "@edge https://dl-cdn.alpinelinux.org/alpine/edge/main\n"),
	}})
	want := []string{"apt.example.com", "deb.debian.org", "packages.example.org"}
	if in := readInstallation(tree, "srv/root"); in.os.ID != "debian" || in.apkTags != nil || !cmp.Equal(in.aptHosts, want) {
		t.Errorf("%+v", in)
	}
	if in := readInstallation(tree, ""); in.os.ID != "" || in.aptHosts != nil || in.apkTags["curl"].Ecosystem() != "Alpine:edge" {
		t.Errorf("%+v", in)
	}
}

func TestRepositoriesOfPackages(t *testing.T) {
	tags := apkTags("alpine-base\ncurl@edge\nzlib@main=1.3-r0 nginx>1@new\nown@local\nodd@\n",
		"https://dl-cdn.alpinelinux.org/alpine/v3.18/main\n@edge https://dl-cdn.alpinelinux.org/alpine/edge/main\n@main http://mirror.example/alpine/v3.18/main\n"+
			"@new https://packages.wolfi.dev/os\n@local /srv/packages\n@\n")
	got := map[string][2]string{}
	in := installation{os: OS{ID: "alpine", VersionID: "3.18.4"}, apkTags: tags}
	for _, name := range []string{"alpine-base", "curl", "zlib", "nginx", "own", "odd"} {
		p := Package{Type: "apk", Name: name, Version: "1-r0"}
		in.settle(&p)
		got[name] = [2]string{p.Ecosystem, p.Vendor}
	}
	want := map[string][2]string{"alpine-base": {"Alpine:v3.18"}, "curl": {"Alpine:edge", "Alpine edge"}, "zlib": {"Alpine:v3.18"},
		"nginx": {"Wolfi", "Wolfi"}, "own": {"", "a local repository"}, "odd": {"Alpine:v3.18"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	in = installation{os: OS{ID: "debian", VersionID: "12"}, aptHosts: hosts("deb [signed-by=/x] https://apt.grafana.com stable main\n" +
		"URIs: http://deb.debian.org/debian\n# deb http://PPA.Example.co.uk:80/x\nfile:/x ://")}
	for supplier, vendor := range map[string]string{
		"Grafana <contact@grafana.com>":      "Grafana",
		"A <a@mail.grafana.com>":             "Grafana",
		"A <a@lists.debian.org>":             "",
		"A <a@other.co.uk>":                  "",
		"A <a@example.co.uk>":                "example.co.uk",
		"A <a@tytso.org>":                    "",
		"Debian Team <t@deb.debian.org>":     "",
		"A <a@localhost>":                    "",
		"Colin Watson <cjwatson@ubuntu.com>": "",
	} {
		p := Package{Type: "deb", Version: "1-1", Supplier: supplier}
		if in.settle(&p); p.Vendor != vendor {
			t.Errorf("%s: %q, want %q", supplier, p.Vendor, vendor)
		}
	}
}

func TestVendorPURL(t *testing.T) {
	debian := OS{ID: "debian", VersionID: "12"}
	for _, tt := range []struct {
		pkg  Package
		want string
	}{
		{Package{Type: "deb", Name: "docker-ce", Version: "5:24.0.7-1~debian.12~bookworm", Supplier: "Docker <support@docker.com>"},
			"pkg:deb/docker/docker-ce@5:24.0.7-1~debian.12~bookworm?distro=debian-12"},
		{Package{Type: "deb", Name: "libssl1.1", Version: "1.1.1w-0+deb11u1"}, "pkg:deb/debian/libssl1.1@1.1.1w-0%2Bdeb11u1?distro=debian-11"},
	} {
		in := installation{os: debian}
		if got := distributionPURL(debian, in.settle(&tt.pkg), &tt.pkg); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}

func FuzzBuilder(f *testing.F) {
	f.Add("debian", "12", "deb", "1.2-3+deb11u1", "A <a@b.example>", "none")
	f.Add("rhel", "9.5", "rpm", "1-1.el8_6", "Fedora Project", "x")
	f.Add("ubuntu", "22.04", "deb", "1~bookworm", "\x1b[31m@\x00", "\n")
	f.Fuzz(func(t *testing.T, id, release, kind, version, supplier, builder string) {
		p := Package{Type: kind, Name: "x", Version: version, Supplier: supplier, Builder: builder}
		p.SetBuilder(OS{ID: id, VersionID: clean(release)})
		if p.Vendor != clean(p.Vendor) {
			t.Errorf("not clean: %q", p.Vendor)
		}
		hosts(supplier)
		apkTags(supplier, builder)
	})
}
