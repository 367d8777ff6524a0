package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// plausible says whether a hit is a secret, by how it stands and how it looks; what it is known for is written into it.
func (h *hit) plausible(p *passage) bool {
	if h.known == "" {
		h.known = knownSecret(h.raw)
	}
	if h.rule.id == "aws-secret-access-key" && p.ofPath(h) || h.rule.id == "square-access-token" && p.ofBlob(h) {
		return false
	}
	if h.sure {
		h.knownByPlace(p)
		return true
	}
	if p.program && digits(h.raw) < 2 {
		return false // the strings beside the word itself
	}
	if whole := string(p.data[h.start:h.end]) == h.raw; whole && !h.rule.weak {
		if !p.program && h.start > 0 && isWordByte(p.data[h.start-1]) && isWordByte(h.raw[0]) && !escapedBefore(p.data, h.start) {
			return false
		}
		if !p.program && h.end < len(p.data) && isAlnum(p.data[h.end]) && isAlnum(h.raw[len(h.raw)-1]) {
			return false
		}
		if h.known == "" && h.rule.id != "url-credentials" && !tokenLike(h.raw) {
			return false
		}
	}
	h.knownByPlace(p)
	return true
}

func digits(text string) int {
	n := 0
	for i := range len(text) {
		if text[i] >= '0' && text[i] <= '9' {
			n++
		}
	}
	return n
}

func isWordByte(c byte) bool { return isAlnum(c) || c == '_' }

// escapedBefore says whether the letter before a place is that of an escape: \n or \t in a string.
func escapedBefore(data []byte, at int) bool { return at > 1 && data[at-2] == '\\' }

// tokenLike says whether a credential of a service's form is none that only shows the form.
func tokenLike(raw string) bool {
	if len(raw) < 12 {
		return true
	}
	body := raw[min(len(raw)/3, 8):]
	if strings.HasSuffix(strings.ToLower(body), "here") || strings.Trim(body, "0123456789-_.") == "" {
		return false // "xoxb-YourTokenHere", and the numbers before a token that is left out
	}
	if placeholder(body) || distinct(body) < min(6, len(body)/2) || sequence(body) {
		return false
	}
	if len(raw) < 20 {
		return true
	}
	letters := !strings.ContainsAny(body, "0123456789")
	return entropy(raw) >= 3 && (!letters || mixed(body) >= 2 && entropy(body) >= 3.5)
}

// knownSecret says what a credential is known for that documentation has published.
func knownSecret(raw string) string {
	switch {
	case strings.HasSuffix(raw, "EXAMPLE") || strings.HasSuffix(raw, "EXAMPLEKEY"):
		return "documentation-example" // AWS writes it so in all of its own
	case strings.Contains(raw, "eyJzdWIiOiIxMjM0NTY3ODkwIi"):
		return "documentation-example" // the subject 1234567890 of jwt.io
	case strings.HasPrefix(raw, "SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-") || strings.HasPrefix(raw, "SWMTKN-1-49nj1cmql0jkz5s954yi3oex3nedyz0fb0xx14ie39trti4wxv-"):
		return "documentation-example" // Docker's documentation and API description
	case strings.HasPrefix(raw, "czZCaGRSa3F0M") || strings.HasPrefix(raw, "QWxhZGRpbjpvcGVu") || strings.Contains(raw, "eyJzb21lIjoicGF5bG9hZCJ9") || strings.Contains(raw, "eyJpc3MiOiJqb2UiLA0K"):
		return "documentation-example" // the client of RFC 6749, Aladdin of RFC 7617, PyJWT's {"some":"payload"}, Joe of RFC 7519
	}
	if digest([]byte(raw)) == azuriteKey {
		return "documentation-example"
	}
	return ""
}

// azuriteKey is the SHA-256 of the account key that Microsoft documents for its storage emulator.
const azuriteKey = "0011cc25eb4320717494d2703e8cba85743e71b500283c21c8b88147992f9059"

// knownByPlace says what a secret is known for by where it lies.
func (h *hit) knownByPlace(p *passage) {
	switch {
	case h.known != "":
	case p.testing && (p.foreign || h.rule.weak || h.sure || h.ofForm()):
		h.known = "test-data"
	case p.written && (h.rule.weak || h.ofForm() || h.sure && !strings.HasSuffix(h.rule.id, "private-key")):
		h.known = "documentation-example"
	case p.documentation:
		h.known = "documentation-example"
	}
}

// ofForm says whether a hit is of a rule that knows a secret by the text around it alone.
func (h *hit) ofForm() bool {
	switch h.rule.id {
	case "url-credentials", "http-basic-authorization", "http-authorization", "json-web-token":
		return true
	}
	return false
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// publishedKeys are the SHA-256 digests of the decoded content of private keys that everyone has.
func publishedKeys() []string {
	return []string{
		"7f48acddb3d35573dc545f5c5183e76e6c91956011d6b5abd6a96b984d96691a", // Vagrant's insecure key, RSA
		"9845e3dd664441195ebf6577b5da0f4ed28d90e0f7de10a4e3bb8c85165b475a", // and Ed25519
	}
}
