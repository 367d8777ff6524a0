package provenance

import (
	"cmp"
	"fmt"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// imagePin says how firmly an image is tied down: by the digest that the build asked for it by, and not by the one that it got. told says
// whether it is known how the build asked.
func imagePin(name, digest, asked string, told bool) (trust.Pin, string) {
	got := "; what it got is not recorded"
	if digest != "" {
		got = "; it got " + shortDigest(digest)
	}
	switch {
	case asked != "" && digest != "" && asked != digest:
		return trust.PinUnknown, "asked for by the digest " + shortDigest(asked) + got
	case asked != "":
		return trust.Pinned, "asked for by its digest"
	case !told && digest != "" && !hasTag(name):
		return trust.PinUnknown, "the digest is recorded, and nothing says whether the build asked for it"
	}
	tag := "no tag, which means latest"
	if hasTag(name) {
		tag = "the tag " + name[strings.LastIndexByte(name, ':')+1:]
	}
	return trust.Floating, "asked for by " + tag + ", which may be another image tomorrow" + got
}

func hasTag(name string) bool {
	return strings.Contains(name[strings.LastIndexByte(name, '/')+1:], ":")
}

// base gives what a comparison with the image's layers said of the image with a digest; nil where it is not named as the base.
func (r *reader) base(digest string) *inventory.Base {
	for i := range r.bases {
		if b := &r.bases[i]; b.Digest != "" && b.Digest == digest {
			return b
		}
	}
	return nil
}

// basePin adds what the image's own layers say. The provenance's own list of the base's layers proves something only where the
// provenance is verified.
func basePin(in trust.Input, b *inventory.Base, attested trust.Status) (trust.Pin, string) {
	switch {
	case b.Sure == inventory.Contradicted:
		return in.Pin, in.Why + "; its layers are not the image's lowest: the image was not built on it"
	case b.Sure == inventory.Exact:
		in.Why += fmt.Sprintf("; its %s the image's lowest, compared with the known base", layers(b.Layers))
	case b.Sure == inventory.Claimed && attested == trust.Verified:
		in.Why += fmt.Sprintf("; its %s the image's lowest, as the verified provenance lists them", layers(b.Layers))
	case b.Sure == inventory.Claimed:
		return in.Pin, in.Why + "; by the provenance's own word its layers are the image's lowest"
	default:
		return in.Pin, in.Why + "; its layers were not compared (tidewaiter base add)"
	}
	if in.Pin == trust.Pinned {
		in.Pin = trust.PinnedVerified
	}
	return in.Pin, in.Why
}

func layers(n int) string {
	if n == 1 {
		return "1 layer is"
	}
	return fmt.Sprintf("%d layers are", n)
}

// gitPin says how firmly a repository is tied down. That which the build was of is its commit: the branch only says where that was.
func (d *document) gitPin(dep dependency, by *ask) (trust.Pin, string, int) {
	s, commit := d.source(), dep.commit()
	if commit == "" {
		_, commit, _ = strings.Cut(dep.digest, ":")
	}
	ref, line := refOf(dep.uri), 0
	if by != nil {
		ref, line = refOf(by.name), by.Line
	}
	switch {
	case commit == "":
		return trust.PinUnknown, "the provenance lists no commit of it", line
	case by != nil && by.Checksum != "":
		return trust.Pinned, "ADD names its commit by --checksum", line
	case isCommit(ref):
		return trust.Pinned, "asked for by its commit", line
	case by == nil && !s.hint && repositoryName(s.uri) == repositoryName(dep.uri):
		return trust.Pinned, "what the build was of: this commit" + and(ref, ", of ", " then"), line
	case ref != "":
		return trust.Floating, "asked for by " + ref + ", which may be another commit tomorrow", line
	case by != nil:
		return trust.Floating, "asked for by no branch or commit, which is whatever the repository's default branch is that day", line
	}
	return trust.PinUnknown, "the commit is recorded, and nothing says whether the build asked for it", line
}

func and(text, before, after string) string {
	if text == "" {
		return ""
	}
	return before + text + after
}

// httpPin says how firmly a file from the web is tied down.
func httpPin(dep dependency, by *ask) (trust.Pin, string, int) {
	switch {
	case by == nil && dep.digest == "":
		return trust.PinUnknown, "the provenance lists no digest of it", 0
	case by == nil:
		return trust.PinUnknown, "the digest is recorded, and nothing says whether the build asked for it", 0
	case by.Checksum != "":
		return trust.Pinned, "ADD names its digest by --checksum", by.Line
	}
	return trust.Floating, "ADD without --checksum takes whatever is there that day", by.Line
}

// unlisted judges what the Dockerfile asks for and the provenance does not list.
func (a *ask) unlisted() trust.Input {
	in := trust.Input{Kind: string(a.Kind), Name: a.name, DockerfileLine: a.Line, Pin: trust.Floating}
	const lacks = "; the provenance does not list what it got"
	switch a.Kind {
	case "frontend", kindImage:
		in.Pin, in.Why = imagePin(a.name, "", digestIn(a.name), true)
		if a.Kind != kindImage {
			in.Kind = kindTool
		}
		if in.Digest = digestIn(a.name); in.Digest != "" {
			in.Why += lacks
		}
	case kindGit:
		in.Why = "asked for by " + cmp.Or(refOf(a.name), "the default branch") + lacks
		if isCommit(refOf(a.name)) || a.Checksum != "" {
			in.Pin = trust.Pinned
		}
	default:
		in.Why = "ADD without --checksum takes whatever is there that day" + lacks
		if a.Checksum != "" {
			in.Pin, in.Why, in.Digest = trust.Pinned, "ADD names its digest by --checksum"+lacks, a.Checksum
		}
	}
	return in
}

// locals are the directories of whoever built the image.
func (d *document) locals() []trust.Input {
	var list []trust.Input
	for _, n := range d.request().list("locals") {
		name := n.text("name")
		switch {
		case name == "", name == "dockerfile" && len(d.steps.Dockerfile) > 0, name != "dockerfile" && !d.stepsRead(name):
			continue
		}
		why := "a directory of whoever built it: nothing says what was in it"
		if s := d.source(); s.hint {
			why = "a directory of whoever built it, by whose word it is of " + s.short()
		}
		list = append(list, trust.Input{Kind: kindLocal, Name: name, Pin: trust.PinUnknown, Why: why})
	}
	return list
}

// network is what the build may have fetched besides. asked says that the Dockerfile could be read.
func (d *document) network(asks []*ask, asked bool) []trust.Input {
	unknown := func(name, why string, line int) trust.Input {
		return trust.Input{Kind: kindNetwork, Name: name, Pin: trust.PinUnknown, Why: why, DockerfileLine: line}
	}
	proxy := d.buildkit().at("network")
	incomplete := proxy.list("proxy", "incomplete")
	switch complete, told := d.completeInputs(); {
	case d.hermetic(), d.arg("force-network-mode") == "none":
		return nil
	case proxy.text("mode") == "proxy": // BuildKit saw what was fetched, and lists it
		var list []trust.Input
		for _, n := range incomplete[:min(len(incomplete), maxDependencies)] {
			list = append(list, unknown(cmp.Or(withoutUser(n.text("uri")), n.text("name"), n.text("op")), "a step fetched it past the builder's eyes"+and(n.text("reason"), ": ", ""), 0))
		}
		return list
	case !d.isBuildKit() && told && complete:
		return nil
	case !d.isBuildKit():
		return []trust.Input{unknown("what the build fetched", "the provenance does not list what the build fetched from the network", 0)}
	case len(d.steps.Dockerfile) == 0 && len(d.llb()) == 0:
		return []trust.Input{unknown("RUN instructions", "the provenance does not tell the steps of the build (mode=min): what they fetched is not known", 0)}
	case len(d.steps.Dockerfile) > 0 && asked:
		var list []trust.Input
		for _, a := range asks {
			if a.Kind == "run" {
				list = append(list, unknown("RUN "+a.name, "it ran with the network, and only its command knows what it fetched", a.Line))
			}
		}
		return list
	}
	switch n := d.networkSteps(); n {
	case 0:
		return nil
	case 1:
		return []trust.Input{unknown("1 step with the network", "what it fetched is not known", 0)}
	default:
		return []trust.Input{unknown(fmt.Sprintf("%d steps with the network", n), "what they fetched is not known", 0)}
	}
}
