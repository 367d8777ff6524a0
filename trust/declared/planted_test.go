package declared_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
	"tidewaiter/trust"
	"tidewaiter/trust/declared"
)

// named writes the differences for people: kind, line of the Dockerfile and subject.
func named(d *trust.Declared) []string {
	lines := []string{}
	for _, u := range d.Differences {
		lines = append(lines, fmt.Sprintf("%s %d %s", u.Kind, u.Line, u.Subject))
	}
	slices.Sort(lines)
	return lines
}

func compare(t testing.TB, in declared.Input) *trust.Declared {
	t.Helper()
	d, err := declared.Compare(in)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// An image that is what its Dockerfile says passes: with its context and without, with the base known and without, and without history.
func TestWhatTheDockerfileMakesIsAsDeclared(t *testing.T) {
	for _, tt := range []struct {
		name              string
		known, noContext  bool
		withoutAnyHistory bool
	}{
		{name: "all known", known: true},
		{name: "base not known"},
		{name: "no context", known: true, noContext: true},
		{name: "nothing but the Dockerfile", noContext: true},
		{name: "no history", known: true, withoutAnyHistory: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := honest()
			if tt.withoutAnyHistory {
				p.history = nil
			}
			var known []inventory.KnownBase
			if tt.known {
				known = append(known, knownBase(t))
			}
			in := p.read(t, known...)
			if tt.noContext {
				in.Context, in.ContextName = nil, ""
			}
			d := compare(t, in)
			for _, u := range d.Differences {
				t.Errorf("a difference in an honest image: %+v", u)
			}
			for _, i := range d.Instructions {
				if i.Verdict != trust.AsDeclared {
					t.Errorf("line %d: %s is %q: %s", i.Line, i.Text, i.Verdict, i.Note)
				}
			}
			if c := declared.CheckOf(d); c.Verdict != trust.Pass {
				t.Errorf("the check says %+v", c)
			}
		})
	}
}

// Each instruction is told with what it made, and the package that came along is counted with the one that was asked for.
func TestInstructionsAreToldWithWhatTheyMade(t *testing.T) {
	d := compare(t, honest().read(t, knownBase(t)))
	got := map[int]string{}
	for _, i := range d.Instructions {
		index := -1
		if i.Layer != nil {
			index = *i.Layer
		}
		got[i.Line] = fmt.Sprintf("%s layer %d, %d packages", strings.Fields(i.Text)[0], index, i.Packages)
	}
	want := map[int]string{
		5: "FROM layer -1, 0 packages", 6: "LABEL layer -1, 0 packages", 7: "ENV layer -1, 0 packages", 8: "WORKDIR layer 2, 0 packages", 9: "COPY layer 3, 0 packages",
		10: "COPY layer 4, 0 packages", 11: "RUN layer 5, 3 packages", 12: "RUN layer 6, 0 packages", 13: "COPY layer 7, 0 packages", 14: "EXPOSE layer -1, 0 packages",
		15: "USER layer -1, 0 packages", 16: "ENTRYPOINT layer -1, 0 packages", 17: "CMD layer -1, 0 packages",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// tampering is one way in which an image is not what its Dockerfile says, and how that is named.
type tampering struct {
	name string
	do   func(p *plan)
	want []string
}

// tamperings are in an order in which they can all be done to one image: those that move layers come last.
func tamperings() []tampering {
	return []tampering{
		{"base swapped", func(p *plan) {
			p.put(baseCertificates, imagetest.File{Name: "etc/ssl/certs/ca-certificates.crt", Content: "certificates, and one more\n"})
		}, []string{"base 5 FROM"}},
		{"package that nothing needs", func(p *plan) {
			p.put(aptInstall,
				imagetest.File{Name: "var/lib/dpkg/status", Content: p.contentOf(aptInstall, "var/lib/dpkg/status") + dpkg("socat", "1.7.4.4-2", "libc6")},
				imagetest.File{Name: "var/lib/dpkg/info/socat.list", Content: "/.\n/usr/bin/socat\n"},
				imagetest.File{Name: "usr/bin/socat", Content: "\x7fELF socat", Mode: 0o755})
		}, []string{"package 11 pkg:deb/debian/socat@1.7.4.4-2?arch=amd64&distro=debian-12"}},
		{"program that nothing explains", func(p *plan) {
			p.put(aptInstall, imagetest.File{Name: "usr/local/sbin/updater", Content: "#!/bin/sh\n", Mode: 0o755})
		}, []string{"file 11 /usr/local/sbin/updater"}},
		{"copied file changed", func(p *plan) {
			p.put(copyWeb, imagetest.File{Name: "srv/orders/web/index.html", Content: "<h1>others</h1>\n"})
		}, []string{"copy 10 /srv/orders/web/index.html"}},
		{"file added to a copied directory", func(p *plan) {
			p.put(copyWeb, imagetest.File{Name: "srv/orders/web/css/track.js", Content: "track()\n"})
		}, []string{"copy 10 /srv/orders/web/css/track.js"}},
		{"environment changed", func(p *plan) {
			p.configure("Env", []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "ORDERS_ENV=debug", "ORDERS_PORT=8080"})
		}, []string{"config 7 ENV ORDERS_ENV"}},
		{"user changed", func(p *plan) { p.configure("User", "0") }, []string{"config 15 USER"}},
		{"entrypoint changed", func(p *plan) { p.configure("Entrypoint", []string{"/bin/sh", "-c"}) }, []string{"config 16 ENTRYPOINT"}},
		{"program of the base made setuid", func(p *plan) {
			p.put(addUser, imagetest.File{Name: "bin/dash", Content: "\x7fELF dash", Mode: 0o4755})
		}, []string{"file 12 /bin/dash"}},
		{"history edited", func(p *plan) {
			for _, h := range p.history {
				h["created_by"] = strings.Replace(h["created_by"].(string), "install -y jq", "install -y jq socat", 1)
			}
		}, []string{"history 11 RUN"}},
		{"instruction without its layer", func(p *plan) { p.forget(copySettings, "COPY settings.json") }, []string{"instruction 9 COPY"}},
		{"layer appended without a word", func(p *plan) {
			p.layers = append(p.layers, []imagetest.File{{Name: "opt/implant", Content: "\x7fELF implant", Mode: 0o755}})
		}, []string{"file 0 /opt/implant", "layer 0 layer 8"}},
	}
}

func TestEachTamperingIsNamedAlone(t *testing.T) {
	known := knownBase(t)
	for _, tt := range tamperings() {
		t.Run(tt.name, func(t *testing.T) {
			p := honest()
			tt.do(p)
			d := compare(t, p.read(t, known))
			if diff := cmp.Diff(tt.want, named(d)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for _, u := range d.Differences {
				if u.Why == "" {
					t.Errorf("%s %s has no reason", u.Kind, u.Subject)
				}
			}
			if c := declared.CheckOf(d); c.Verdict != trust.Fail || c.Reason == "" {
				t.Errorf("the check says %+v", c)
			}
		})
	}
}

// All tamperings at once are all named, and nothing else is.
func TestAllTamperingsAtOnceAreNamed(t *testing.T) {
	p := honest()
	var want []string
	for _, tt := range tamperings() {
		tt.do(p)
		for _, w := range tt.want {
			want = append(want, strings.Replace(w, "layer 8", "layer 7", 1)) // one layer was taken out below it
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, named(compare(t, p.read(t, knownBase(t))))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The same input gives the same result, whatever order maps have.
func TestResultIsTheSameEachTime(t *testing.T) {
	p := honest()
	for _, tt := range tamperings() {
		tt.do(p)
	}
	in := p.read(t, knownBase(t))
	first := compare(t, in)
	for range 5 {
		if diff := cmp.Diff(first, compare(t, in)); diff != "" {
			t.Fatalf("-first +again:\n%s", diff)
		}
	}
}
