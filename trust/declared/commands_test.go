package declared

import (
	"slices"
	"strings"
	"testing"
)

// emptyImage is one in which scripts find nothing but the directories that every image has.
func emptyImage() lookup {
	return lookup{
		isDir: func(at string) bool {
			return slices.Contains([]string{"/", "/etc", "/opt", "/usr/bin", "/usr/local/bin", "/srv"}, at)
		},
		exists:   func(string) bool { return false },
		files:    func(string) []string { return nil },
		scripted: func(string) bool { return false },
	}
}

// lastRun reads the last instruction of a stage, which is a RUN.
func lastRun(t *testing.T, instructions string) *effects {
	t.Helper()
	f, err := parse([]byte("FROM scratch\n" + instructions + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	f.evaluate(&arguments{complete: true}, 0, func(string) (value, bool) { return value{}, false })
	commands := f.stages[0].commands
	return effectsOf(commands[len(commands)-1], emptyImage())
}

// A RUN explains the files that its commands write, and no others: what it explains too much hides what somebody else put there, what it
// explains too little is a false alarm.
func TestRunExplainsWhatItWritesAndNothingElse(t *testing.T) {
	for _, tt := range []struct{ run, writes, not string }{
		{"RUN echo hi >/etc/motd", "etc/motd", "etc/motd.d/x etc/passwd usr/bin/x"},
		{"RUN echo hi > /etc/motd 2>&1 </dev/null", "etc/motd", "dev/null 1"},
		{"RUN printf x | tee /etc/a /etc/b >/dev/null", "etc/a etc/b", "etc/c"},
		{"RUN touch /a && false || touch /b", "b a", "c"},
		{"WORKDIR /srv\nRUN echo x > out/x.txt", "srv/out/x.txt", "out/x.txt srv/x.txt"},
		{"RUN cd /opt; mkdir -p a; cd a; > b", "opt/a/b", "b opt/b a/b"},
		{"RUN (cd /opt && touch in) && touch out", "opt/in out", "opt/out in"},
		{"RUN cd /opt/.. && touch here", "here", "opt/here"},
		{"ENV HOME=/srv\nRUN touch ~/x $HOME/y", "srv/y", "root/y"},
		{"ARG V=2\nRUN touch /opt/v${V}", "opt/v2", "opt/v opt/v3"},
		{"RUN V=3; touch /opt/v${V:-1} /opt/w${W:-1}", "opt/v3 opt/w1", "opt/v1 opt/w opt/v"},
		{"RUN for f in a b; do touch /opt/$f.conf; done", "opt/a.conf opt/b.conf", "opt/c.conf opt/a"},
		{"RUN set -eux; if test -f /x; then touch /then; elif true; then touch /elif; else touch /else; fi", "then elif else", "fi x"},
		{"RUN case \"$(uname -m)\" in x86_64) touch /amd64 ;; *) touch /other ;; esac", "amd64 other", "x86_64"},
		{"RUN cat > /etc/a.ini <<'INI'\n[a]\nb = $c > /etc/b\nINI", "etc/a.ini", "etc/b"},
		{"RUN <<EOF\ntouch /one\ntouch /two\nEOF", "one two", "EOF three"},
		{"RUN [\"/bin/sh\", \"-c\", \"touch /json\"]", "json", "bin/sh"},
		{"RUN [\"touch\", \"/a b\", \"/$c\"]", "a b", "c a"},
		{"SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN touch /x{1,2}", "x1 x2", "x x3"},
		{"RUN touch /a # > /b", "a", "b"},
		{"RUN echo 'touch /a; > /b' \"> /c\"", "", "a b c"},
		{"RUN touch /a \\\n  # in between\n  /b", "b a", "in between"},
		{"RUN mv /opt/tool-1.0 /usr/local/bin/tool", "usr/local/bin/tool", "usr/local/bin/tool2 usr/local/bin/other"},
		{"RUN cp /x /usr/local/bin/", "usr/local/bin/x", "usr/local/bin/y"},
		{"RUN install -m 0755 /x/a /x/b /usr/local/bin", "usr/local/bin/a usr/local/bin/b", "usr/local/bin/c"},
		{"RUN ln -sf /usr/bin/python3 /usr/bin/python", "usr/bin/python", "usr/bin/python3"},
		{"RUN curl -sSLo /usr/bin/jq https://x.test/jq-linux64", "usr/bin/jq", "jq-linux64 usr/bin/jq-linux64"},
		{"RUN cd /opt && curl -LO https://x.test/dl/a.tgz?sig=1", "opt/a.tgz", "a.tgz opt/b.tgz"},
		{"RUN wget -qO- https://x.test/a.tgz | tar xz -C /opt/a", "opt/a/bin/a", "opt/b a.tgz usr/bin/a"},
		{"RUN wget 'https://x.test/dl/a.tgz?sig=1'", "a.tgz?sig=1", "b.tgz"},
		{"RUN wget -P /opt https://x.test/a.zip", "opt/a.zip", "a.zip"},
		{"RUN sed -i -e 's/x/y/' /etc/a.conf", "etc/a.conf", "etc/b.conf"},
		{"RUN sed 's/x/y/' /etc/a.conf", "", "etc/a.conf"},
		{"RUN git clone https://x.test/team/app.git /opt/app && cd /opt/app && git checkout v1", "opt/app/main.c", "app/main.c opt/other"},
		{"RUN rm -rf /var/lib/apt/lists/* && ls -l / && cat /etc/passwd && id && grep -q x /etc/group", "", "etc/passwd var/lib/apt/lists/x"},
		{"RUN dd if=/dev/zero of=/swap bs=1 count=1", "swap", "dev/zero"},
		{"RUN sh -c 'bash -c \"touch /deep\"'", "deep", "bash"},
		{"RUN sudo -u root env A=1 nice -n 5 timeout 10 touch /wrapped", "wrapped", "10 5"},
		{"RUN build() { touch /$1 /made; }; build x", "made", "build"},
	} {
		e := lastRun(t, tt.run)
		for _, at := range words(tt.writes) {
			if !anyHolds(e.places, at) {
				t.Errorf("%s\ndoes not explain /%s", tt.run, at)
			}
		}
		for _, at := range words(tt.not) {
			if anyHolds(e.places, at) {
				t.Errorf("%s\nexplains /%s", tt.run, at)
			}
		}
		if len(e.untold) > 0 && !strings.Contains(tt.run, "$1") {
			t.Errorf("%s\ncannot be told: %q", tt.run, e.untold)
		}
	}
}

// words splits the paths of a case; "a b" is one, for names with spaces.
func words(list string) []string {
	if list == "a b" {
		return []string{list}
	}
	return strings.Fields(list)
}

// A change of mode or owner explains no new content.
func TestChangeOfModeIsNoContent(t *testing.T) {
	e := lastRun(t, "RUN chmod 4755 /usr/bin/tool && chown -R app:app /srv && chmod --reference=/a /b")
	for _, at := range []string{"usr/bin/tool", "srv/any/file", "b"} {
		if !anyHolds(e.modes, at) || anyHolds(e.places, at) {
			t.Errorf("/%s: its mode changes: %t, its content: %t", at, anyHolds(e.modes, at), anyHolds(e.places, at))
		}
	}
	if anyHolds(e.modes, "usr/bin/other") || anyHolds(e.modes, "a") {
		t.Error("the mode of another file changes")
	}
}

// What a package manager is asked for is told by its names, without versions, options and what only looks like a name.
func TestPackagesThatRunAsksFor(t *testing.T) {
	for _, tt := range []struct{ run, purl, names string }{
		{"RUN apt-get install -y jq", "deb", "jq"},
		{"RUN apt-get -y -q install --no-install-recommends jq=1.6-2.1 curl", "deb", "jq curl"},
		{"RUN apt install -y --option Dpkg::Options::=--force-confold jq", "deb", "jq"},
		{"RUN apt-get install -y -t bookworm-backports jq", "deb", "jq"},
		{"RUN DEBIAN_FRONTEND=noninteractive apt-get install -y jq # curl", "deb", "jq"},
		{"RUN pkgs='jq curl'; apt-get install -y $pkgs", "deb", "jq curl"},
		{"RUN apt-get install -y \\\n    jq \\\n    curl \\\n && rm -rf /var/lib/apt/lists/*", "deb", "jq curl"},
		{"RUN apk add --no-cache --virtual .deps jq curl=8.5.0-r0", "apk", "jq curl .deps"},
		{"RUN apk --no-cache add jq", "apk", "jq"},
		{"RUN dnf install -y jq && dnf clean all", "rpm", "jq"},
		{"RUN microdnf install -y jq", "rpm", "jq"},
		{"RUN yum -y install jq", "rpm", "jq"},
		{"RUN pip install --no-cache-dir 'Django>=4,<5' requests==2.31.0", "pypi", "django requests"},
		{"RUN python3 -m pip install gunicorn", "pypi", "gunicorn"},
		{"RUN npm install -g typescript@5.4", "npm", "typescript"},
	} {
		e := lastRun(t, tt.run)
		var got []string
		for _, i := range e.installs {
			if i.purl != tt.purl {
				t.Errorf("%s\nasks for %s %v", tt.run, i.purl, i.names)
			}
			if i.any {
				t.Errorf("%s\nmay ask for anything", tt.run)
			}
			got = append(got, i.names...)
		}
		if want := strings.Fields(tt.names); !sameNames(want, got) {
			t.Errorf("%s\nasks for %q, want %q", tt.run, got, want)
		}
		if len(e.untold) > 0 {
			t.Errorf("%s\ncannot be told: %q", tt.run, e.untold)
		}
	}
}

func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// What only asks, removes or fetches lists asks for no package.
func TestPackageManagersThatInstallNothing(t *testing.T) {
	for _, run := range []string{
		"RUN apt-get update", "RUN apt-get remove -y jq", "RUN apt-get purge -y --auto-remove jq", "RUN apt-get clean && apt-get autoremove -y", "RUN apk update", "RUN apk del jq",
		"RUN dnf clean all", "RUN dnf remove -y jq", "RUN pip --version && pip list", "RUN echo apt-get install jq", "RUN npm --version", "RUN dpkg -l && apt-cache policy jq",
	} {
		for _, i := range lastRun(t, run).installs {
			if len(i.names) > 0 || i.any {
				t.Errorf("%s\nasks for %s %v (any: %t)", run, i.purl, i.names, i.any)
			}
		}
	}
}

// What a text does not tell is said, and not guessed; whether it may install packages of the distribution decides what can still be named.
func TestWhatCannotBeTold(t *testing.T) {
	for _, tt := range []struct {
		run       string
		arbitrary bool
	}{
		{"RUN ./install.sh", true},
		{"RUN curl -fsSL https://x.test/setup | bash -", true},
		{"RUN bash /tmp/setup.sh --yes", true},
		{"RUN sh -c \"$(curl -fsSL https://x.test/setup)\"", true},
		{"RUN . /tmp/functions && setup", true},
		{"RUN $(command -v tool) install", true},
		{"RUN make install", false},
		{"RUN go generate ./...", false},
		{"RUN python3 setup.py install", false},
		{"RUN echo x > \"$(mktemp)\" && echo y > $(cat name)", false},
	} {
		e := lastRun(t, tt.run)
		if len(e.untold) == 0 || e.arbitrary != tt.arbitrary {
			t.Errorf("%s\nuntold %q, arbitrary %t", tt.run, e.untold, e.arbitrary)
		}
	}
}
