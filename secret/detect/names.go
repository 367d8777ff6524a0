package detect

import (
	"slices"
	"strings"
	"unicode"
)

// sense is what a name says that its value is.
type sense int

// The sorts of names.
const (
	nothing  sense = iota
	password       // may be short, and of words
	key            // is made by a machine
	maybe          // "key" or "auth" alone: only a value that is plainly random counts
)

// name is that of a variable, a setting or a field, in words.
type name struct {
	text  string
	words []string
	sense sense
	// rest are the words after the one that says what the value is.
	rest []string
	// service: it names one that gives out keys, so that a shorter one counts.
	service bool
}

// newName takes a name apart and says what its value is.
func newName(text string) name {
	n := name{text: text, words: wordsOf(text)}
	for i := len(n.words) - 1; i >= 0 && n.sense == nothing; i-- {
		n.sense, n.rest = senseOf(n.words, i), n.words[i+1:]
	}
	if len(n.words) > 8 || slices.ContainsFunc(n.rest, about) || slices.ContainsFunc(n.words, notSecret) {
		n.sense = nothing
	}
	if (n.sense == key || n.sense == maybe) && slices.ContainsFunc(n.words, service) {
		n.sense, n.service = key, true
	}
	return n
}

func (n *name) title() string {
	if n.sense == password {
		return "password in a configuration or program"
	}
	return ""
}

// wordsOf gives the words of a name in lower case: of snake_case, kebab-case, dotted and camelCase.
func wordsOf(text string) []string {
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(text)
	for i, r := range runes {
		switch {
		case r == '_' || r == '-' || r == '.':
			flush()
			continue
		case unicode.IsDigit(r):
			continue // password1, key2
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsUpper(runes[i-1])):
			flush()
		}
		word = append(word, r)
	}
	flush()
	return words
}

// senseOf says what the word at a place of a name makes of the value.
func senseOf(words []string, i int) sense {
	w := words[i]
	before := ""
	if i > 0 {
		before = words[i-1]
	}
	switch {
	case endsWith(w, "password", "passwd", "passphrase", "passwort", "passcode", "passwrd", "userpass", "dbpass", "rootpw", "bindpw", "pwd") && w != "oldpwd":
		return password
	case w == "pass" && before != "by" && before != "first" && before != "one", w == "pw" && i > 0:
		return password
	case endsWith(w, "secret", "secrets"), endsWith(w, "token") && w != "nexttoken", w == "credential", w == "credentials", w == "creds":
		return key
	case endsWith(w, "apikey", "secretkey", "accesskey", "authkey", "privatekey", "masterkey", "signingkey", "encryptionkey", "authtoken", "sharedkey", "accountkey", "storagekey", "appkey", "webhookkey", "licensekey", "deploykey"):
		return key
	case w == "key" && slices.Contains(secretKeys(), before):
		return key
	case w == "auth", w == "key" && i > 0, w == "authorization":
		return maybe
	}
	return nothing
}

func endsWith(word string, endings ...string) bool {
	return slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(word, e) })
}

// secretKeys are the words before "key" with which it is a secret.
func secretKeys() []string {
	return []string{"access", "account", "admin", "aes", "api", "app", "application", "auth", "client", "cookie", "crypt", "crypto", "deploy", "des", "encrypt",
		"encryption", "hash", "hmac", "integration", "jwt", "license", "logged", "login", "master", "nonce", "private", "root", "secret", "secure", "security",
		"server", "service", "session", "shared", "sign", "signing", "storage", "subscription", "webhook", "write", "xapi"}
}

// about says whether a word after the one that tells of a secret makes the name that of something about it: a file, a limit, a message.
func about(word string) bool {
	_, is := slices.BinarySearch([]string{
		"age", "alg", "algo", "algorithm", "algorithms", "alias", "arn", "attempts", "attribute", "attributes", "audience", "auth",
		"backend", "based", "begin", "bits", "body", "button", "bytes", "cache", "callback", "chain", "change", "changed", "char",
		"chars", "check", "checker", "class", "code", "codes", "column", "command", "complexity", "config", "confirm", "confirmation",
		"cookie", "count", "created", "date", "days", "description", "dir", "directory", "duration", "enabled", "encoding",
		"encryption", "endpoint", "entry", "error", "errors", "event", "exists", "exp", "expiration", "expire", "expired", "expires",
		"expiry", "field", "fields", "file", "filename", "files", "fingerprint", "flow", "for", "form", "format", "func", "function",
		"generator", "grant", "group", "handler", "hasher", "hashers", "header", "headers", "help", "hint", "history", "icon", "id",
		"ids", "index", "info", "input", "invalid", "is", "issuer", "item", "kind", "label", "last", "len", "length", "level", "life",
		"lifetime", "limit", "line", "link", "list", "location", "manager", "map", "match", "max", "message", "method", "min",
		"missing", "modal", "mode", "model", "module", "name", "names", "namespace", "not", "number", "option", "options", "page",
		"param", "parameter", "params", "path", "pattern", "plugin", "policy", "position", "prefix", "prompt", "property", "provider",
		"re", "ref", "reference", "regex", "region", "required", "requirements", "reset", "resource", "response", "result",
		"retention", "retries", "ring", "role", "rotation", "rule", "rules", "schema", "scope", "scopes", "screen", "script",
		"section", "selector", "service", "set", "setting", "settings", "size", "source", "start", "state", "status", "store",
		"strategy", "strength", "style", "suffix", "table", "tag", "template", "text", "time", "timeout", "title", "ttl",
		"type", "types", "updated", "uri", "url", "usage", "user", "username", "valid", "validation", "validator", "validators",
		"validity", "value", "values", "var", "variable", "version", "view", "visibility",
	}, word)
	return is
}

// service says whether a word is the name of a service whose keys and tokens are secret, as gitleaks' and Trivy's rules have them.
func service(word string) bool {
	_, is := slices.BinarySearch([]string{
		"adafruit", "adobe", "airtable", "alibaba", "aliyun", "anthropic", "artifactory", "asana", "atlassian", "aws", "azure",
		"beamer", "binance", "bitbucket", "bittrex", "braintree", "circleci", "clickhouse", "cloudflare", "codecov", "cohere", "coinbase", "confluence",
		"confluent", "contentful", "databricks", "datadog", "digitalocean", "discord", "dockerhub", "doppler", "droneci", "dropbox", "etsy", "facebook",
		"fastly", "finicity", "finnhub", "flickr", "freshbooks", "github", "gitlab", "gitter", "heroku", "hetzner", "hubspot", "intercom",
		"ionic", "jfrog", "jira", "kraken", "kucoin", "launchdarkly", "linear", "linkedin", "linode", "lob", "looker", "mailchimp",
		"mailgun", "mattermost", "meraki", "messagebird", "mistral", "netlify", "newrelic", "nexmo", "nytimes", "okta", "openai", "pagerduty",
		"paypal", "pinecone", "plaid", "postmark", "rapidapi", "relic", "rollbar", "scaleway", "sendbird", "sendgrid", "shopify", "slack",
		"snowflake", "snyk", "sonar", "sourcegraph", "sparkpost", "splunk", "spotify", "squarespace", "stripe", "sumo", "sumologic", "telegram",
		"travisci", "trello", "twilio", "twitch", "twitter", "vercel", "vonage", "yandex", "zendesk",
	}, word)
	return is
}

// notSecret says whether a word anywhere in a name makes the value no secret.
func notSecret(word string) bool {
	if strings.HasPrefix(word, "csrf") || strings.HasPrefix(word, "xsrf") {
		return true
	}
	switch word {
	case "public", "pub", "publishable", "csrf", "xsrf", "next", "continuation", "foreign", "primary", "result", "column", "row", "lookup", "sort", "partition", "cache", "idempotency", "placeholder", "example", "sample", "dummy", "fake", "mock", "forgot", "reset", "invalid",
		"gpg", "pgp", "keyring", "keyserver", "no", "is", "has", "require", "show", "hide", "validate", "check", "missing", "i18n", "locale", "translation", "translations", "author", "hotkey", "shortcut", "keyboard", "registry_key", "fingerprint", "checksum", "integrity", "md5", "sha", "tokenizer", "tokens", "bos", "eos", "unk", "pad", "sep", "cls", "mask", "ssh_host", "authenticity":
		return true
	}
	return false
}
