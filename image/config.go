package image

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// config is what is needed of an image's config (OCI image specification, config.md).
type config struct {
	platform Platform
	created  time.Time
	labels   map[string]string
	process  *Process
	// diffIDs is nil where the config's list is missing or broken.
	diffIDs []string
	history []History
}

// parseConfig reads each part by itself, so that junk in one does not hide the others: an image whose
// history is broken can still be scanned.
func parseConfig(raw []byte, mediaType string) (*config, error) {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil || parts == nil {
		return nil, fmt.Errorf("the image's config is not a JSON object (media type %q)", shorten(mediaType))
	}
	if parts["rootfs"] == nil {
		return nil, fmt.Errorf("not a container image: its config, of media type %q, has no rootfs", shorten(mediaType))
	}
	var c config
	decode(parts["os"], &c.platform.OS)
	decode(parts["architecture"], &c.platform.Architecture)
	decode(parts["variant"], &c.platform.Variant)
	var created string
	decode(parts["created"], &created)
	c.created, _ = time.Parse(time.RFC3339Nano, created) // the zero time says that it is not known

	var runtime struct{ Labels json.RawMessage }
	decode(parts["config"], &runtime)
	c.labels = parseLabels(runtime.Labels)
	c.process = parseProcess(parts["config"])

	var rootfs struct {
		DiffIDs []string `json:"diff_ids"`
	}
	if decode(parts["rootfs"], &rootfs) {
		c.diffIDs = rootfs.DiffIDs
	}
	c.history = parseHistory(parts["history"])
	return &c, nil
}

// parseHistory gives nil where the history is broken.
func parseHistory(raw json.RawMessage) []History {
	var entries []struct {
		Created    string `json:"created"`
		CreatedBy  string `json:"created_by"`
		EmptyLayer bool   `json:"empty_layer"`
	}
	if !decode(raw, &entries) {
		return nil
	}
	history := make([]History, len(entries))
	next := 0
	for i, e := range entries {
		h := History{Instruction: instruction(e.CreatedBy), Args: buildArgs(e.CreatedBy), Layer: -1}
		h.Created, _ = time.Parse(time.RFC3339Nano, e.Created) // the zero time says that it is not known
		if !e.EmptyLayer {
			h.Layer = next
			next++
		}
		history[i] = h
	}
	return history
}

// decode says whether raw had the type of v. Where it does not, v may hold a part of it.
func decode(raw json.RawMessage, v any) bool {
	return raw != nil && json.Unmarshal(raw, v) == nil
}

func parseLabels(raw json.RawMessage) map[string]string {
	var values map[string]any
	if !decode(raw, &values) {
		return nil
	}
	labels := make(map[string]string, len(values))
	for k, v := range values {
		if s, ok := v.(string); ok {
			labels[k] = s
		}
	}
	if len(labels) == 0 {
		return nil
	}
	return labels
}

// describe fills in what the config says of the image and its layers. A list whose length is not that of the
// layers is left out whole: a wrong attribution is worse than none.
func (c *config) describe(im *Image) {
	im.Platform = c.platform
	im.Created = c.created
	im.Labels = maps.Clone(c.labels)
	im.Process = c.process
	for i := range im.Layers {
		im.Layers[i].Index = i
	}
	c.describeHistory(im)
	if why := c.checkDiffIDs(len(im.Layers)); why != "" {
		im.BlindSpots = append(im.BlindSpots, BlindSpot{
			Kind: UnreadableFile, Where: "image config",
			Message: why + ": the content of the layers cannot be held against it",
		})
		return
	}
	for i := range im.Layers {
		im.Layers[i].DiffID = c.diffIDs[i]
	}
}

func (c *config) describeHistory(im *Image) {
	im.History = slices.Clone(c.history)
	made := 0
	for _, h := range im.History {
		made = max(made, h.Layer+1)
	}
	for i, h := range im.History {
		switch {
		case made != len(im.Layers):
			im.History[i].Layer = -1
		case h.Layer >= 0:
			im.Layers[h.Layer].Instruction = h.Instruction
		}
	}
}

func (c *config) checkDiffIDs(layers int) string {
	if len(c.diffIDs) != layers {
		return fmt.Sprintf("rootfs.diff_ids names %d layers and the manifest %d", len(c.diffIDs), layers)
	}
	for _, d := range c.diffIDs {
		if !validDigest(d) {
			return fmt.Sprintf("rootfs.diff_ids holds %q, which is no digest", shorten(d))
		}
	}
	return ""
}

// shell is what the builder puts in front of a command line.
const shell = "/bin/sh -c "

// argument begins a build argument, behind the one before.
var argument = regexp.MustCompile(`(?:^| )[A-Za-z_][A-Za-z0-9_]*=`)

// anyShell is what ends the arguments: the shell that SHELL may set to another than the usual.
var anyShell = regexp.MustCompile(` /\S*bin/\w+ (?:\S+ ){0,3}-\w*c `)

// buildArgs gives those that a history entry's created_by has, as in "|2 A=x B=y /bin/sh -c make": nil where there are none. A value that
// itself holds something like " B=" is taken for two.
func buildArgs(createdBy string) []string {
	s := strings.TrimPrefix(strings.TrimSpace(createdBy), "RUN ")
	if !strings.HasPrefix(s, "|") {
		return nil
	}
	if end := anyShell.FindStringIndex(s); end != nil {
		s = s[:end[0]]
	}
	_, s, _ = strings.Cut(s, " ") // the count
	var args []string
	begins := argument.FindAllStringIndex(s, -1)
	for i, at := range begins {
		end := len(s)
		if i+1 < len(begins) {
			end = begins[i+1][0]
		}
		args = append(args, strings.TrimPrefix(s[at[0]:end], " "))
	}
	return args
}

// instruction turns a history entry's created_by into the line of the Dockerfile that it stands for, as far
// as the builder left it to be seen. Docker's classic builder writes "/bin/sh -c #(nop) COPY a b" and
// "/bin/sh -c make", or "|1 ARG=x /bin/sh -c make" with build arguments; BuildKit writes
// "RUN /bin/sh -c make # buildkit" and "COPY a b # buildkit".
func instruction(createdBy string) string {
	s := strings.TrimSpace(createdBy)
	s, _ = strings.CutSuffix(s, "# buildkit")
	s = strings.TrimSpace(s)
	run, isRun := strings.CutPrefix(s, "RUN ")
	if !isRun {
		run = s
	}
	if strings.HasPrefix(run, "|") {
		// The arguments' values may hold spaces: what tells their end is the shell.
		if _, after, ok := strings.Cut(run, " "+shell); ok {
			run = shell + after
		}
	}
	command, ok := strings.CutPrefix(run, shell)
	if !ok {
		return s
	}
	command = strings.TrimSpace(command)
	if other, ok := strings.CutPrefix(command, "#(nop)"); ok && !isRun {
		return strings.TrimSpace(other)
	}
	return "RUN " + command
}
