package image

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// explain turns what went wrong between us and a registry into one line that says what to do.
func (r *registry) explain(err error) error {
	host := plainName(r.repo.RegistryStr())
	if errors.Is(err, context.Canceled) {
		return err
	}
	// Where plain HTTP is allowed, err is what went wrong both with TLS and without. A certificate that was shown
	// tells most, then an answer.
	if why := certificateTrouble(err); why != "" {
		return fmt.Errorf("registry %s: %s", host, why)
	}
	var answer *transport.Error
	if errors.As(err, &answer) {
		return r.explainAnswer(host, answer)
	}
	if why := connectionTrouble(err, r.plain); why != "" {
		return fmt.Errorf("registry %s: %s", host, why)
	}
	return fmt.Errorf("registry %s: %s", host, oneLine(err))
}

// certificateTrouble explains what is wrong with a registry's certificate, or gives the empty string.
func certificateTrouble(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		wrong   x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		return "its TLS certificate is signed by an unknown authority: give that authority's certificate with --ca-cert FILE"
	case errors.As(err, &wrong):
		return oneLine(wrong) + ": use the name that the certificate is for"
	case errors.As(err, &invalid):
		return oneLine(invalid) + ": the registry needs a valid certificate"
	}
	return ""
}

// connectionTrouble explains why there is no conversation at all, or gives the empty string.
func connectionTrouble(err error, plain bool) string {
	var (
		dns     *net.DNSError
		network net.Error
		proxy   *net.OpError
		record  tls.RecordHeaderError
		noJSON  *json.SyntaxError
	)
	switch {
	case errors.As(err, &proxy) && proxy.Op == "proxyconnect":
		return "the proxy does not answer (" + oneLine(proxy.Err) + "): check HTTPS_PROXY and HTTP_PROXY, or name the registry in NO_PROXY"
	case errors.As(err, &noJSON):
		return "its answer was not understood: check the address; it may not be a registry"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: check that the registry runs there, and the port"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host " + dns.Name + ": check the name and the network"
	// Of several errors only the first is a net.Error here; the other condition sees the rest.
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer in time: check the network and the proxy settings"
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		if plain {
			return "it speaks neither TLS nor plain HTTP: check the address and the port"
		}
		return "it does not speak TLS: if it may be spoken to without, give --plain-http"
	case errors.Is(err, errPlainHTTP):
		return oneLine(err) + ": give --plain-http if that is meant"
	}
	return ""
}

func (r *registry) explainAnswer(host string, answer *transport.Error) error {
	repo := r.repo.RepositoryStr()
	may := "read"
	if r.writes {
		may = "write"
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		if r.anonymous && r.writes {
			return fmt.Errorf("registry %s wants credentials for %s: run docker login %s", host, repo, host)
		}
		if r.anonymous {
			return fmt.Errorf("registry %s wants credentials for %s, or has no such image: run docker login %s, or check the name", host, repo, host)
		}
		return fmt.Errorf("registry %s refused the credentials for %s: run docker login %s again, or check what they may %s", host, repo, host, may)
	case http.StatusNotFound:
		return fmt.Errorf("registry %s: not found: check the address; it may not be a registry", host)
	case http.StatusTooManyRequests:
		return fmt.Errorf("registry %s limits how much may be asked of it: wait, or run docker login %s", host, host)
	}
	text := http.StatusText(answer.StatusCode)
	if len(answer.Errors) > 0 {
		text = strings.TrimSpace(string(answer.Errors[0].Code) + " " + answer.Errors[0].Message)
	}
	why := fmt.Sprintf("registry %s answered %d: %s", host, answer.StatusCode, oneLine(errors.New(text)))
	if answer.StatusCode >= http.StatusInternalServerError {
		why += ": try again later"
	}
	return errors.New(why)
}

// oneLine makes any error fit to be part of one line. Of a request's URL, which may hold a signature, only what
// went wrong is told.
func oneLine(err error) string {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return shortenTo(strings.Join(strings.Fields(err.Error()), " "), 300)
}
