package vex

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// Contraband is a kind of what may be excepted besides vulnerabilities: something aboard that should not be, or a check that an image's
// construction fails. Names of such things are a kind, a colon, and a rule: "secret:aws-access-key".
type Contraband string

// The kinds.
const (
	Malware   Contraband = "malware"
	Secret    Contraband = "secret"
	Hardening Contraband = "hardening"
)

// Contrabands are all kinds, the gravest first.
func Contrabands() []Contraband { return []Contraband{Malware, Secret, Hardening} }

// ContrabandOf gives the kind and the rule of a name; both are empty for the name of a vulnerability.
func ContrabandOf(name string) (kind Contraband, rule string) {
	prefix, rule, ok := strings.Cut(name, ":")
	kind = Contraband(strings.ToLower(prefix))
	if !ok || !slices.Contains(Contrabands(), kind) {
		return "", ""
	}
	return kind, rule
}

// About is the kind of what an exception is for; empty for a vulnerability.
func (e *Exception) About() Contraband {
	if len(e.Vulnerabilities) == 0 {
		return ""
	}
	kind, _ := ContrabandOf(e.Vulnerabilities[0])
	return kind
}

// checkPlace finds what is wrong with where and until when an exception is meant.
func (e *Exception) checkPlace() error {
	about := e.About()
	_, rule := ContrabandOf(e.Vulnerabilities[0])
	switch {
	case about == "" && (e.Path != "" || e.Subject != ""):
		return errors.New("only what is named malware:, secret: or hardening: has a path or a subject")
	case about == "":
		return nil
	case rule == "":
		return errors.New("it names no rule")
	case slices.ContainsFunc(e.Vulnerabilities, func(id string) bool { kind, _ := ContrabandOf(id); return kind != about }):
		return errors.New("it names things of different kinds")
	case e.Path != "" && !strings.HasPrefix(e.Path, "/"):
		return errors.New("its path does not begin with a slash")
	case e.End.Day == "":
		return errors.New("it has no day on which it ends: no version fixes what it is for")
	}
	return nil
}

// Means says whether an exception's scope has a thing of the image: one of a name at a path (without its leading slash), about a subject,
// of a package (its package URL). Each is empty for what has none.
func (e *Exception) Means(path, subject, purl string) bool {
	return (e.Path == "" || path != "" && Glob(e.Path, "/"+path)) && (e.Subject == "" || Glob(e.Subject, subject)) && e.meansPackage(purl)
}

func (e *Exception) meansPackage(purl string) bool {
	if len(e.Product) == 0 {
		return true
	}
	if len(e.Product) != 1 {
		return false
	}
	want, ok := ParsePURL(e.Product[0].String())
	is, too := ParsePURL(purl)
	return ok && too && want.Key == is.Key && (want.Version == "" || want.Version == is.Version)
}

// fileURL writes a path, or a pattern of paths, as the name of an OpenVEX component, which is an IRI.
func fileURL(path string) string {
	u := url.URL{Scheme: "file", Path: path}
	return u.String()
}

// filePath reads the path that a component names; false for another component.
func (c *Component) filePath() (string, bool) {
	for _, name := range c.Names {
		if u, err := url.Parse(name); err == nil && u.Scheme == "file" && u.Host == "" && strings.HasPrefix(u.Path, "/") && u.Fragment == "" && u.RawQuery == "" {
			return u.Path, true
		}
	}
	return "", false
}
