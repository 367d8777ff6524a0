package inventory

import (
	"strconv"
	"strings"
)

// BuildStep is one operation of a build, as BuildKit's provenance tells it: the JSON form of
// https://github.com/moby/buildkit/blob/master/solver/pb/ops.proto. Numbers that are 0 are left out.
type BuildStep struct {
	ID string `json:"id"`
	// Inputs are outputs of other steps: "step3:0".
	Inputs []string `json:"inputs"`
	Op     struct {
		Op struct {
			Source *struct {
				Identifier string `json:"identifier"`
			} `json:"source"`
			Exec *struct {
				Mounts []struct {
					Input  int    `json:"input"`
					Output int    `json:"output"`
					Dest   string `json:"dest"`
				} `json:"mounts"`
			} `json:"exec"`
			File *struct {
				Actions []struct {
					Input     int `json:"input"`
					Secondary int `json:"secondaryInput"`
					Output    int `json:"output"`
				} `json:"actions"`
			} `json:"file"`
			Merge *struct {
				Inputs []struct {
					Input int `json:"input"`
				} `json:"inputs"`
			} `json:"merge"`
			Build any `json:"build"`
			Diff  any `json:"diff"`
		} `json:"Op"`
	} `json:"op"`
}

// scratch is the input of a step that begins with an empty file system.
const scratch = -1

// sourceStep is the step that gets an image; zero for a build that began with none.
type sourceStep struct{ id, identifier string }

// firstState follows the file system that a build left in the end back to what it began with. known is false where that
// cannot be told.
func firstState(steps []BuildStep) (first sourceStep, known bool) {
	if len(steps) == 0 {
		return sourceStep{}, false
	}
	byID := make(map[string]*BuildStep, len(steps))
	for i := range steps {
		byID[steps[i].ID] = &steps[i]
	}
	last := &steps[len(steps)-1]
	at := last.ID + ":0"
	if last.isEnd() && len(last.Inputs) > 0 {
		at = last.Inputs[0]
	}
	for range steps { // more turns than there are steps would be a circle
		id, output, _ := strings.Cut(at, ":")
		step := byID[id]
		n, err := strconv.Atoi(output)
		if step == nil || err != nil {
			return sourceStep{}, false
		}
		if s := step.Op.Op.Source; s != nil {
			if scheme, _, _ := strings.Cut(s.Identifier, "://"); scheme == "docker-image" || scheme == "oci-layout" {
				return sourceStep{step.ID, s.Identifier}, true
			}
			return sourceStep{}, true // a directory, an archive: no image
		}
		input, ok := step.mainInput(n)
		switch {
		case !ok:
			return sourceStep{}, false
		case input == scratch:
			return sourceStep{}, true
		case input < 0 || input >= len(step.Inputs):
			return sourceStep{}, false
		}
		at = step.Inputs[input]
	}
	return sourceStep{}, false
}

// isEnd says whether the step only names the build's result.
func (s *BuildStep) isEnd() bool {
	op := &s.Op.Op
	return op.Source == nil && op.Exec == nil && op.File == nil && op.Merge == nil && op.Build == nil && op.Diff == nil
}

// mainInput gives the input whose file system the step changed to make one of its outputs, or scratch.
func (s *BuildStep) mainInput(output int) (input int, ok bool) {
	op := &s.Op.Op
	switch {
	case op.Exec != nil:
		for _, m := range op.Exec.Mounts {
			if m.Dest == "/" && m.Output == output {
				return m.Input, true
			}
		}
	case op.File != nil:
		for i, a := range op.File.Actions {
			if a.Output == output {
				return s.fileInput(i)
			}
		}
	case op.Merge != nil && len(op.Merge.Inputs) > 0 && output == 0:
		return op.Merge.Inputs[0].Input, true
	}
	return 0, false
}

// fileInput follows the actions of a step on files: the input of one is an input of the step or, counted on from those,
// what an earlier action left.
func (s *BuildStep) fileInput(action int) (input int, ok bool) {
	for {
		input := s.Op.Op.File.Actions[action].Input
		if input < len(s.Inputs) {
			return input, true
		}
		before := input - len(s.Inputs)
		if before >= action {
			return 0, false
		}
		action = before
	}
}
