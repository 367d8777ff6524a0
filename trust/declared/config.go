package declared

import (
	"encoding/json"
	"maps"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"tidewaiter/image"
)

// settings are what an image's config says, each under a name such as "ENV PATH", "USER" or "EXPOSE 80/tcp". Lists are written as JSON.
type settings map[string]setting

// isSet is the value of a setting that has none, such as EXPOSE 80/tcp.
const isSet = "\x01"

type setting struct {
	text string
	// command is the instruction that set it; nil where none is known. unsure says that it may have set another value.
	command *command
	unsure  bool
	// pattern is the text with unknown in place of what is not sure.
	pattern string
}

func list(words []string) string {
	if len(words) == 0 {
		return ""
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(words) // strings can always be written
	return strings.TrimSpace(b.String())
}

// actualSettings are those of an image.
func actualSettings(im *image.Image) settings {
	s := settings{}
	put := func(name, text string) {
		if text != "" {
			s[name] = setting{text: text}
		}
	}
	for name, text := range im.Labels {
		s["LABEL "+name] = setting{text: text}
	}
	p := im.Process
	if p == nil {
		return s
	}
	for _, e := range p.Env {
		name, text, _ := strings.Cut(e, "=")
		s["ENV "+name] = setting{text: text}
	}
	put("USER", p.User)
	put("WORKDIR", p.WorkingDir)
	put("ENTRYPOINT", list(p.Entrypoint))
	put("CMD", list(p.Cmd))
	put("HEALTHCHECK", list(p.Healthcheck))
	put("STOPSIGNAL", p.StopSignal)
	put("SHELL", list(p.Shell))
	put("ONBUILD", list(p.OnBuild))
	for _, port := range p.ExposedPorts {
		put("EXPOSE "+port, isSet)
	}
	for _, dir := range p.Volumes {
		put("VOLUME "+dir, isSet)
	}
	return s
}

// declaredSettings are those that the instructions of an image set, the last one of each; target is the stage that was built. A setting without text is one that they take back.
func declaredSettings(commands []*command, target int, escape rune) settings {
	s := settings{}
	var onBuild []string
	cmdSet := false
	for _, c := range commands {
		at := &c.context
		put := func(name string, v value) {
			s[name] = setting{text: v.text, command: c, unsure: v.unsure || strings.Contains(v.text, unknown), pattern: unknown}
		}
		expanded := func(name, word string) {
			v := at.expand(word, escape)
			s[name] = setting{v.text, c, v.unsure || strings.Contains(v.text, unknown), at.pattern(word, escape)}
		}
		switch c.kind {
		case "ENV", "LABEL":
			for i := 0; i+1 < len(c.words); i += 3 {
				expanded(c.kind+" "+at.expand(c.words[i], escape).text, c.words[i+1])
			}
		case "USER", "STOPSIGNAL":
			expanded(c.kind, strings.Join(c.words, " "))
		case "WORKDIR":
			v := at.expand(strings.Join(c.words, " "), escape)
			dir := path.Join("/", v.text)
			if !strings.HasPrefix(v.text, "/") {
				dir = path.Join("/", at.workdir, v.text)
				v.unsure = v.unsure || !absoluteBefore(commands, c)
			}
			put("WORKDIR", value{dir, v.unsure})
		case "CMD", "ENTRYPOINT":
			if c.kind == "ENTRYPOINT" && !cmdSet {
				s["CMD"] = setting{command: c, unsure: true, pattern: unknown} // builders take back the base's, and some leave it
			}
			cmdSet = cmdSet || c.kind == "CMD"
			put(c.kind, value{text: list(commandLine(c))})
		case "HEALTHCHECK":
			put("HEALTHCHECK", value{text: list(healthcheck(c))})
		case "SHELL":
			put("SHELL", value{text: list(c.words)})
		case "EXPOSE":
			for _, word := range c.words {
				for _, port := range ports(at.expand(word, escape)) {
					put("EXPOSE "+port.text, value{isSet, port.unsure})
				}
			}
		case "VOLUME":
			for _, word := range c.words {
				v := at.expand(word, escape)
				put("VOLUME "+v.text, value{isSet, v.unsure})
			}
		case "ONBUILD":
			if c.trigger != nil && c.stage == target { // those of earlier stages were done already
				onBuild = append(onBuild, strings.TrimSpace(c.rest))
				put("ONBUILD", value{text: list(onBuild)})
			}
		}
	}
	return s
}

// absoluteBefore says whether an earlier WORKDIR does not depend on the base's.
func absoluteBefore(commands []*command, before *command) bool {
	for _, c := range commands {
		if c == before {
			return false
		}
		if c.kind == "WORKDIR" && len(c.words) > 0 && strings.HasPrefix(c.words[0], "/") {
			return true
		}
	}
	return false
}

// commandLine is that of CMD or ENTRYPOINT: as it stands there, or given to the shell.
func commandLine(c *command) []string {
	if c.json {
		return c.words
	}
	shell := c.context.shell
	if len(shell) == 0 {
		shell = []string{"/bin/sh", "-c"}
	}
	return append(slices.Clip(shell), strings.Join(c.words, " "))
}

func healthcheck(c *command) []string {
	if len(c.words) == 0 {
		return nil
	}
	switch kind := strings.ToUpper(c.words[0]); {
	case kind == "NONE":
		return []string{"NONE"}
	case c.json:
		return append([]string{"CMD"}, c.words[1:]...)
	default:
		return []string{"CMD-SHELL", strings.Join(c.words[1:], " ")}
	}
}

// ports reads one word of EXPOSE: [ip:][public:]private[-last][/protocol], of which several values may stand in one variable.
func ports(v value) []value {
	var out []value
	for _, spec := range strings.Fields(v.text) {
		numbers, protocol, ok := strings.Cut(spec, "/")
		if !ok {
			protocol = "tcp"
		}
		numbers = numbers[strings.LastIndexByte(numbers, ':')+1:]
		from, to, isRange := strings.Cut(numbers, "-")
		first, err := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if !isRange || err != nil || err2 != nil || last-first > 1000 {
			out = append(out, value{numbers + "/" + strings.ToLower(protocol), v.unsure})
			continue
		}
		for n := first; n <= last; n++ {
			out = append(out, value{strconv.Itoa(n) + "/" + strings.ToLower(protocol), v.unsure})
		}
	}
	return out
}

// inheritedSettings are what the history tells of the base's config: a claim of whoever wrote it. told is false where it is no history of
// a Dockerfile's instructions, and then says nothing of what the base did not set.
func inheritedSettings(history []entry) (s settings, told bool) {
	s = settings{}
	for i := range history {
		e := &history[i]
		switch e.kind {
		case "RUN", "COPY", "ADD", "ARG", "MAINTAINER":
		case "ENV", "LABEL":
			for name, text := range pairs(e.text) {
				s[e.kind+" "+name] = setting{text: text}
			}
		case "USER", "STOPSIGNAL", "ENTRYPOINT", "CMD", "SHELL", "HEALTHCHECK":
			s[e.kind] = setting{text: e.text}
		case "WORKDIR":
			dir := e.text
			if !path.IsAbs(dir) {
				dir = path.Join("/", s["WORKDIR"].text, dir)
			}
			s["WORKDIR"] = setting{text: path.Clean(dir)}
		case "EXPOSE":
			for _, word := range bare(e.text) {
				for _, port := range ports(value{text: strings.TrimSuffix(word, ":{}")}) {
					s["EXPOSE "+port.text] = setting{text: isSet}
				}
			}
		case "VOLUME":
			for _, dir := range bare(e.text) {
				s["VOLUME "+strings.TrimSuffix(dir, ":{}")] = setting{text: isSet}
			}
		case "ONBUILD":
			s["ONBUILD"] = setting{text: e.text}
		default:
			return s, false
		}
	}
	return s, len(history) > 0
}

// bare gives the words of "[80/tcp 443/tcp]", "map[80/tcp:{}]" or `["/data","/log"]`.
func bare(text string) []string {
	return strings.FieldsFunc(strings.TrimPrefix(text, "map"), func(r rune) bool { return strings.ContainsRune(" ,[]\"", r) })
}

// pairs reads "A=b C=d e": a word without an equals sign goes on with the value before it. The form "A b" has one pair.
func pairs(text string) map[string]string {
	out := map[string]string{}
	words := strings.Split(text, " ")
	if !strings.Contains(words[0], "=") {
		name, rest, _ := strings.Cut(text, " ")
		out[unquoted(name)] = unquoted(rest)
		return out
	}
	last := ""
	for _, word := range words {
		name, v, ok := strings.Cut(word, "=")
		if ok && isName(unquoted(name)) {
			last = unquoted(name)
			out[last] = v
		} else if len(out[last]) < maxWord {
			out[last] += " " + word
		}
	}
	for name, v := range out {
		out[name] = unquoted(v)
	}
	return out
}

func unquoted(s string) string {
	if u, err := strconv.Unquote(s); err == nil {
		return u
	}
	return s
}

func isName(s string) bool {
	return s != "" && (s[0] < '0' || s[0] > '9') && s[0] != '-' && s[0] != '.' && strings.IndexFunc(s, func(r rune) bool {
		return r != '_' && r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// alike compares a value with what a history tells of it: of lists the words count, for each builder writes them in its own way.
func alike(name, actual, told string) bool {
	if actual == told {
		return true
	}
	words := func(s string) string {
		return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,[]\"'\\", r) }), " ")
	}
	if strings.Contains(told, "$") { // some builders tell it without the variables put in
		return matches(reference().ReplaceAllString(told, unknown), actual)
	}
	a, b := words(actual), words(told)
	switch {
	case a == b:
		return true
	case name == "CMD" || name == "ENTRYPOINT": // written without the shell
		return strings.HasSuffix(a, " "+b) && strings.HasPrefix(actual, `["/bin/`)
	case name == "HEALTHCHECK" || name == "ONBUILD": // with its intervals; one of several
		return a != "" && b != "" && (strings.Contains(b, strings.TrimPrefix(strings.TrimPrefix(a, "CMD-SHELL "), "CMD ")) || strings.Contains(a, b))
	}
	return false
}

// reference matches what stands for a variable's value: $NAME, ${NAME:-other}.
func reference() *regexp.Regexp { return regexp.MustCompile(`\$(\{[^}]*\}|[A-Za-z0-9_]+)`) }

// names are those of all settings, sorted as people would read them.
func names(all ...settings) []string {
	seen := map[string]bool{}
	for _, s := range all {
		for name := range s {
			seen[name] = true
		}
	}
	list := slices.Collect(maps.Keys(seen))
	sort.Strings(list)
	return list
}
