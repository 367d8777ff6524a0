// Package image opens container images wherever they are kept and hands out their bytes, checked.
//
// In goes a reference (a registry name, an OCI layout, an archive, a daemon's image, a directory);
// out comes an [Image]: what the manifest and the config say, and a way to read each layer's stored
// bytes once; or an [Artifact], of other blobs than layers, which can also be written. Every blob is
// checked against its digest and size while it streams; a mismatch is an error, never a shorter read.
//
// This package must never unpack anything to disk, never open a path that came out of an image on the
// host's file system, and never send a credential to any host but the one it was stored for.
package image

import (
	"io/fs"
	"time"
)

// Image is one manifest for one platform: opened, its layers not yet read.
type Image struct {
	// Reference is the image as the user named it.
	Reference string
	// Repository is the repository that the image was asked for by, with its registry; empty for one that came from a file.
	Repository string
	// Digest is the manifest's digest; empty where the source has no manifest (docker-archive, directory).
	Digest string
	// ID is the digest of the config, the same wherever the image is kept; empty for a directory.
	ID       string
	Platform Platform
	// Created is when the config says the image was made; zero when it says nothing.
	Created time.Time
	Labels  map[string]string
	// Process is what a container of the image starts; nil where nothing says it.
	Process *Process
	// Annotations are the manifest's, and those of the index that the manifest does not set itself.
	Annotations map[string]string
	// Index is the digest of the outermost index that the image was chosen from; empty where there was none.
	Index string
	// History is what the config tells of the build, the oldest first.
	History []History
	// Layers are in the order in which they are stacked, the lowest first.
	Layers []Layer
	// Root is set instead of Layers where the source is a directory.
	Root fs.FS
	// BlindSpots are what could already be seen to be unreadable (a foreign layer, say).
	BlindSpots []BlindSpot

	source source
	// store reads more documents of the image; nil where the source has no manifests.
	store *ociStore
	// local is set where the image is a daemon's copy of one that a registry has, too.
	local bool
}

// History is one step of a build, as the image's config tells it: a claim of the builder.
type History struct {
	// Instruction is as in [Layer].
	Instruction string
	// Args are the build arguments, as "NAME=value", with which a RUN ran, where the builder wrote them before its command line.
	Args []string
	// Layer is the index of the layer that the step made; -1 where it made none, or where the history does not fit the
	// layers.
	Layer int
	// DockerfileLine is as in [Layer].
	DockerfileLine int
	Created        time.Time
}

// Layer is one filesystem diff of an image, as the manifest and the config describe it.
type Layer struct {
	// Index is the layer's place in its image, from 0 at the bottom.
	Index int
	// Digest is that of the bytes as stored; empty where the source does not name it (docker-archive).
	Digest string
	// DiffID is the digest of the uncompressed tar as the config claims it; reading proves it. It is empty
	// where the config's list cannot be read, and a blind spot then says so.
	DiffID string
	// Size is the count of the bytes as stored; -1 where the source does not say.
	Size      int64
	MediaType string
	// Annotations are those of the layer in the manifest, which its digest vouches for; nil where there is no manifest.
	Annotations map[string]string
	// Instruction is the build instruction that made the layer, from the image's history, without the
	// shell that the builder put in front of it; empty when the history does not tell.
	Instruction string
	// DockerfileLine is where the instruction begins in the Dockerfile, counted from 1; 0 until a Dockerfile is held
	// against the history, and where it does not tell.
	DockerfileLine int
	// Unreadable is set where the layer cannot be read (encrypted, of an unknown type, or kept elsewhere). A
	// blind spot of the image says why, and [Image.ReadLayers] leaves the layer out.
	Unreadable bool

	// blob is the layer's name in the image's source.
	blob string
}

// Close gives back what the image holds open. Layers cannot be read after it.
func (im *Image) Close() error {
	if im.source == nil {
		return nil
	}
	return im.source.Close()
}
