package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"

	"tidewaiter/inventory"
)

// licenses judges what packages are licensed under. The licences of one package all hold.
func licenses(j *judging) outcome {
	rules := newLicenseRules(j.env.Goals.Licenses)
	var denied, unknown, whose []offender
	for i := range j.subject.Packages {
		p := &j.subject.Packages[i]
		if !rules.concerns(p) {
			continue
		}
		answer, license := rules.judge(p.Licenses)
		o := offender{key: packageKey(p), shown: p.Name}
		switch {
		case answer == licenseUnknown && rules.goal.Unknown == string(Fail):
			denied = append(denied, o)
		case answer == licenseUnknown && rules.goal.Unknown != string(Pass):
			unknown = append(unknown, o)
		case answer == licenseDenied:
			o.shown += " (" + shortened(license) + ")"
			if rules.goal.Origin != "" && p.Origin == "" {
				whose = append(whose, o)
			} else {
				denied = append(denied, o)
			}
		}
	}
	describe := func(format, step string) func([]offender) (string, string) {
		return func(counting []offender) (string, string) { return fmt.Sprintf(format, packagesOf(counting)), step }
	}
	switch {
	case len(denied) > 0:
		return outcome{Fail, denied, describe("%s under a licence that is not allowed", "replace it, or name the package under except where its licence was agreed to")}
	case len(whose) > 0:
		return outcome{Unknown, whose, describe("%s under a licence that is not allowed, and the base may have brought it", "tidewaiter base add makes the base known")}
	case len(unknown) > 0:
		return outcome{Unknown, unknown, describe("the licence of %s is not known", "find out, and name the package under except")}
	}
	return met("all licences are allowed")
}

// packagesOf counts the packages among offenders, whatever versions of them there are.
func packagesOf(list []offender) string {
	keys := map[string]bool{}
	for _, o := range list {
		keys[o.key] = true
	}
	return count(len(keys), "package")
}

// shortened keeps the names of licences in a line: distributions' packages may have dozens.
func shortened(text string) string {
	const longest = 40 // characters
	if letters := []rune(text); len(letters) > longest {
		return string(letters[:longest]) + "..."
	}
	return text
}

// licenseAnswer is what the rules say of a licence. The smaller answer is the worse.
type licenseAnswer int

const (
	licenseDenied licenseAnswer = iota
	licenseUnknown
	licenseAllowed
)

// licenseRules are the parameters of the goal, with the answers that were given already: most packages have one of a few licences.
type licenseRules struct {
	goal        *Licenses
	allow, deny []licensePattern
	known       map[string]licenseAnswer
}

// licensePattern is for licences with an exception where it names one, and else for licences with and without.
type licensePattern struct{ license, exception string }

func newLicenseRules(goal *Licenses) *licenseRules {
	split := func(list []string) []licensePattern {
		var out []licensePattern
		for _, text := range list {
			out = append(out, readPattern(text))
		}
		return out
	}
	return &licenseRules{goal: goal, allow: split(goal.Allow), deny: split(goal.Deny), known: map[string]licenseAnswer{}}
}

func readPattern(text string) licensePattern {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 3 && words[1] == "with" {
		return licensePattern{currentName(words[0]), words[2]}
	}
	return licensePattern{license: currentName(strings.Join(words, " "))}
}

// currentName gives the identifier that SPDX has today for one of the old ones of the GNU licences: GPL-2.0 is GPL-2.0-only, and
// GPL-2.0+ is GPL-2.0-or-later. id is in small letters.
func currentName(id string) string {
	for _, family := range []string{"gpl-", "lgpl-", "agpl-", "gfdl-"} {
		version, gnu := strings.CutPrefix(id, family)
		switch {
		case !gnu || strings.Contains(id, "*"):
		case strings.HasSuffix(version, "+"):
			return strings.TrimSuffix(id, "+") + "-or-later"
		case strings.Trim(version, "0123456789.") == "":
			return id + "-only"
		}
	}
	return id
}

// concerns says whether a package is to be judged. What a distribution's package installed is judged with it.
func (r *licenseRules) concerns(p *inventory.Package) bool {
	switch {
	case p.Owner != "":
		return false
	case r.goal.Origin != "" && p.Origin != inventory.Origin(r.goal.Origin) && p.Origin != inventory.OfBoth && p.Origin != "":
		return false
	}
	bare, _, _ := strings.Cut(p.PURL, "?")
	unversioned := bare
	if at := strings.LastIndexByte(bare, '@'); at > 0 {
		unversioned = bare[:at]
	}
	return !slices.ContainsFunc(r.goal.Except, func(pattern string) bool {
		return wildcard(pattern, unversioned) || wildcard(pattern, bare) || wildcard(pattern, p.PURL)
	})
}

// judge gives the answer for licences that all hold, and the one that it goes by.
func (r *licenseRules) judge(all []string) (worst licenseAnswer, license string) {
	if len(all) == 0 {
		return licenseUnknown, ""
	}
	worst = licenseAllowed
	for _, text := range all {
		answer, ok := r.known[text]
		if !ok {
			answer = r.expression(text)
			r.known[text] = answer
		}
		if answer < worst {
			worst, license = answer, text
		}
	}
	return worst, license
}

// expression judges an SPDX expression (SPDX 2.3, annex D): of OR the better side counts, of AND the worse. What is no expression is taken
// for the name of one licence.
func (r *licenseRules) expression(text string) licenseAnswer {
	const longest = 4096 // bytes
	if len(text) > longest {
		return licenseUnknown
	}
	words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(strings.ToLower(text)))
	p := licenseParser{rules: r, words: words}
	if answer := p.either(); p.ok() {
		return answer
	}
	return r.one(strings.Join(strings.Fields(strings.ToLower(text)), " "), "")
}

// one judges one licence, with its exception if it has one. id is in small letters.
func (r *licenseRules) one(id, exception string) licenseAnswer {
	id = currentName(id)
	fits := func(list []licensePattern, exact bool) bool {
		return slices.ContainsFunc(list, func(p licensePattern) bool {
			return wildcard(p.license, id) && (p.exception == "" && !exact || p.exception != "" && exception != "" && wildcard(p.exception, exception))
		})
	}
	switch {
	case fits(r.deny, true):
		return licenseDenied
	case fits(r.allow, true): // a pattern that names the exception goes before one that does not
		return licenseAllowed
	case fits(r.deny, false):
		return licenseDenied
	case fits(r.allow, false):
		return licenseAllowed
	case !IsLicense(id):
		return licenseUnknown
	case len(r.allow) > 0:
		return licenseDenied
	}
	return licenseAllowed
}

// IsLicense says whether SPDX lists the identifier, maybe as a deprecated one. A LicenseRef- stands for words that only its document knows.
func IsLicense(id string) (listed bool) {
	if strings.ContainsAny(id, " :/()") || strings.HasPrefix(id, "licenseref-") || strings.HasPrefix(id, "documentref-") {
		return false
	}
	defer func() {
		if recover() != nil { // the parser panics on some words that are no expression
			listed = false
		}
	}()
	listed, _ = spdxexp.ValidateLicenses([]string{id})
	return listed
}

// licenseParser reads an expression. It goes over the words once; brackets nest no deeper than maxBrackets.
type licenseParser struct {
	rules  *licenseRules
	words  []string
	depth  int
	broken bool
}

const maxBrackets = 100

func (p *licenseParser) ok() bool { return !p.broken && len(p.words) == 0 }

func (p *licenseParser) take(word string) bool {
	if len(p.words) > 0 && p.words[0] == word {
		p.words = p.words[1:]
		return true
	}
	return false
}

func (p *licenseParser) either() licenseAnswer {
	answer := p.both()
	for p.take("or") {
		answer = max(answer, p.both())
	}
	return answer
}

func (p *licenseParser) both() licenseAnswer {
	answer := p.term()
	for p.take("and") {
		answer = min(answer, p.term())
	}
	return answer
}

func (p *licenseParser) term() licenseAnswer {
	if p.take("(") {
		if p.depth++; p.depth > maxBrackets {
			p.broken = true
			return licenseUnknown
		}
		answer := p.either()
		p.depth--
		p.broken = p.broken || !p.take(")")
		return answer
	}
	if len(p.words) == 0 || slices.Contains([]string{"and", "or", "with", ")"}, p.words[0]) {
		p.broken = true
		return licenseUnknown
	}
	id, exception := p.words[0], ""
	p.words = p.words[1:]
	if p.take("with") {
		if len(p.words) == 0 {
			p.broken = true
			return licenseUnknown
		}
		exception, p.words = p.words[0], p.words[1:]
	}
	return p.rules.one(id, exception)
}
