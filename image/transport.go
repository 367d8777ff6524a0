package image

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Limits on waiting. There is none on a transfer as a whole while bytes flow.
const (
	connectTimeout   = 10 * time.Second
	handshakeTimeout = 30 * time.Second // until a registry has said how to speak to it, tokens included
	helperTimeout    = 60 * time.Second // for a credential helper, which may ask its user
	answerTimeout    = 60 * time.Second // until a response's header, and between a body's bytes
	maxAttempts      = 3
)

// newTransport makes the transport for a registry: it knows the user's certificate authorities, tries again
// what may have failed by chance, and is guarded.
func newTransport(o Options, registryHost string) (http.RoundTripper, func(), error) {
	base := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: answerTimeout,
		// Layers are compressed already, and their digests are those of what is sent.
		DisableCompression: true,
	}
	if len(o.CACerts) > 0 {
		pool, err := certPool(o.CACerts)
		if err != nil {
			return nil, nil, err
		}
		base.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	guarded := &guard{inner: base, plainHTTP: o.PlainHTTP, local: isLoopback(registryHost)}
	retry := transport.NewRetry(guarded,
		transport.WithRetryPredicate(isPassing),
		transport.WithRetryBackoff(transport.Backoff{Duration: 500 * time.Millisecond, Factor: 3, Jitter: 0.1, Steps: maxAttempts}),
		transport.WithRetryStatusCodes(http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout))
	return transport.NewUserAgent(retry, o.UserAgent), base.CloseIdleConnections, nil
}

// certPool adds the certificates of PEM files to those of the system.
func certPool(files []string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, name := range files {
		pem, err := readCertificates(name)
		if err != nil {
			return nil, fmt.Errorf("CA certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA certificates: %s holds no certificate in PEM form", name)
		}
	}
	return pool, nil
}

// readCertificates does not wait for a pipe's writer, and reads no more than such a file can sensibly have.
func readCertificates(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fileError(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fileError(name, err)
	}
	defer f.Close()
	return readDocument(f, name)
}

// isPassing says whether the same request may succeed a moment later. Who let us wait once is not asked again.
func isPassing(err error) bool {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return false
	}
	var temporary interface{ Temporary() bool }
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.As(err, &temporary) && temporary.Temporary()
}

// guard stands below the registry library and its authentication, and refuses what must never be sent,
// whatever a registry's challenge or redirect asks for.
type guard struct {
	inner     http.RoundTripper
	plainHTTP bool // the user asked for it
	local     bool // the registry is on the loopback interface
}

var errPlainHTTP = errors.New("plain HTTP was not asked for")

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.check(req); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	return g.inner.RoundTrip(req)
}

func (g *guard) check(req *http.Request) error {
	host := req.URL.Hostname()
	if req.URL.Scheme != "https" && !g.plainHTTP && !isLoopback(host) {
		return fmt.Errorf("refused to speak to %s: %w", host, errPlainHTTP)
	}
	if req.Response == nil {
		return nil
	}
	// What follows a redirect. A token request by POST has credentials in its body.
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return fmt.Errorf("refused to follow a redirect of a %s request to %s", req.Method, host)
	}
	// A registry out in the world has no business with this machine or its cloud's metadata service.
	if addr, err := netip.ParseAddr(host); err == nil && !g.local &&
		(addr.Unmap().IsLoopback() || addr.Unmap().IsLinkLocalUnicast() || addr.IsUnspecified()) {
		return fmt.Errorf("refused to follow a redirect to %s", host)
	}
	return nil
}

// isLoopback tells the hosts that are this machine itself. It does not ask the resolver: of names, only
// "localhost" counts.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(trimBrackets(host))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func trimBrackets(host string) string {
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}
