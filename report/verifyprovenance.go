package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/trust"
)

// shownInputs is how many inputs of a build the screen shows of each pin.
const shownInputs = 4

// provenancePart writes who built the image, from what, and how much of that holds.
func (s *screen) provenancePart(p *trust.Provenance, all bool) {
	s.section("Provenance", Clean(provenanceNote(p)))
	row := func(word, text string) {
		if text != "" {
			s.wrapped(fmt.Sprintf("    %-9s ", word), Clean(text))
		}
	}
	if p.Attested != trust.Broken {
		row("builder", cmp.Or(p.Builder, p.BuilderName()+", which does not name itself"))
		row("source", sourceText(p.Source))
		row("run", p.Invocation)
		row("built", builtText(p))
	}
	s.claims(p.Claims)
	s.buildInputs(p, all)
	for _, note := range p.Notes {
		row("note", note)
	}
}

// provenanceNote says what the document is and who stands behind it.
func provenanceNote(p *trust.Provenance) string {
	note := p.Attested.Words()
	switch p.Attested {
	case trust.Verified, trust.Stranger:
		note += ", " + cmp.Or(p.Signer, "an unknown key")
	case trust.Unsigned:
		note += ": whoever could write the image could write it, too"
	}
	if p.InputsAttested != "" {
		note += "; steps and inputs are from another one, " + p.InputsAttested.Words()
	}
	return note
}

func sourceText(source *trust.BuildSource) string {
	if source == nil {
		return ""
	}
	text := strings.TrimSuffix(source.URI+"@"+source.Commit, "@")
	var more []string
	for _, part := range []string{source.Ref, source.Entry} {
		if part != "" {
			more = append(more, part)
		}
	}
	if len(more) > 0 {
		text += "  (" + strings.Join(more, ", ") + ")"
	}
	return text
}

func builtText(p *trust.Provenance) string {
	var parts []string
	switch {
	case !p.Finished.IsZero():
		text := p.Finished.UTC().Format("2006-01-02 15:04:05 UTC")
		if took := p.Finished.Sub(p.Started); !p.Started.IsZero() && took >= 0 {
			text += ", in " + took.Round(time.Second).String()
		}
		parts = append(parts, text)
	case !p.Started.IsZero():
		parts = append(parts, "begun "+p.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if p.Platform != "" {
		parts = append(parts, "on "+p.Platform)
	}
	if p.Mode != "" {
		parts = append(parts, "mode="+p.Mode)
	}
	return strings.Join(parts, ", ")
}

// claims writes what is refuted first, then what is proven, only claimed, and missing.
func (s *screen) claims(claims []trust.Claim) {
	for _, standing := range []trust.Standing{trust.Refuted, trust.Proven, trust.Claimed, trust.Absent} {
		label := standingWords(standing)
		for _, c := range claims {
			if c.Standing != standing {
				continue
			}
			if label != "" {
				s.line()
				s.line("    ", s.standing(standing, label))
				label = ""
			}
			text := c.Why
			if c.Value != "" && c.Name != "builder" && c.Name != "source" { // those two stand above
				text = shortName(c.Value) + ": " + c.Why
			}
			s.wrapped(fmt.Sprintf("      %-13s ", Clean(c.Name)), Clean(text))
		}
	}
}

func standingWords(standing trust.Standing) string {
	switch standing {
	case trust.Refuted:
		return "Not so"
	case trust.Proven:
		return "Proven"
	case trust.Claimed:
		return "Only claimed"
	}
	return "Missing"
}

func (s *screen) standing(standing trust.Standing, text string) string {
	switch standing {
	case trust.Refuted:
		return s.red(text)
	case trust.Claimed:
		return s.paint(ansiYellow, text)
	case trust.Absent:
		return s.paint(ansiFaint, text)
	}
	return s.bold(text)
}

// buildInputs writes what went into the build, what is loosest first.
func (s *screen) buildInputs(p *trust.Provenance, all bool) {
	if len(p.Inputs) == 0 {
		return
	}
	s.line()
	s.line("    ", s.bold("Inputs"))
	more, before := 0, ""
	for _, pin := range []trust.Pin{trust.Floating, trust.PinUnknown, trust.Pinned, trust.PinnedVerified} {
		of := slices.DeleteFunc(slices.Clone(p.Inputs), func(in trust.Input) bool { return in.Pin != pin })
		shown, left := head(of, shownInputs, all)
		more += left
		for _, in := range shown {
			label := fmt.Sprintf("%-19s", pin)
			if pin == trust.Floating {
				label = s.paint(ansiYellow, label)
			}
			where := ""
			if in.DockerfileLine > 0 {
				where = fmt.Sprintf(" (Dockerfile:%d)", in.DockerfileLine)
			}
			why := in.Why
			if why == before {
				why = "likewise"
			}
			before = in.Why
			s.wrapped("      "+label+" ", Clean(in.Kind+" "+shortName(in.Name)+where+": "+why))
		}
	}
	s.more(more, "input")
}

// shortName keeps the name of an input to what tells it from others: a digest to its first digits, a command to its beginning.
func shortName(name string) string {
	const most = 60 // characters
	if before, digest, ok := strings.Cut(name, "@sha256:"); ok {
		name = before + "@" + short("sha256:"+digest)
	}
	if letters := []rune(name); len(letters) > most {
		name = string(letters[:most-1]) + "…"
	}
	return name
}
