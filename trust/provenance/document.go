package provenance

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// document is one provenance. All versions are read through the same methods: where a field is depends on the version, and a field of
// another type than expected is none.
//
// The versions are described at https://slsa.dev/spec/v0.1/provenance (0.1 and 0.2 beside it) and https://slsa.dev/spec/v1.1/provenance, and
// what BuildKit adds at https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md.
type document struct {
	attestation *trust.Attestation
	top         node
	// steps are what BuildKit tells of the build.
	steps *inventory.Provenance
}

func parse(a *trust.Attestation) (*document, error) {
	var top map[string]any
	if err := json.Unmarshal(a.Statement.Predicate, &top); err != nil {
		return nil, err
	}
	if len(top) == 0 {
		return nil, errors.New("it says nothing")
	}
	steps, err := inventory.ParseProvenance(a.Statement.Predicate)
	if err != nil {
		return nil, err
	}
	return &document{attestation: a, top: node{top}, steps: steps}, nil
}

// where names the document, so that documents can be put in order.
func (d *document) where() string { return d.attestation.Found.Blob + d.attestation.Found.Manifest }

// richness counts what a document tells, so that of equally believable ones the one that tells most is taken.
func (d *document) richness() int {
	n := 0
	for _, told := range []bool{d.builder() != "", d.source().commit != "", len(d.dependencies()) > 0, !d.started().IsZero() || !d.finished().IsZero()} {
		if told {
			n++
		}
	}
	if d.tellsSteps() {
		n += 10
	}
	return n
}

func (d *document) builder() string {
	return cmp.Or(d.top.text("runDetails", "builder", "id"), d.top.text("builder", "id"))
}

func (d *document) buildType() string {
	return cmp.Or(d.top.text("buildDefinition", "buildType"), d.top.text("buildType"), d.top.text("recipe", "type"))
}

func (d *document) isBuildKit() bool {
	t := d.buildType()
	return strings.HasPrefix(t, "https://mobyproject.org/buildkit") || strings.HasPrefix(t, "https://github.com/moby/buildkit")
}

// mode is max where BuildKit tells the steps of the build, and min where it does not.
func (d *document) mode() string {
	switch {
	case !d.isBuildKit():
		return ""
	case d.tellsSteps():
		return "max"
	}
	return "min"
}

func (d *document) tellsSteps() bool { return len(d.steps.Dockerfile) > 0 || len(d.llb()) > 0 }

// llb are the steps of a build by BuildKit.
func (d *document) llb() []node {
	if steps := d.top.list("buildDefinition", "internalParameters", "buildConfig", "llbDefinition"); steps != nil {
		return steps
	}
	return d.top.list("buildConfig", "llbDefinition")
}

// builderPlatform is the platform that the build ran on, and targetPlatform the one that it was for, as far as anything tells.
func (d *document) builderPlatform() string {
	return cmp.Or(d.top.text("buildDefinition", "internalParameters", "builderPlatform"), d.top.text("invocation", "environment", "platform"))
}

func (d *document) targetPlatform() string {
	return d.top.text("buildDefinition", "internalParameters", "targetPlatform")
}

func (d *document) invocation() string {
	m := d.metadata()
	return cmp.Or(m.text("invocationId"), m.text("invocationID"), m.text("buildInvocationID"), m.text("buildInvocationId"))
}

func (d *document) metadata() node {
	if m := d.top.at("runDetails", "metadata"); m.value != nil {
		return m
	}
	return d.top.at("metadata")
}

func (d *document) started() time.Time  { return d.when("startedOn", "buildStartedOn") }
func (d *document) finished() time.Time { return d.when("finishedOn", "buildFinishedOn") }

func (d *document) when(names ...string) time.Time {
	for _, name := range names {
		if t, err := time.Parse(time.RFC3339Nano, d.metadata().text(name)); err == nil && t.Year() > 1970 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// buildkit is what BuildKit adds to the metadata.
func (d *document) buildkit() node {
	if m := d.metadata().at("buildkit_metadata"); m.value != nil {
		return m
	}
	return d.metadata().at("https://mobyproject.org/buildkit@v1#metadata")
}

// hermetic says whether the builder kept the build from the network.
func (d *document) hermetic() bool {
	m := d.metadata()
	return m.isTrue("buildkit_hermetic") || m.isTrue("https://mobyproject.org/buildkit@v1#hermetic")
}

func (d *document) reproducible() bool {
	m := d.metadata()
	return m.isTrue("buildkit_reproducible") || m.isTrue("reproducible")
}

// complete says whether the builder says that its list of inputs, or of parameters, is complete; told is false where it says nothing.
func (d *document) completeInputs() (complete, told bool) {
	return d.completeness([]string{"buildkit_completeness", "resolvedDependencies"}, []string{"completeness", "materials"})
}

func (d *document) completeParameters() (complete, told bool) {
	return d.completeness([]string{"buildkit_completeness", "request"}, []string{"completeness", "parameters"}, []string{"completeness", "arguments"})
}

func (d *document) completeness(paths ...[]string) (complete, told bool) {
	for _, path := range paths {
		if v, ok := d.metadata().at(path...).value.(bool); ok {
			return v, true
		}
	}
	return false, false
}

// external are the parameters that whoever started the build set.
func (d *document) external() node { return d.top.at("buildDefinition", "externalParameters") }

// request is what BuildKit was asked to build.
func (d *document) request() node {
	if r := d.external().at("request"); r.value != nil {
		return r
	}
	return d.top.at("invocation", "parameters")
}

// arg gives an argument of the frontend's.
func (d *document) arg(name string) string {
	return cmp.Or(d.request().text("root", "request", "args", name), d.request().text("args", name))
}

// dependency is one thing that a provenance lists as having gone into the build.
type dependency struct{ name, uri, digest string }

// maxDependencies bounds how many are read.
const maxDependencies = 2000

// dependencies are what version 1 calls resolved dependencies, and those before it materials.
func (d *document) dependencies() []dependency {
	list := d.top.list("buildDefinition", "resolvedDependencies")
	if list == nil {
		list = d.top.list("materials")
	}
	var out []dependency
	for _, n := range list[:min(len(list), maxDependencies)] {
		dep := dependency{name: n.text("name"), uri: withoutUser(n.text("uri")), digest: n.at("digest").digest()}
		if dep.uri != "" || dep.name != "" {
			out = append(out, dep)
		}
	}
	return out
}

// commit is the digest of a revision, without its algorithm; empty for other digests.
func (d *dependency) commit() string {
	algorithm, hex, _ := strings.Cut(d.digest, ":")
	if strings.HasPrefix(algorithm, "git") || algorithm == "sha1" || isRepository(d.uri) {
		return hex
	}
	return ""
}

// isRepository says whether a URI names a Git repository.
func isRepository(uri string) bool {
	address, _, _ := strings.Cut(uri, "#")
	switch {
	case strings.HasPrefix(uri, "git+"), strings.HasPrefix(uri, "git://"), strings.HasPrefix(uri, "git@"):
		return true
	}
	return strings.Contains(address, "://") && strings.HasSuffix(address, ".git")
}

// withoutUser takes the name and the password out of a URL.
func withoutUser(uri string) string {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 && !strings.HasPrefix(rest[at:], "@sha256:") && rest[:at] != "git" {
		rest = rest[at+1:]
	}
	return scheme + "://" + rest
}

// node is a value of a JSON document that anybody may have written.
type node struct{ value any }

// at gives what is at a path of names; nothing where there is nothing.
func (n node) at(path ...string) node {
	for _, name := range path {
		object, _ := n.value.(map[string]any)
		n = node{object[name]}
	}
	return n
}

func (n node) text(path ...string) string {
	text, _ := n.at(path...).value.(string)
	return text
}

func (n node) isTrue(path ...string) bool {
	v, _ := n.at(path...).value.(bool)
	return v
}

func (n node) list(path ...string) []node {
	values, _ := n.at(path...).value.([]any)
	if values == nil {
		return nil
	}
	list := make([]node, len(values))
	for i, v := range values {
		list[i] = node{v}
	}
	return list
}

func (n node) names() map[string]any {
	object, _ := n.value.(map[string]any)
	return object
}

// digest gives one digest of a set, with its algorithm.
func (n node) digest() string {
	for _, algorithm := range []string{"sha256", "gitCommit", "sha1", "sha512", "sha384", "gitTag", "gitTree"} {
		if hex := n.text(algorithm); hex != "" {
			return algorithm + ":" + oneLine(hex, maxName)
		}
	}
	return ""
}
