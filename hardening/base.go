package hardening

import (
	"cmp"
	"strings"

	"tidewaiter/inventory"
)

// asked is an image as the build asked for it, at a line of the Dockerfile where that is known.
type asked struct {
	name string
	line int
	// base says that the image was built on it; others were copied from.
	base bool
}

// askedFor gives the images that the build asked for: all, by the Dockerfile; else the base, as the image or the builder names it. reason
// says why nothing is known.
func (j *judging) askedFor() (list []asked, reason string) {
	b := j.Inventory.Base
	for _, in := range j.inputs {
		if in.Kind == inventory.DockerfileImage && !strings.ContainsAny(in.Name, "$") {
			list = append(list, asked{in.Name, in.Line, b != nil && b.DockerfileLine == in.Line})
		}
	}
	switch {
	case len(list) > 0:
		return list, ""
	case b == nil || b.Reference == "":
		return nil, "nothing says which base the image was built on"
	case b.Evidence == inventory.FromChain:
		return nil, "the base is known by its layers, and not by how it was asked for"
	}
	return []asked{{b.Reference, b.DockerfileLine, true}}, ""
}

// place is that of a FROM.
func (a *asked) place() inventory.Place {
	p := inventory.Place{DockerfileLine: a.line}
	if a.line > 0 {
		p.Instruction = "FROM " + a.name
	}
	return p
}

// split takes a reference apart; tag and digest may be empty.
func split(reference string) (repository, tag, digest string) {
	repository, digest, _ = strings.Cut(reference, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository, tag = repository[:i], repository[i+1:]
	}
	return repository, tag, digest
}

func baseLatest(j *judging) {
	list, reason := j.askedFor()
	if reason != "" {
		j.unchecked(j.check.Name, reason)
		return
	}
	for _, a := range list {
		repository, tag, digest := split(a.name)
		if digest != "" || tag != "" && tag != "latest" {
			continue
		}
		f := Finding{Subject: a.name, Title: "the base is " + repository + ":latest", Place: a.place()}
		switch {
		case !a.base:
			f.Title, f.Severity = "the build copies from "+repository+":latest", low
		case tag == "":
			f.Title = "the base is " + repository + ", without a tag"
		}
		j.found(f)
	}
}

// baseUnpinned needs the Dockerfile: what builders and labels name has no digest of the one who asked.
func baseUnpinned(j *judging) {
	if len(j.inputs) == 0 {
		j.unchecked(j.check.Name, "the Dockerfile is not known, so neither is how it asks for its base")
		return
	}
	list, reason := j.askedFor()
	if reason != "" {
		return // FROM scratch
	}
	for _, a := range list {
		if _, tag, digest := split(a.name); digest == "" {
			what := "an image"
			if a.base {
				what = "the base"
			}
			j.found(Finding{Subject: a.name, Title: what + " is asked for by tag alone: " + a.name, Place: a.place(),
				Mend: "FROM " + strings.TrimSuffix(a.name, ":"+tag) + ":" + cmp.Or(tag, "VERSION") + "@sha256:..., renewed by a bot"})
		}
	}
}
