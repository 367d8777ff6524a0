package declared

import (
	"path"
	"slices"
	"strings"
)

// writes holds for commands that make files, or change what is there.
func (c *call) writes() bool {
	switch c.name {
	case "mkdir", "mkfifo", "mknod":
		for _, dir := range operands(c.args, "-m", "--mode") {
			c.write(dir, false)
		}
	case "touch", "truncate":
		for _, file := range operands(c.args, "-s", "-r", "-d", "-t", "--size", "--reference", "--date") {
			c.write(file, false)
		}
	case "mktemp":
		c.write("/tmp/"+unknown, true)
	case "tee", "sponge":
		for _, file := range operands(c.args) {
			c.write(file, false)
		}
	case "dd":
		for _, a := range c.args {
			if file, ok := strings.CutPrefix(a, "of="); ok {
				c.write(file, false)
			}
		}
	case "sed", "gsed", "perl":
		return c.edits()
	case "chmod", "chown", "chgrp":
		c.changesMode()
	case "find":
		c.find()
	case "openssl":
		for _, name := range []string{"-out", "-keyout", "-writerand", "-CAserial"} {
			if file, ok := option(c.args, name); ok {
				c.write(file, false)
			}
		}
	case "ssh-keygen":
		if file, ok := option(c.args, "-f"); ok {
			c.write(file, false)
			c.write(file+".pub", false)
		} else {
			c.write("/etc/ssh/ssh_host_"+unknown, false)
		}
	case "keytool":
		if file, ok := option(c.args, "-keystore", "-destkeystore"); ok {
			c.write(file, false)
		} else {
			c.write("/etc/ssl/certs/java/cacerts", false)
			c.write("/usr/lib/jvm/"+unknown+"/cacerts", false)
		}
	case "patch":
		if args := operands(c.args, "-d", "-i", "-p"); len(args) > 0 && !strings.HasPrefix(args[0], unknown) {
			c.write(args[0], false)
			c.write(args[0]+".orig", false)
			return true
		}
		return false
	default:
		return false
	}
	return true
}

// edits holds for sed -i and perl -pi, which write the files that they read; without it they print.
func (c *call) edits() bool {
	inPlace, suffix, script := false, "", false
	var files []string
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		switch {
		case a == "-e" || a == "-f" || a == "--expression" || a == "--file":
			script = true
			i++
		case strings.HasPrefix(a, "--in-place"):
			inPlace = true
			_, suffix, _ = strings.Cut(a, "=")
		case strings.HasPrefix(a, "--expression=") || strings.HasPrefix(a, "--file="):
			script = true
		case isShort(a, 'i'):
			inPlace = true
			suffix = a[strings.IndexByte(a, 'i')+1:]
			if c.name == "perl" || strings.HasSuffix(a, "e") {
				suffix = strings.TrimSuffix(suffix, "e")
			}
			if strings.HasSuffix(a, "e") && len(a) > 2 {
				script = true
				i++
			}
		case c.name == "perl" && isShort(a, 'e'):
			script = true
			i++
		case strings.HasPrefix(a, "-") && a != "-":
		case !script:
			script = true
		default:
			files = append(files, a)
		}
	}
	if !inPlace {
		return c.name != "perl"
	}
	for _, file := range files {
		c.write(file, false)
		if suffix = strings.TrimLeft(suffix, "rEnszpu"); suffix != "" {
			c.write(file+suffix, false)
		}
	}
	return true
}

// changesMode holds for chmod and its like: of the operands, the first is the mode or the owner.
func (c *call) changesMode() {
	args := slices.DeleteFunc(slices.Clone(c.args), func(a string) bool {
		return strings.HasPrefix(a, "--") || len(a) > 1 && a[0] == '-' && strings.Trim(a[1:], "RfvchLPH") == ""
	})
	if !slices.ContainsFunc(c.args, func(a string) bool { return strings.HasPrefix(a, "--reference") }) && len(args) > 0 {
		args = args[1:]
	}
	recursive := slices.ContainsFunc(c.args, func(a string) bool { return a == "--recursive" || isShort(a, 'R') })
	for _, file := range args {
		c.in.effects.change(c.in.abs(file), recursive)
	}
}

// find goes on with the commands that find runs on what it finds.
func (c *call) find() {
	roots := []string{}
	for _, a := range c.args {
		if strings.HasPrefix(a, "-") || a == "(" || a == "!" {
			break
		}
		roots = append(roots, a)
	}
	if len(roots) == 0 {
		roots = []string{"."}
	}
	for i, a := range c.args {
		if a != "-exec" && a != "-execdir" && a != "-ok" {
			continue
		}
		end := i + 1
		for end < len(c.args) && c.args[end] != ";" && c.args[end] != "+" {
			end++
		}
		for _, root := range roots {
			words := slices.Clone(c.args[i+1 : end])
			for n := range words {
				words[n] = strings.ReplaceAll(words[n], "{}", path.Join(c.in.abs(root), unknown))
			}
			if c.in.nesting++; c.in.nesting <= maxNesting {
				c.in.run(words)
			}
			c.in.nesting--
		}
	}
}

// configures holds for the tools by which a distribution is set up.
func (c *call) configures() bool {
	switch c.name {
	case "useradd", "adduser", "groupadd", "addgroup", "usermod", "groupmod", "chpasswd", "passwd", "chsh", "gpasswd", "pwconv", "newusers", "vipw":
		c.accounts()
	case "update-alternatives", "alternatives":
		c.write("/etc/alternatives", true)
		for i, a := range c.args {
			if (a == "--install" || a == "--slave") && i+1 < len(c.args) {
				c.write(c.args[i+1], false)
			}
		}
	case "localedef", "locale-gen", "update-locale":
		c.write("/usr/lib/locale", true)
		c.write("/etc/locale.gen", false)
		c.write("/etc/default/locale", false)
		c.write("/etc/locale.conf", false)
	case "dpkg-divert":
		for _, file := range operands(c.args, "--package") {
			c.write(file, false)
			c.write(file+unknown, false)
		}
		if file, ok := option(c.args, "--divert"); ok {
			c.write(file, false)
		}
	case "dpkg-statoverride":
		if args := operands(c.args, "--update"); len(args) > 0 {
			c.in.effects.change(c.in.abs(args[len(args)-1]), false)
		}
	case "dpkg-reconfigure":
		c.write("/etc", true)
		c.write("/usr/lib/locale", true)
	case "ssh-keyscan", "gpg", "gpg2":
		if file, ok := option(c.args, "-o", "--output", "--keyring"); ok {
			c.write(file, false)
			c.write(file+"~", false)
		}
		home, ok := c.in.vars["GNUPGHOME"]
		if !ok {
			home, ok = c.in.scope.get("GNUPGHOME")
		}
		if ok && !strings.HasPrefix(home.text, unknown) {
			c.write(home.text, true)
		}
		c.write("~/.gnupg", true)
	case "apt-key", "add-apt-repository", "apt-add-repository":
		c.write("/etc/apt", true)
	case "a2enmod", "a2dismod", "a2ensite", "a2dissite", "a2enconf", "a2disconf":
		c.write("/etc/apache2", true)
	case "phpenmod", "phpdismod":
		c.write("/etc/php", true)
	case "systemctl", "rc-update", "update-rc.d", "chkconfig":
		c.write("/etc/systemd", true)
		c.write("/etc/runlevels", true)
		c.write("/etc/rc"+unknown, true)
	case "crontab":
		c.write("/var/spool/cron", true)
	case "corepack":
		c.write("/usr/local/bin/"+unknown, false)
		c.write("~/.cache", true)
	case "setup-proxy", "setup-timezone":
		c.write("/etc", true)
	default:
		return false
	}
	return true
}

// accounts holds for what adds users: the files of accounts, and the home of the user.
func (c *call) accounts() {
	c.in.effects.accounts = true
	if !strings.HasPrefix(c.name, "user") && !strings.HasPrefix(c.name, "adduser") {
		return
	}
	args := operands(c.args, "-u", "-g", "-G", "-s", "-d", "-h", "-c", "-k", "-p", "-b", "-e", "-f", "-K", "-U", "--uid", "--gid", "--home", "--home-dir", "--shell", "--groups", "--comment", "--gecos", "--ingroup", "--skel", "--base-dir", "--password")
	home, ok := option(c.args, "-d", "--home", "--home-dir")
	if c.name == "adduser" && !ok {
		home, ok = option(c.args, "-h")
	}
	if ok && path.Clean(home) != "/" && home != "/dev/null" {
		c.write(home, true)
	}
	for _, name := range args {
		c.write("/home/"+name, true)
		c.write("/var/mail/"+name, false)
		c.write("/var/spool/mail/"+name, false)
	}
}
