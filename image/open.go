package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Options say how to open an image. The zero value is right for most.
type Options struct {
	// Platform is os/arch or os/arch/variant. Without it, the only image of an index is taken, or the one
	// for Linux on this machine's architecture.
	Platform string
	// PlainHTTP lets a registry be spoken to without TLS. Registries on the loopback interface always may.
	PlainHTTP bool
	// CACerts are PEM files of certificate authorities to trust beside the system's.
	CACerts []string
	// RegistryFirst looks a name up in its registry first, and only then in the Docker daemon: what is attached to an image lies there.
	RegistryFirst bool
	// DockerHost is the daemon's address. Empty: DOCKER_HOST, Docker's current context, the usual socket.
	DockerHost string
	// Keychain gives the credentials for a registry. Nil: Docker's configuration and credential helpers.
	Keychain authn.Keychain
	// UserAgent is what registries are told about who asks.
	UserAgent string
}

// form is what kind of source a reference means.
type form int

const (
	anyForm form = iota // a file, a directory or a name, whichever there is
	nameForm
	registryForm
	dockerForm
	layoutForm
	layoutArchiveForm
	dockerArchiveForm
	archiveForm
	directoryForm
)

// schemes are the spellings of a reference's form: ours, and those that other tools taught their users.
var schemes = []struct {
	prefix string
	form   form
}{
	{"registry://", registryForm},
	{"registry:", registryForm},
	{"docker://", registryForm}, // as skopeo and podman mean it
	{"docker-daemon:", dockerForm},
	{"docker:", dockerForm},
	{"local://", dockerForm},
	{"image://", nameForm},
	{"oci-archive://", layoutArchiveForm},
	{"oci-archive:", layoutArchiveForm},
	{"docker-archive://", dockerArchiveForm},
	{"docker-archive:", dockerArchiveForm},
	{"archive://", archiveForm},
	{"oci-dir://", layoutForm},
	{"oci-dir:", layoutForm},
	{"oci://", layoutForm},
	{"oci:", layoutForm},
	{"dir://", directoryForm},
	{"dir:", directoryForm},
	{"fs://", directoryForm},
}

// Open opens the image that ref names:
//
//	registry:NAME                  an image of a registry
//	docker:NAME                    an image of the Docker daemon
//	oci:DIR[:TAG|@DIGEST]          an OCI layout
//	oci-archive:FILE[:TAG]         an OCI layout in a tar
//	docker-archive:FILE[:NAME:TAG] a tar as docker save writes it
//	dir:DIR                        a root file system
//
// Without a scheme, a file or directory that exists is recognised by what it is; anything else is a name,
// looked up in the Docker daemon first and then in its registry. The image must be closed.
func Open(ctx context.Context, ref string, o Options) (*Image, error) {
	want, err := parsePlatform(o.Platform)
	if err != nil {
		return nil, err
	}
	f, rest := parseReference(ref)
	im, err := f.open(ctx, rest, o, want)
	if err != nil && (strings.HasPrefix(ref, "registry:") || strings.HasPrefix(ref, "docker:")) && looksLikeTag(rest) {
		// There are images of these names.
		return nil, fmt.Errorf("%w (%q was read as scheme and name: for the image %s write registry:%s)", err, ref, ref, ref)
	}
	if err != nil {
		return nil, err
	}
	im.Reference = ref
	return im, nil
}

// parseReference splits the scheme off a reference.
func parseReference(ref string) (form, string) {
	for _, s := range schemes {
		if rest, ok := strings.CutPrefix(ref, s.prefix); ok {
			return s.form, rest
		}
	}
	return anyForm, ref
}

func (f form) open(ctx context.Context, rest string, o Options, want Platform) (*Image, error) {
	if rest == "" {
		return nil, errors.New("no image is named")
	}
	switch f {
	case nameForm:
		return openName(ctx, rest, o, want)
	case registryForm:
		return openRegistry(ctx, rest, o, want)
	case dockerForm:
		return openDocker(ctx, rest, o, want)
	case anyForm:
		if _, err := os.Stat(rest); errors.Is(err, fs.ErrNotExist) && !looksLikePath(rest) {
			im, err := openName(ctx, rest, o, want)
			if path, _, notPath := splitPath(rest); err != nil && notPath == nil {
				return nil, fmt.Errorf("%w (%q was read as a name: for what lies in %s write ./%s)", err, rest, path, rest)
			}
			return im, err
		}
	}
	path, selector, err := splitPath(rest)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	if info.IsDir() && f != layoutArchiveForm && f != dockerArchiveForm && f != archiveForm {
		return openDir(ctx, f, path, selector, want)
	}
	if f == directoryForm || f == layoutForm {
		return nil, fmt.Errorf("%s: not a directory", path)
	}
	src, err := openArchive(ctx, path)
	if err != nil {
		return nil, err
	}
	im, err := f.openArchived(ctx, src, path, selector, want)
	if err != nil {
		src.Close()
		return nil, err
	}
	return im, nil
}

func looksLikeTag(s string) bool {
	return s == "latest" || s != "" && s[0] >= '0' && s[0] <= '9' && !strings.ContainsAny(s, "/:@")
}

func looksLikePath(s string) bool {
	for _, prefix := range []string{"/", "./", "../"} {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	name, _, _ := strings.Cut(s, ":") // what follows is a tag
	for _, suffix := range []string{".tar", ".tar.gz", ".tgz", ".tar.zst"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// splitPath finds the longest beginning of s that exists and is followed by a colon and a tag, or by "@" and
// a digest. The digest keeps its "@".
func splitPath(s string) (path, selector string, err error) {
	exists := func(path string) bool {
		_, err := os.Stat(path)
		return !errors.Is(err, fs.ErrNotExist)
	}
	if exists(s) {
		return s, "", nil
	}
	for i := len(s) - 1; i > 0; i-- {
		if s[i] != ':' && s[i] != '@' || !exists(s[:i]) {
			continue
		}
		return s[:i], strings.TrimPrefix(s[i:], ":"), nil
	}
	return "", "", fmt.Errorf("%s: no such file or directory", s)
}

// openDir opens a layout or a root file system.
func openDir(ctx context.Context, f form, path, selector string, want Platform) (*Image, error) {
	dir, err := openDirectory(path)
	if err != nil {
		return nil, err
	}
	if f == directoryForm || f == anyForm && !dir.isLayout() {
		if selector != "" {
			dir.Close()
			return nil, fmt.Errorf("%s: a root file system has no tags or digests", path)
		}
		if dir.isEmpty() {
			dir.Close()
			return nil, fmt.Errorf("%s: not an image: the directory is empty", path)
		}
		return &Image{Root: dir.root.FS(), source: dir}, nil
	}
	im, err := openLayout(ctx, dir, path, selector, want)
	if err != nil {
		dir.Close()
		return nil, err
	}
	return im, nil
}

func (f form) openArchived(ctx context.Context, src archive, where, selector string, want Platform) (*Image, error) {
	switch f {
	case layoutArchiveForm:
		return openLayout(ctx, src, where, selector, want)
	case dockerArchiveForm:
		return openDockerArchive(ctx, src, where, selector, want)
	}
	return openSaved(ctx, src, where, selector, want, true)
}

// openSaved opens an archive of either form. Docker since version 25 writes both into one; the layout says
// more. With strict, both must name the same image: an engine might load the one and we read the other.
func openSaved(ctx context.Context, src archive, where, selector string, want Platform, strict bool) (*Image, error) {
	if ok, _ := src.has(ctx, layoutIndexName); !ok {
		return openDockerArchive(ctx, src, where, selector, want)
	}
	im, err := openLayout(ctx, src, where, selector, want)
	docker, _ := src.has(ctx, dockerManifestName)
	if !docker {
		return im, err
	}
	if errors.Is(err, fs.ErrNotExist) || err == nil && !im.complete(ctx) {
		return openDockerArchive(ctx, src, where, selector, want)
	}
	if err != nil || !strict {
		return im, err
	}
	list, err := readDockerManifest(ctx, src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	for _, m := range list {
		if raw, err := src.document(ctx, m.Config); err == nil && digestOf(raw) == im.ID {
			return im, nil
		}
	}
	return nil, fmt.Errorf("%s: its %s and its %s name different images: choose with oci-archive: or docker-archive: in front", where, layoutIndexName, dockerManifestName)
}

// complete says whether all readable layers are in the image's source.
func (im *Image) complete(ctx context.Context) bool {
	for _, l := range im.Layers {
		if ok, err := im.source.has(ctx, l.blob); !l.Unreadable && (!ok || err != nil) {
			return false
		}
	}
	return true
}

// openDocker opens an image of the daemon.
func openDocker(ctx context.Context, image string, o Options, want Platform) (*Image, error) {
	d, err := findDaemon(o)
	if err != nil {
		return nil, err
	}
	if _, err := d.platform(ctx, image); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, d.missing(image)
		}
		return nil, err
	}
	return d.image(ctx, image, want)
}

// findDaemon gives the daemon that the options, the environment or Docker's configuration name.
func findDaemon(o Options) (*daemon, error) {
	host, err := dockerHost(o.DockerHost)
	if err != nil {
		return nil, err
	}
	return newDaemon(host)
}

// openName looks a name up in the daemon and then in its registry, or the other way round.
func openName(ctx context.Context, image string, o Options, want Platform) (*Image, error) {
	if _, err := parseName(image, o); err != nil {
		return nil, err
	}
	if o.RegistryFirst {
		return openRegistryFirst(ctx, image, o, want)
	}
	d, daemonErr := findInDaemon(ctx, image, o, want)
	if daemonErr == nil {
		return d.image(ctx, image, want)
	}
	im, err := openRegistry(ctx, image, o, want)
	if err != nil && !errors.Is(err, context.Canceled) {
		before := oneLine(daemonErr)
		var silent silentError
		if errors.As(daemonErr, &silent) {
			before = silent.brief()
		}
		return nil, fmt.Errorf("%w (asked before: %s)", err, before)
	}
	return im, err
}

// openRegistryFirst looks a name up in its registry, and in the daemon where that cannot give it. Of an image that its registry has not,
// nothing can be attached there.
func openRegistryFirst(ctx context.Context, image string, o Options, want Platform) (*Image, error) {
	im, err := openRegistry(ctx, image, o, want)
	if err == nil || ctx.Err() != nil {
		return im, err
	}
	d, daemonErr := findInDaemon(ctx, image, o, want)
	if daemonErr != nil {
		return nil, err
	}
	var absent absentError
	if im, daemonErr = d.image(ctx, image, want); daemonErr == nil {
		im.local = !errors.As(err, &absent)
	}
	return im, daemonErr
}

// findInDaemon says why the daemon cannot give the image.
func findInDaemon(ctx context.Context, image string, o Options, want Platform) (*daemon, error) {
	d, err := findDaemon(o)
	if err != nil {
		return nil, err
	}
	has, err := d.platform(ctx, image)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the docker daemon at %s, which has no such image", d.host)
	case err != nil:
		return nil, err
	case want != Platform{} && has.fit(want) == 0:
		return nil, fmt.Errorf("the docker daemon at %s, which has the image for %s", d.host, has)
	}
	return d, nil
}
