package vex

import (
	"net/url"
	"path"
	"strings"

	"tidewaiter/image"
)

// Image is what statements may call an image by.
type Image struct {
	// Repository is the one that it was fetched from, with its registry: "docker.io/library/debian". It is empty where the image
	// came from a file: what a file says of its own name proves nothing.
	Repository string
	// Name is the last part of its name, and Tag the tag under which it was asked for.
	Name, Tag string
	// Digests are those of its manifest, its config, and the index that it was chosen from.
	Digests []string
	Arch    string
	// CPE is the product that the image's label says it is, as Red Hat's do.
	CPE string
}

// ImageOf gives the names of an image.
func ImageOf(im *image.Image) Image {
	out := Image{Repository: parseRepository(im.Repository), Arch: im.Platform.Architecture, CPE: im.Labels["cpe"]}
	rest := im.Reference
	for _, scheme := range []string{"docker:", "registry:", "image:", "local:", "oci-archive:", "docker-archive:", "oci-dir:", "archive:", "oci:", "dir:", "fs:", "sbom:"} {
		if after, ok := strings.CutPrefix(rest, scheme); ok {
			rest = strings.TrimPrefix(after, "//")
			break
		}
	}
	n := parseReference(rest)
	out.Name, out.Tag = n.Name, n.Tag
	host, _, _ := strings.Cut(rest, "/")
	if document := im.Layers == nil && im.Root == nil; document && rest == im.Reference && strings.Contains(strings.Trim(host, "."), ".") {
		out.Repository = n.Repository // an SBOM's word, which is believed as all else that it says
	}
	if out.Repository != "" && n.Tag == "" && n.Digest == "" {
		out.Tag = "latest"
	}
	if out.Repository == "" {
		out.Name = strings.TrimSuffix(out.Name, path.Ext(out.Name)) // of a file
	}
	for _, digest := range []string{im.Digest, im.ID, im.Index} {
		if digest != "" {
			out.Digests = append(out.Digests, digest)
		}
	}
	return out
}

// Exactness is how exactly a name says which image it means.
type Exactness int

// The ways to name an image, the least exact first.
const (
	NotNamed Exactness = iota
	ByName
	ByTag
	ByDigest
)

// Is says how exactly a name (a package URL, a digest, a reference) names the image; NotNamed where it means another one.
func (im *Image) Is(name string) Exactness {
	if p, ok := ParsePURL(name); ok {
		return im.isPURL(&p)
	}
	if isDigest(name) {
		return im.isReference(reference{Digest: name})
	}
	if !IsReference(name) {
		return NotNamed
	}
	return im.isReference(parseReference(name))
}

// IsReference says whether a name may be an image's reference. A plain word ("nginx") is a product's name at least as often,
// and is not taken for one.
func IsReference(name string) bool {
	return !strings.HasPrefix(name, "pkg:") && !strings.HasPrefix(name, "cpe:") && !strings.ContainsAny(name, " \t\n") && strings.ContainsAny(name, "/:@")
}

// isPURL compares the package URL of an image, type oci or docker. repository_url names the repository whole, or without
// the last part, which is the name.
func (im *Image) isPURL(p *PURL) Exactness {
	if !p.IsImage() {
		return NotNamed
	}
	if arch := p.Qualifiers["arch"]; arch != "" && im.Arch != "" && !strings.EqualFold(arch, im.Arch) {
		return NotNamed
	}
	r := reference{Name: strings.ToLower(p.Name), Tag: p.Qualifiers["tag"]}
	if isDigest(p.Version) {
		r.Digest = p.Version
	} else if p.Version != "" {
		r.Tag = p.Version
	}
	host := p.Qualifiers["repository_url"]
	switch {
	case p.Type == "docker":
		full := path.Join(trimScheme(host), p.Namespace, p.Name)
		r.Repository = parseReference(full).Repository
	case host != "":
		if host = trimScheme(host); strings.Contains(host, "/") { // else it is only a registry
			host = parseReference(host).Repository
		}
		if path.Base(host) != r.Name {
			host += "/" + r.Name
		}
		r.Repository = host
	}
	return im.isReference(r)
}

// reference is a name of an image, taken apart.
type reference struct{ Repository, Name, Tag, Digest string }

// isReference compares a reference. A digest alone is enough, and one that is another image's is decisive. Without a digest
// all else that it says must fit: an image whose repository is not known is not one of a named repository.
func (im *Image) isReference(r reference) Exactness {
	if r.Digest != "" {
		for _, digest := range im.Digests {
			if strings.EqualFold(digest, r.Digest) {
				return ByDigest
			}
		}
		return NotNamed
	}
	switch {
	case r.Repository != "" && r.Repository != im.Repository:
		return NotNamed
	case r.Name == "" || r.Name != im.Name:
		return NotNamed
	case r.Tag == "":
		return ByName
	case r.Tag == im.Tag:
		return ByTag
	}
	return NotNamed
}

// parseReference takes a reference apart. What Docker leaves out is added: docker.io, library, and its registry's
// other names are one.
func parseReference(text string) reference {
	var r reference
	rest := trimScheme(text)
	rest, r.Digest, _ = strings.Cut(rest, "@")
	if colon := strings.LastIndexByte(rest, ':'); colon > strings.LastIndexByte(rest, '/') {
		rest, r.Tag = rest[:colon], rest[colon+1:]
	}
	rest = strings.ToLower(strings.Trim(rest, "/"))
	host, tail, hasHost := strings.Cut(rest, "/")
	switch {
	case !hasHost:
		rest = "docker.io/library/" + rest
	case host == "index.docker.io" || host == "registry-1.docker.io" || host == "docker.io":
		if !strings.Contains(tail, "/") {
			tail = "library/" + tail
		}
		rest = "docker.io/" + tail
	case !strings.ContainsAny(host, ".:") && host != "localhost":
		rest = "docker.io/" + rest
	}
	r.Repository, r.Name = rest, path.Base(rest)
	return r
}

// parseRepository gives a repository the form of those in references; empty stays empty.
func parseRepository(text string) string {
	if text == "" {
		return ""
	}
	return parseReference(text).Repository
}

func trimScheme(text string) string {
	if u, err := url.PathUnescape(text); err == nil {
		text = u
	}
	for _, scheme := range []string{"https://", "http://", "oci://", "docker://"} {
		text = strings.TrimPrefix(text, scheme)
	}
	return text
}

// isDigest says whether s is algorithm:hex of a length in use.
func isDigest(s string) bool {
	algorithm, hex, ok := strings.Cut(s, ":")
	if !ok || strings.Trim(hex, "0123456789abcdef") != "" {
		return false
	}
	return algorithm == "sha256" && len(hex) == 64 || algorithm == "sha512" && len(hex) == 128
}
