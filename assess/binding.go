package assess

import (
	"fmt"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/vex"
)

// ExposureLabel is the label by which an image says how far it may be exposed: dev.tidewaiter.exposure=controlled is for internal use only.
const ExposureLabel = "dev.tidewaiter.exposure"

// Binding keeps images from being exposed further than they are meant to be.
type Binding struct {
	// Images and Labels say which images are bound, as those of an [Environment] do.
	Images []string          `json:"images,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	// Exposure is the widest that they may have.
	Exposure Exposure `json:"exposure"`
	// Reason is one sentence for whoever is stopped by it.
	Reason string `json:"reason,omitempty"`
}

// ExposureGoal is the name of the goal that [Admits] judges.
const ExposureGoal = "exposure"

// Admits says whether an image may be as exposed as the environment is: its label and every binding allow it. Exceptions and baselines are
// none of its business.
func Admits(s *Subject, bindings []Binding, env Environment) GoalResult {
	r := GoalResult{Name: ExposureGoal, Verdict: Pass, Reason: "nothing keeps it from " + string(env.Exposure) + " exposure"}
	if env.Exposure == Small || env.Exposure == "" { // no image is meant for less
		return r
	}
	if label, ok := s.Image.Labels[ExposureLabel]; ok && !allows(Exposure(label), env.Exposure) {
		r.Verdict, r.Reason = Fail, fmt.Sprintf("its label %s=%s keeps it from %s exposure", ExposureLabel, label, env.Exposure)
		r.Step = "deploy it where the exposure is " + label + " at most"
		if !slices.Contains(Exposures(), Exposure(label)) {
			r.Reason = fmt.Sprintf("its label %s is %q, which is none of small, controlled, open", ExposureLabel, label)
			r.Step = "set the label to controlled if it is for internal use only"
		}
		return r
	}
	for _, b := range bindings {
		if allows(b.Exposure, env.Exposure) {
			continue
		}
		if names(&s.Image, b.Images, b.Labels) {
			r.Verdict, r.Reason = Fail, "it is bound to "+string(b.Exposure)+" exposure"+because(b.Reason)
			r.Step = "deploy it where the exposure is " + string(b.Exposure) + " at most"
			return r
		}
		if pattern := mayBe(&s.Image, b.Images); pattern != "" {
			r.Verdict, r.Reason = Unknown, fmt.Sprintf("it may be one of %s, bound to %s exposure%s: which repository it is for is not known", pattern, b.Exposure, because(b.Reason))
			r.Step = "ask for it by its name in the registry"
		}
	}
	if r.Verdict == Pass && s.Image.Config == nil && s.Image.Labels == nil {
		r.Verdict, r.Reason = Unknown, "nothing says whether it is for internal use only: a list of packages or files has no labels"
		r.Step = "judge the image itself"
	}
	return r
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// allows says whether the widest exposure that is allowed is at least that which there is. A word that is none allows nothing.
func allows(widest, exposure Exposure) bool {
	return slices.Index(Exposures(), widest) >= slices.Index(Exposures(), exposure)
}

// names says whether patterns or labels mean an image.
func names(im *Image, patterns []string, labels map[string]string) bool {
	named := im.names()
	if slices.ContainsFunc(patterns, named.Like) {
		return true
	}
	for name, value := range labels {
		if has, ok := im.Labels[name]; !ok || value != "" && value != has {
			return false
		}
	}
	return len(labels) > 0
}

// mayBe gives the first pattern of a repository that an image from a file fits by its last part; empty where none does.
func mayBe(im *Image, patterns []string) string {
	named := im.names()
	if named.Repository != "" {
		return ""
	}
	for _, p := range patterns {
		if slash := strings.LastIndexByte(p, '/'); slash >= 0 && named.Like(p[slash+1:]) {
			return p
		}
	}
	return ""
}

// names are what patterns may call the image by.
func (im *Image) names() vex.Image {
	return vex.ImageOf(&image.Image{Reference: im.Reference, Repository: im.Repository, Digest: im.Digest, ID: im.ID, Layers: make([]image.Layer, len(im.Layers))})
}
