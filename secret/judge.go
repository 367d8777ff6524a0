package secret

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/match"
)

// Detect finds the secrets in a text: the inner room detect has it. The path says what the text is: that of a file,
// "Dockerfile", or "env", "label" and "history" for what an image's configuration says.
type Detect func(path string, content []byte) []Found

// Judge says what the notes mean, now that it is known who brought which file and what became of it, and what the redactor took out of
// the image's variables, labels and history.
func Judge(r *Redactor, im *image.Image, indexes []*layer.Index, inv *inventory.Inventory, t *inventory.Trace) (*Report, []image.BlindSpot) {
	j := &judging{redactor: r, im: im, inv: inv}
	found := j.inFiles(inventory.NotedBy(Sink, im, indexes, inv, t))
	found = append(found, j.inConfig(r.taken)...)
	slices.SortStableFunc(found, compareSecrets)
	if r.omitted > 0 {
		j.spots = append(j.spots, image.BlindSpot{Kind: image.Unsearched, Where: "image config", By: Sink,
			Message: fmt.Sprintf("%d more secrets in variables, labels and history are not told one by one", r.omitted)})
	}
	missed, _ := layer.Unsearched(indexes, Sink, "secrets")
	return &Report{Found: notNil(found)}, append(j.spots, missed...)
}

// judging is the state of one Judge.
type judging struct {
	redactor *Redactor
	im       *image.Image
	inv      *inventory.Inventory
	own      int // where the base's history ends
	spots    []image.BlindSpot
}

// inFiles tells the secrets in files.
func (j *judging) inFiles(noted []inventory.Noted) []Secret {
	owners := j.owners(noted)
	var out []Secret
	for i := range noted {
		n := &noted[i]
		found, err := Decode(n.Note.Data)
		if err != nil {
			j.spots = append(j.spots, image.BlindSpot{Kind: image.Unsearched, Where: n.Path, Layer: n.Layer, By: Sink, Message: "what was seen of its secrets cannot be read: " + err.Error()})
			continue
		}
		for _, f := range found {
			s := newSecret(f, InFile)
			s.Place = n.Place
			s.Extractable, s.Extract = j.extractFile(&n.Place)
			s.explain()
			if s.Quieted == nil && owners[i] >= 0 {
				s.Quieted = quietPackage(&j.inv.Packages[owners[i]], &n.Place)
			}
			j.redactor.remember(&s, f.Raw)
			out = append(out, s)
		}
	}
	return out
}

func newSecret(f Found, in In) Secret {
	s := Secret{
		ID: "secret:" + f.Rule, Rule: f.Rule, Title: f.Title, Severity: f.Severity, In: in,
		Inside: f.Inside, Line: f.Line, Redacted: f.Redacted,
	}
	if f.Known != "" {
		s.Quieted = &match.Quieted{By: f.Known, Reason: reasonOf(f.Known)}
	}
	return s
}

// reasonOf says in words what a detector knows a text for: its name says it, too.
func reasonOf(known string) string {
	return "it is known for what it is: " + strings.ReplaceAll(known, "-", " ")
}

// extractFile says how whoever has the image reads a file of it. A directory was read where it lies: nobody has it yet.
func (j *judging) extractFile(p *inventory.Place) (bool, string) {
	switch {
	case p.Layer == nil:
		return false, ""
	case p.Hidden == nil:
		return true, "any container of the image can read it"
	}
	l := *p.Layer
	name := cmp.Or(j.im.Layers[l].Digest, j.im.Layers[l].DiffID)
	return true, strings.TrimSpace(fmt.Sprintf("docker save writes it out: layer %d has it %s", l, shortDigest(name)))
}

func shortDigest(digest string) string {
	if _, hex, ok := strings.Cut(digest, ":"); ok && len(hex) > 12 {
		return "(" + digest[:len(digest)-len(hex)+12] + ")"
	}
	return ""
}

// explain says why a secret matters where it is, and what to do.
func (s *Secret) explain() {
	const rotate = "; then change the secret, since it was shipped"
	why, mend := "everyone who can pull the image can read it", "take it out of the image and give it when the container starts, or to the build with RUN --mount=type=secret"+rotate
	switch {
	case s.In == InFile && !s.Extractable:
		why, mend = "every image that is made of the directory will hold it", "keep it out of the image: give it when the container starts"
	case s.In == InFile && s.Hidden != nil:
		why = "a later layer hides it, but the layer that brought it is shipped all the same"
		mend = "never let a layer have it: RUN --mount=type=secret gives it to one command of the build, and a stage that is not shipped may hold it" + rotate
	case s.In == InEnv:
		why = "docker inspect shows it to everyone who has the image, and every process of a container gets it"
		mend = "take it out of ENV and give it when the container starts (docker run --env-file, a Kubernetes Secret)" + rotate
	case s.In == InLabel:
		why, mend = "docker inspect shows labels to everyone who has the image, and a registry to everyone who can read it", "take it out of the label"+rotate
	case s.In == InHistory:
		why = "docker history --no-trunc shows it to everyone who has the image"
		mend = "build arguments and command lines stay in the image's history: give it to the one command with RUN --mount=type=secret" + rotate
	}
	s.Why, s.Mend = why, mend
}

// compareSecrets sorts what stands first, then the graver.
func compareSecrets(a, b Secret) int {
	return cmp.Or(
		match.StandingFirst(a.Quieted, b.Quieted), cmp.Compare(a.Severity.Rank(), b.Severity.Rank()),
		cmp.Compare(a.Path, b.Path), cmp.Compare(a.Inside, b.Inside), cmp.Compare(a.In, b.In), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.LayerIndex(), b.LayerIndex()), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Redacted, b.Redacted))
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
