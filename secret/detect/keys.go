package detect

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"tidewaiter/match"
)

// maxKey is the length, in bytes, up to which a private key is taken to be one: a 16384-bit RSA key in PEM has 13 KB.
const maxKey = 32 << 10

// keyRules are for private keys in the textual forms that are in use: PEM (RFC 7468, OpenSSH's, encrypted ones also), PGP's
// armour (RFC 9580), PuTTY's files, and JSON web keys.
func keyRules() []rule {
	return []rule{
		{id: "private-key", title: "private key", severity: match.Critical, words: []string{"PRIVATE KEY"}, at: pemKey},
		{id: "putty-private-key", title: "PuTTY private key", severity: match.Critical, words: []string{"PuTTY-User-Key-File-"}, at: puttyKey},
		within("json-web-key", "private JSON web key", match.Critical, `"d"\s*:\s*"([A-Za-z0-9_-]{40,700})"`, 1, 720, `"d":`, `"d" :`),
	}
}

// pemKey reads a private key of which "PRIVATE KEY" stands at a place of its first or last line.
func pemKey(p *passage, at int) []hit {
	line := bytes.LastIndex(p.data[max(0, at-48):at], []byte("-----BEGIN "))
	if line < 0 {
		return nil
	}
	start := max(0, at-48) + line
	kind := strings.TrimSpace(string(p.data[start+len("-----BEGIN ") : at]))
	if strings.Trim(kind, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ") != "" {
		return nil
	}
	rest := p.data[at+len("PRIVATE KEY") : min(len(p.data), at+maxKey)]
	rest = bytes.TrimPrefix(rest, []byte(" BLOCK"))
	if !bytes.HasPrefix(rest, []byte("-----")) {
		return nil
	}
	rest = rest[len("-----"):]
	end := bytes.Index(rest, []byte("-----"))
	if end < 0 {
		end = len(rest) // its end is cut off: what is there is enough of it to say so
	}
	body := string(rest[:end])
	content := keyContent(body)
	if len(content) < 32 {
		return nil
	}
	h := hit{start: start, end: len(p.data) - len(p.data[at:]) + len("PRIVATE KEY") + len("-----") + end, raw: body, shown: "-----BEGIN " + strings.TrimSpace(kind+" PRIVATE KEY") + "-----", sure: true}
	h.title = strings.TrimSpace(keyTitle(kind) + " private key")
	if encryptedKey(kind, body, content) {
		h.title, h.severity = h.title+", encrypted", match.Medium
	}
	if h.known = knownKey(content); h.known == "" && abridged(body) {
		h.known = "documentation-example"
	}
	return []hit{h}
}

func keyTitle(kind string) string {
	switch kind {
	case "OPENSSH":
		return "SSH"
	case "ENCRYPTED":
		return ""
	}
	return kind
}

// keyContent decodes what stands between the lines of a PEM block, or of its like in a string of a program or a JSON file; nil where that is not
// base64. Header lines are left out.
func keyContent(body string) []byte {
	body = strings.NewReplacer(`\r`, "\n", `\n`, "\n", `\`, "\n", `"`, " ", `'`, " ", "+\n", "+\n", ",", " ").Replace(body)
	var text strings.Builder
	for line := range strings.Lines(body) {
		if strings.Contains(line, ":") || strings.HasPrefix(strings.TrimSpace(line), "=") { // a header, or PGP's checksum
			continue
		}
		for word := range strings.FieldsSeq(line) {
			if word != "+" && word != "." && word != "#" && word != "//" && word != "*" {
				text.WriteString(word)
			}
		}
	}
	encoded := strings.TrimRight(text.String(), "=")
	content, err := base64.RawStdEncoding.DecodeString(encoded[:len(encoded)-len(encoded)%4])
	if err != nil {
		return nil
	}
	return content
}

// encryptedKey says whether a passphrase guards a key: by the PEM type of PKCS #8, by the headers of the older form, by the cipher that OpenSSH's names first.
func encryptedKey(kind, body string, content []byte) bool {
	if kind == "ENCRYPTED" || strings.Contains(body, "ENCRYPTED") {
		return true
	}
	const magic = "openssh-key-v1\x00"
	if !bytes.HasPrefix(content, []byte(magic)) || len(content) < len(magic)+4 {
		return false
	}
	cipher := content[len(magic):]
	n := int(binary.BigEndian.Uint32(cipher))
	return n > 0 && n <= 64 && len(cipher) >= 4+n && string(cipher[4:4+n]) != "none"
}

// puttyKey reads a key file of PuTTY's.
func puttyKey(p *passage, at int) []hit {
	rest := p.data[at:min(len(p.data), at+maxKey)]
	const lines = "\nPrivate-Lines: "
	private := bytes.Index(rest, []byte(lines))
	if private < 0 || private+len(lines) >= len(rest) || rest[private+len(lines)] < '1' || rest[private+len(lines)] > '9' {
		return nil
	}
	h := hit{start: at, end: at + len(rest), raw: string(rest[private:]), shown: "PuTTY-User-Key-File", sure: true}
	if mac := bytes.Index(rest[private:], []byte("Private-MAC")); mac > 0 {
		h.end, h.raw = at+private+mac, string(rest[private:private+mac])
	}
	if i := bytes.Index(rest, []byte("Encryption: ")); i >= 0 && !bytes.HasPrefix(rest[i+len("Encryption: "):], []byte("none")) {
		h.title, h.severity = "PuTTY private key, encrypted", match.Medium
	}
	return []hit{h}
}

// knownKey says what a private key is known for; empty for one that nobody published.
func knownKey(content []byte) string {
	if sum := digest(content); isPublished(sum) || slices.Contains(publishedKeys(), sum) {
		return "published-test-key"
	}
	return ""
}
