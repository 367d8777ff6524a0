package inventory

import (
	"path"
	"strings"

	"tidewaiter/layer"
)

// generatedRule knows files that programs make on a system, out of what is aboard. A rule must be narrow: what it matches
// is shown apart from what instructions placed, so it must be no place to hide in. For that reason a program ([File].Program)
// is never generated, but where a rule is for programs.
type generatedRule struct {
	name string
	// exact are whole paths; below are directories, for all under them; anywhere are names of directories that may stand
	// anywhere above the file; globs are patterns of whole paths, as [path.Match] has them; bases are patterns of the
	// file's name, in any directory.
	exact, below, anywhere, globs, bases []string
	// links says that only symbolic links are meant; programs that the files may be programs.
	links, programs bool
	// check must hold too, where it is set. It gives the index of the package that the file was made for, or -1.
	check func(r *generatedRules, f *File) (owner int, ok bool)
}

// generatedTable has the rules in the order in which they are tried.
func generatedTable() []generatedRule {
	return []generatedRule{
		// What the package managers keep of what they did. The scripts of installed packages are programs, and allowed.
		{name: "dpkg-scripts", below: []string{"var/lib/dpkg/info"}, programs: true, check: dpkgScript},
		{name: "dpkg-state", below: []string{"var/lib/dpkg"}},
		{name: "apt-state", below: []string{"var/lib/apt", "var/cache/apt"}, globs: []string{"etc/apt/apt.conf.d/docker-*"}},
		{name: "apk-state", exact: []string{"etc/apk/world"}, below: []string{"lib/apk/db", "usr/lib/apk/db", "var/cache/apk", "etc/apk/cache"}},
		{name: "rpm-state", below: []string{"var/lib/rpm", "usr/lib/sysimage/rpm", "var/lib/dnf", "usr/lib/sysimage/libdnf5", "var/cache/dnf", "var/cache/libdnf5",
			"var/lib/yum", "var/cache/yum", "var/lib/zypp", "var/cache/zypp", "var/lib/tdnf", "var/cache/tdnf", "var/lib/rpm-state"}},
		{name: "alternatives-state", below: []string{"var/lib/alternatives"}},
		{name: "debconf", below: []string{"var/cache/debconf"}},
		{name: "ucf-state", below: []string{"var/lib/ucf"}},
		{name: "python-state", exact: []string{"etc/python3/debian_config"}, below: []string{"var/lib/python"}},
		{name: "dpkg-origin", links: true, exact: []string{"etc/dpkg/origins/default"}},
		{name: "pam-state", below: []string{"var/lib/pam"}, globs: []string{"etc/pam.d/common-*"}},

		// What is made once more from what is installed.
		{name: "ld.so.cache", exact: []string{"etc/ld.so.cache", "var/cache/ldconfig/aux-cache"}},
		{name: "ca-certificates", exact: []string{"etc/ssl/certs/ca-certificates.crt", "etc/ssl/certs/java/cacerts", "etc/ca-certificates.conf", "etc/ca-certificates.conf.dpkg-old",
			"etc/ssl/certs/ca-bundle.crt", "var/lib/ca-certificates/ca-bundle.pem", "var/lib/ca-certificates/java-cacerts", "etc/ssl/ca-bundle.pem"},
			below: []string{"etc/pki/ca-trust/extracted", "var/lib/ca-certificates/pem", "var/lib/ca-certificates/openssl"}},
		{name: "ca-certificates", links: true, globs: []string{"etc/ssl/certs/*.pem", "etc/ssl/certs/*.[0-9]", "etc/pki/tls/certs/*.crt"}},
		{name: "gconv-cache", globs: []string{"usr/lib/gconv/gconv-modules.cache", "usr/lib64/gconv/gconv-modules.cache", "usr/lib/*/gconv/gconv-modules.cache"}},
		{name: "locale-archive", exact: []string{"usr/lib/locale/locale-archive"}, below: []string{"usr/lib/locale/C.utf8"}},
		{name: "font-cache", below: []string{"var/cache/fontconfig"}, anywhere: []string{".cache/fontconfig"}, bases: []string{".uuid"}},
		{name: "man-cache", below: []string{"var/cache/man"}},
		{name: "info-index", exact: []string{"usr/share/info/dir"}},
		{name: "mime-cache", globs: []string{"usr/share/mime/*"}, below: []string{"usr/share/mime/application", "usr/share/mime/text", "usr/share/mime/image",
			"usr/share/mime/audio", "usr/share/mime/video", "usr/share/mime/inode", "usr/share/mime/model", "usr/share/mime/multipart", "usr/share/mime/x-content"},
			exact: []string{"usr/share/applications/mimeinfo.cache"}},
		{name: "icon-cache", globs: []string{"usr/share/icons/*/icon-theme.cache", "usr/share/icons/*/.icon-theme.cache"}},
		{name: "gio-cache", bases: []string{"giomodule.cache", "gschemas.compiled", "loaders.cache", "immodules.cache"}},
		{name: "systemd-links", links: true, globs: []string{"etc/systemd/system/*.wants/*", "etc/systemd/system/*.requires/*", "etc/systemd/system/*.service",
			"etc/systemd/user/*.wants/*"}},
		{name: "systemd-state", below: []string{"var/lib/systemd"}, exact: []string{"etc/udev/hwdb.bin", "usr/lib/udev/hwdb.bin", "etc/.updated", "var/.updated"}},
		{name: "rc-links", links: true, globs: []string{"etc/rc[0-9S].d/*", "etc/rc.d/rc[0-9].d/*", "etc/runlevels/*/*"}},
		{name: "alternatives", links: true, below: []string{"etc/alternatives"}, check: nowhere},
		{name: "alternatives", links: true, check: broken("etc/alternatives/")},
		{name: "base-links", links: true, exact: []string{"usr/local/man", "var/spool/mail", "var/run", "var/lock", "var/mail"}},
		{name: "package-template", check: template},
		{name: "merged-usr", links: true, exact: []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32", "usr/lib64", "usr/sbin"}, check: mergedUsr},
		{name: "busybox-applets", links: true, globs: []string{"bin/*", "sbin/*", "usr/bin/*", "usr/sbin/*"}, check: busyboxApplet},
		{name: "initramfs", globs: []string{"boot/initrd.img-*", "boot/initramfs-*"}},
		{name: "kernel-modules-index", globs: []string{"lib/modules/*/modules.*", "usr/lib/modules/*/modules.*"}},
		{name: "python-venv", bases: []string{"pyvenv.cfg", "activate", "activate.csh", "activate.fish", "Activate.ps1"}, check: inVenv},
		{name: "python-venv", links: true, bases: []string{"python*", "lib64"}, check: inVenv},
		{name: "npm-lock", bases: []string{".package-lock.json"}, check: inNodeModules},
		{name: "composer-autoload", bases: []string{"autoload.php", "autoload_*.php", "ClassLoader.php", "InstalledVersions.php", "installed.php", "platform_check.php"}, check: besideComposer},

		// Caches of those who build.
		{name: "pip-cache", anywhere: []string{".cache/pip"}},
		{name: "npm-cache", anywhere: []string{".npm/_cacache", ".npm/_logs"}, bases: []string{"_update-notifier-last-checked"}},
		{name: "yarn-cache", anywhere: []string{".cache/yarn", ".yarn/cache"}},
		{name: "go-build-cache", anywhere: []string{".cache/go-build"}},
		{name: "babel-cache", anywhere: []string{"node_modules/.cache"}},
		{name: "cargo-cache", anywhere: []string{".cargo/registry/index", ".cargo/registry/cache"}},

		// What a running system or a builder writes.
		{name: "log", below: []string{"var/log"}},
		{name: "system-cache", below: []string{"var/cache"}},
		{name: "account-backup", exact: []string{"etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-", "etc/subgid-", "etc/.pwd.lock"}},
		{name: "shells", exact: []string{"etc/shells", "var/lib/shells.state"}},
		{name: "machine-id", exact: []string{"etc/machine-id", "var/lib/dbus/machine-id"}},
		{name: "builder", exact: []string{"etc/resolv.conf", "etc/hosts", "etc/hostname", "etc/mtab", ".dockerenv", "run/.containerenv", "run/systemd/container"}},
		{name: "device", below: []string{"dev"}, check: isDevice},
		{name: "random-seed", exact: []string{"var/lib/urandom/random-seed", "var/lib/systemd/random-seed"}},
		{name: "time-zone", exact: []string{"etc/localtime", "etc/timezone"}},
	}
}

// generatedRules are the rules, with what their checks look at.
type generatedRules struct {
	table []generatedRule
	tree  *layer.Tree
	debs  map[string]int // packages by name
	apks  map[string]int
}

func newGeneratedRules(tree *layer.Tree, packages []Package) *generatedRules {
	r := &generatedRules{table: generatedTable(), tree: tree, debs: map[string]int{}, apks: map[string]int{}}
	for i := range packages {
		switch p := &packages[i]; p.Type {
		case "deb":
			r.debs[p.Name] = i
		case "apk":
			r.apks[p.Name] = i
		}
	}
	return r
}

// find gives the name of the rule that knows a file, and the package that it was made for or -1.
func (r *generatedRules) find(f *File) (rule string, owner int, ok bool) {
	for i := range r.table {
		g := &r.table[i]
		if g.links && f.Entry.Type != layer.Symlink || !g.programs && f.Program() || !g.matches(f.Path) {
			continue
		}
		owner, ok := -1, true
		if g.check != nil {
			owner, ok = g.check(r, f)
		}
		if ok {
			return g.name, owner, true
		}
	}
	return "", -1, false
}

// matches says whether one of the rule's patterns is the path's.
func (g *generatedRule) matches(at string) bool {
	for _, p := range g.exact {
		if at == p {
			return true
		}
	}
	for _, dir := range g.below {
		if len(at) > len(dir) && at[len(dir)] == '/' && strings.HasPrefix(at, dir) {
			return true
		}
	}
	for _, dir := range g.anywhere {
		if i := strings.Index(at, dir); i >= 0 && (i == 0 || at[i-1] == '/') && len(at) > i+len(dir) && at[i+len(dir)] == '/' {
			return true
		}
	}
	for _, glob := range g.globs {
		if matchGlob(glob, at) {
			return true
		}
	}
	if len(g.bases) == 0 {
		return len(g.exact)+len(g.below)+len(g.anywhere)+len(g.globs) == 0 // a rule that its check alone decides
	}
	base := at[strings.LastIndexByte(at, '/')+1:]
	for _, glob := range g.bases {
		if matchGlob(glob, base) {
			return true
		}
	}
	return false
}

// matchGlob is path.Match, quick for the many that differ in their first letters.
func matchGlob(glob, name string) bool {
	if n := strings.IndexAny(glob, "*?[\\"); n < 0 || !strings.HasPrefix(name, glob[:n]) {
		return n < 0 && glob == name
	}
	ok, err := path.Match(glob, name)
	return err == nil && ok
}

// dpkgScript allows the scripts and lists of packages that are installed.
func dpkgScript(r *generatedRules, f *File) (int, bool) {
	base := path.Base(f.Path)
	name := strings.TrimSuffix(base, path.Ext(base))
	name, _, _ = strings.Cut(name, ":")
	owner, ok := r.debs[name]
	switch path.Ext(base) {
	case ".preinst", ".postinst", ".prerm", ".postrm", ".config", ".list", ".md5sums", ".conffiles", ".triggers", ".templates", ".shlibs", ".symbols":
		return owner, ok && path.Dir(f.Path) == "var/lib/dpkg/info"
	}
	return -1, false
}

// nowhere holds for a link to what is not there.
func nowhere(r *generatedRules, f *File) (int, bool) {
	_, ok := r.tree.Lookup(f.Path)
	return -1, !ok
}

// templates are files that packages copy to a place when they are installed.
func templates(at string) []string {
	switch at {
	case "etc/profile", "etc/motd", "etc/nsswitch.conf", "etc/host.conf":
		return []string{"usr/share/base-files/" + at[len("etc/"):], "usr/share/libc-bin/" + at[len("etc/"):]}
	case "root/.bashrc", "root/.profile":
		return []string{"usr/share/base-files/dot" + at[len("root/"):], "etc/skel/" + at[len("root/"):]}
	case "etc/inputrc":
		return []string{"usr/share/readline/inputrc"}
	case "etc/passwd", "etc/group":
		return []string{"usr/share/base-passwd/" + at[len("etc/"):] + ".master"}
	}
	return nil
}

// template holds for a file that is still the same as the one that it was copied from.
func template(r *generatedRules, f *File) (int, bool) {
	if f.Digest() == "" {
		return -1, false
	}
	for _, from := range templates(f.Path) {
		if e, ok := r.tree.Lookup(from); ok && sameContent(e.File, f.Entry) {
			return -1, true
		}
	}
	return -1, false
}

// broken holds for a link into a directory, which leads to what is not there.
func broken(into string) func(*generatedRules, *File) (int, bool) {
	return func(r *generatedRules, f *File) (int, bool) {
		if !strings.HasPrefix(strings.TrimPrefix(f.Entry.Link, "/"), into) {
			return -1, false
		}
		return nowhere(r, f)
	}
}

// mergedUsr holds for /bin -> usr/bin and its like.
func mergedUsr(_ *generatedRules, f *File) (int, bool) {
	link := strings.TrimPrefix(f.Entry.Link, "/")
	switch f.Path {
	case "usr/lib64":
		return -1, link == "lib"
	case "usr/sbin":
		return -1, link == "bin"
	}
	return -1, link == "usr/"+f.Path || f.Path == "lib64" && link == "usr/lib" || f.Path == "sbin" && link == "usr/bin"
}

// busyboxApplet holds for the links that BusyBox makes to itself.
func busyboxApplet(r *generatedRules, f *File) (int, bool) {
	owner, installed := r.apks["busybox"]
	if !installed {
		owner, installed = r.debs["busybox"]
	}
	link := strings.TrimPrefix(f.Entry.Link, "/")
	return owner, installed && (link == "bin/busybox" || link == "usr/bin/busybox" || link == "../bin/busybox" || link == "busybox" || link == "../../bin/busybox")
}

// inVenv holds for what python -m venv makes.
func inVenv(r *generatedRules, f *File) (int, bool) {
	dir := path.Dir(f.Path)
	if path.Base(dir) == "bin" {
		dir = path.Dir(dir)
	}
	_, err := r.tree.Lstat(path.Join(dir, "pyvenv.cfg"))
	return -1, err == nil
}

// besideComposer holds for Composer's own autoloader.
func besideComposer(r *generatedRules, f *File) (int, bool) {
	dir := path.Dir(f.Path)
	if path.Base(dir) != "composer" {
		dir = path.Join(dir, "composer")
	}
	_, err := r.tree.Lstat(path.Join(dir, "installed.json"))
	return -1, err == nil
}

func inNodeModules(_ *generatedRules, f *File) (int, bool) {
	return -1, path.Base(path.Dir(f.Path)) == "node_modules"
}

func isDevice(_ *generatedRules, f *File) (int, bool) {
	return -1, f.Entry.Type == layer.Special || f.Entry.Type == layer.Symlink
}
