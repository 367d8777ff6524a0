package image_test

import (
	"testing"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

// An index is what a paper is about only where it leads to nothing else that somebody could run.
func TestSubjects(t *testing.T) {
	other := imagetest.Build(t, imagetest.Spec{Platform: "linux/arm64", Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: "arm"})}})
	entry := func(annotations map[string]string, platform *imagetest.Platform) imagetest.Content {
		c := other
		c.Root.Annotations, c.Root.Platform = annotations, platform
		return c
	}
	mark := map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
	unknown := &imagetest.Platform{OS: "unknown", Architecture: "unknown"}
	main := imagetest.Build(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: "amd"})}})
	for _, tc := range []struct {
		name    string
		content imagetest.Content
		want    int
	}{
		{"an image", main, 1},
		{"an index of one", imagetest.Index(t, main), 2},
		{"with attestations", imagetest.Index(t, main, entry(mark, unknown)), 2},
		{"of two platforms", imagetest.Index(t, main, other), 1},
		{"of two, one marked as attestations", imagetest.Index(t, main, entry(mark, other.Root.Platform)), 1},
		{"of two, one without a platform", imagetest.Index(t, main, entry(mark, nil)), 1},
	} {
		im, err := image.Open(t.Context(), "oci:"+tc.content.Layout(t, "x"), image.Options{Platform: "linux/amd64"})
		if err != nil {
			t.Fatal(tc.name, err)
		}
		subjects, err := im.Subjects()
		if err != nil || len(subjects) != tc.want || subjects[0].Digest != im.Digest {
			t.Errorf("%s: %+v, %v", tc.name, subjects, err)
		}
		for _, s := range subjects {
			if s.Size == 0 || s.MediaType == "" {
				t.Errorf("%s: %+v", tc.name, s)
			}
		}
		im.Close()
	}
}
