package inventory

import (
	"errors"

	"tidewaiter/image"
	"tidewaiter/inventory/dockerfile"
)

// SetDockerfileLines finds the line of a Dockerfile that made each layer and each step of the image's history, and the
// FROM that names the base, and fills them in. base may be nil; its layers are never the Dockerfile's. args are the build
// arguments that were given, as far as they are known.
func SetDockerfileLines(im *image.Image, base *Base, source []byte, args map[string]string) error {
	file, err := dockerfile.Parse(source, args)
	if err != nil {
		return err
	}
	own := 0 // where the history of the base ends
	if base != nil {
		for i, h := range im.History {
			if h.Layer >= 0 && h.Layer < base.Layers {
				own = i + 1
			}
		}
	}
	var history []string
	for _, h := range im.History[own:] {
		history = append(history, h.Instruction)
	}
	a := file.Align(history)
	if a.From == 0 {
		return errors.New("the Dockerfile does not fit the image's history: no line of it can be named")
	}
	for i, line := range a.Lines {
		h := &im.History[own+i]
		h.DockerfileLine = line
		if h.Layer >= 0 {
			im.Layers[h.Layer].DockerfileLine = line
		}
	}
	if base != nil {
		base.DockerfileLine = a.From
	}
	return nil
}

// DockerfileInput is one thing that a build by a Dockerfile asks for, besides what its context holds.
type DockerfileInput = dockerfile.Input

// DockerfileImage is the kind of an input that is an image.
const DockerfileImage = dockerfile.FromImage

// DockerfileInputs gives what a Dockerfile asks for by building one of its stages, the last where target is empty: images, frontends,
// what ADD fetches, and the RUN instructions, which may fetch anything. args are the build arguments that were given.
func DockerfileInputs(source []byte, args map[string]string, target string) ([]DockerfileInput, error) {
	return dockerfile.Inputs(source, args, target)
}
