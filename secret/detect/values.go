package detect

import (
	"bytes"
	"encoding/base64"
	"math"
	"slices"
	"strings"
	"unicode"
)

// fits says whether a value is a secret under a name, in the kind of text that it stands in.
func (n *name) fits(p *passage, v value) bool {
	text := v.text
	if zeros := strings.TrimLeft(text, "A"); n.service && len(zeros) >= 40 {
		text = zeros // a number in base64, as Twitter's tokens begin with
	}
	if placeholder(text) || n.echoes(text) || reference(text, v.quoted) || translated(text) || p.kind != config && !v.quoted && called(text) {
		return false
	}
	switch {
	case n.sense == password && p.kind == config && p.settings:
		return len(text) >= 6 && len(text) <= 128 && !strings.Contains(text, " ") && !weakWord(text)
	case n.sense == password && p.kind == prose:
		return random(text, 8) && mixed(text) >= 3 || random(text, 16) && mixed(text) >= 2
	case n.sense == password && (p.kind == config || p.kind == shell):
		return len(text) >= 6 && len(text) <= 128 && !strings.Contains(text, " ") && (mixed(text) >= 2 && !wordy(text) || mixed(text) >= 3 && strings.ContainsAny(text, "0123456789")) && !weakWord(text)
	case n.sense == password:
		return len(text) >= 8 && len(text) <= 64 && !strings.Contains(text, " ") && mixed(text) >= 2 && !wordy(text) && entropy(text) >= 2.5
	case n.service && random(text, 12):
		return true
	case n.sense == key && p.settings:
		return random(text, 12) || len(text) >= 8 && mixed(text) >= 3 && !strings.Contains(text, " ")
	case n.sense == key && p.kind != prose:
		return random(text, 16)
	case n.sense == key:
		return random(text, 20) && mixed(text) >= 2
	case p.kind == prose:
		return false
	}
	return random(text, 20) && !guid(text) && entropy(text) >= 3.3
}

// translated says whether a text is a word of a language that is written with more than ASCII, as a label for "password" is.
func translated(text string) bool {
	letters, signs := 0, 0
	for _, r := range text {
		switch {
		case r >= 0x80 && unicode.IsLetter(r):
			letters++
		case r >= 0x80:
			signs++
		}
	}
	return letters > 3 || letters+signs > 0 && !strings.ContainsAny(text, "0123456789")
}

// field says whether a text names a field of a form: data[password].
func field(text string) bool {
	name, in, ok := strings.Cut(text, "[")
	return ok && name != "" && strings.Trim(strings.ToLower(name+in), "abcdefghijklmnopqrstuvwxyz_[]") == "" && strings.HasSuffix(in, "]")
}

// called says whether a text without quotes begins as the call of a function does: get_key(token.
func called(text string) bool {
	name, _, ok := strings.Cut(text, "(")
	return ok && name != "" && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789_.:$") == ""
}

// echoes says whether a value is but the name again, or a part of it: password = "user_password".
func (n *name) echoes(text string) bool {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r
			}
			return -1
		}, strings.ToLower(s))
	}
	a, b := plain(n.text), plain(text)
	return b == "" && len(text) < 8 || a == b || b == "my"+a || len(b) > 3 && strings.Contains(a, b) || len(a) > 4 && strings.Contains(b, a) && len(b)-len(a) < 12 && mixed(text) < 3
}

// reference says whether a value names a place where the secret is, or is an expression that gets it.
func reference(text string, quoted bool) bool {
	lower := strings.ToLower(text)
	for _, prefix := range []string{"$", "%", "{", "<", "[", "(", "@", "&", "*", "!", "#", "/", "./", "../", "~/", "env:", "env.", "enc(", "enc[", "vault:", "file:", "op://", "arn:", "ssm:", "sm://", "aws:", "gcp:", "azure:", "keyvault:", "secret:", "secrets.", "ref+", "ref:", "http://", "https://", "process.", "os.", "config.", "var.", "local.", "data.", "module.",
		"this.", "self.", "req.", "request.", "params.", "props.", "args.", "options.", "getenv", "system.", "c:\\", "urn:", "did:", "application/", "text/", "image/", "-----begin", "\\", "u+", "0x", "ssh-", "ecdsa-", "data:", "sha256:", "sha512-", "sha1-", "sha384-", "md5:", "bearer", "basic ", "\"", "'", ","} {
		if strings.HasPrefix(lower, prefix) && (prefix != "$" || !crypted(text)) {
			return true
		}
	}
	if strings.Contains(text, "${") || strings.Contains(text, "{{") || strings.Contains(text, "$(") || strings.Contains(text, "#{") || strings.Contains(text, "%(") || strings.Contains(text, "<%") || strings.Contains(text, "()") || strings.Contains(text, "::") || strings.Contains(text, "->") || strings.Contains(text, "...") || strings.Contains(text, "\\u") || strings.Contains(text, "\\x") || strings.Contains(text, "\\r") || field(text) || strings.Contains(text, "[\\") {
		return true
	}
	return !quoted && (strings.ContainsAny(text, "([") && strings.ContainsAny(text, ")]"))
}

// random says whether a text of at least so many bytes looks as if a machine made it.
func random(text string, least int) bool {
	if len(text) < least || strings.ContainsAny(text, " \t<>{}|\"'`") || placeholder(text) {
		return false
	}
	digits, letters := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits++
		case isAlnum(c):
			letters++
		case c >= 0x80 || c < 0x20:
			return false
		}
	}
	if sentence(text) {
		return false
	}
	if letters == 0 || digits == 0 && !(mixed(text) >= 2 && entropy(text) >= 4 && len(text) >= 24 && !wordy(text)) {
		return false
	}
	if sequence(text) || wordy(text) && digits < 6 || strings.Count(text, "/") > 2 && strings.Count(text, ".") > 0 {
		return false
	}
	bits := 3.0
	if len(text) < 16 {
		bits = 2.5
	}
	return entropy(text) >= bits
}

// sentence says whether a text is the base64 of words with spaces between them.
func sentence(text string) bool {
	plain, err := base64.StdEncoding.DecodeString(text)
	return err == nil && bytes.Count(plain, []byte(" ")) > 1 && printable(plain) && wordy(string(plain))
}

// wordy says whether a text is made of words: of letters with signs between them, as identifiers and messages are.
func wordy(text string) bool {
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("_-./: ,#@+\\", r) })
	if len(parts) == 0 {
		return true
	}
	plain := 0
	for _, part := range parts {
		if letters := strings.TrimRight(part, "0123456789"); pronounceable(letters) && len(part)-len(letters) <= 2 || len(letters) == 0 && len(part) <= 4 {
			plain++
		}
	}
	return plain == len(parts) && (len(parts) > 1 || len(parts[0]) < 24 || camelCase(parts[0]))
}

// camelCase says whether letters have a capital, and few enough of them to begin words.
func camelCase(s string) bool {
	upper := strings.Count(strings.ToUpper(s), "") - 1
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			upper--
		}
	}
	return upper > 0 && len(s) >= 4*(upper+1)
}

// pronounceable says whether letters can be those of words: pronounceable, in one case or camelCase.
func pronounceable(s string) bool {
	if s == "" {
		return false
	}
	run, vowels, upper := 0, 0, 0
	for i := range len(s) {
		c := s[i] | 0x20
		if c < 'a' || c > 'z' {
			return false
		}
		if s[i] < 'a' {
			upper++
			if i > 0 && s[i-1] >= 'a' {
				run = 0 // the next word of camelCase
			}
		}
		if strings.IndexByte("aeiouy", c) >= 0 {
			vowels, run = vowels+1, 0
		} else if run++; run > 4 {
			return false
		}
	}
	return len(s) <= 3 || vowels*6 >= len(s) && (upper == len(s) || upper*3 <= len(s)+2)
}

// mixed counts the sorts of characters in a text: small letters, capitals, digits, signs.
func mixed(text string) int {
	var lower, upper, digit, sign int
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z':
			lower = 1
		case c >= 'A' && c <= 'Z':
			upper = 1
		case c >= '0' && c <= '9':
			digit = 1
		case c != '_' && c != '-' && c != '.' && c != ' ':
			sign = 1
		}
	}
	return lower + upper + digit + sign
}

// entropy is Shannon's, in bits for each byte.
func entropy(text string) float64 {
	var counts [256]int
	for i := range len(text) {
		counts[text[i]]++
	}
	sum := 0.0
	for _, n := range counts {
		if n > 0 {
			f := float64(n) / float64(len(text))
			sum -= f * math.Log2(f)
		}
	}
	return sum
}

// sequence says whether a text is mostly of runs such as 12345, abcdef or aaaa.
func sequence(text string) bool {
	steps := 0
	for i := 1; i < len(text); i++ {
		if d := int(text[i]) - int(text[i-1]); d >= -1 && d <= 1 {
			steps++
		}
	}
	return steps*2 > len(text)
}

// guid says whether a text is a UUID (RFC 9562).
func guid(text string) bool {
	return len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-'
}

// placeholders are parts of what stands where a secret is to be put.
const placeholders = `
	example sample changeme change_me change-me changeit change_this changethis placeholder your dummy fake mocked
	redacted replace insert enter_ enter- foobar not_set notset not-set undefined 12345678 abcdef deadbeef cafebabe lorem
	_here -here goes_here secretsecret topsecret mysecret my-secret my_secret mypassword my-password my_password mytoken
	my-token my_token my-api my_api test-secret test_secret test-token test_token testtoken testsecret testpassword
	test-password test_password secret-token secret_token secret-key somesecret some-secret some_secret somepassword
	supersecret super-secret super_secret invalid hunter2 correcthorse randompassword verylong <password>`

// placeholder says whether a text stands where a secret is to be put.
func placeholder(text string) bool {
	lower := strings.ToLower(text)
	for part := range strings.FieldsSeq(placeholders) {
		if strings.Contains(lower, part) {
			return true
		}
	}
	return distinct(lower) <= 3 || repeats(lower)
}

// repeats says whether one character stands so often in a row as only somebody writes it who has no secret to write.
func repeats(text string) bool {
	run := 1
	for i := 1; i < len(text); i++ {
		if text[i] != text[i-1] {
			run = 1
			continue
		}
		if run++; run == 5 || run == 4 && strings.IndexByte("x*.", text[i]) >= 0 {
			return true
		}
	}
	return false
}

func distinct(text string) int {
	var seen [256]bool
	n := 0
	for i := range len(text) {
		if !seen[text[i]] {
			seen[text[i]] = true
			n++
		}
	}
	return n
}

// weakWord says whether a text is a word that stands in place of a password in settings.
func weakWord(text string) bool {
	lower := strings.Trim(strings.ToLower(text), "0123456789!._-")
	return slices.Contains([]string{"", "password", "passwd", "pass", "pwd", "secret", "token", "none", "null", "nil", "true", "false", "yes", "no", "default", "required", "optional", "string", "test", "testing", "empty", "hidden", "prompt", "ask", "disabled", "enabled", "never", "always", "username", "unset", "public", "private", "value", "text", "plain", "basic", "files", "compat", "required_pass", "sufficient", "include", "requisite"}, lower)
}

// commonPassword says whether a password is one of those that everyone knows, and that documentation and test services have.
func commonPassword(text string) bool {
	lower := strings.Trim(strings.ToLower(text), "0123456789!@_-")
	return slices.Contains([]string{"", "password", "passwd", "passw", "pass", "pwd", "pw", "secret", "s3cret", "s3cr", "token", "admin", "root", "user", "username", "guest", "test", "testing", "tester", "postgres", "mysql", "mongo", "redis", "rabbitmq", "default", "foo", "bar", "baz", "qwerty", "letmein", "welcome", "hello", "changeme", "mypass", "pa", "p", "pass word", "x", "xx", "abc", "key", "login", "docker", "oauth", "x-oauth-basic", "x-token-auth", "auth"}, lower)
}

// crypted says whether a text is the hash of a password in crypt(3)'s modular form.
func crypted(text string) bool {
	for _, prefix := range []string{"$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$7$", "$y$", "$gy$", "$apr1$", "$argon2", "$pbkdf2", "$scrypt$", "$md5"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}
