package hardening

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// envSecret goes by names alone: what a value looks like is the business of the search for secrets. No value is shown.
func envSecret(j *judging) {
	for _, v := range j.Image.Process.Env {
		name, value, _ := strings.Cut(v, "=")
		if !secretName(name) || !couldBeSecret(value) {
			continue
		}
		f := Finding{Subject: name, Title: name + " has a value in ENV", Place: j.setting(name)}
		if f.Instruction != "" {
			f.Instruction = "ENV " + name + "=(not shown)"
		}
		if placeholder.MatchString(value) {
			f.Title, f.Severity = name+" has a value in ENV that looks like an example", low
		}
		j.found(f)
	}
}

// argSecret looks at the build arguments that the history tells of.
func argSecret(j *judging) {
	seen := map[string]bool{}
	for i := range j.steps {
		s := &j.steps[i]
		if s.kind != "ARG" {
			continue
		}
		for _, word := range strings.Fields(s.text) {
			name, value, given := strings.Cut(word, "=")
			if !secretName(name) || seen[name] || given && !couldBeSecret(strings.Trim(value, `"'`)) {
				continue
			}
			seen[name] = true
			f := Finding{Subject: name, Title: fmt.Sprintf("the build takes %s as an argument", name), Severity: low, Place: s.place}
			if given {
				f.Title, f.Severity = name+" has a value in ARG", medium
			}
			f.Instruction = "ARG " + name
			if given {
				f.Instruction += "=(not shown)"
			}
			j.found(f)
		}
	}
}

// secretName says whether a variable is called like a secret. Docker's own check goes by single words of the name
// (https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/); here the name must end in one, so that TOKEN_URL and
// PASSWORD_FILE are none, and a key must be one that is kept secret, so that GPG_KEY is none.
func secretName(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == '-' || r == '.' })
	for len(words) > 1 && strings.Trim(words[len(words)-1], "0123456789") == "" {
		words = words[:len(words)-1]
	}
	if len(words) == 0 || slices.Contains(words, "public") || slices.Contains(words, "pub") {
		return false
	}
	last := words[len(words)-1]
	before := ""
	if len(words) > 1 {
		before = words[len(words)-2]
	}
	switch last {
	case "apikey", "secretkey", "privatekey", "accesskey", "credential", "credentials", "creds", "pass", "passphrase", "pword", "secrets":
		return true
	case "auth", "pwd":
		return before != "" && before != "old"
	case "key":
		return slices.Contains([]string{"access", "account", "admin", "api", "app", "auth", "encryption", "jwt", "master", "private", "secret", "session", "signing", "storage"}, before)
	case "base":
		return before == "key" // Rails' SECRET_KEY_BASE
	}
	for _, end := range []string{"password", "passwd", "secret", "token"} {
		if strings.HasSuffix(last, end) {
			return true
		}
	}
	return false
}

var (
	// notSecret are values that say how something is, or where: switches, numbers of few digits, paths, references, the names of algorithms.
	notSecret = regexp.MustCompile(`(?i)^(?:|true|false|yes|no|on|off|none|null|nil|auto|enabled|disabled|basic|bearer|jwt|md5|trust|optional|required|[0-9]{1,4}|/.*|\./.*|file:.*|\$.*|%\(?.*%\)?|\{\{.*\}\}|[0-9A-F]{40}(?:[ ,][0-9A-F]{40})*)$`)
	// placeholder are values that people write into examples.
	placeholder = regexp.MustCompile(`(?i)^(?:<.*>|x{3,}|\*+|\.{3}|change.?me.*|your[-_ ].*|my[-_ ].*|replace.*|example.*|placeholder|dummy|test(?:ing)?|secret|password|passwd|to[-_ ]?do|foo|bar|.*example(?:key)?)$`)
)

func couldBeSecret(value string) bool { return !notSecret.MatchString(value) }
