package vex

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"gopkg.in/yaml.v3"
)

// Ignored is one entry of another scanner's ignore file.
type Ignored struct {
	// Entry names it for people: its line or number, and what it ignores.
	Entry string
	// Exceptions are what it says as exceptions, which lack an owner, and an end and a reason where the entry gives none.
	Exceptions []Exception
	// Why says why no exception can express it; empty where one can.
	Why string
}

// Bounds of an ignore file.
const (
	maxIgnoreFile = 1 << 20 // bytes
	maxIgnored    = 10_000  // entries
)

// ParseIgnores reads what another scanner was told to ignore: Trivy's .trivyignore and .trivyignore.yaml, Grype's .grype.yaml,
// OSV-Scanner's osv-scanner.toml, told apart by their names and content. Every entry comes back, also one that no exception can express.
func ParseIgnores(name string, raw []byte) ([]Ignored, error) {
	if len(raw) > maxIgnoreFile {
		return nil, fmt.Errorf("over %d MiB: not read", maxIgnoreFile>>20)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	var list []Ignored
	var err error
	switch path.Ext(strings.ToLower(name)) {
	case ".toml":
		list, err = parseTOMLIgnores(raw)
	case ".yaml", ".yml":
		list, err = parseYAMLIgnores(raw)
	default:
		list, err = parseTrivyIgnore(raw)
	}
	switch {
	case err != nil:
		return nil, err
	case len(list) > maxIgnored:
		return nil, fmt.Errorf("more than %d entries: not read", maxIgnored)
	}
	return list, nil
}

// vulnerabilityID knows the ids of the databases of vulnerabilities: a .trivyignore has those of misconfigurations, secrets and licences too.
var vulnerabilityID = regexp.MustCompile(`^(?i)(CVE|GHSA|DSA|DLA|TEMP|USN|UBUNTU|DEBIAN|ALPINE|RH[SBE]A|EL[SBE]A|AL[SBE]A|RLSA|ALAS[0-9A-Z.-]*|CESA|FEDORA|MGASA|SUSE|OPENSUSE|CGA|AZL|GO|GMS|PYSEC|RUSTSEC|HSEC|RSEC|EEF|BIT|NSWG|OSV|OSVDB|SNYK|DRUPAL|PSA|EOL)-[0-9A-Za-z][0-9A-Za-z._:-]*$`)

// otherNames is why rules of another scanner are not taken over.
const otherNames = "misconfigurations and secrets have other names here, which scan --all shows, and licences have no exceptions"

func checkID(id string) string {
	const most = 128
	switch {
	case id == "":
		return "it names no vulnerability"
	case len(id) > most || !vulnerabilityID.MatchString(id):
		return "not the id of a vulnerability: " + otherNames
	}
	return ""
}

// parseTrivyIgnore reads Trivy's plain form: an id on each line, with exp:DATE behind it if it ends. The comment above a block of ids,
// or behind one of them, is the reason.
func parseTrivyIgnore(raw []byte) ([]Ignored, error) {
	var list []Ignored
	var reason []string
	taken := false // the comment has ids under it: the next one begins another block
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for n := 1; lines.Scan(); n++ {
		line, comment, commented := strings.Cut(strings.TrimSpace(lines.Text()), "#")
		words := strings.Fields(line)
		comment = strings.TrimSpace(strings.TrimLeft(comment, "#"))
		if len(words) == 0 {
			if !commented || taken {
				reason, taken = nil, false
			}
			if comment != "" {
				reason = append(reason, comment)
			}
			continue
		}
		taken = true
		e := Exception{Vulnerabilities: []string{words[0]}, Status: Affected, Reason: strings.Join(reason, " ")}
		if comment != "" {
			e.Reason = comment
		}
		out := Ignored{Entry: fmt.Sprintf("line %d: %s", n, words[0]), Why: checkID(words[0])}
		for _, word := range words[1:] {
			day, ok := strings.CutPrefix(word, "exp:")
			if !ok || !isDay(day) {
				out.Why = fmt.Sprintf("%q is not understood", word)
				continue
			}
			e.End.Day = day
		}
		list = append(list, out.with(e))
	}
	return list, lines.Err()
}

// with adds an exception, unless something stands against it.
func (i Ignored) with(list ...Exception) Ignored {
	if i.Why == "" {
		i.Exceptions = list
	}
	return i
}

// fields are what an entry says, from which what is understood is taken out: what is left is not.
type fields map[string]any

func (f fields) text(key string) string {
	value := f[key]
	delete(f, key)
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case time.Time:
		return v.Format(time.DateOnly)
	case []any, map[string]any:
		f[key] = value
		return ""
	default:
		return fmt.Sprint(v)
	}
}

func (f fields) list(key string) []string {
	value, ok := f[key].([]any)
	if !ok {
		return nil
	}
	delete(f, key)
	var list []string
	for _, v := range value {
		list = append(list, fmt.Sprint(v))
	}
	return list
}

func (f fields) sub(key string) fields {
	value, ok := f[key].(map[string]any)
	if ok {
		delete(f, key)
	}
	return value
}

// left names what was not understood.
func (f fields) left() string { return strings.Join(slices.Sorted(maps.Keys(f)), ", ") }

// day reads a day, or the day of a time.
func (f fields) day(key string) (string, error) {
	text := f.text(key)
	if text == "" {
		return "", nil
	}
	const length = len(time.DateOnly)
	if len(text) < length || !isDay(text[:length]) {
		return "", fmt.Errorf("%s is no day: %q", key, text)
	}
	return text[:length], nil
}

// entries gives the entries of a list in a document.
func entries(document map[string]any, key string) []fields {
	var value []any
	switch v := document[key].(type) {
	case nil:
	case []any:
		value = v
	case []map[string]any: // as TOML has them
		for _, table := range v {
			value = append(value, table)
		}
	default:
		value = []any{v}
	}
	var list []fields
	for _, v := range value {
		f, ok := v.(map[string]any)
		if !ok {
			f = map[string]any{fmt.Sprint(v): ""}
		}
		list = append(list, maps.Clone(f))
	}
	return list
}

func parseYAMLIgnores(raw []byte) ([]Ignored, error) {
	var document map[string]any
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return nil, err
	}
	if _, ok := document["ignore"]; ok {
		return grypeIgnores(document), nil
	}
	var list []Ignored
	known := false
	for _, key := range []string{"vulnerabilities", "misconfigurations", "secrets", "licenses"} {
		if _, ok := document[key]; !ok {
			continue
		}
		known = true
		for n, f := range entries(document, key) {
			list = append(list, trivyEntry(key, n, f))
		}
	}
	if !known {
		return nil, errors.New("neither Trivy's nor Grype's: it has neither vulnerabilities nor ignore")
	}
	return list, nil
}

// trivyEntry reads an entry of .trivyignore.yaml (https://trivy.dev/latest/docs/configuration/filtering/#trivyignoreyaml).
func trivyEntry(section string, n int, f fields) Ignored {
	id := f.text("id")
	out := Ignored{Entry: fmt.Sprintf("%s %d: %s", section, n+1, id)}
	if section != "vulnerabilities" {
		out.Why = otherNames
		return out
	}
	e := Exception{Vulnerabilities: []string{id}, Status: Affected, Reason: f.text("statement")}
	day, err := f.day("expired_at")
	e.End.Day = day
	purls := f.list("purls")
	switch {
	case checkID(id) != "":
		out.Why = checkID(id)
	case err != nil:
		out.Why = err.Error()
	case f["paths"] != nil:
		out.Why = "it is meant for some paths only, which an exception cannot say"
	case len(f) > 0:
		out.Why = "not understood: " + f.left()
	}
	if len(purls) == 0 {
		return out.with(e)
	}
	var list []Exception
	for _, purl := range purls {
		if p, ok := ParsePURL(purl); !ok || p.IsImage() {
			out.Why = fmt.Sprintf("%q is no package URL", purl)
		}
		one := e
		one.Product = Product{{Names: []string{purl}}}
		list = append(list, one)
	}
	return out.with(list...)
}

// parseTOMLIgnores reads osv-scanner.toml (https://google.github.io/osv-scanner/configuration/).
func parseTOMLIgnores(raw []byte) ([]Ignored, error) {
	var document map[string]any
	if err := toml.Unmarshal(raw, &document); err != nil {
		return nil, err
	}
	var list []Ignored
	for n, f := range entries(document, "IgnoredVulns") {
		id := f.text("id")
		e := Exception{Vulnerabilities: []string{id}, Status: Affected, Reason: f.text("reason")}
		day, err := f.day("ignoreUntil")
		e.End.Day = day
		out := Ignored{Entry: fmt.Sprintf("IgnoredVulns %d: %s", n+1, id), Why: checkID(id)}
		switch {
		case out.Why != "":
		case err != nil:
			out.Why = err.Error()
		case len(f) > 0:
			out.Why = "not understood: " + f.left()
		}
		list = append(list, out.with(e))
	}
	for n, f := range entries(document, "PackageOverrides") {
		name := strings.Trim(f.text("ecosystem")+" "+f.text("name")+" "+f.text("version"), " ")
		list = append(list, Ignored{Entry: fmt.Sprintf("PackageOverrides %d: %s", n+1, name),
			Why: "it ignores a package whatever is found in it, or a licence: an exception names one vulnerability"})
	}
	for _, key := range slices.Sorted(maps.Keys(document)) {
		if key != "IgnoredVulns" && key != "PackageOverrides" {
			list = append(list, Ignored{Entry: key, Why: "it is no exception"})
		}
	}
	return list, nil
}
