package declared

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// ran says whether a RUN of the group explains a file. why is then what cannot be told of it; where no RUN does, why not.
func (j *judge) ran(d *delta) (by *command, why string, ok bool) {
	if len(j.runs) == 0 {
		return nil, "", false
	}
	f := j.standingFile(j.index, d)
	modeOnly := d.before != nil && sameFile(d.before, d.file)
	if modeOnly && d.before.Mode == d.file.Mode {
		return j.runs[0], "", true // the owner, the time, or nothing
	}
	if becameSetuid(d) {
		return j.ranSetuid(d, f)
	}
	if n := j.places.find(d.path); n >= 0 {
		return j.runs[n], "", true
	}
	if n := j.modes.find(d.path); n >= 0 && modeOnly {
		return j.runs[n], "", true
	}
	if by, ok := j.ofPackages(d, f, modeOnly); ok {
		return by, "", true
	}
	if c := j.scripted(); c != nil {
		return c, "what " + quoteList(j.effectsOf(c).untold) + " makes cannot be told", true
	}
	if c := j.doubtful(); c != nil {
		return c, "an argument of the build may have been another one", true
	}
	if f != nil && f.Class == inventory.Modified {
		return nil, fmt.Sprintf("it is a file of %s, changed, and the instruction does not say so", j.Inventory.Packages[f.Owner].Name), false
	}
	return nil, "", false
}

// scripted gives the last RUN whose effect cannot be told.
func (j *judge) scripted() *command {
	for _, c := range slices.Backward(j.runs) {
		if len(j.effectsOf(c).untold) > 0 {
			return c
		}
	}
	return nil
}

// doubtful gives a RUN whose words hold an argument that the build may have been given another value of.
func (j *judge) doubtful() *command {
	for _, c := range j.runs {
		for name, v := range c.context.vars {
			if v.unsure && (strings.Contains(c.rest, "$"+name) || strings.Contains(c.rest, "${"+name)) {
				return c
			}
		}
	}
	return nil
}

// becameSetuid says whether a layer gave a program the right to run as another user, or brought one that has it.
func becameSetuid(d *delta) bool {
	return setuid(d.file) && (d.before == nil || !setuid(d.before))
}

// ranSetuid judges a program that came to run as another user: a package brings it so, or a command sets that mode or copies it.
func (j *judge) ranSetuid(d *delta, f *inventory.File) (by *command, why string, ok bool) {
	if n := j.modes.find(d.path); n >= 0 {
		return j.runs[n], "", true
	}
	if n := j.places.find(d.path); n >= 0 && slices.ContainsFunc(j.effectsOf(j.runs[n]).places, func(p place) bool { return p.tree && p.holds(d.path) }) {
		return j.runs[n], "", true // copied with its mode
	}
	if f != nil && f.Owner >= 0 && j.Inventory.Packages[f.Owner].Layer != nil && *j.Inventory.Packages[f.Owner].Layer == j.index {
		return j.runs[len(j.runs)-1], "", true // its package came in another version
	}
	if c := j.scripted(); c != nil {
		return c, "what " + quoteList(j.effectsOf(c).untold) + " makes cannot be told", true
	}
	return nil, "it has the right to run as another user, which no instruction gives it", false
}

// ofPackages says whether a file is one that package managers leave: of a package, made from what is aboard, or by a package's own scripts.
func (j *judge) ofPackages(d *delta, f *inventory.File, modeOnly bool) (*command, bool) {
	by := j.runs[len(j.runs)-1]
	for _, c := range j.runs {
		if len(j.effectsOf(c).installs) > 0 {
			by = c
		}
	}
	switch {
	case f == nil: // it does not stand in the end
		return by, !isProgram(d.file) || j.installs
	case f.Class == inventory.Owned, f.Class == inventory.Generated:
		return by, true
	case isAccount(d.path) && (j.installs || slices.ContainsFunc(j.runs, func(c *command) bool { return j.effectsOf(c).accounts })):
		return by, true
	case f.Class == inventory.Modified:
		p := &j.Inventory.Packages[f.Owner]
		return by, j.installs && (modeOnly || f.Config && (p.Type == "apk" || p.Type == "rpm"))
	case f.Program():
		return by, false
	case isLeftover(d.path):
		return by, true
	}
	return by, j.installs && (modeOnly || d.file.Type == layer.Regular && d.file.Size == 0 || j.madeByScript(d))
}

// sameFile says whether two entries have the same content.
func sameFile(a, b *layer.File) bool {
	if a.Type != b.Type || a.Size != b.Size || a.Link != b.Link {
		return false
	}
	x, y := a.Digests(), b.Digests()
	return a.Type != layer.Regular || a.Size == 0 || x != nil && y != nil && x.SHA256 == y.SHA256
}

// isAccount says whether a file is one that adding users changes.
func isAccount(at string) bool {
	switch strings.TrimSuffix(at, "-") {
	case "etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/subuid", "etc/subgid", "etc/.pwd.lock", "etc/shells":
		return true
	}
	return false
}

// isLeftover says whether any program may leave a file there while it runs: below the directories for that.
func isLeftover(at string) bool {
	for _, dir := range []string{"tmp/", "var/tmp/", "run/", "var/run/", "root/.cache/", "root/.config/", "root/.local/share/", "root/.npm/"} {
		if strings.HasPrefix(at, dir) {
			return true
		}
	}
	return strings.HasPrefix(at, "root/.") && strings.HasSuffix(at, "hsts") || at == "root/.rnd" || strings.Contains(at, "/.cache/")
}

// madeByScript says whether a file may be one that the scripts of packages make when they are installed. The packages' databases do not
// know those: configuration that is put together (ucf, debconf), indexes, keys, links to what the package has. Where others look for
// something to run or to trust, no such file is taken for one.
func (j *judge) madeByScript(d *delta) bool {
	words := strings.Split(d.path, "/")
	if len(words) < 2 || isTrigger(words) {
		return false
	}
	if d.file.Type == layer.Symlink {
		if e, ok := j.tree.Lookup(d.path); ok && j.ofDistribution(e.Path) {
			return true
		}
	}
	switch dir := words[0] + "/" + words[1]; {
	case dir == "usr/share" || dir == "usr/lib" || dir == "usr/lib64" || dir == "usr/libexec" || dir == "var/lib" || dir == "var/spool":
		return !isCode(d.path)
	case words[0] == "etc" && len(words) > 2:
		return j.dirs[dir] || slices.Contains([]string{"xml", "sgml", "ssl", "texmf", "pki", "emacs", "dictionaries-common", "default", "selinux", "crypto-policies", "alternatives"}, words[1]) ||
			j.calledAfterPackage(words)
	case words[0] == "etc":
		return slices.Contains([]string{"mailname", "aliases", "papersize", "inetd.conf", "locale.gen", "locale.conf", "environment", "hosts.allow", "hosts.deny", "vtrgb", "adjtime", "aliases.db",
			"nsswitch.conf", "idmapd.conf", "ld.so.conf"}, words[1]) || j.calledAfterPackage(words)
	}
	return j.calledAfterPackage(words)
}

// isTrigger says whether what lies at a path is run or trusted by others without being named anywhere.
func isTrigger(words []string) bool {
	for _, w := range words {
		if strings.HasPrefix(w, "cron") || strings.HasPrefix(w, "authorized_keys") || w == "sudoers" || w == "ld.so.preload" || w == "rc.local" || w == "bin" || w == "sbin" {
			return true
		}
		if strings.HasSuffix(w, ".d") && w != "conf.d" && w != "modules.d" && w != "apparmor.d" && w != "hwdb.d" {
			return true
		}
	}
	return false
}

// isCode says whether a file is one that an interpreter loads, by its name.
func isCode(at string) bool {
	switch path.Ext(at) {
	case ".py", ".js", ".mjs", ".cjs", ".rb", ".pl", ".pm", ".php", ".sh", ".lua", ".jar", ".class", ".so", ".pth", ".el", ".tcl", ".service", ".timer":
		return true
	}
	return false
}

// calledAfterPackage says whether a file lies in a directory, or has a name, that is called after a package which the layer brought.
func (j *judge) calledAfterPackage(words []string) bool {
	if !slices.Contains([]string{"etc", "var", "usr", "opt", "lib", "home", "run"}, words[0]) {
		return false
	}
	for _, w := range words[1:] {
		if j.called[w] || j.called[strings.TrimSuffix(w, path.Ext(w))] {
			return true
		}
		if end := strings.IndexAny(w, "-.0123456789_"); end > 2 && j.called[w[:end]] {
			return true
		}
	}
	return false
}

func quoteList(list []string) string {
	const most = 3
	shown := make([]string, 0, most)
	for _, s := range list[:min(len(list), most)] {
		shown = append(shown, bounded(s))
	}
	text := strings.Join(shown, ", ")
	if len(list) > most {
		text += " and more"
	}
	return text
}
