package detect

import (
	"encoding/base64"
	"regexp"
	"strings"

	"tidewaiter/match"
)

// commandRules are for passwords on command lines, in directives of servers, and in connection strings: what stands there may be a word, so that
// the form around it is what gives it away.
func commandRules() []rule {
	return []rule{
		given("curl-credentials", "user and password of curl", `\bcurl\b(?:[^\n|;]|\\\n){0,400}\s(?:-u|--user)[ =]?(?:'[^'\s:<{$]*:([^'\s<{]{4,})'|"[^"\s:<{$]*:([^"\s<{]{4,})"|[^\s"':$<{]+:([^\s"'<{*]{4,})(?:\s|$))`, 1, 500, "curl "),
		given("http-header-token", "token in an HTTP header of a command line", `\s(?:-H|--header)[ =]?["'](?:[\w-]*(?:[Tt]oken|[Ss]ecret|[Aa]pi-?[Kk]ey|[Aa]uth[\w-]*))\s*:\s*(?:[\w-]+\s+)?([^\s"'$<{]{8,600})["']`, 4, 700, "-H \"", "-H '", "--header "),
		given("mysql-password", "password of MySQL on a command line", `\b(?:mysql|mariadb)[\w-]*\s(?:[^\n|;]{0,200}\s)?-p["']?([^\s"'\x60$<{=:-][^\s"'|;=]{3,})`, 1, 300, "mysql", "mariadb"),
		given("sshpass-password", "password of SSH on a command line", `\bsshpass\s+-p\s*["']?([^\s"'$<{]{4,})`, 1, 100, "sshpass"),
		given("redis-password", "password of Redis on a command line", `\bredis-cli\b[^\n|;]{0,120}\s-a\s+["']?([^\s"'$<{]{4,})`, 1, 240, "redis-cli"),
		given("registry-login", "password for a registry on a command line", `\b(?:docker|podman|nerdctl|helm registry|skopeo|buildah|oras|crane auth) login\b[^\n|;]{0,200}\s(?:-p|--password)[ =]["']?([^\s"'$<{]{4,})`, 20, 320, " login "),
		given("chpasswd-password", "password of a user of the system", `[\w.-]:([^\s"':$<{]{4,})["']?\s*\|\s*(?:sudo\s+)?(?:/usr/s?bin/)?chpasswd`, 100, 10, "chpasswd"),
		given("openssl-passphrase", "passphrase of a key on a command line", `-pass(?:in|out)?[ =]["']?pass:([^\s"'$<{]{4,})`, 12, 90, "pass:"),
		given("directive-password", "password in the configuration of a server", `(?m)^[ \t]*(?:bindpw|rootpw|rootbindpw|rootpwmoddn|requirepass|masterauth|olcRootPW:)[ \t]+["']?([^\s"'$<{]{4,})`, 40, 160, "bindpw", "rootpw", "requirepass", "masterauth"),
		given("connection-string-password", "password in a connection string", `(?i)\b(?:server|data source|driver|host|hostname|uid|user id|user|username|database|initial catalog)\s*=[^;\n"']{1,100};(?:[^;\n"']{1,100};){0,8}?\s*(?:pwd|password)\s*=\s*([^;\n"'\s<{$]{4,})`, 400, 140, "pwd=", "password=", "pwd =", "password ="),
		given("bundler-credentials", "credentials of Bundler for a gem server", `\bBUNDLE_\w+__\w+["']?\s*[:=>,]{0,4}\s*["']?([\w.-]{2,}:[^\s"':/$<{]{6,})`, 1, 200, "BUNDLE_"),
		{id: "json-web-token", title: "JSON web token in base64", severity: match.Medium, words: []string{"ZXlK"}, before: 1, after: maxToken, in: wrappedWebToken},
	}
}

// given is within for what may be a password of words. The first of its groups that stands is the secret.
func given(id, title, expression string, before, after int, words ...string) rule {
	re := regexp.MustCompile(expression)
	return rule{id: id, title: title, severity: match.High, words: words, before: before, after: after, in: func(p *passage, from, to int) []hit {
		if p.quiet {
			return nil
		}
		var hits []hit
		for _, m := range re.FindAllSubmatchIndex(p.data[from:to], -1) {
			for g := 2; g < len(m); g += 2 {
				if m[g] < 0 {
					continue
				}
				raw := string(p.data[from+m[g] : from+m[g+1]])
				if !commonPassword(raw) && (p.kind != code || !member(raw)) && notPlaceholder(raw) && strings.Trim(raw, "0123456789.:") != "" {
					hits = append(hits, hit{start: from + m[g], end: from + m[g+1], raw: raw, sure: true})
				}
				break
			}
		}
		return hits
	}}
}

// member says whether a text of a program names a member of something, and is no password: u.password.
func member(text string) bool {
	return strings.Contains(text, ".") && strings.Trim(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz_.") == ""
}

var (
	wrapped  = regexp.MustCompile(`\bZXlK[A-Za-z0-9+/_-]{40,}`)
	webToken = regexp.MustCompile(`^eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{5,}`)
)

// wrappedWebToken finds a JSON web token that stands in base64.
func wrappedWebToken(p *passage, from, to int) []hit {
	var hits []hit
	for _, m := range wrapped.FindAllIndex(p.data[from:to], -1) {
		text := string(p.data[from+m[0] : from+m[1]])
		plain, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(text[:len(text)-len(text)%4]))
		if err == nil && webToken.Match(plain) {
			hits = append(hits, hit{start: from + m[0], end: from + m[1], raw: text, known: knownSecret(string(plain))})
		}
	}
	return hits
}
