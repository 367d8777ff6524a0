package detect

import (
	"net/url"
	"slices"
	"strings"

	"tidewaiter/match"
)

// urlRules are for a user and a password in a URL: of databases, of registries, of anything.
func urlRules() []rule {
	return []rule{
		{id: "url-credentials", title: "URL with a password", severity: match.High, words: []string{"://"}, at: urlPassword},
	}
}

// maxURL is the length, in bytes, up to which the user and password of a URL are looked for.
const maxURL = 400

// urlPassword reads the password of a URL (RFC 3986, section 3.2.1) whose "://" stands at a place.
func urlPassword(p *passage, at int) []hit {
	start := at
	for start > 0 && at-start < 24 && (isAlnum(p.data[start-1]) || strings.IndexByte("+.-", p.data[start-1]) >= 0) {
		start--
	}
	from := at + len("://")
	end, sign := from, -1
	for ; end < len(p.data) && end-from < maxURL && strings.IndexByte(" \t\r\n\"'`<>\\,;()[]|/?#", p.data[end]) < 0; end++ {
		if p.data[end] == '@' {
			sign = end
		}
	}
	if sign < 0 || start == at {
		return nil
	}
	user, password, has := strings.Cut(string(p.data[from:sign]), ":")
	host := string(p.data[sign+1 : end])
	host, _, _ = strings.Cut(host, ":")
	if plain, err := url.PathUnescape(password); err == nil {
		password = plain
	}
	if !has || !passwordOfURL(user, password, host) {
		return nil
	}
	h := hit{start: from + len(user) + 1, end: sign, raw: password}
	if exampleHost(host) && p.inComment(start) {
		h.known = "documentation-example"
	}
	if database(string(p.data[start:at])) {
		h.title = "database URL with a password"
	}
	return []hit{h}
}

// passwordOfURL says whether what stands where the password of a URL does is one, and no example's.
func passwordOfURL(user, password, host string) bool {
	if len(password) < 4 || strings.ContainsAny(password, "/ ") && len(password) > 60 || host == "" {
		return false
	}
	if placeholder(password) || strings.EqualFold(user, password) || strings.ContainsAny(user+host, "{}<>$%*") {
		return false
	}
	if strings.Contains(password, "${") || strings.Contains(password, "$(") || strings.Contains(password, "{{") || commonPassword(password) {
		return false
	}
	if exampleHost(host) || strings.HasPrefix(strings.ToLower(user), "user") {
		return random(password, 8) || len(password) >= 10 && mixed(password) >= 2 && !wordy(password)
	}
	return true
}

// exampleHost says whether a host is of those that documentation has (RFC 2606), or is the machine itself.
func exampleHost(host string) bool {
	host = strings.ToLower(host)
	for _, name := range []string{"example", "test", "invalid", "localhost", "host", "hostname", "domain", "server", "foo", "mydomain", "yourdomain", "proxy", "127.0.0.1", "registry"} {
		if host == name || strings.HasPrefix(host, name+".") || strings.Contains(host, "."+name+".") || strings.HasSuffix(host, "."+name) {
			return true
		}
	}
	return false
}

func database(scheme string) bool {
	scheme, _, _ = strings.Cut(scheme, "+")
	return slices.Contains([]string{"postgres", "postgresql", "mysql", "mariadb", "mongodb", "redis", "rediss", "amqp", "amqps", "mssql", "sqlserver", "oracle", "clickhouse", "cockroachdb", "cassandra", "neo4j", "bolt"}, scheme)
}
