package declared

import (
	"path"
	"slices"
	"strings"
)

// manages holds for the package managers of distributions.
func (c *call) manages() bool {
	switch c.name {
	case "apt", "apt-get", "aptitude":
		return c.apt()
	case "dpkg":
		return c.dpkg()
	case "apk":
		return c.apk()
	case "dnf", "dnf5", "yum", "microdnf", "tdnf", "zypper":
		return c.dnf()
	case "rpm":
		return c.rpm()
	case "dpkg-deb":
		if len(c.args) > 2 && (c.args[0] == "-x" || c.args[0] == "-X" || c.args[0] == "--extract" || c.args[0] == "-R") {
			c.write(c.args[2], true)
		}
	case "pacman", "emerge", "xbps-install", "swupd", "nix-env", "snap", "flatpak", "brew", "tasksel", "debootstrap", "dnf-3":
		c.in.effects.tell(c.name, true)
	default:
		return false
	}
	return true
}

// ask notes what a package manager is asked for.
func (c *call) ask(i install) {
	if len(c.in.effects.installs) < maxPlaces {
		c.in.effects.installs = append(c.in.effects.installs, i)
	}
}

// named gives what is asked for by name. A name that could be any makes it any.
func named(purl string, words []string, name func(string) string) install {
	i := install{purl: purl}
	for _, w := range words {
		n := name(w)
		if strings.Trim(n, unknown) == "" {
			i.any = true
			continue
		}
		i.names = append(i.names, n)
	}
	return i
}

func (c *call) apt() bool {
	words := operands(c.args, "-o", "-t", "-c", "-a", "--option", "--target-release", "--default-release", "--config-file", "--host-architecture")
	if len(words) == 0 {
		return true
	}
	ask := install{purl: "deb"}
	switch words[0] {
	case "install", "reinstall", "satisfy", "add":
		ask = named("deb", words[1:], debName)
		ask.any = ask.any || words[0] == "satisfy"
	case "upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade":
		ask.upgrade = true
	case "build-dep":
		ask.any = true
	case "download", "source":
		c.write(".", true)
		return true
	default: // update, remove, purge, clean, ...
		return true
	}
	ask.weak = !has(c.args, "--no-install-recommends", "--without-recommends", "-R") && !slices.ContainsFunc(c.args, func(a string) bool {
		return strings.Contains(strings.ToLower(a), "install-recommends=") && (strings.HasSuffix(a, "0") || strings.HasSuffix(a, "false") || strings.HasSuffix(a, "no"))
	})
	c.ask(ask)
	return true
}

// debName takes the name out of what apt is asked for: name, name=version, name/release, name:arch, name+, ./name_1.0_amd64.deb.
func debName(word string) string {
	if strings.HasSuffix(word, ".deb") {
		return fileName(word, "_")
	}
	if end := strings.IndexAny(word, "=/:("); end >= 0 {
		word = word[:end]
	}
	return strings.TrimRight(strings.TrimSpace(word), "+^")
}

// fileName takes the name of a package out of that of its file; any name where it is not told.
func fileName(file, mark string) string {
	name, _, ok := strings.Cut(path.Base(file), mark)
	if !ok {
		return unknown
	}
	return name
}

func (c *call) dpkg() bool {
	if has(c.args, "-i", "--install", "--unpack", "-R", "--recursive") || slices.ContainsFunc(c.args, func(a string) bool { return isShort(a, 'i') }) {
		ask := install{purl: "deb"}
		for _, file := range operands(c.args) {
			for _, found := range c.files(file) {
				ask.names = append(ask.names, debName(found))
			}
		}
		ask.any = len(ask.names) == 0 || slices.Contains(ask.names, unknown)
		c.ask(ask)
	} else if len(c.args) > 2 && (c.args[0] == "-x" || c.args[0] == "--extract") {
		c.write(c.args[2], true)
	}
	return true
}

// files gives the names of the files that a command names, those that a pattern meant included.
func (c *call) files(word string) []string {
	if strings.Contains(word, unknown) {
		if found := c.in.look.files(strings.TrimPrefix(c.in.abs(word), "/")); len(found) > 0 {
			return found
		}
	}
	return []string{word}
}

func (c *call) apk() bool {
	words := operands(c.args, "-t", "--virtual", "-X", "--repository", "--repositories-file", "-p", "--root", "--keys-dir", "--arch", "--cache-dir", "--wait", "--timeout", "--progress-fd")
	if len(words) == 0 {
		return true
	}
	switch words[0] {
	case "add", "fix":
		var names []string
		for _, w := range words[1:] {
			names = append(names, c.files(w)...)
		}
		ask := named("apk", names, apkName)
		if v, ok := option(c.args, "-t", "--virtual"); ok {
			ask.names = append(ask.names, v)
		}
		ask.weak, ask.upgrade = true, has(c.args, "-u", "--upgrade", "-l", "--latest") || words[0] == "fix"
		if _, ok := option(c.args, "-p", "--root"); ok {
			c.in.effects.tell("apk --root", true)
		}
		c.ask(ask)
	case "upgrade":
		c.ask(install{purl: "apk", upgrade: true, weak: true})
	case "fetch":
		dir, ok := option(c.args, "-o", "--output")
		if !ok {
			dir = "."
		}
		c.write(dir, true)
	}
	return true
}

// apkName takes the name out of what apk is asked for: name, name=1.2-r0, name~1.2, name@edge, ./name-1.2-r0.apk.
func apkName(word string) string {
	if base, ok := strings.CutSuffix(path.Base(word), ".apk"); ok {
		for i := range base {
			if base[i] == '-' && i+1 < len(base) && base[i+1] >= '0' && base[i+1] <= '9' {
				return base[:i]
			}
		}
		return unknown
	}
	if end := strings.IndexAny(word, "<>=~@"); end > 0 {
		word = word[:end]
	}
	return word
}

func (c *call) dnf() bool {
	words := operands(c.args, "-c", "--config", "--repo", "--repoid", "--enablerepo", "--disablerepo", "-x", "--exclude", "--setopt", "--releasever", "--installroot", "--forcearch", "-R", "--root", "-e", "-d", "--from", "-r", "-n", "--name")
	if len(words) == 0 {
		return true
	}
	ask := install{purl: "rpm"}
	switch words[0] {
	case "install", "in", "localinstall", "reinstall", "swap", "update-to", "downgrade":
		var names []string
		for _, w := range words[1:] {
			names = append(names, c.files(w)...)
		}
		ask = named("rpm", names, rpmName)
	case "update", "upgrade", "up", "dup", "dist-upgrade", "distro-sync", "patch", "upgrade-minimal", "update-minimal":
		ask = named("rpm", words[1:], rpmName)
		ask.upgrade = true
	case "groupinstall", "group", "builddep", "build-dep", "module", "install-new-recommends":
		ask.any = true
	case "config-manager", "ar", "addrepo", "copr":
		c.write("/etc/yum.repos.d", true)
		c.write("/etc/zypp", true)
		return true
	default: // makecache, clean, remove, ...
		return true
	}
	ask.any = ask.any || slices.ContainsFunc(ask.names, func(n string) bool { return strings.HasPrefix(n, "@") })
	ask.weak = !slices.ContainsFunc(c.args, func(a string) bool {
		return strings.HasSuffix(a, "install_weak_deps=False") || strings.HasSuffix(a, "install_weak_deps=false") || strings.HasSuffix(a, "install_weak_deps=0") || a == "--no-recommends" || strings.HasSuffix(a, "--nobest=x")
	})
	if root, ok := option(c.args, "--installroot", "--root"); ok && root != "/" {
		c.in.effects.tell(c.name+" into another root", true)
	}
	c.ask(ask)
	return true
}

// rpmName takes the name out of that of a file, name-version-release.arch.rpm. Another word is left to be held against versions, too.
func rpmName(word string) string {
	base, ok := strings.CutSuffix(path.Base(word), ".rpm")
	if !ok {
		if strings.HasPrefix(word, "/") || strings.Contains(word, "://") {
			return unknown // a file that some package has
		}
		return word
	}
	for range 2 {
		i := strings.LastIndexByte(base, '-')
		if i <= 0 {
			return unknown
		}
		base = base[:i]
	}
	return base
}

func (c *call) rpm() bool {
	if !slices.ContainsFunc(c.args, func(a string) bool {
		return isShort(a, 'i') && !isShort(a, 'q') || isShort(a, 'U') || isShort(a, 'F') || a == "--install" || a == "--upgrade"
	}) {
		return true // -q, -e, --import, --rebuilddb
	}
	var names []string
	for _, w := range operands(c.args, "--root", "-r", "--dbpath", "--prefix", "--relocate", "--define", "-D") {
		names = append(names, c.files(w)...)
	}
	ask := named("rpm", names, rpmName)
	ask.upgrade = true
	c.ask(ask)
	return true
}
