package hardening

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tidewaiter/inventory"
)

// userName is the image's user without its group.
func (j *judging) userName() string {
	name, _, _ := strings.Cut(j.Image.Process.User, ":")
	return strings.TrimSpace(name)
}

// isRoot says whether a user is root by name or number.
func isRoot(user string) bool {
	id, err := strconv.ParseInt(user, 10, 64)
	return user == "root" || err == nil && id == 0
}

func userUnset(j *judging) {
	if j.userName() == "" {
		j.found(Finding{Mend: j.userMend()})
	}
}

func userRoot(j *judging) {
	user := j.userName()
	if isRoot(user) {
		j.found(Finding{Subject: user, Place: j.last("USER", nil), Mend: j.userMend(), Title: "the image sets its user to " + j.Image.Process.User})
	}
}

func userByName(j *judging) {
	user := j.userName()
	if _, err := strconv.ParseInt(user, 10, 64); user == "" || err == nil || isRoot(user) {
		return
	}
	f := Finding{Subject: user, Place: j.last("USER", nil), Title: "the user is set by name: " + user}
	for _, a := range j.accounts {
		if a.Name == user {
			f.Mend = fmt.Sprintf("USER %d, which is %s", a.ID, user)
		}
	}
	j.found(f)
}

// userMend names the user that is right for the image: one that is made for it already.
func (j *judging) userMend() string {
	if a := j.ownUser(); a != nil {
		return fmt.Sprintf("USER %d, which is %s in /etc/passwd", a.ID, a.Name)
	}
	return "USER 65532 after the last instruction that needs root: any number but 0 will do"
}

// ownUser gives the account that somebody made for the service: called after the program, or after who is no root; else the only one of a
// person's number. Nil where there is none, or where several could be meant.
func (j *judging) ownUser() *account {
	const firstPerson, nobody = 1000, 65534
	program := j.program()
	var persons []*account
	for i := range j.accounts {
		a := &j.accounts[i]
		switch {
		case a.ID <= 0 || a.Open:
		case a.Name == program || a.Name == "nonroot" || a.Name == "app" || a.Name == "www-data" && (program == "apache2-foreground" || program == "php-fpm"):
			return a
		case a.ID >= firstPerson && a.ID < nobody:
			persons = append(persons, a)
		}
	}
	if len(persons) == 1 {
		return persons[0]
	}
	return nil
}

// program is the name of what the image starts, as far as its configuration tells; empty where that is a script's business.
func (j *judging) program() string {
	for _, words := range [][]string{j.Image.Process.Cmd, j.Image.Process.Entrypoint} {
		if len(words) > 0 {
			if base := path.Base(words[0]); !strings.HasSuffix(base, ".sh") && !strings.HasPrefix(base, "-") {
				return base
			}
		}
	}
	return ""
}

func healthcheck(j *judging) {
	if c := j.Image.Process.Healthcheck; len(c) == 0 || strings.EqualFold(c[0], "NONE") {
		j.found(Finding{Place: j.last("HEALTHCHECK", nil)})
	}
}

// port reads "80/tcp"; ok is false for what is none, or a range.
func port(text string) (number int, ok bool) {
	digits, _, _ := strings.Cut(strings.TrimPrefix(text, "map["), "/") // BuildKit writes EXPOSE map[80/tcp:{}]
	number, err := strconv.Atoi(digits)
	return number, err == nil
}

// exposing gives the place of the instruction that exposes a port: "EXPOSE 22 80/tcp", or as BuildKit has it "EXPOSE map[22/tcp:{} 80/tcp:{}]".
func (j *judging) exposing(number int) inventory.Place {
	separates := func(r rune) bool { return strings.ContainsRune(" []{}:", r) }
	return j.last("EXPOSE", func(text string) bool {
		return slices.ContainsFunc(strings.FieldsFunc(text, separates), func(word string) bool { n, ok := port(word); return ok && n == number })
	})
}

func privilegedPort(j *judging) {
	for _, p := range j.Image.Process.ExposedPorts {
		if n, ok := port(p); ok && n > 0 && n < 1024 {
			j.found(Finding{Subject: p, Title: "port " + p + " is exposed, which is below 1024", Place: j.exposing(n)})
		}
	}
}

// debuggers are the ports at which debuggers of runtimes listen by themselves.
func debuggers() map[int]string {
	return map[int]string{9229: "Node.js' debugger", 5005: "Java's debugger", 5678: "Python's debugger", 2345: "Go's debugger (Delve)"}
}

var (
	debugVariable = regexp.MustCompile(`(?i)^(?:(?:FLASK|DJANGO|APP|WERKZEUG|SYMFONY)_DEBUG=(?:1|true|on|yes)|FLASK_ENV=development|APP_ENV=dev(?:elopment)?|RAILS_ENV=development|RACK_ENV=development|NODE_ENV=development|ASPNETCORE_ENVIRONMENT=development|DOTNET_ENVIRONMENT=development)$`)
	// debugWords start a debugger that others than the container itself can reach.
	debugWords = regexp.MustCompile(`jdwp=\S*address=(?:\*|0\.0\.0\.0|\[::\])|--inspect(?:-brk|-wait)?[= ](?:0\.0\.0\.0|\[?::\]?)|debugpy\s.*--listen\s+0\.0\.0\.0|\bdlv\s.*--listen[= ](?::|0\.0\.0\.0)|\bflask\b.*--debug\b|rails\s+s(?:erver)?\s.*-e\s*development`)
)

func debugMode(j *judging) {
	p := j.Image.Process
	for _, v := range p.Env {
		if name, value, _ := strings.Cut(v, "="); debugVariable.MatchString(v) {
			j.found(Finding{Subject: name, Title: fmt.Sprintf("%s is %s", name, value), Place: j.setting(name)})
		} else if debugWords.MatchString(value) {
			j.found(Finding{Subject: name, Title: name + " opens a debugger to the network", Severity: high, Place: j.setting(name)})
		}
	}
	if debugWords.MatchString(strings.Join(slices.Concat(p.Entrypoint, p.Cmd), " ")) {
		j.found(Finding{Subject: "command", Title: "the command opens a debugger to the network", Severity: high, Place: j.starting()})
	}
	known := debuggers()
	for _, at := range p.ExposedPorts {
		if n, ok := port(at); ok && known[n] != "" {
			j.found(Finding{Subject: at, Title: fmt.Sprintf("port %s is exposed, where %s listens", at, known[n]), Severity: low, Place: j.exposing(n), Mend: "leave it out of EXPOSE"})
		}
	}
}

// starting gives the place of what says how the image starts.
func (j *judging) starting() inventory.Place {
	if len(j.Image.Process.Entrypoint) > 0 {
		return j.last("ENTRYPOINT", nil)
	}
	return j.last("CMD", nil)
}

// setting gives the place of the ENV that sets a variable.
func (j *judging) setting(name string) inventory.Place {
	return j.last("ENV", func(text string) bool { return sets(text, name) })
}

// sets says whether what follows ENV, ARG or LABEL names a key in front of a value: "A=1 B=2", "A 1", or with quotation marks.
func sets(text, key string) bool {
	for rest := text; ; {
		i := strings.Index(rest, key)
		if i < 0 {
			return false
		}
		before, after := strings.TrimRight(rest[:i], `"'`), strings.TrimLeft(rest[i+len(key):], `"'`)
		if (before == "" || strings.HasSuffix(before, " ") || strings.HasSuffix(before, "\t")) && (after == "" || after[0] == '=' || after[0] == ' ') {
			return true
		}
		rest = rest[i+len(key):]
	}
}

func onbuild(j *judging) {
	for _, trigger := range j.Image.Process.OnBuild {
		j.found(Finding{Subject: trigger, Title: "ONBUILD " + trigger, Place: j.last("ONBUILD", func(text string) bool { return text == trigger })})
	}
}

func shellForm(j *judging) {
	for _, c := range []struct {
		kind  string
		words []string
	}{{"ENTRYPOINT", j.Image.Process.Entrypoint}, {"CMD", j.Image.Process.Cmd}} {
		if len(c.words) == 3 && c.words[1] == "-c" && (c.words[0] == "/bin/sh" || c.words[0] == "/bin/bash") && !strings.HasPrefix(c.words[2], "exec ") {
			j.found(Finding{Subject: c.kind, Title: c.kind + " is a line for a shell", Place: j.last(c.kind, nil)})
		}
	}
}

func pathUnsafe(j *judging) {
	for _, v := range j.Image.Process.Env {
		value, ok := strings.CutPrefix(v, "PATH=")
		if !ok || value == "" {
			continue
		}
		for dir := range strings.SplitSeq(value, ":") {
			if !strings.HasPrefix(dir, "/") && !strings.Contains(dir, "$") && !strings.Contains(dir, `\`) {
				j.found(Finding{Subject: "PATH", Title: fmt.Sprintf("PATH has %q, the directory that a command happens to run in", dir), Place: j.setting("PATH")})
				return
			}
		}
	}
}

// wantsHost matches what starts a container with the host's rights.
var wantsHost = regexp.MustCompile(`--privileged\b|--pid[= ]host|--cap-add[= ](?:SYS_ADMIN|ALL)\b|\bnsenter\b.*(?:-t|--target)[= ]?1\b|/var/run/docker\.sock|-v\s*/:/`)

func privilegedStart(j *judging) {
	for _, key := range slices.Sorted(maps.Keys(j.Image.Labels)) {
		if found := wantsHost.FindString(j.Image.Labels[key]); found != "" {
			j.found(Finding{Subject: key, Title: fmt.Sprintf("the label %s starts it with %s", key, found), Place: j.labelling(key)})
		}
	}
	if found := wantsHost.FindString(strings.Join(slices.Concat(j.Image.Process.Entrypoint, j.Image.Process.Cmd), " ")); found != "" {
		j.found(Finding{Subject: "command", Title: "the command has " + found, Place: j.starting()})
	}
}

func sensitiveVolume(j *judging) {
	for _, v := range j.Image.Process.Volumes {
		switch at := path.Clean(v); at {
		case "/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr", "/usr/bin", "/usr/lib", "/usr/sbin", "/var/run/docker.sock", "/run/docker.sock":
			j.found(Finding{Subject: at, Title: "a volume covers " + at, Place: j.last("VOLUME", func(text string) bool { return strings.Contains(text, v) })})
		}
	}
}

// labelling gives the place of the LABEL that sets a key.
func (j *judging) labelling(key string) inventory.Place {
	return j.last("LABEL", func(text string) bool { return sets(text, key) })
}

// label gives an annotation of the manifest or a label, the annotation first.
func (j *judging) label(key string) string {
	return cmp.Or(j.Image.Annotations[key], j.Image.Labels[key])
}
