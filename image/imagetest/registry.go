package imagetest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// RegistryOptions say what kind of registry to start.
type RegistryOptions struct {
	// Username and Password, where set, are asked for by basic authentication.
	Username, Password string
	// TLS makes the registry speak TLS under a certificate authority of its own.
	TLS bool
}

// Server is a running registry; one with no more than its Host may be any on the loopback interface.
type Server struct {
	// Host is address and port.
	Host string
	// CAFile holds the certificate of the registry's authority, in PEM form; empty without TLS.
	CAFile string

	options RegistryOptions
	client  *http.Client
}

// Registry starts the distribution project's registry on a free loopback port and stops it at the test's end.
// The program is the one that TIDEWAITER_TEST_REGISTRY names, or registry or docker-registry on the PATH;
// the test is skipped where there is none.
func Registry(t testing.TB, o RegistryOptions) *Server {
	t.Helper()
	program := registryProgram(t)
	s := &Server{options: o, client: &http.Client{}}
	// The port may be taken by another process before the registry listens on it.
	var why error
	for range 3 {
		s.Host = freeAddress(t)
		if why = s.start(t, program); why == nil {
			return s
		}
	}
	t.Fatalf("%s does not start: %v", program, why)
	return nil
}

func registryProgram(t testing.TB) string {
	t.Helper()
	for _, name := range []string{os.Getenv("TIDEWAITER_TEST_REGISTRY"), "registry", "docker-registry"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	t.Skip("no registry program: set TIDEWAITER_TEST_REGISTRY, or put the distribution project's registry on the PATH")
	return ""
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (s *Server) start(t testing.TB, program string) error {
	t.Helper()
	var output bytes.Buffer
	cmd := exec.Command(program, "serve", s.writeConfig(t))
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed: the error says nothing
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended already
		<-ended
	})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return fmt.Errorf("it ended: %s", output.String())
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			if s.ready(ctx) {
				return nil
			}
		}
	}
}

func (s *Server) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/v2/"), nil)
	if err != nil {
		return false
	}
	resp, err := cmp.Or(s.client, http.DefaultClient).Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusUnauthorized
}

// writeConfig writes the registry's configuration. JSON is YAML, too.
func (s *Server) writeConfig(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	web := map[string]any{"addr": s.Host}
	config := map[string]any{
		"version": "0.1",
		"log":     map[string]any{"level": "error", "accesslog": map[string]any{"disabled": true}},
		"storage": map[string]any{"filesystem": map[string]any{"rootdirectory": filepath.Join(dir, "data")}},
		"http":    web,
	}
	if s.options.TLS {
		cert, key := s.writeCertificates(t, dir)
		web["tls"] = map[string]any{"certificate": cert, "key": key}
	}
	if s.options.Username != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(s.options.Password), bcrypt.MinCost)
		check(t, err)
		path := filepath.Join(dir, "htpasswd")
		check(t, os.WriteFile(path, fmt.Appendf(nil, "%s:%s\n", s.options.Username, hash), 0o600))
		config["auth"] = map[string]any{"htpasswd": map[string]any{"realm": "test", "path": path}}
	}
	raw, err := json.Marshal(config)
	check(t, err)
	path := filepath.Join(dir, "config.yml")
	check(t, os.WriteFile(path, raw, 0o600))
	return path
}

// writeCertificates makes an authority and a certificate for the loopback interface.
func (s *Server) writeCertificates(t testing.TB, dir string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test registry"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	check(t, err)
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, key)
	check(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		check(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	s.CAFile = write("ca.pem", "CERTIFICATE", caDER)
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(caDER)
	check(t, err)
	pool.AddCert(parsed)
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	return write("cert.pem", "CERTIFICATE", leafDER), write("key.pem", "PRIVATE KEY", keyDER)
}

func (s *Server) url(path string) string {
	if s.options.TLS {
		return "https://" + s.Host + path
	}
	return "http://" + s.Host + path
}

// Push puts an image or an index, with all its blobs, into the registry under a tag, and gives its name:
// host/repository:tag.
func (s *Server) Push(t testing.TB, c Content, repository, tag string) string {
	t.Helper()
	var manifests []string
	for digest, blob := range c.Blobs {
		s.pushBlob(t, repository, digest, blob)
		if digest != c.Root.Digest && isManifest(blob) {
			manifests = append(manifests, digest)
		}
	}
	for _, digest := range manifests {
		s.pushManifest(t, repository, digest, c.Blobs[digest])
	}
	s.pushManifest(t, repository, tag, c.Blobs[c.Root.Digest])
	return s.Host + "/" + repository + ":" + tag
}

func isManifest(blob []byte) bool {
	var m struct{ Config, Manifests json.RawMessage }
	return bytes.HasPrefix(blob, []byte("{")) && json.Unmarshal(blob, &m) == nil &&
		(bytes.HasPrefix(m.Config, []byte(`{"mediaType`)) || m.Manifests != nil)
}

func (s *Server) pushBlob(t testing.TB, repository, digest string, blob []byte) {
	t.Helper()
	resp := s.do(t, http.MethodPost, s.url("/v2/"+repository+"/blobs/uploads/"), "", nil, http.StatusAccepted)
	target, err := resp.Location()
	check(t, err)
	query := target.Query()
	query.Set("digest", digest)
	target.RawQuery = query.Encode()
	s.do(t, http.MethodPut, target.String(), "application/octet-stream", blob, http.StatusCreated)
}

func (s *Server) pushManifest(t testing.TB, repository, reference string, raw []byte) {
	t.Helper()
	var m struct{ MediaType string }
	check(t, json.Unmarshal(raw, &m))
	s.do(t, http.MethodPut, s.url("/v2/"+repository+"/manifests/"+url.PathEscape(reference)), cmp.Or(m.MediaType, ManifestType), raw, http.StatusCreated)
}

func (s *Server) do(t testing.TB, method, target, contentType string, body []byte, want int) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, target, bytes.NewReader(body))
	check(t, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if s.options.Username != "" {
		req.SetBasicAuth(s.options.Username, s.options.Password)
	}
	resp, err := cmp.Or(s.client, http.DefaultClient).Do(req)
	check(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	check(t, err)
	if resp.StatusCode != want {
		t.Fatalf("%s %s: %s: %s", method, target, resp.Status, answer)
	}
	return resp
}

// DockerConfig makes Docker's configuration for the test: one that knows the credentials for a registry, or
// an empty one where the user name is empty. Nothing of the user's own configuration is seen.
func DockerConfig(t testing.TB, host, username, password string) {
	t.Helper()
	dir := t.TempDir()
	config := map[string]any{}
	if username != "" {
		auth := base64.StdEncoding.EncodeToString([]byte(username + ":" + password))
		config["auths"] = map[string]any{host: map[string]string{"auth": auth}}
	}
	raw, err := json.Marshal(config)
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, "config.json"), raw, 0o600))
	t.Setenv("HOME", dir)
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("DOCKER_CONTEXT", "")
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(dir, "no.sock"))
}

// Daemon answers as a Docker daemon does on a Unix socket and gives its address. It has the images of the
// archives, by name: files as docker save writes them.
func Daemon(t testing.TB, platform string, archives map[string]string) (host string) {
	t.Helper()
	// The test's own directory may have too long a path for a socket.
	dir, err := os.MkdirTemp("", "daemon")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "docker.sock")
	listener, err := net.Listen("unix", socket)
	check(t, err)
	p := parsePlatform(platform)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/images/")
		name, isGet := strings.CutSuffix(path, "/get")
		name = strings.TrimSuffix(name, "/json")
		archive, ok := archives[name]
		switch {
		case !ok:
			http.Error(w, fmt.Sprintf(`{"message":"No such image: %s"}`, name), http.StatusNotFound)
		case isGet:
			http.ServeFile(w, r, archive)
		default:
			fmt.Fprintf(w, `{"Os":%q,"Architecture":%q,"Variant":%q}`, p.OS, p.Architecture, p.Variant)
		}
	})}
	go func() { _ = server.Serve(listener) }() // it ends with the listener
	t.Cleanup(func() { server.Close() })
	return "unix://" + socket
}
