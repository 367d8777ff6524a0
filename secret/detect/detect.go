// Package detect finds secrets in texts: with the detectors of OSV-SCALIBR's veles, and rules of its own for what those leave out.
//
// In go texts and the paths they have; out come what was found, redacted, with lines, and with what it is known for where it is no secret. A
// rule looks only where one of its words stands, and one small table finds all words at once, so that a text costs little more than reading it.
// What a service's tokens look like is known from what the services document; gitleaks' and Trivy's published rules, and the labelled files of
// Plazmaz/leaky-repo, were the yardstick. This package never asks anyone, and never writes a secret anywhere.
package detect

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/match"
	"tidewaiter/secret"
)

// Detector is all detectors together. It is a [tidewaiter/layer.Sink].
type Detector struct {
	rules []rule
	files []fileRule
	words *words
	// programs are the detectors for compiled programs.
	programs *Detector
	// others are the words of all detectors, for those of programs: a list of them, as scanners have, is no credential.
	others *words
}

// New makes the detectors.
func New() (*Detector, error) {
	d := &Detector{rules: slices.Concat(velesRules(), tokenRules(), keyRules(), urlRules(), commandRules(), assignRules()), files: fileRules()}
	d.words = newWords(d.rules)
	d.programs = &Detector{rules: programRules(d.rules), others: d.words}
	d.programs.words = newWords(d.programs.rules)
	return d, nil
}

// programRules are those of all rules whose form is so much their own that they can be looked for among the bytes of a program.
func programRules(all []rule) []rule {
	return slices.DeleteFunc(slices.Clone(all), func(r rule) bool {
		return !slices.Contains([]string{"private-key", "aws-access-key-id", "github-pat", "github-oauth-token", "github-app-token", "github-fine-grained-pat", "gitlab-pat",
			"slack-token", "slack-webhook", "stripe-secret-key", "npm-access-token", "pypi-token", "sendgrid-api-key", "digitalocean-token", "docker-hub-token",
			"openai-api-key", "anthropic-api-key", "vault-token", "age-secret-key", "shopify-token", "telegram-bot-token"}, r.id)
	})
}

// listed says whether another word of a detector stands in a token after its first bytes: what is there is a scanner's list of them.
func (d *Detector) listed(raw string) bool {
	listed := false
	d.others.scan([]byte(raw[min(len(raw), 5):]), func(_, _ int) { listed = true })
	return listed
}

// maxFound is how many secrets of one file are told.
const maxFound = 1000

// Detect finds the secrets in a text that is at hand. The path says what the text is; "env" and "label" are for NAME=VALUE, "history" for
// the text of an instruction.
func (d *Detector) Detect(path string, content []byte) []secret.Found {
	budget := maxAround
	found, _ := d.detect(newSource(path), content, 0, &budget)
	return found
}

// detect finds the secrets in a passage of which so many lines went before, and gives where each stands.
func (d *Detector) detect(s source, content []byte, line int, budget *int) ([]secret.Found, []hit) {
	p := &passage{source: s, data: content, budget: budget}
	hits := d.search(p)
	found := make([]secret.Found, 0, len(hits))
	from := 0
	for _, h := range hits {
		line += bytes.Count(content[from:h.start], []byte("\n"))
		from = h.start
		found = append(found, h.found(line+1))
	}
	return found, hits
}

// found tells of a hit.
func (h *hit) found(line int) secret.Found {
	f := secret.Found{Rule: h.rule.id, Title: h.rule.title, Severity: h.rule.severity, Line: line, Redacted: h.shown, Known: h.known, Raw: h.raw}
	if h.title != "" {
		f.Title = h.title
	}
	if h.severity != "" {
		f.Severity = h.severity
	}
	if f.Redacted == "" {
		f.Redacted = redact(h.raw)
	}
	return f
}

// redact gives what may be shown of a secret: the first four characters of a long one, fewer of a shorter one, and that it goes on.
func redact(raw string) string {
	shown := min(4, len(raw)/5)
	for i := range shown {
		if raw[i] <= 0x20 || raw[i] >= 0x7f {
			shown = i
			break
		}
	}
	return raw[:shown] + "****"
}

// more tells that a file has more secrets than are told one by one.
func more(n int) secret.Found {
	return secret.Found{Rule: "more-secrets", Title: fmt.Sprintf("%d more secrets in this file", n), Severity: match.High, Redacted: strings.Repeat("*", 4)}
}
