package provenance

import (
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// ask is how a Dockerfile asks for an input.
type ask struct {
	inventory.DockerfileInput
	// name is what is really meant: a named context may stand for an image.
	name string
	met  bool
}

// asks gives what the Dockerfile of a build asks for, or else what its steps do; the error says why that is not known.
func (d *document) asks() ([]*ask, error) {
	if len(d.steps.Dockerfile) == 0 {
		return d.asksOfSteps(), nil
	}
	inputs, err := inventory.DockerfileInputs(d.steps.Dockerfile, d.steps.Args, d.arg("target"))
	if err != nil {
		return nil, err
	}
	var list []*ask
	for _, in := range inputs {
		a := &ask{DockerfileInput: in, name: in.Name}
		if context := d.namedContext(in.Name); in.Kind == "image" && context != "" {
			scheme, rest, ok := strings.Cut(context, "://")
			switch {
			case ok && (scheme == "docker-image" || scheme == "oci-layout"):
				a.name = rest
			case isRepository(context):
				a.Kind, a.name = "git", context
			default: // a directory, or another build: it is no image that this one asks for
				continue
			}
		}
		list = append(list, a)
	}
	return list, nil
}

// asksOfSteps gives what the steps of a build fetch. An image stands there by the digest that it got, whatever it was asked for by.
func (d *document) asksOfSteps() []*ask {
	var list []*ask
	for _, step := range d.llb() {
		n := step.at("op", "Op", "source")
		a := &ask{name: n.text("identifier")}
		switch scheme, _, _ := strings.Cut(a.name, "://"); scheme {
		case "http", "https":
			a.Kind, a.Checksum = kindHTTP, n.text("attrs", "http.checksum")
		case "git":
			a.Kind, a.Checksum = kindGit, n.text("attrs", "git.checksum")
		default:
			continue
		}
		list = append(list, a)
	}
	return list
}

// namedContext gives what was put in the place of an image by --build-context; empty where nothing was.
func (d *document) namedContext(name string) string {
	for _, at := range [][]string{{"root", "request", "args"}, {"args"}} {
		args := d.request().at(at...).names()
		if value, ok := args["context:"+name].(string); ok {
			return value
		}
		for key, value := range args { // context:name::linux/amd64, of which a build has one
			if of, _, ok := strings.Cut(key, "::"); ok && of == "context:"+name {
				text, _ := value.(string)
				return text
			}
		}
	}
	return ""
}

// find gives how an input was asked for, and notes that it was met; nil where nothing asks for it. Of several instructions the loosest
// counts, and of those the last: the stage that becomes the image is nearest to it.
func find(asks []*ask, fits func(a *ask) bool) *ask {
	var found *ask
	for _, a := range asks {
		if fits(a) {
			a.met = true
			if found == nil || !a.pins() || found.pins() {
				found = a
			}
		}
	}
	return found
}

// pins says whether it is asked for by something that can never mean anything else.
func (a *ask) pins() bool {
	return a.Checksum != "" || digestIn(a.name) != "" || isCommit(refOf(a.name))
}

// asksForImage says whether an image is meant; asked is the digest that it was asked for by, empty for none.
func (a *ask) asksForImage(name, asked string) bool {
	if a.Kind != "image" && a.Kind != "frontend" || imageKey(a.name) != imageKey(name) {
		return false
	}
	by := digestIn(a.name)
	return by == "" || asked == "" || by == asked
}

// imageKey is an image's name in full, without its digest.
func imageKey(reference string) string {
	name, _, _ := strings.Cut(reference, "@")
	for _, prefix := range []string{"index.", "docker.io/", "library/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	if !hasTag(name) {
		name += ":latest"
	}
	return name
}

// digestIn gives the digest that a reference asks for; empty where it has none.
func digestIn(reference string) string {
	_, digest, _ := strings.Cut(reference, "@")
	return digest
}

// isCommit says whether a Git reference is a full commit.
func isCommit(ref string) bool {
	return (len(ref) == 40 || len(ref) == 64) && strings.Trim(strings.ToLower(ref), "0123456789abcdef") == ""
}

// stepsUse says whether one of the steps of the build begins with an image; true where the steps are not known.
func (d *document) stepsUse(reference, digest string) bool {
	steps := d.llb()
	return len(steps) == 0 || slices.ContainsFunc(steps, func(step node) bool {
		_, used, ok := strings.Cut(step.text("op", "Op", "source", "identifier"), "://")
		return ok && (digest != "" && strings.HasSuffix(used, "@"+digest) || imageKey(used) == imageKey(reference))
	})
}

// stepsRead says whether one of the steps reads a local directory; true where the steps are not known.
func (d *document) stepsRead(local string) bool {
	steps := d.llb()
	return len(steps) == 0 || slices.ContainsFunc(steps, func(step node) bool {
		return step.text("op", "Op", "source", "identifier") == "local://"+local
	})
}

// noNetwork is BuildKit's number for a step that is kept from the network (https://github.com/moby/buildkit/blob/master/solver/pb/ops.proto).
const noNetwork = 2

// networkSteps counts the steps that ran a command with the network.
func (d *document) networkSteps() int {
	n := 0
	for _, step := range d.llb() {
		exec := step.at("op", "Op", "exec")
		if mode, _ := exec.at("network").value.(float64); exec.value != nil && mode != noNetwork {
			n++
		}
	}
	return n
}
