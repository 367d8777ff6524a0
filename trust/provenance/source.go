package provenance

import (
	"cmp"
	"strings"
)

// source is where a build's instructions came from.
type source struct {
	uri, commit, ref, entry string
	// hint says that whoever started the build said so, and that the builder did not look.
	hint bool
}

// String names the source as people write it.
func (s source) String() string {
	if s.commit == "" {
		return s.uri
	}
	return strings.TrimPrefix(s.uri+"@"+s.commit, "@")
}

// short is the same in fewer characters.
func (s source) short() string {
	s.commit = s.commit[:min(len(s.commit), 12)]
	return s.String()
}

// sameSource says whether two documents can be of a build of the same source: neither names another repository or commit than the other.
func sameSource(a, b source) bool {
	same := func(a, b string) bool { return a == "" || b == "" || strings.EqualFold(a, b) }
	return same(a.commit, b.commit) && same(repositoryName(a.uri), repositoryName(b.uri))
}

// source finds what the build was of: where each builder says it.
func (d *document) source() source {
	for _, find := range []func() source{d.workflow, d.configSource, d.gitlab, d.tekton, d.onlyRepository, d.hint} {
		if s := find(); s.uri != "" {
			if s.commit == "" {
				s.commit = d.commitOf(s.uri)
			}
			return s.shown()
		}
	}
	return source{}
}

// workflow is what GitHub Actions was asked to run (https://actions.github.io/buildtypes/workflow/v1), or what Google Cloud Build read its
// configuration from (https://cloud.google.com/build/gcb-buildtypes/google-worker/v1).
func (d *document) workflow() source {
	for _, name := range []string{"workflow", "buildConfigSource"} {
		if n := d.external().at(name); n.text("repository") != "" {
			return source{uri: n.text("repository"), ref: n.text("ref"), entry: n.text("path")}
		}
	}
	if e := d.external(); e.text("repository") != "" {
		return source{uri: e.text("repository"), ref: e.text("ref")}
	}
	return source{}
}

// configSource is what BuildKit was given as the context, and what builders of version 0.2 read their configuration from. That of Tekton
// is the pipeline, which may be anybody's.
func (d *document) configSource() source {
	for _, n := range []node{d.external().at("configSource"), d.top.at("invocation", "configSource")} {
		if n.text("uri") != "" && !d.isTekton() {
			_, commit, _ := strings.Cut(n.at("digest").digest(), ":")
			return source{uri: n.text("uri"), commit: commit, entry: cmp.Or(n.text("path"), n.text("entryPoint"))}
		}
	}
	return source{}
}

// gitlab is what GitLab's runner writes (https://docs.gitlab.com/ci/runners/configure_runners/#provenance-metadata-format); others write
// an object of the same name.
func (d *document) gitlab() source {
	s := d.external().at("source")
	if uri, ok := s.value.(string); ok {
		return source{uri: uri, entry: d.external().text("entryPoint")}
	}
	_, commit, _ := strings.Cut(s.at("digest").digest(), ":")
	return source{uri: s.text("uri"), commit: commit}
}

func (d *document) isTekton() bool { return strings.Contains(d.buildType(), "tekton") }

// tekton is what a run of Tekton had for its input: it lists the repositories of its pipeline and tasks besides.
func (d *document) tekton() source {
	if !d.isTekton() {
		return source{}
	}
	definition := withoutRef(d.top.text("invocation", "configSource", "uri"))
	for _, dep := range d.dependencies() {
		switch dep.name {
		case "task", "pipeline", "pipelineTask":
			continue
		}
		if isRepository(dep.uri) && withoutRef(dep.uri) != definition {
			return source{uri: dep.uri, commit: dep.commit()}
		}
	}
	return source{}
}

// onlyRepository is the one repository that is listed. Of BuildKit it may be one that ADD fetched: what it was given itself it names elsewhere.
func (d *document) onlyRepository() source {
	var found source
	if d.isBuildKit() {
		return found
	}
	for _, dep := range d.dependencies() {
		if isRepository(dep.uri) {
			if found.uri != "" && withoutRef(found.uri) != withoutRef(dep.uri) {
				return source{}
			}
			found = source{uri: dep.uri, commit: dep.commit()}
		}
	}
	return found
}

// hint is what the client of BuildKit said of a local directory: nobody looked whether it is so.
func (d *document) hint() source {
	vcs := d.buildkit().at("vcs")
	uri, commit := vcs.text("source"), vcs.text("revision")
	if uri == "" {
		uri, commit = d.arg("vcs:source"), d.arg("vcs:revision")
	}
	return source{uri: uri, commit: commit, hint: true}
}

// commitOf gives the commit that the dependencies tell of a repository. GitLab's runner writes it as sha256.
func (d *document) commitOf(uri string) string {
	for _, dep := range d.dependencies() {
		if repositoryName(dep.uri) == repositoryName(uri) {
			_, commit, _ := strings.Cut(dep.digest, ":")
			return commit
		}
	}
	return ""
}

// shown takes the ref apart from the URI, and both to what is shown.
func (s source) shown() source {
	if ref := refOf(s.uri); s.ref == "" && ref != s.commit {
		s.ref = ref
	}
	s.uri = strings.TrimSuffix(strings.TrimPrefix(withoutRef(withoutUser(s.uri)), "git+"), ".git")
	for _, text := range []*string{&s.uri, &s.commit, &s.ref, &s.entry} {
		*text = oneLine(*text, maxName)
	}
	return s
}

// withoutRef gives the address of a repository, and refOf what of it is meant: git+https://host/repo@refs/heads/main, or
// https://host/repo.git#main:directory.
func withoutRef(uri string) string {
	uri, _ = splitRef(uri)
	return uri
}

func refOf(uri string) string {
	_, ref := splitRef(uri)
	return ref
}

func splitRef(uri string) (address, ref string) {
	if address, ref, ok := strings.Cut(uri, "#"); ok {
		ref, _, _ = strings.Cut(ref, ":")
		return address, ref
	}
	path := strings.Index(uri, "://") + len("://")
	if path < len("://") {
		path = 0
	}
	slash := strings.IndexByte(uri[path:], '/')
	if slash < 0 {
		return uri, ""
	}
	if address, ref, ok := strings.Cut(uri[path+slash:], "@"); ok {
		return uri[:path+slash] + address, ref
	}
	return uri, ""
}

// repositoryName is a repository without what its addresses differ in.
func repositoryName(uri string) string {
	name := strings.TrimPrefix(withoutRef(withoutUser(uri)), "git+")
	if _, rest, ok := strings.Cut(name, "://"); ok {
		name = rest
	} else if rest, ok := strings.CutPrefix(name, "git@"); ok {
		name = strings.Replace(rest, ":", "/", 1)
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(name, "/"), ".git"))
}
