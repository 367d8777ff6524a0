package image

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// defaultDockerHost is where a Docker daemon listens when nobody says otherwise.
const defaultDockerHost = "unix:///var/run/docker.sock"

// daemon speaks to a Docker daemon (or another that answers as one). Its API is called without a version in
// the path, which every daemon takes as its newest: what is used here has never changed.
type daemon struct {
	host   string
	base   string
	client *http.Client
}

// dockerHost finds the daemon's address as the docker command does: the option, DOCKER_HOST, the current
// context of Docker's configuration, the usual socket.
func dockerHost(option string) (string, error) {
	if option != "" {
		return option, nil
	}
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return host, nil
	}
	dir, err := dockerConfig()
	if err != nil {
		return defaultDockerHost, nil //nolint:nilerr // without a home there is no configuration
	}
	return contextHost(dir)
}

// dockerConfig is the directory of Docker's configuration.
func dockerConfig() (string, error) {
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".docker"), err
}

// contextHost reads the endpoint of the current context. The CLI keeps a context's metadata in a directory
// named by the sha256 of the context's name.
func contextHost(dir string) (string, error) {
	current := os.Getenv("DOCKER_CONTEXT")
	if current == "" {
		var cfg struct{ CurrentContext string }
		if raw, err := os.ReadFile(filepath.Join(dir, "config.json")); err == nil {
			_ = json.Unmarshal(raw, &cfg) // a broken file is reported by who reads the credentials in it
		}
		current = cfg.CurrentContext
	}
	if current == "" || current == "default" {
		return defaultDockerHost, nil
	}
	sum := sha256.Sum256([]byte(current))
	raw, err := os.ReadFile(filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]), "meta.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no docker context %q: docker context ls lists them", current)
	}
	if err != nil {
		return "", fmt.Errorf("docker context %q: %w", current, err)
	}
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	if err := json.Unmarshal(raw, &meta); err != nil {
		return "", fmt.Errorf("docker context %q: %w", current, err)
	}
	host := meta.Endpoints["docker"].Host
	if host == "" {
		return "", fmt.Errorf("docker context %q has no docker endpoint", current)
	}
	return host, nil
}

// newDaemon makes a client. It does not connect yet.
func newDaemon(host string) (*daemon, error) {
	scheme, address, _ := strings.Cut(host, "://")
	dialer := &net.Dialer{Timeout: connectTimeout}
	d := &daemon{host: host}
	t := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	switch scheme {
	case "unix":
		d.base = "http://docker"
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", address)
		}
	case "tcp", "http", "https":
		d.base = "http://" + address
		t.DialContext = dialer.DialContext
		config, err := dockerTLS()
		if err != nil {
			return nil, err
		}
		if config != nil || scheme == "https" {
			d.base = "https://" + address
			t.TLSClientConfig = config
		}
	default:
		return nil, fmt.Errorf("docker daemon at %s: only unix:// and tcp:// addresses are spoken to: set DOCKER_HOST to one", host)
	}
	d.client = &http.Client{Transport: t}
	return d, nil
}

// dockerTLS reads the client's certificates as the docker command does, or gives nil where TLS is not asked for.
func dockerTLS() (*tls.Config, error) {
	dir, check := os.Getenv("DOCKER_CERT_PATH"), os.Getenv("DOCKER_TLS_VERIFY") != ""
	if dir == "" && !check {
		return nil, nil //nolint:nilnil // no TLS is a configuration, too
	}
	if dir == "" {
		var err error
		if dir, err = dockerConfig(); err != nil {
			return nil, fmt.Errorf("DOCKER_TLS_VERIFY is set, but not DOCKER_CERT_PATH: %w", err)
		}
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		return nil, fmt.Errorf("the Docker daemon's certificates: %w: set DOCKER_CERT_PATH to their directory", err)
	}
	pem, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("the Docker daemon's certificates: %w: set DOCKER_CERT_PATH to their directory", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("the Docker daemon's certificates: %s holds no certificate", filepath.Join(dir, "ca.pem"))
	}
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// get asks the daemon. The caller closes the body. What is not there is fs.ErrNotExist.
func (d *daemon) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, d.explain(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return nil, fs.ErrNotExist
	}
	var answer struct{ Message string }
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what can be read of it may explain the status
	_ = json.Unmarshal(raw, &answer)
	return nil, fmt.Errorf("docker daemon at %s answered %d: %s", d.host, resp.StatusCode, oneLine(errors.New(answer.Message)))
}

func (d *daemon) explain(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("docker daemon at %s: permission denied: run as a user who may use Docker", d.host)
	}
	return silentError{d.host, oneLine(err)}
}

// silentError says that there is no daemon to talk to.
type silentError struct{ host, why string }

func (e silentError) Error() string {
	return e.brief() + " (" + e.why + "): start it, set DOCKER_HOST to where it is, or name the image registry:NAME"
}

// brief leaves out what helps only who needs the daemon.
func (e silentError) brief() string { return "docker daemon at " + e.host + " does not answer" }

// platform asks the daemon for an image's platform, which also says whether the daemon has it.
func (d *daemon) platform(ctx context.Context, image string) (Platform, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	resp, err := d.get(ctx, imagePath(image)+"/json")
	if err != nil {
		return Platform{}, err
	}
	defer resp.Body.Close()
	raw, err := readDocument(resp.Body, "image description")
	if err != nil {
		return Platform{}, err
	}
	var p struct {
		OS           string `json:"Os"`
		Architecture string
		Variant      string
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return Platform{}, fmt.Errorf("docker daemon at %s: its description of %s is not valid: %w", d.host, image, err)
	}
	return Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}, nil
}

// imagePath keeps the slashes of a name, and nothing else that has a meaning in a URL.
func imagePath(image string) string {
	return "/images/" + strings.ReplaceAll(url.PathEscape(image), "%2F", "/")
}

// image opens an image that the daemon has. The daemon sends it as docker save does, in either form.
func (d *daemon) image(ctx context.Context, image string, want Platform) (*Image, error) {
	where := fmt.Sprintf("image %s of the docker daemon", image)
	src, err := newTarStream(ctx, where, func(ctx context.Context) (io.Reader, io.Closer, error) {
		resp, err := d.get(ctx, imagePath(image)+"/get")
		if err != nil {
			return nil, nil, err
		}
		return resp.Body, resp.Body, nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, d.missing(image)
	}
	if err != nil {
		return nil, archiveError(where, err)
	}
	im, err := openSaved(ctx, src, where, "", want, false)
	if err != nil {
		return nil, err
	}
	im.local = true
	if ref, bad := parseName(image, Options{}); bad == nil {
		im.Repository = plainName(ref.Context().Name())
	}
	return im, nil
}

func (d *daemon) missing(image string) error {
	return fmt.Errorf("the docker daemon at %s has no image %s: run docker pull %s, or name it registry:%s", d.host, image, image, image)
}
