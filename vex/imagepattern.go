package vex

import (
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"
)

// Like says whether a pattern means the image. A pattern is written like a reference; * stands for any text, a slash included, ? for one
// character. Without a slash it is the last part of the name, whatever the registry ("shop", "shop:2.*"); with one it is the whole
// repository ("ghcr.io/acme/*"), and then an image whose repository is not known, one from a file, is not meant. A digest alone is enough.
// The empty pattern means every image.
func (im *Image) Like(pattern string) bool {
	p := splitPattern(pattern)
	switch {
	case p.Digest != "" && !slices.ContainsFunc(im.Digests, func(digest string) bool { return Glob(p.Digest, digest) }):
		return false
	case p.Tag != "" && !Glob(p.Tag, im.Tag):
		return false
	case p.Repository != "":
		return im.Repository != "" && Glob(p.Repository, im.Repository)
	}
	return p.Name == "" || Glob(p.Name, im.Name)
}

// splitPattern takes a pattern apart as parseReference does, but leaves the repository empty where only a name is given.
func splitPattern(pattern string) reference {
	if isDigest(pattern) {
		return reference{Digest: pattern}
	}
	var r reference
	r.Name, r.Digest, _ = strings.Cut(trimScheme(pattern), "@")
	if colon := strings.LastIndexByte(r.Name, ':'); colon > strings.LastIndexByte(r.Name, '/') {
		r.Name, r.Tag = r.Name[:colon], r.Name[colon+1:]
	}
	r.Name = strings.ToLower(r.Name)
	if host, _, ok := strings.Cut(r.Name, "/"); ok {
		r.Repository = r.Name
		if !hasWildcard(host) {
			r.Repository = parseReference(r.Name).Repository
		}
		r.Name = r.Name[strings.LastIndexByte(r.Name, '/')+1:]
	}
	return r
}

// patternPURL writes a pattern as the package URL of an image. Readers that know no patterns take the stars for themselves and find no
// such image, so that for them the statement is never wider than it is meant.
func patternPURL(pattern string) string {
	r := splitPattern(pattern)
	qualifiers := map[string]string{}
	if r.Repository != "" {
		qualifiers["repository_url"] = r.Repository
	}
	if r.Tag != "" {
		qualifiers["tag"] = r.Tag
	}
	name := r.Name
	if name == "" {
		name = "*"
	}
	return packageurl.NewPackageURL(packageurl.TypeOCI, "", name, r.Digest, packageurl.QualifiersFromMap(qualifiers), "").ToString()
}

// imagePattern gives the pattern of a component that names an image; false for another component. A digest among its names goes first.
func imagePattern(c *Component) (string, bool) {
	pattern, found := "", false
	for _, name := range c.Names {
		if isDigest(name) {
			return name, true
		}
		p, ok := ParsePURL(name)
		switch {
		case found:
		case ok && p.IsImage():
			pattern, found = p.imagePattern(), true
		case !ok && IsReference(name):
			pattern, found = name, true
		}
	}
	return pattern, found
}

func (p *PURL) imagePattern() string {
	host := trimScheme(p.Qualifiers["repository_url"])
	pattern := strings.ToLower(p.Name)
	if p.Namespace != "" {
		pattern = p.Namespace + "/" + pattern
	}
	switch {
	case host == "":
	case host == pattern || strings.HasSuffix(host, "/"+pattern):
		pattern = host
	default:
		pattern = host + "/" + pattern
	}
	if tag := p.Qualifiers["tag"]; tag != "" {
		pattern += ":" + tag
	}
	switch {
	case isDigest(p.Version) && pattern == "*":
		return p.Version
	case isDigest(p.Version):
		return pattern + "@" + p.Version
	case p.Version != "":
		return pattern + ":" + p.Version
	case pattern == "*":
		return ""
	}
	return pattern
}

func hasWildcard(pattern string) bool { return strings.ContainsAny(pattern, "*?") }

// Glob says whether a text is like a pattern, in which * stands for any text and ? for one character. It goes back to the last star
// only, so that its time is at most the product of both lengths.
func Glob(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
