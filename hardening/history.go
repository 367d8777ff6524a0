package hardening

import (
	"fmt"
	"regexp"
	"strings"
)

// runs calls f with each RUN of the history.
func (j *judging) runs(f func(s *step)) {
	for i := range j.steps {
		if s := &j.steps[i]; s.kind == "RUN" {
			f(s)
		}
	}
}

// The parts of a command that fetches, and of one that runs what it is given. Between them stands no end of a command: an & in an address
// is none.
const (
	fetching = `\b(?:curl|wget)\b(?:[^|;&\n]|&[^&\n])*`
	shellRun = `(?:sudo\s+(?:-\S+\s+)*)?(?:env\s+)?(?:[A-Z_]+=\S*\s+)*(?:/\S*/)?(?:ba|da|z|k|a)?sh\b`
	// A language that is given a program by -c, -e or -m reads data from the pipe, and no program.
	languageRun = `(?:sudo\s+(?:-\S+\s+)*)?(?:/\S*/)?(?:python[0-9.]*|perl|ruby|node|php)(?:\s+-)?\s*(?:$|[;&|)\n])`
)

var (
	pipedToShell = regexp.MustCompile(fetching + `(?:\|[^|;&\n]*)?\|\s*(?:` + shellRun + `|` + languageRun + `)`)
	substituted  = regexp.MustCompile("(?:\\b(?:ba|da|z|k|a)?sh\\b|\\beval\\b|\\bsource\\b|(?:^|[;&\\s])\\.)\\s+(?:-\\S+\\s+)*[\"']?(?:<\\(|\\$\\(|`)\\s*(?:curl|wget)\\b")
)

func curlPipeShell(j *judging) {
	j.runs(func(s *step) {
		for _, r := range []*regexp.Regexp{pipedToShell, substituted} {
			if found := r.FindString(s.text); found != "" {
				j.found(Finding{Subject: shown(found), Title: "a build runs what it fetches, unchecked: " + shown(found), Place: s.place})
				return
			}
		}
	})
}

var (
	chmodWide = regexp.MustCompile(`\bchmod\s+(?:-\S+\s+)*(?:0?777|0?666|[ugoa]*[ao][ugoa]*[+=][rXxst]*w[rwxXst]*)\s+[^;&|\n]*`)
	copyWide  = regexp.MustCompile(`--chmod=0?(?:777|666)\b`)
)

func chmodAll(j *judging) {
	for i := range j.steps {
		s := &j.steps[i]
		found := ""
		switch s.kind {
		case "RUN":
			found = chmodWide.FindString(s.text)
		case "COPY", "ADD":
			found = copyWide.FindString(s.text)
		}
		if found != "" {
			j.found(Finding{Subject: shown(found), Title: "an instruction lets everybody write: " + shown(found), Place: s.place})
		}
	}
}

// off matches how programs are told not to check what they fetch. Each has the variable or option in its first group.
var off = regexp.MustCompile(`\bcurl\b(?:[^|;&\n]|&[^&\n])*?\s(-[fsSLgGIivNOq#]*k[fsSLgGIivNOq#]*|--insecure)(?:\s|$)` +
	`|\bwget\b(?:[^|;&\n]|&[^&\n])*?\s(--no-check-certificate)\b` +
	`|\bpip[0-9.]*\b[^|;&\n]*?\s(--trusted-host)\b` +
	`|\b(?:npm|yarn|pnpm)\b[^|;&\n]*?(strict-ssl[ =]false)` +
	`|\b(http\.sslVerify[ =]"?(?:false|0))` +
	`|\b(GIT_SSL_NO_VERIFY=(?:1|true)|NODE_TLS_REJECT_UNAUTHORIZED=['"]?0|PYTHONHTTPSVERIFY=['"]?0)` +
	`|\bapt(?:-get)?\b[^|;&\n]*?(--allow-unauthenticated|--force-yes|--allow-insecure-repositories|AllowUnauthenticated=(?:true|1|yes)|AllowInsecureRepositories=(?:true|1|yes))` +
	`|\bapk\b[^|;&\n]*?\s(--allow-untrusted)\b` +
	`|\b(?:yum|dnf|microdnf|tdnf|rpm)\b[^|;&\n]*?\s(--nogpgcheck|--nosignature|--setopt=\S*gpgcheck=0)` +
	`|\bzypper\b[^|;&\n]*?\s(--no-gpg-checks)\b`)

// verificationOff looks at what the build did, and at what the image's variables leave switched off.
func verificationOff(j *judging) {
	j.runs(func(s *step) {
		if m := off.FindStringSubmatch(s.text); m != nil {
			option := strings.Join(m[1:], "")
			if program, _, ok := strings.Cut(m[0], " "); ok && strings.HasPrefix(option, "-") {
				option = program + " " + option
			}
			j.found(Finding{Subject: shown(option), Title: "a build fetches without checking: " + shown(option), Place: s.place})
		}
	})
	if j.Image.Process == nil {
		j.unchecked(j.check.Name, "the image has no configuration that can be read")
		return
	}
	for _, v := range j.Image.Process.Env {
		switch v {
		case "NODE_TLS_REJECT_UNAUTHORIZED=0", "PYTHONHTTPSVERIFY=0", "GIT_SSL_NO_VERIFY=1", "GIT_SSL_NO_VERIFY=true", "NPM_CONFIG_STRICT_SSL=false", "npm_config_strict_ssl=false":
			name, _, _ := strings.Cut(v, "=")
			j.found(Finding{Subject: name, Title: "the image runs with " + v, Place: j.setting(name)})
		}
	}
}

var (
	updates = regexp.MustCompile(`\bapt(?:-get)?\s+(?:-\S+\s+(?:\S+::\S+\s+)?)*update\b|\bapk\s+(?:-\S+\s+)*update\b|\b(?:yum|dnf|microdnf|tdnf)\s+(?:-\S+\s+)*(?:makecache|check-update)\b|\bzypper\s+(?:-\S+\s+)*(?:refresh|ref)\b`)
	// installs, or a script or program of somebody's own that may do it.
	installs = regexp.MustCompile(`\b(?:install|upgrade|dist-upgrade|full-upgrade|build-dep|satisfy|add|in|download|source|debootstrap|install-deps)\b|(?:^|[;&|\n]\s*)(?:\.{0,2}/|sh\b|bash\b|python|perl|make\b|npx\b|ansible)|\.sh\b`)
)

func updateAlone(j *judging) {
	j.runs(func(s *step) {
		if found := updates.FindString(s.text); found != "" && !installs.MatchString(s.text) {
			j.found(Finding{Subject: shown(found), Title: shown(found) + " in an instruction of its own", Place: s.place})
		}
	})
}

// Remote sources of ADD. What a builder made of local files it tells by their hash.
var remote = regexp.MustCompile(`(?i)^(?:https?|git|ssh)://|^git@`)

// addFromURL goes by the Dockerfile where it is known, which tells of a checksum; the history of an image does not.
func addFromURL(j *judging) {
	checked := map[string]bool{}
	for _, in := range j.inputs {
		if in.Checksum != "" {
			checked[in.Name] = true
		}
	}
	for i := range j.steps {
		s := &j.steps[i]
		if s.kind != "ADD" {
			continue
		}
		words := strings.Fields(s.text)
		for _, word := range words {
			if !remote.MatchString(word) || checked[word] || strings.Contains(s.text, "--checksum=") || pinnedCommit(word) {
				continue
			}
			f := Finding{Subject: shown(word), Place: s.place}
			f.Title = "ADD fetches without a checksum: " + f.Subject
			if s.place.DockerfileLine == 0 {
				f.Title, f.Severity = "ADD fetches "+f.Subject+", and the history does not tell whether a checksum was demanded", low
			}
			f.Mend = fmt.Sprintf("ADD --checksum=sha256:... %s %s", f.Subject, words[len(words)-1])
			j.found(f)
		}
	}
}

var commit = regexp.MustCompile(`(?i)[#?&](?:ref=|commit=|checksum=)?[0-9a-f]{40}(?:[:&]|$)`)

// pinnedCommit says whether a git repository is asked for by a commit.
func pinnedCommit(source string) bool { return commit.MatchString(source) }

var password = regexp.MustCompile(`//[^/@\s]*@`)

// withoutPassword takes the user's part out of an address.
func withoutPassword(address string) string { return password.ReplaceAllString(address, "//") }

// localAdd matches an ADD of the classic builder or Buildah ("file:.. in /app/"), whose sources are told by their hash alone: it may have been
// an archive that was meant to be unpacked.
var localAdd = regexp.MustCompile(`\b(?:file|dir|multi):[0-9a-f]+\s+in\s+`)

func addInsteadOfCopy(j *judging) {
	for i := range j.steps {
		s := &j.steps[i]
		words := strings.Fields(s.text)
		if s.kind != "ADD" || len(words) < 2 || words[len(words)-1] == "/" || remote.MatchString(words[0]) || strings.HasPrefix(words[0], "<<") {
			continue
		}
		if localAdd.MatchString(s.text) || !archives.MatchString(s.text) {
			j.found(Finding{Subject: words[len(words)-1], Title: "ADD to " + shown(words[len(words)-1]) + " where COPY would do", Place: s.place})
		}
	}
}

// archives are what ADD is for.
var archives = regexp.MustCompile(`(?i)\.(?:tar|tgz|tbz2?|txz|tar\.(?:gz|bz2|xz|zst))\b`)

var ownRights = regexp.MustCompile(`--security=insecure\b|--network=host\b`)

// privilegedBuild looks at the flags of RUN, which few builders tell in the history.
func privilegedBuild(j *judging) {
	if len(j.steps) == 0 && j.Dockerfile == nil {
		j.unchecked(j.check.Name, "the image does not tell how it was built")
		return
	}
	seen := map[int]bool{}
	j.runs(func(s *step) {
		if found := ownRights.FindString(flags(s.text)); found != "" {
			seen[s.place.DockerfileLine] = true
			j.found(Finding{Subject: found, Title: "RUN " + found, Place: s.place})
		}
	})
	for i, line := range strings.Split(string(j.Dockerfile), "\n") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "RUN "); ok && !seen[i+1] {
			if found := ownRights.FindString(flags(rest)); found != "" {
				f := Finding{Subject: found, Title: "RUN " + found}
				f.DockerfileLine, f.Instruction = i+1, "RUN "+shown(rest)
				j.found(f)
			}
		}
	}
}

// flags are the words that begin an instruction's text with two dashes.
func flags(text string) string {
	words := strings.Fields(text)
	n := 0
	for n < len(words) && strings.HasPrefix(words[n], "--") {
		n++
	}
	return strings.Join(words[:n], " ")
}
