package vex

import (
	"strings"
	"testing"

	"tidewaiter/image"
)

func TestImageIs(t *testing.T) {
	digest, other := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	fetched := ImageOf(&image.Image{
		Reference: "ghcr.io/acme/shop:2.1", Repository: "ghcr.io/acme/shop", Digest: digest, Platform: image.Platform{OS: "linux", Architecture: "amd64"},
	})
	library := ImageOf(&image.Image{Reference: "debian", Repository: "docker.io/library/debian"})
	document := ImageOf(&image.Image{Reference: "ghcr.io/acme/shop:2.1"})
	path := ImageOf(&image.Image{Reference: "build/shop"})
	file := ImageOf(&image.Image{Reference: "oci:build/shop", Digest: digest, Layers: []image.Layer{{}}})
	for _, c := range []struct {
		im   Image
		name string
		want Exactness
	}{
		{fetched, "pkg:oci/shop@sha256%3A" + digest[7:] + "?repository_url=ghcr.io/acme/shop&arch=amd64", ByDigest},
		{fetched, "pkg:oci/shop@" + digest, ByDigest},
		{fetched, "pkg:oci/shop@" + other, NotNamed},
		{fetched, "pkg:oci/shop@" + digest + "?arch=arm64", NotNamed},
		{fetched, "pkg:oci/shop?repository_url=ghcr.io/acme/shop", ByName},
		{fetched, "pkg:oci/shop?repository_url=ghcr.io%2Facme", ByName},
		{fetched, "pkg:oci/shop?repository_url=https://ghcr.io/acme/shop&tag=2.1", ByTag},
		{fetched, "pkg:oci/shop?repository_url=ghcr.io/acme/shop&tag=2.0", NotNamed},
		{fetched, "pkg:oci/shop?repository_url=ghcr.io/evil/shop", NotNamed},
		{fetched, "pkg:oci/shop", ByName},
		{fetched, "pkg:oci/hop", NotNamed},
		{fetched, "pkg:docker/acme/shop@2.1?repository_url=ghcr.io", ByTag},
		{fetched, "pkg:docker/acme/shop@2.1", NotNamed},
		{fetched, "ghcr.io/acme/shop:2.1", ByTag},
		{fetched, "ghcr.io/acme/shop", ByName},
		{fetched, "ghcr.io/acme/shop@" + digest, ByDigest},
		{fetched, digest, ByDigest},
		{fetched, other, NotNamed},
		{fetched, "shop", NotNamed}, // which is docker.io/library/shop
		{fetched, "Acme Shop 2.1", NotNamed},
		{fetched, "pkg:npm/shop", NotNamed},
		{library, "pkg:oci/debian?repository_url=index.docker.io/library/debian", ByName},
		{library, "pkg:docker/debian", ByName},
		{library, "pkg:docker/library/debian@12", NotNamed},
		{library, "docker.io/debian", ByName},
		{library, "debian", NotNamed}, // a word that may mean anything
		{library, "debian:latest", ByTag},
		{document, "pkg:oci/shop?repository_url=ghcr.io/acme/shop&tag=2.1", ByTag},
		{path, "pkg:oci/shop?repository_url=docker.io/build/shop", NotNamed},
		// A file's name proves no repository.
		{file, "pkg:oci/shop?repository_url=ghcr.io/acme/shop", NotNamed},
		{file, "pkg:oci/shop", ByName},
		{file, "ghcr.io/acme/shop@" + digest, ByDigest},
		{Image{}, "pkg:oci/shop", NotNamed},
		{Image{}, "", NotNamed},
	} {
		if got := c.im.Is(c.name); got != c.want {
			t.Errorf("%s %q: %d, want %d", c.im.Name, c.name, got, c.want)
		}
	}
}
