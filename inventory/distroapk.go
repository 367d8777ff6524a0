package inventory

import "strings"

// apk says whose package an apk is. Its database does not tell which repository it came from; but one that was asked for
// from a tagged repository ("curl@edge") did come from there. Of vendors with a repository of apks, nginx.org says who it is.
func (in *installation) apk(p *Package) (OS, string) {
	if strings.HasPrefix(p.Supplier, "NGINX Packaging ") {
		return OS{}, "nginx.org"
	}
	by, ok := in.apkTags[p.Name]
	if !ok || by.Ecosystem() == in.os.Ecosystem() {
		return in.os, ""
	}
	return by, by.Name
}

// apkTags joins apk's list of what was asked for with its list of repositories, where tagged ones have their tag in front:
// https://wiki.alpinelinux.org/wiki/Repositories.
func apkTags(world, repositories string) map[string]OS {
	branches := map[string]OS{}
	for line := range strings.Lines(repositories) {
		words := strings.Fields(line)
		if len(words) == 2 && words[0][0] == '@' {
			branches[words[0][1:]] = apkRepository(words[1])
		}
	}
	if len(branches) == 0 {
		return nil
	}
	tags := map[string]OS{}
	for want := range strings.FieldsSeq(world) {
		name, tag, _ := strings.Cut(want, "@")
		if end := strings.IndexAny(name, "<>=~"); end >= 0 {
			name = name[:end]
		}
		if os, ok := branches[tag]; ok && tag != "" {
			tags[name] = os
		}
	}
	return tags
}

// apkRepository gives the distribution of a repository: https://dl-cdn.alpinelinux.org/alpine/edge/testing. One that is
// nobody's that is known keeps its host for a name.
func apkRepository(url string) OS {
	list := hosts(url)
	if len(list) == 0 {
		return OS{Name: "a local repository"}
	}
	switch host := list[0]; {
	case under(host, "wolfi.dev"):
		return OS{ID: "wolfi", Name: "Wolfi"}
	case under(host, "cgr.dev"):
		return OS{ID: "chainguard", Name: "Chainguard"}
	}
	_, branch, _ := strings.Cut(url, "/alpine/")
	branch, _, _ = strings.Cut(clean(branch), "/")
	switch {
	case branch == "edge":
		return OS{ID: "alpine", VersionID: "edge", Name: "Alpine edge"}
	case strings.HasPrefix(branch, "v"):
		return OS{ID: "alpine", VersionID: branch[1:], Name: "Alpine " + branch}
	}
	return OS{Name: clean(list[0])}
}
