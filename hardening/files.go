package hardening

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// files calls f with each file of the final image.
func (j *judging) files(f func(f *inventory.File)) {
	for i := range j.Trace.Files {
		f(&j.Trace.Files[i])
	}
}

func setuid(j *judging) {
	j.files(func(f *inventory.File) {
		if f.Setuid() {
			j.found(Finding{Place: j.place(f), Title: fmt.Sprintf("%s, mode %04o", rights(f), f.PosixMode()), Mend: "RUN chmod a-s /" + f.Path})
		}
	})
}

// setuidAdded leaves out what a distribution installed so, which is usual.
func setuidAdded(j *judging) {
	became := map[int]bool{}
	for _, s := range j.Trace.Steps {
		for _, i := range s.Programs {
			became[i] = true
		}
	}
	for i := range j.Trace.Files {
		f := &j.Trace.Files[i]
		if !f.Setuid() {
			continue
		}
		found := Finding{Place: j.place(f), Title: fmt.Sprintf("%s, mode %04o, and no package installed it so", rights(f), f.PosixMode()), Mend: "RUN chmod a-s /" + f.Path}
		mode := j.installedMode(f)
		if j.ofDistribution(f) && !became[i] && (mode == 0 || mode&0o6000 != 0) {
			continue
		}
		if shellNames(path.Base(f.Path)) {
			found.Title, found.Severity = found.Title+": a shell", high
		}
		j.found(found)
	}
}

// rights says which bits are set.
func rights(f *inventory.File) string {
	switch m := f.Entry.Mode; {
	case m&fs.ModeSetuid != 0 && m&fs.ModeSetgid != 0:
		return "set-user-ID and set-group-ID"
	case m&fs.ModeSetuid != 0:
		return "set-user-ID"
	}
	return "set-group-ID"
}

// isBin says whether a file lies where programs are looked for. What packages of languages carry in directories of that name is not
// meant.
func isBin(at string) bool {
	dir := path.Dir(at)
	base := path.Base(dir)
	return (base == "bin" || base == "sbin") && !strings.Contains(dir, "node_modules/") && !strings.Contains(dir, "site-packages/")
}

// tools gives a check that looks for programs by name.
func tools(named func(base string) bool) func(j *judging) {
	return func(j *judging) {
		j.files(func(f *inventory.File) {
			// Package managers are often links to a script in a library.
			link := f.Entry.Type == layer.Symlink
			if !link && !f.Program() {
				return
			}
			if base := path.Base(f.Path); named(base) && (!link || managerNames(base)) && isBin(f.Path) {
				j.found(Finding{Place: j.place(f), Title: j.check.Title + ": " + base})
			}
		})
	}
}

// plain is a program's name without a version behind it, and without the target of a cross compiler in front.
func plain(base string) string {
	name := strings.TrimRight(base, "0123456789.")
	name = strings.TrimSuffix(name, "-")
	for _, compiler := range []string{"gcc", "g++", "clang"} {
		if strings.HasSuffix(name, "-"+compiler) {
			return compiler
		}
	}
	if name == "" {
		return base
	}
	return name
}

func compilerNames(base string) bool {
	switch plain(base) {
	case "gcc", "g++", "cc", "c++", "clang", "clang++", "tcc", "go", "rustc", "javac", "gfortran", "ghc", "swiftc", "kotlinc", "zig", "nasm":
		return true
	}
	return false
}

func managerNames(base string) bool {
	switch plain(base) {
	case "apt", "dpkg", "apk", "dnf", "yum", "microdnf", "tdnf", "zypper", "rpm", "pacman", "opkg",
		"pip", "pipx", "uv", "poetry", "conda", "mamba", "npm", "yarn", "pnpm", "corepack", "gem", "composer", "cargo", "luarocks", "cpan":
		return true
	}
	return false
}

func shellNames(base string) bool {
	switch base {
	case "sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "yash", "busybox", "toybox", "pwsh":
		return true
	}
	return false
}

func networkNames(base string) bool {
	switch base {
	case "curl", "wget", "nc", "ncat", "netcat", "nc.openbsd", "nc.traditional", "socat", "telnet", "nmap", "tcpdump", "tshark", "ssh":
		return true
	}
	return false
}

func sshServer(j *judging) {
	j.files(func(f *inventory.File) {
		if base := path.Base(f.Path); (base == "sshd" || base == "dropbear") && isBin(f.Path) && f.Program() {
			j.found(Finding{Place: j.place(f), Title: "an SSH server is aboard: " + base, Mend: j.removal(f)})
		}
	})
	for _, n := range j.noted {
		if strings.HasPrefix(n.place.Path, "etc/ssh/") {
			for _, line := range n.Lines {
				j.found(Finding{Subject: line, Place: n.place, Title: "sshd is told " + line})
			}
		}
	}
	if j.Image.Process == nil {
		return
	}
	for _, at := range j.Image.Process.ExposedPorts {
		if n, ok := port(at); ok && n == 22 {
			j.found(Finding{Subject: at, Title: "port " + at + ", that of SSH, is exposed", Place: j.exposing(n), Mend: "leave it out of EXPOSE"})
		}
	}
}

// removal is how a file that a distribution's package installed goes away again.
func (j *judging) removal(f *inventory.File) string {
	if f.Owner < 0 {
		return "leave it out of the instruction that brings it"
	}
	p := &j.Inventory.Packages[f.Owner]
	return "leave the package " + p.Name + " out of the image"
}

// runsSudo matches sudo as a command.
func runsSudo(text string) bool {
	for command := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(";&|\n(", r) }) {
		if words := strings.Fields(command); len(words) > 1 && words[0] == "sudo" {
			return true
		}
	}
	return false
}

func sudo(j *judging) {
	j.files(func(f *inventory.File) {
		if base := path.Base(f.Path); (base == "sudo" || base == "doas") && isBin(f.Path) && f.Program() && f.Setuid() {
			j.found(Finding{Place: j.place(f), Title: base + " is aboard", Mend: j.removal(f)})
		}
	})
	j.runs(func(s *step) {
		if runsSudo(s.text) {
			j.found(Finding{Subject: "RUN sudo", Title: "a build runs sudo", Place: s.place, Mend: "leave sudo out: RUN is root's until USER"})
		}
	})
}

func sudoWithoutPassword(j *judging) {
	for _, n := range j.noted {
		if strings.HasPrefix(n.place.Path, "etc/sudoers") || strings.HasPrefix(n.place.Path, "etc/doas") {
			for _, line := range n.Lines {
				j.found(Finding{Subject: line, Place: n.place, Title: "no password is asked for: " + line})
			}
		}
	}
}

func emptyPassword(j *judging) {
	for _, n := range j.noted {
		for _, a := range n.Accounts {
			if a.Open {
				j.found(Finding{Subject: a.Name, Place: n.place, Title: a.Name + " has no password, and needs none", Mend: "RUN passwd -l " + a.Name})
			}
		}
	}
}

func uidZero(j *judging) {
	for _, n := range j.noted {
		for _, a := range n.Accounts {
			if a.ID == 0 && a.Name != "root" {
				j.found(Finding{Subject: a.Name, Place: n.place, Title: a.Name + " has user id 0, as root has"})
			}
		}
	}
}

// shadowReadable is grave where there is something to guess: most images' accounts have no password.
func shadowReadable(j *judging) {
	hashed := false
	for _, n := range j.noted {
		hashed = hashed || slices.ContainsFunc(n.Accounts, func(a account) bool { return a.Hashed })
	}
	j.files(func(f *inventory.File) {
		switch f.Path {
		case "etc/shadow", "etc/gshadow", "etc/shadow-", "etc/gshadow-":
			m := f.PosixMode()
			if !isRegular(f) || m&0o004 == 0 || f.Entry.Size == 0 {
				return
			}
			found := Finding{Place: j.place(f), Title: fmt.Sprintf("everybody can read /%s, mode %04o", f.Path, m), Mend: "RUN chmod 640 /" + f.Path}
			if !hashed && j.looked() {
				found.Severity = low
			}
			j.found(found)
		}
	})
}

// isAccountFile and isRootFile are the files that decide who is who, and what root runs.
func isAccountFile(at string) bool {
	return slices.Contains([]string{"etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/sudoers", "etc/doas.conf"}, at) || path.Dir(at) == "etc/sudoers.d"
}

func isRootFile(at string) bool {
	switch path.Dir(at) {
	case "etc/cron.d", "etc/cron.daily", "etc/cron.hourly", "etc/cron.weekly", "etc/cron.monthly", "etc/profile.d", "etc/pam.d", "etc/ld.so.conf.d":
		return true
	}
	return slices.Contains([]string{"etc/crontab", "etc/profile", "etc/ld.so.preload", "etc/ld.so.conf", "etc/environment", "etc/bash.bashrc", "etc/nsswitch.conf", "root/.bashrc", "root/.profile"}, at)
}

func writableSystemFile(j *judging) {
	j.files(func(f *inventory.File) {
		m := f.PosixMode()
		switch {
		case !isRegular(f) || m&0o022 == 0:
		case m&0o002 != 0 && (isAccountFile(f.Path) || isRootFile(f.Path)):
			j.found(Finding{Place: j.place(f), Title: fmt.Sprintf("everybody can write /%s, mode %04o", f.Path, m), Mend: "RUN chmod go-w /" + f.Path})
		case m&0o020 != 0 && isAccountFile(f.Path):
			j.found(Finding{Place: j.place(f), Severity: medium, Title: fmt.Sprintf("a group can write /%s, mode %04o", f.Path, m), Mend: "RUN chmod g-w /" + f.Path})
		}
	})
}

func gitDirectory(j *judging) {
	const mark = ".git/HEAD"
	repository := func(at string) bool { return at == mark || strings.HasSuffix(at, "/"+mark) }
	j.files(func(f *inventory.File) {
		if repository(f.Path) && f.Class == inventory.Placed {
			p := j.place(f)
			p.Path = path.Dir(f.Path)
			j.found(Finding{Place: p, Title: "a git repository is aboard, with its history: /" + p.Path})
		}
	})
	j.deleted(func(h *inventory.Hidden, carrying int) {
		if repository(h.Path) {
			p := inventory.HiddenPlaceOf(h, carrying, j.Image, j.Inventory)
			p.Path = path.Dir(h.Path)
			j.found(Finding{Place: p, Title: "a git repository is shipped, though a later instruction removes it: /" + p.Path})
		}
	})
}

// deleted calls f with each file that a layer carries and a later one deletes.
func (j *judging) deleted(f func(h *inventory.Hidden, carrying int)) {
	for i := range j.Trace.Steps {
		s := &j.Trace.Steps[i]
		for k := range s.Hidden {
			if h := &s.Hidden[k]; h.How == inventory.Deleted {
				f(h, s.Layer)
			}
		}
	}
}
