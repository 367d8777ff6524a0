// Command demosample makes the sample that tidewaiter demo embeds: a small image of real packages and the slice of
// real advisories that speaks of them. It needs a Debian 12 machine with apt and npm, Go's module proxy, and a
// directory of feeds:
//
//	go run ./cmd/demosample -feeds DIR -out cmd/tidewaiter/sample
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// made is the time of every file and of the image, so that the same packages make the same bytes.
var made = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// debs are the Debian packages of the base layer: two of them lack security updates.
var debs = []string{"base-files", "netbase", "zlib1g", "libexpat1=2.5.0-1+deb12u2", "libpcre2-8-0=10.42-1"}

// modules are npm packages of an age that has findings.
var modules = []string{"lodash@4.17.15", "minimist@1.2.5", "semver@7.3.8"}

// program is a web server that speaks HTTP/2 with an old golang.org/x/net.
const (
	program = `package main

import (
	"log"
	"net/http"

	"golang.org/x/net/http2"
)

func main() {
	s := &http.Server{Addr: ":8080"}
	if err := http2.ConfigureServer(s, nil); err != nil {
		log.Fatal(err)
	}
	log.Fatal(s.ListenAndServe())
}
`
	programModule = "module example.com/shop\n\ngo 1.21\n\nrequire golang.org/x/net v0.10.0\n"
)

func main() {
	log.SetFlags(0)
	feeds := flag.String("feeds", "", "directory of feeds to take the advisories from")
	out := flag.String("out", "", "directory to write the sample to")
	flag.Parse()
	if *feeds == "" || *out == "" {
		log.Fatal("demosample: -feeds DIR and -out DIR are needed")
	}
	if err := makeImage(filepath.Join(*out, "shop.tar")); err != nil {
		log.Fatalf("demosample: image: %v", err)
	}
	if err := sliceFeeds(*feeds, filepath.Join(*out, "feeds")); err != nil {
		log.Fatalf("demosample: feeds: %v", err)
	}
}

func makeImage(file string) error {
	work, err := os.MkdirTemp("", "demosample")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	steps := []struct {
		instruction string
		make        func(root string) error
	}{
		{"ADD debian-12-rootfs.tar /", debianRoot},
		{"RUN npm install " + strings.Join(modules, " "), npmInstall},
		{"COPY shop /usr/local/bin/shop", goProgram},
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for i, s := range steps {
		root := filepath.Join(work, fmt.Sprint(i))
		if err := os.MkdirAll(root, 0o755); err != nil {
			return err
		}
		if err := s.make(root); err != nil {
			return fmt.Errorf("%s: %w", s.instruction, err)
		}
		data, err := tarOf(root)
		if err != nil {
			return err
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
			tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(9))
		if err != nil {
			return err
		}
		img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{
			Created: v1.Time{Time: made}, CreatedBy: s.instruction + " # buildkit", Comment: "buildkit.dockerfile.v0"}})
		if err != nil {
			return err
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", "amd64", v1.Time{Time: made}
	config.Config.Entrypoint = []string{"/usr/local/bin/shop"}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return err
	}
	dir := filepath.Join(work, "layout")
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := p.AppendImage(img, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "demo"})); err != nil {
		return err
	}
	data, err := tarOf(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// debianRoot unpacks Debian packages the way distroless images carry them: each with its entry in status.d.
func debianRoot(root string) error {
	down, err := os.MkdirTemp("", "debs")
	if err != nil {
		return err
	}
	defer os.RemoveAll(down)
	if _, err := command(down, "apt-get", append([]string{"download"}, debs...)...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(down, "*.deb"))
	if err != nil {
		return err
	}
	status := filepath.Join(root, "var/lib/dpkg/status.d")
	if err := os.MkdirAll(status, 0o755); err != nil {
		return err
	}
	for _, deb := range files {
		name, _, _ := strings.Cut(filepath.Base(deb), "_")
		if _, err := command(down, "dpkg-deb", "-x", deb, root); err != nil {
			return err
		}
		control, err := command(down, "dpkg-deb", "-f", deb)
		if err != nil {
			return err
		}
		// dpkg adds the state when it installs; distroless writes the control file as it is.
		if err := os.WriteFile(filepath.Join(status, name), control, 0o644); err != nil {
			return err
		}
		sums, err := command(down, "dpkg-deb", "-I", deb, "md5sums")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(status, name+".md5sums"), sums, 0o644); err != nil {
			return err
		}
	}
	return trimDocs(root)
}

// trimDocs leaves of the documentation what the licences ask for.
func trimDocs(root string) error {
	return filepath.WalkDir(filepath.Join(root, "usr/share"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "copyright" || strings.Contains(path, "/common-licenses/") {
			return err
		}
		if strings.Contains(path, "/usr/share/doc/") {
			return os.Remove(path)
		}
		return nil
	})
}

func npmInstall(root string) error {
	app := filepath.Join(root, "srv/shop")
	if err := os.MkdirAll(app, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(app, "package.json"), []byte(`{"name":"shop","version":"1.0.0","private":true}`+"\n"), 0o644); err != nil {
		return err
	}
	_, err := command(app, "npm", append([]string{"install", "--save-exact", "--ignore-scripts", "--no-audit", "--no-fund"}, modules...)...)
	return err
}

func goProgram(root string) error {
	src, err := os.MkdirTemp("", "shop")
	if err != nil {
		return err
	}
	defer os.RemoveAll(src)
	for name, text := range map[string]string{"main.go": program, "go.mod": programModule} {
		if err := os.WriteFile(filepath.Join(src, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if _, err := command(src, "go", "mod", "tidy"); err != nil {
		return err
	}
	_, err = command(src, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(root, "usr/local/bin/shop"), ".")
	return err
}

func command(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Output()
}

// tarOf packs a directory: sorted, owned by root, of one time.
func tarOf(root string) ([]byte, error) {
	var paths []string
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if path != root {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, path := range paths {
		if err := addTo(w, root, path); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func addTo(w *tar.Writer, root, path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	h.Name = name
	if info.IsDir() {
		h.Name += "/"
	}
	h.ModTime, h.AccessTime, h.ChangeTime = made, time.Time{}, time.Time{}
	h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "", ""
	if err := w.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}
