package provenance

import (
	"cmp"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// The kinds of inputs (see [trust.Input]).
const (
	kindImage   = "image"
	kindGit     = "git"
	kindHTTP    = "http"
	kindLocal   = "local"
	kindPackage = "package"
	kindTool    = "tool"
	kindNetwork = "network"
)

// inputs gives what went into a build, by what the provenance lists and what its Dockerfile asks for, and notes on what was not known.
func (r *reader) inputs(d *document) (list []trust.Input, notes []string) {
	asks, err := d.asks()
	if err != nil {
		notes = append(notes, oneLine("how the build asked for its inputs is not known: "+err.Error(), maxWhy))
	}
	for _, dep := range d.dependencies() {
		list = append(list, r.input(d, dep, asks))
	}
	for _, a := range asks {
		if a.met || a.Kind == "run" {
			continue
		}
		last := find(asks, func(b *ask) bool { return a.Kind == b.Kind && a.name == b.name && a.Checksum == b.Checksum })
		list = append(list, last.unlisted())
	}
	list = slices.Concat(list, d.locals(), d.network(asks, err == nil))
	for i := range list {
		list[i].Name, list[i].Why = oneLine(list[i].Name, maxName), oneLine(list[i].Why, maxWhy)
	}
	slices.SortFunc(list, func(a, b trust.Input) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.DockerfileLine, b.DockerfileLine))
	})
	return slices.Compact(list), notes
}

// input judges one thing that the provenance lists.
func (r *reader) input(d *document, dep dependency, asks []*ask) trust.Input {
	if name, asked, ok := imageName(dep); ok {
		return r.imageInput(d, dep, name, asked, asks)
	}
	in := trust.Input{Name: dep.uri, Digest: dep.digest}
	switch {
	case dep.commit() != "" || isRepository(dep.uri):
		in.Kind = kindGit
		in.Pin, in.Why, in.DockerfileLine = d.gitPin(dep, find(asks, func(a *ask) bool {
			return a.Kind == kindGit && repositoryName(a.name) == repositoryName(dep.uri)
		}))
	case strings.HasPrefix(dep.uri, "pkg:"):
		in.Kind = kindPackage
		in.Pin, in.Why = trust.Pinned, "the provenance lists its digest"
		if dep.digest == "" {
			in.Pin, in.Why = trust.PinUnknown, "the provenance lists no digest of it"
		}
	case d.source().uri != "" && repositoryName(dep.uri) == repositoryName(d.source().uri):
		in.Kind = kindGit
		in.Pin, in.Why, in.DockerfileLine = d.gitPin(dep, nil)
	case strings.HasPrefix(dep.uri, "http://"), strings.HasPrefix(dep.uri, "https://"):
		in.Kind = kindHTTP
		in.Pin, in.Why, in.DockerfileLine = httpPin(dep, find(asks, func(a *ask) bool { return a.Kind == kindHTTP && withoutUser(a.name) == dep.uri }))
	default:
		in.Kind, in.Name = kindTool, cmp.Or(dep.uri, dep.name)
		in.Pin, in.Why = trust.PinUnknown, "the provenance does not say what it is"
	}
	if isDefinition(dep.name) {
		in.Kind = kindTool
	}
	return in
}

// isDefinition says whether Tekton lists something as what the steps of the build are described by.
func isDefinition(name string) bool {
	return slices.Contains([]string{"task", "pipeline", "pipelineTask"}, name)
}

// imageName reads a dependency that is an image: BuildKit's and others' pkg:docker/base/node@18?digest=sha256:..&platform=linux%2Famd64,
// Tekton's oci://host/name, Cloud Build's host/name@sha256:... asked is the digest in the name, where the build asked by one.
func imageName(dep dependency) (name, asked string, ok bool) {
	if purl, err := packageurl.FromString(dep.uri); err == nil && (purl.Type == "docker" || purl.Type == "oci") {
		name = strings.TrimPrefix(purl.Namespace+"/"+purl.Name, "/")
		asked = purl.Qualifiers.Map()["digest"]
		if strings.Contains(purl.Version, ":") {
			asked = purl.Version
		} else if purl.Version != "" {
			name += ":" + purl.Version
		}
		if host := purl.Qualifiers.Map()["repository_url"]; purl.Type == "oci" && host != "" {
			name = host
		}
		return name, asked, true
	}
	scheme, rest, hasScheme := strings.Cut(dep.uri, "://")
	switch {
	case hasScheme && (scheme == "oci" || scheme == "docker" || scheme == "docker-image"):
		name, asked, _ = strings.Cut(rest, "@")
		return name, asked, name != ""
	case !hasScheme && strings.Contains(dep.uri, "@sha256:"):
		name, asked, _ = strings.Cut(dep.uri, "@")
		return name, asked, name != ""
	}
	return "", "", false
}

// imageInput judges an image.
func (r *reader) imageInput(d *document, dep dependency, name, asked string, asks []*ask) trust.Input {
	in := trust.Input{Kind: kindImage, Name: name, Digest: dep.digest}
	by := find(asks, func(a *ask) bool { return a.asksForImage(name, asked) })
	switch {
	case by != nil:
		in.Name, in.DockerfileLine, asked = by.name, by.Line, digestIn(by.name)
	case asked != "":
		in.Name += "@" + asked
	}
	base := r.base(dep.digest)
	if by != nil && by.Kind == "frontend" || isDefinition(dep.name) || inventory.IsBuildTool(name, []string{d.arg("source"), d.arg("cmdline")}) ||
		by == nil && base == nil && d.mode() == "max" && !d.stepsUse(name, dep.digest) {
		in.Kind = kindTool
	}
	in.Pin, in.Why = imagePin(in.Name, in.Digest, asked, by != nil || d.isBuildKit())
	if in.Kind == kindTool && by == nil && d.isBuildKit() {
		in.Why = "no step of the build uses it: a tool such as an SBOM generator, " + in.Why
	}
	if base != nil {
		in.Pin, in.Why = basePin(in, base, d.attestation.Status)
	}
	return in
}
