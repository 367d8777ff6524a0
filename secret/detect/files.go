package detect

import (
	"bytes"
	"encoding/base64"
	"path"
	"regexp"
	"strings"

	"tidewaiter/match"
)

// fileRule finds what is a secret by where it stands in a file of a known name.
type fileRule struct {
	rule
	name *regexp.Regexp // of the path in lower case
	// line finds a secret in a line: its first group.
	line *regexp.Regexp
	fits func(text string) bool
}

// fileRules are for files whose form is that of a program that keeps credentials in it.
func fileRules() []fileRule {
	return []fileRule{
		named("pgpass", "password of PostgreSQL", match.High, `/\.pgpass$`, `^[^#\n:]+:[^:\n]*:[^:\n]*:[^:\n]*:([^\n\r]+)`, nil),
		named("password-hash", "password hash of a user of the system", match.Medium, `/etc/(?:shadow|gshadow)-?$|/shadow$`, `^[^:\n]+:(\$[^:\n]+)`, nil),
		named("password-hash", "password hash", match.Medium, `/[.\w-]*(?:htpasswd|passwd)[\w-]*$|proftpd|\.htdigest$`, `^[^:\s]+:(\$[^:\s]{8,}|\{SHA\}[^:\s]+|[./A-Za-z0-9]{13}(?:[:\s]|$))`, cryptHash),
		named("rails-master-key", "master key of Rails", match.Critical, `/(?:config/)?(?:master|credentials/\w+|production|staging)\.key$`, `^([0-9a-f]{32})\s*$`, nil),
		named("docker-registry-auth", "credentials for a registry", match.Critical, `/\.dockercfg$|/\.docker/config\.json$|/dockerconfigjson$|config\.json$|auth\.json$|\.dockerconfigjson`, `"auth"\s*:\s*"([A-Za-z0-9+/]{8,}={0,2})"`, userAndPassword),
		named("netrc-password", "password for a host", match.High, `/[._]netrc$|/\.authinfo$`, `\b(?:password|passwd)\s+(\S{4,})`, notPlaceholder),
		named("npm-auth", "credentials for an npm registry", match.High, `npmrc$|/\.yarnrc(?:\.yml)?$`, `(?:_auth|_authToken|_password|npmAuthToken|npmAuthIdent)\s*[=:]\s*"?([^\s"$#{]{6,})`, notPlaceholder),
		named("firefox-login", "login that Firefox keeps", match.Medium, `/logins\.json$`, `"encryptedPassword"\s*:\s*"([^"]{16,})"`, nil),
		named("filezilla-password", "password that FileZilla keeps", match.High, `filezilla|recentservers\.xml$|sitemanager\.xml$`, `<Pass(?:\s[^>]*)?>([^<\s]+)</Pass>`, nil),
		named("kubeconfig-key", "client key of a kubeconfig", match.Critical, `kube|\.conf$|config$`, `client-key-data:\s*([A-Za-z0-9+/]{40,}={0,2})`, nil),
		named("kubeconfig-token", "token of a kubeconfig", match.Critical, `kube|\.conf$|config$`, `^\s+token:\s*["']?([A-Za-z0-9._-]{20,})`, notPlaceholder),
		named("mysql-login", "password of a MySQL user in a dump", match.Medium, `\.sql$`, `IDENTIFIED\s+(?:WITH\s+\S+\s+)?(?:BY|AS)\s+(?:PASSWORD\s+)?'([^'\n]{6,})'`, notPlaceholder),
		named("password-hash", "password hash", match.Medium, `\.(?:sql|ya?ml|json|php|conf|ini|env|tfstate)$`, `(?:^|["'=:\s,(])(\$(?:2[aby]\$\d\d\$[./A-Za-z0-9]{53}|[156y]\$[^\s"'$]{1,60}\$[./A-Za-z0-9$]{22,}|apr1\$[^\s"'$]{1,8}\$[./A-Za-z0-9]{22}))`, nil),
		named("kubernetes-secret", "value of a Kubernetes Secret", match.High, `\.ya?ml$`, ``, nil),
		named("ansible-vault-password", "password file of Ansible's vault", match.High, `vault[_-]?pass(?:word)?(?:\.txt|file)?$`, `^(\S{8,64})\s*$`, notPlaceholder),
		named("svn-password", "password that Subversion keeps", match.High, `/\.subversion/auth/.*|/svn\.simple/`, `^password\nV \d+\n(.+)`, nil),
	}
}

// named is for files whose path a regular expression matches, and lines that another does.
func named(id, title string, severity match.Level, name, line string, fits func(string) bool) fileRule {
	r := fileRule{rule: rule{id: id, title: title, severity: severity}, name: regexp.MustCompile(name), fits: fits}
	if line != "" {
		r.line = regexp.MustCompile(`(?m)` + line)
	}
	return r
}

// wholeFile finds what the name of a passage's file says is in it.
func (d *Detector) wholeFile(p *passage) []hit {
	if p.foreign || p.path == "" {
		return nil
	}
	var hits []hit
	name := "/" + strings.ToLower(p.path)
	for i := range d.files {
		r := &d.files[i]
		if !r.name.MatchString(name) {
			continue
		}
		if r.line == nil {
			hits = keep(hits, &r.rule, kubernetesSecret(p))
			continue
		}
		for _, m := range r.line.FindAllSubmatchIndex(p.data, maxFound) {
			h := hit{start: m[2], end: m[3], raw: string(p.data[m[2]:m[3]]), sure: true, rule: &r.rule}
			if r.fits == nil || r.fits(h.raw) {
				hits = append(hits, h)
			}
		}
	}
	return hits
}

func notPlaceholder(text string) bool {
	return !placeholder(text) && !reference(text, true) && !weakWord(text)
}

// cryptHash says whether a text is a hash of crypt(3), and not the "x" or "*" of an account without a password.
func cryptHash(text string) bool { return len(text) >= 13 && distinct(text) > 6 }

// userAndPassword says whether a text is base64 of a user and a password.
func userAndPassword(text string) bool {
	plain, err := base64.StdEncoding.DecodeString(text)
	user, password, has := strings.Cut(string(plain), ":")
	return err == nil && has && user != "" && len(password) > 3 && !placeholder(password)
}

// kubernetesSecret finds the values of the manifests of kind Secret in a file of YAML, wherever they say their kind.
func kubernetesSecret(p *passage) []hit {
	var hits []hit
	at := 0
	for doc := range bytes.SplitSeq(p.data, []byte("\n---")) {
		if secretManifest.Match(doc) {
			for _, m := range secretEntry.FindAllSubmatchIndex(doc, maxFound) {
				if name, text := string(doc[m[2]:m[3]]), string(doc[m[4]:m[5]]); encodedSecret(name, text) {
					hits = append(hits, hit{start: at + m[4], end: at + m[5], raw: text, sure: true})
				}
			}
		}
		at += len(doc) + len("\n---")
	}
	return hits
}

// encodedSecret says whether a text is base64 of a secret: of a text that is no placeholder, or of anything under a name that says so.
func encodedSecret(name, text string) bool {
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(plain) < 6 {
		return false
	}
	if strings.HasPrefix(name, ".docker") {
		return true // the credentials of registries, in JSON
	}
	said := newName(name).sense != nothing
	if !printable(plain) {
		return said && len(plain) >= 16
	}
	return notPlaceholder(string(plain)) && (said || userAndPassword(text) || random(string(plain), 12))
}

var (
	secretManifest = regexp.MustCompile(`(?mi)^kind:\s*["']?Secret["']?\s*$`)
	secretEntry    = regexp.MustCompile(`(?m)^[ \t]+["']?([\w.-]+)["']?:[ \t]*(?:[|>][+-]?[ \t]*\r?\n[ \t]+)?["']?([A-Za-z0-9+/]{8,}={0,2})["']?[ \t\r]*$`)
)

func printable(text []byte) bool {
	for _, c := range text {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// keyContainer says whether a file is a container of a certificate with its private key (PKCS #12), by its name and its first bytes.
func keyContainer(name string, head []byte) bool {
	ext := strings.ToLower(path.Ext(name))
	return (ext == ".p12" || ext == ".pfx") && len(head) > 4 && head[0] == 0x30 && head[1]&0x80 != 0
}
