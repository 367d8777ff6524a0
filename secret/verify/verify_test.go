package verify

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tidewaiter/secret"
)

// network stands for all services: a server on the loopback interface, which is told of every request.
type network struct {
	server *httptest.Server

	mu    sync.Mutex
	asked []string // "METHOD host path", with the secret taken out
	sent  []string // how the secret came
}

const token = "sesame-0123456789"

func newNetwork(t *testing.T, answer http.HandlerFunc) *network {
	n := &network{}
	n.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		n.asked = append(n.asked, r.Method+" "+r.Header.Get("X-Asked-Host")+" "+strings.ReplaceAll(r.URL.Path, token, "{token}"))
		for name, values := range r.Header {
			if strings.Contains(values[0], token) {
				n.sent = append(n.sent, strings.TrimSpace(name+": "+strings.ReplaceAll(values[0], token, "")))
			}
		}
		n.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(n.server.Close)
	return n
}

// questions are those that were asked so far, and told the secrets that came with them, without these.
func (n *network) questions() (asked, told []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked), slices.Clone(n.sent)
}

// RoundTrip sends to the server what was for a service.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	to, err := url.Parse(n.server.URL)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("X-Asked-Host", r.URL.Host)
	r.URL.Scheme, r.URL.Host, r.Host = to.Scheme, to.Host, to.Host
	return http.DefaultTransport.RoundTrip(r)
}

// Each service is asked at the one host, in the one way that it is listed with.
func TestASecretGoesWhereItIsSaidTo(t *testing.T) {
	for _, s := range Services() {
		t.Run(s.Rule, func(t *testing.T) {
			n := newNetwork(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
			v, err := New([]string{s.Rule}, n)
			if err != nil {
				t.Fatal(err)
			}
			if got := v.Check(t.Context(), s.Rule, token); got != secret.CheckError {
				t.Errorf("an answer that nobody knows says %q", got)
			}
			method, path, _ := strings.Cut(s.Request, " ")
			asked, sent := n.questions()
			if want := method + " " + s.Host + " " + path; len(asked) != 1 || asked[0] != want {
				t.Errorf("asked %q, and is listed with %q", asked, want)
			}
			if s.Sent != "the path" && !strings.Contains(s.Sent, "Basic") && (len(sent) != 1 || !strings.EqualFold(strings.TrimSuffix(sent[0], ":"), s.Sent)) {
				t.Errorf("sent as %q, and is listed with %q", sent, s.Sent)
			}
		})
	}
}

func TestWhatTheServiceSaysIsTold(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   secret.Check
	}{
		{"good", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }, secret.Valid},
		{"revoked", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, secret.Invalid},
		{"out of order", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, secret.CheckError},
		{"sends on", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
		}, secret.CheckError},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, secret.CheckError},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(t, c.answer)
			v, err := New([]string{"gitlab-pat"}, n)
			if err != nil {
				t.Fatal(err)
			}
			got := v.Check(t.Context(), "gitlab-pat", token)
			if asked, _ := n.questions(); got != c.want || len(asked) != 1 {
				t.Errorf("%q after %q, want %q after one question", got, asked, c.want)
			}
		})
	}
}

// What the user did not name is not asked about, and what nobody can be asked about is refused.
func TestOnlyNamedRulesAreAskedAbout(t *testing.T) {
	n := newNetwork(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	v, err := New([]string{"secret:npm-access-token"}, n)
	if err != nil {
		t.Fatal(err)
	}
	got := v.Check(t.Context(), "gitlab-pat", token)
	if asked, _ := n.questions(); got != secret.Unchecked || len(asked) != 0 {
		t.Errorf("%q after %q", got, asked)
	}
	if _, err := New([]string{"private-key"}, nil); err == nil || !strings.Contains(err.Error(), "gitlab-pat") {
		t.Errorf("no service knows private keys: %v", err)
	}
	if v, err = New([]string{All}, n); err != nil || len(v.services) != len(Services()) {
		t.Error(err)
	}
}

// A request that would go elsewhere, or in clear, is not sent.
func TestNothingIsSentElsewhere(t *testing.T) {
	n := newNetwork(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	for _, to := range []string{"http://gitlab.com/", "https://gitlab.com:8443/", "https://gitlab.com.elsewhere.example/"} {
		client := &http.Client{Transport: only{"gitlab.com", n}}
		if r, err := client.Get(to); err == nil {
			r.Body.Close()
			t.Errorf("%s was asked", to)
		}
	}
	if asked, _ := n.questions(); len(asked) != 0 {
		t.Error(asked)
	}
}

// The page for users lists where each secret goes.
func TestTheManualNamesEveryService(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "secrets.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Services() {
		if row := fmt.Sprintf("| `%s` | %s | `%s` | %s |\n", s.Rule, s.Host, s.Request, s.Sent); !strings.Contains(string(page), row) {
			t.Errorf("docs/secrets.md lacks %s", row)
		}
	}
}
