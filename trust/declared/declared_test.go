package declared

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// planted is one thing that is not as the Dockerfile says, and how it is named.
type planted struct {
	name  string
	plant func(s *ship)
	want  []string
	// context says that only the build context tells.
	context bool
}

func plants() []planted {
	type f = imagetest.File
	return []planted{
		{"other base", func(s *ship) {
			s.edit(0, "etc/os-release", func(f *imagetest.File) {
				f.Content = strings.NewReplacer("bookworm", "trixie", "12", "13").Replace(f.Content)
			})
		}, []string{"base FROM"}, false},
		{"package nobody declared", func(s *ship) {
			s.edit(1, "var/lib/dpkg/status", func(f *imagetest.File) { f.Content += status("netcat", "1.10-47", "libc6") })
			s.add(1, f{Name: "var/lib/dpkg/info/netcat.list", Content: "/bin/nc\n"}, f{Name: "bin/nc", Content: "\x7fELF nc", Mode: 0o755})
		}, []string{"package " + purl("netcat", "1.10-47")}, false},
		{"file no instruction explains", func(s *ship) { s.add(1, f{Name: "usr/local/bin/updater", Content: "#!/bin/sh\n", Mode: 0o755}) },
			[]string{"file /usr/local/bin/updater"}, false},
		{"scheduled job beside a package's files", func(s *ship) { s.add(1, f{Name: "etc/cron.d/curl", Content: "* * * * * root x\n"}) }, []string{"file /etc/cron.d/curl"}, false},
		{"package's file replaced", func(s *ship) { s.add(8, f{Name: "usr/bin/curl", Content: "\x7fELF other", Mode: 0o755}) }, []string{"file /usr/bin/curl"}, false},
		{"copied content is another", func(s *ship) { s.edit(6, "app/src/server.js", func(f *imagetest.File) { f.Content = "evil()\n" }) },
			[]string{"copy /app/src/server.js"}, true},
		{"extra file in a copied directory", func(s *ship) { s.add(6, f{Name: "app/src/extra.js", Content: "evil()\n"}) }, []string{"copy /app/src/extra.js"}, true},
		{"file beside copied files", func(s *ship) { s.add(3, f{Name: "app/.npmrc", Content: "registry=evil\n"}) }, []string{"copy /app/.npmrc"}, true},
		{"ignored file copied", func(s *ship) { s.add(6, f{Name: "app/src/debug.log", Content: "not copied\n"}) }, []string{"copy /app/src/debug.log"}, true},
		{"copied file left out", func(s *ship) {
			s.layers[6] = s.layers[6][:1]
		}, []string{"copy /app/src/lib/log.js"}, true},
		{"content swapped on the way from a stage", func(s *ship) {
			s.edit(5, "usr/local/bin/tool", func(f *imagetest.File) { f.Content = "#!/bin/sh\necho evil\n" })
		}, []string{"copy /usr/local/bin/tool"}, true},
		{"here-document edited", func(s *ship) { s.edit(7, "etc/app.conf", func(f *imagetest.File) { f.Content = "version=6.6\n" }) }, []string{"copy /etc/app.conf"}, false},
		{"right to run as another", func(s *ship) { s.edit(5, "usr/local/bin/tool", func(f *imagetest.File) { f.Mode = 0o4755 }) }, []string{"copy /usr/local/bin/tool"}, true},
		{"right to run as another for a base program", func(s *ship) { s.add(8, f{Name: "bin/bash", Content: "\x7fELF bash", Mode: 0o4755}) }, []string{"file /bin/bash"}, false},
		{"layer appended", func(s *ship) {
			s.layers = append(s.layers, []f{{Name: "opt/x", Content: "x"}})
			s.history = append(s.history, past{by: "COPY src ./src # buildkit"})
		}, []string{"file /opt/x", "layer layer 9"}, false},
		{"layer appended without a word", func(s *ship) { s.layers = append(s.layers, []f{{Name: "opt/x", Content: "x"}}) }, []string{"file /opt/x", "layer layer 9"}, false},
		{"instruction without its layer", func(s *ship) { s.remove(6) }, []string{"instruction COPY"}, false},
		{"environment", func(s *ship) {
			s.with("Env", append(slices.Clone(s.config["Env"].([]string)), "LD_PRELOAD=/lib/x.so"))
		}, []string{"config ENV LD_PRELOAD"}, false},
		{"variable changed", func(s *ship) {
			s.with("Env", []string{"PATH=" + defaultPath, "APP_VERSION=1.4", "NODE_ENV=development"})
		}, []string{"config ENV NODE_ENV"}, false},
		{"user", func(s *ship) { s.with("User", "root") }, []string{"config USER"}, false},
		{"entrypoint", func(s *ship) { s.with("Entrypoint", []string{"/opt/x"}) }, []string{"config ENTRYPOINT"}, false},
		{"port", func(s *ship) { s.with("ExposedPorts", map[string]any{"8080/tcp": nil, "4444/tcp": nil}) }, []string{"config EXPOSE 4444/tcp"}, false},
		{"volume", func(s *ship) { s.with("Volumes", map[string]any{"/srv": nil}) }, []string{"config VOLUME /srv"}, false},
		{"library upgraded over the lock file", func(s *ship) {
			s.edit(4, "app/node_modules/left-pad/package.json", func(f *imagetest.File) { f.Content = replaced(leftPad, "1.3.0", "1.3.1") })
		}, []string{"package pkg:npm/left-pad@1.3.1"}, false},
		{"library that no lock file names", func(s *ship) {
			s.add(4, f{Name: "app/node_modules/evil/package.json", Content: `{"name":"evil","version":"6.6.6"}`})
		}, []string{"package pkg:npm/evil@6.6.6"}, false},
		{"history tells of another command", func(s *ship) {
			s.history[4].by = replaced(s.history[4].by, "recommends curl", "recommends curl netcat")
		}, []string{"history RUN"}, false},
		{"history tells of one more instruction", func(s *ship) { s.history = slices.Insert(s.history, 13, past{"ENV DEBUG=1", true}) }, []string{"history ENV"}, false},
		{"layer takes something away", func(s *ship) { s.add(6, f{Name: "etc/.wh.os-release"}) }, []string{"file /etc/os-release"}, false},
	}
}

func shopInput(t testing.TB, s *ship, context bool) Input {
	in := aboard(t, s)
	in.Dockerfile, in.Name = []byte(shopDockerfile), "Dockerfile"
	if context {
		in.Context, in.ContextName = shopContext(), "."
	}
	return in
}

// An honest image has no difference, with its context and without, and whatever of its history is left.
func TestHonestImageHasNoDifference(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(s *ship)
	}{
		{"as built", func(*ship) {}},
		{"without history", func(s *ship) { s.history = nil }},
		{"with labels of the build", func(s *ship) {
			s.history = append(s.history, past{"LABEL org.example.revision=1", true})
			s.with("Labels", map[string]string{"org.example.revision": "1"})
		}},
		{"squashed above the base", squash},
		{"history of the classic builder", func(s *ship) {
			for i, h := range s.history {
				h.by = strings.TrimSuffix(strings.TrimPrefix(h.by, "RUN "), " # buildkit")
				if kind, rest, _ := strings.Cut(h.by, " "); kind == "COPY" {
					h.by = "/bin/sh -c #(nop) COPY multi:5e7e15 in " + rest[strings.LastIndexByte(rest, ' ')+1:] + " "
				} else if h.empty {
					h.by = "/bin/sh -c #(nop) " + h.by
				}
				s.history[i] = h
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := shop()
			tt.change(s)
			for _, context := range []bool{false, true} {
				d := compared(t, shopInput(t, s, context))
				if len(d.Differences) > 0 {
					t.Errorf("context %v: %v", context, d.Differences)
				}
				for _, i := range d.Instructions {
					if i.Verdict != trust.AsDeclared && !strings.Contains(tt.name, "squash") {
						t.Errorf("context %v: %s: %s (%s)", context, i.Text, i.Verdict, i.Note)
					}
				}
			}
		})
	}
}

// squash makes one layer of all above the base, as builders do that keep no layers.
func squash(s *ship) {
	for _, files := range s.layers[2:] {
		s.add(1, files...)
	}
	s.layers = s.layers[:2]
	for i := range s.history {
		s.history[i].empty = i > 0
	}
	s.history[len(s.history)-1].empty = false
}

// Each planted difference is named, and nothing else is; all at once are all named.
func TestPlantedDifferencesAreNamed(t *testing.T) {
	for _, tt := range plants() {
		t.Run(tt.name, func(t *testing.T) {
			s := shop()
			tt.plant(s)
			d := compared(t, shopInput(t, s, true))
			if diff := cmp.Diff(tt.want, differences(d)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if c := CheckOf(d); c.Verdict != trust.Fail || c.Step == "" {
				t.Errorf("the check says %+v", c)
			}
			if without := compared(t, shopInput(t, s, false)); tt.context != (len(without.Differences) == 0) && !slices.Contains([]string{"file beside copied files", "right to run as another"}, tt.name) {
				t.Errorf("without the context: %v", differences(without))
			}
		})
	}
}

func TestAllPlantedAtOnce(t *testing.T) {
	s := shop()
	want := map[string]bool{}
	for _, tt := range plants() {
		switch tt.name {
		case "instruction without its layer", "layer appended", "layer appended without a word", "copied file left out", "variable changed", "right to run as another", "history tells of one more instruction", "layer takes something away":
			continue // in the way of another, or the same once more
		}
		tt.plant(s)
		for _, w := range tt.want {
			want[w] = true
		}
	}
	plants()[14].plant(s) // a layer appended
	want["layer layer 9"], want["file /opt/x"] = true, true
	got := differences(compared(t, shopInput(t, s, true)))
	for w := range want {
		if !slices.Contains(got, replaced(w, "debian-12", "debian-13")) && !slices.Contains(got, w) {
			t.Errorf("%s is not named in %v", w, got)
		}
	}
	if len(want) < 10 {
		t.Errorf("only %d were planted", len(want))
	}
}

// An edited history hides nothing that the layers show, and what the base's known config shows is not the history's to tell.
func TestEditedHistory(t *testing.T) {
	s := shop()
	s.layers = slices.Insert(s.layers, 1, []imagetest.File{{Name: "opt/x", Content: "x"}})
	s.history = slices.Insert(s.history, 1, past{by: "RUN /bin/sh -c true # buildkit"}, past{"ENV LD_PRELOAD=/opt/x", true})
	s.with("Env", append(slices.Clone(s.config["Env"].([]string)), "LD_PRELOAD=/opt/x"))
	in := aboard(t, s)
	base := inventory.KnownBase{Reference: "debian:bookworm", DiffIDs: []string{in.Layers[0].DiffID}}
	process := *in.Image.Process
	process.Env, process.User, process.Entrypoint, process.Cmd, process.ExposedPorts, process.WorkingDir = []string{"PATH=" + defaultPath}, "", nil, []string{"bash"}, nil, ""
	base.Process = &process
	in = aboard(t, s, base)
	in.Dockerfile, in.Context = []byte(shopDockerfile), shopContext()
	if diff := cmp.Diff([]string{"config ENV LD_PRELOAD", "file /opt/x", "layer layer 1"}, differences(compared(t, in))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A known base of the declared name, with other layers, is another base; a tag that moved on is not proven to be.
func TestBaseAgainstKnownImages(t *testing.T) {
	in := aboard(t, shop())
	under := inventory.KnownBase{Reference: "docker.io/library/debian:bookworm", DiffIDs: []string{in.Layers[0].DiffID}, Platform: "linux/amd64"}
	other := inventory.KnownBase{Reference: "debian:bookworm", Digest: imagetest.Digest([]byte("m")), DiffIDs: []string{imagetest.Digest([]byte("x"))}, Platform: "linux/amd64"}
	elsewhere := other
	elsewhere.OS = inventory.OS{ID: "debian", VersionID: "13", Name: "Debian 13"}
	for _, tt := range []struct {
		name, from string
		known      []inventory.KnownBase
		want       []string
	}{
		{"its layers", "debian:bookworm", []inventory.KnownBase{other, under}, []string{}},
		{"the tag moved on", "debian:bookworm", []inventory.KnownBase{other}, []string{}},
		{"pinned, with other layers", "debian:bookworm@" + other.Digest, []inventory.KnownBase{other}, []string{"base FROM"}},
		{"of another release", "debian:bookworm", []inventory.KnownBase{elsewhere}, []string{"base FROM"}},
		{"another distribution by its name", "alpine:3.20", nil, []string{"base FROM"}},
		{"another release by a codename", "python:3.11-slim-bullseye", nil, []string{"base FROM"}},
		{"the same release by its number", "debian:12.5-slim", nil, []string{}},
		{"a name that says nothing", "registry.example.test/base:1", nil, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := aboard(t, shop(), tt.known...)
			in.Dockerfile = []byte(strings.ReplaceAll(shopDockerfile, "debian:bookworm", tt.from))
			if diff := cmp.Diff(tt.want, differences(compared(t, in))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What a build script does cannot be told, and is no difference; what it cannot do is.
func TestUntoldInstructions(t *testing.T) {
	dockerfile := replaced(shopDockerfile, "RUN npm ci --omit=dev --ignore-scripts", "RUN make all")
	s := shop()
	s.history[7].by = "RUN |1 VERSION=1.4 /bin/sh -c make all # buildkit"
	in := aboard(t, s)
	in.Dockerfile = []byte(dockerfile)
	d := compared(t, in)
	if diff := cmp.Diff(map[string]trust.DeclaredVerdict{"RUN make all": trust.Untold}, verdicts(d)); diff != "" || len(d.Differences) > 0 {
		t.Errorf("%s\n%v", diff, d.Differences)
	}
	if c := CheckOf(d); c.Verdict != trust.Unknown {
		t.Errorf("the check says %+v", c)
	}
	s.edit(1, "var/lib/dpkg/status", func(f *imagetest.File) { f.Content += status("netcat", "1.10-47", "libc6") })
	in = aboard(t, s)
	in.Dockerfile = []byte(dockerfile)
	if diff := cmp.Diff([]string{"package " + purl("netcat", "1.10-47")}, differences(compared(t, in))); diff != "" {
		t.Error(diff)
	}
}

// Which base an argument named is not known where the build may have been given another: that is no difference, as long as nobody gives it.
func TestBaseOfAnArgument(t *testing.T) {
	dockerfile := "ARG RELEASE=trixie\n" + strings.ReplaceAll(shopDockerfile, "debian:bookworm", "debian:${RELEASE}")
	for _, tt := range []struct {
		args map[string]string
		want []string
	}{{nil, []string{}}, {map[string]string{"RELEASE": "bookworm"}, []string{}}, {map[string]string{"RELEASE": "bullseye"}, []string{"base FROM"}}} {
		in := aboard(t, shop())
		in.Dockerfile, in.Args = []byte(dockerfile), tt.args
		if diff := cmp.Diff(tt.want, differences(compared(t, in))); diff != "" {
			t.Errorf("%v: -want +got:\n%s", tt.args, diff)
		}
	}
}

// A Dockerfile of another image is no wall of differences.
func TestAnotherImagesDockerfile(t *testing.T) {
	in := aboard(t, shop())
	in.Dockerfile = []byte("FROM debian:12\nCOPY a.bin /opt/a.bin\nRUN /opt/a.bin --install\n")
	if got := differences(compared(t, in)); !slices.Contains(got, "instruction Dockerfile") {
		t.Errorf("got %v", got)
	}
}

func TestNothingToCompareWith(t *testing.T) {
	if _, err := Compare(aboard(t, shop())); !errors.Is(err, ErrNoDockerfile) {
		t.Errorf("got %v", err)
	}
	if c := CheckOf(nil); c.Verdict != trust.Unknown || c.Step == "" {
		t.Errorf("got %+v", c)
	}
	in := aboard(t, shop())
	in.Dockerfile = []byte("RUN true\n")
	if _, err := Compare(in); err == nil {
		t.Error("a Dockerfile without FROM was taken")
	}
	in.Dockerfile, in.Target = []byte(shopDockerfile), "deploy"
	if _, err := Compare(in); err == nil || !strings.Contains(err.Error(), "deploy") {
		t.Errorf("a stage that is not there: %v", err)
	}
}
