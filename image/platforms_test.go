package image_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

func TestEveryPlatformIsListed(t *testing.T) {
	build := func(platform string) imagetest.Content {
		return imagetest.Build(t, imagetest.Spec{Platform: platform, Layers: [][]byte{imagetest.Tar(t)}})
	}
	one := build("linux/amd64")
	odd := imagetest.Index(t, build("every/"), one)
	index := imagetest.Index(t, build("linux/s390x"), one, imagetest.Index(t, build("linux/arm/v7")))
	flat := imagetest.Index(t, one, build("linux/arm64"))
	server := imagetest.Registry(t, imagetest.RegistryOptions{})
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string][]string{
		"oci:" + index.Layout(t, "latest"):                      {"linux/amd64", "linux/arm/v7", "linux/s390x"},
		"oci-archive:" + index.OCIArchive(t, "latest"):          {"linux/amd64", "linux/arm/v7", "linux/s390x"},
		"registry:" + server.Push(t, flat, "shop", "latest"):    {"linux/amd64", "linux/arm64"},
		"oci:" + odd.Layout(t, "latest"):                        {"every/", "linux/amd64"},
		"docker-archive:" + one.DockerArchive(t, "shop:latest"): {"linux/amd64"},
		"dir:" + root: {""},
	} {
		got, err := image.Platforms(context.Background(), ref, image.Options{})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", ref, got, err)
		}
	}
	if _, err := image.Platforms(context.Background(), "oci:no/such/layout", image.Options{}); err == nil {
		t.Error("no error where nothing is")
	}
}
