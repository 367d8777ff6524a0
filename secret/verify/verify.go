// Package verify asks the services that secrets are for whether they are good. Nothing calls it unless the user asked for that, by the
// name of the rule.
//
// A secret goes to the one host that is listed for its rule ([Services]), over TLS, in one request that changes nothing there; never to
// where that host sends it on, and never into an error or a log. What a service answers is read as the validators of OSV-SCALIBR's veles
// read it.
package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/osv-scalibr/veles"
	"github.com/google/osv-scalibr/veles/secrets/common/simplevalidate"

	"tidewaiter/secret"
)

// All asks about secrets of every rule that a service is known for.
const All = "all"

// patience bounds what one service may take.
const patience = 10 * time.Second

// Service is whom secrets of one rule are shown.
type Service struct {
	Rule string
	// Host is the only one that the secret is sent to, Request the method and path, and Sent how it is sent.
	Host, Request, Sent string

	ask func(ctx context.Context, client *http.Client, raw string) (veles.ValidationStatus, error)
}

// Verifier asks about the secrets of some rules.
type Verifier struct {
	services  map[string]Service
	transport http.RoundTripper
}

// New makes one for the rules that the user named, or [All]. transport is nil for the network's.
func New(rules []string, transport http.RoundTripper) (*Verifier, error) {
	v := &Verifier{services: map[string]Service{}, transport: transport}
	if v.transport == nil {
		v.transport = http.DefaultTransport
	}
	known := map[string]Service{}
	for _, s := range Services() {
		known[s.Rule] = s
	}
	for _, rule := range rules {
		rule = strings.TrimPrefix(rule, "secret:")
		switch s, ok := known[rule]; {
		case rule == All:
			v.services = known
			return v, nil
		case !ok:
			return nil, fmt.Errorf("no service can be asked about %q: %s, or any of %s", rule, All, strings.Join(Rules(), ", "))
		default:
			v.services[rule] = s
		}
	}
	return v, nil
}

// Rules are the names of those that a service can be asked about, sorted.
func Rules() []string {
	var rules []string
	for _, s := range Services() {
		rules = append(rules, s.Rule)
	}
	slices.Sort(rules)
	return rules
}

// Check asks about one secret. It is [secret.Unchecked] for one of a rule that was not named.
func (v *Verifier) Check(ctx context.Context, rule, raw string) secret.Check {
	s, ok := v.services[rule]
	if !ok {
		return secret.Unchecked
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := &http.Client{Transport: only{s.Host, v.transport}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	// What went wrong is not told: the error may quote the request, and so the secret.
	status, err := s.ask(ctx, client, raw)
	switch {
	case err != nil:
		return secret.CheckError
	case status == veles.ValidationValid:
		return secret.Valid
	case status == veles.ValidationInvalid:
		return secret.Invalid
	}
	return secret.CheckError
}

// only lets requests to one host pass, and those over TLS alone.
type only struct {
	host string
	next http.RoundTripper
}

func (o only) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || r.URL.Host != o.host {
		return nil, errors.New("a secret is sent over TLS, to the host of its service alone")
	}
	return o.next.RoundTrip(r)
}

// by asks as a validator of veles does: validator gives it, and of the secret's text what it takes.
func by[S veles.Secret](validator func() *simplevalidate.Validator[S], of func(raw string) S) func(context.Context, *http.Client, string) (veles.ValidationStatus, error) {
	return func(ctx context.Context, client *http.Client, raw string) (veles.ValidationStatus, error) {
		v := validator()
		v.HTTPC = client
		v.Endpoint = strings.Replace(v.Endpoint, "http://", "https://", 1)
		return v.Validate(ctx, of(raw))
	}
}
