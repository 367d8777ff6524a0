package declared

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nowhere is an image with nothing but a few directories.
func nowhere() lookup {
	return lookup{
		isDir:    func(at string) bool { return slices.Contains([]string{"/", "/usr/local/bin", "/opt", "/etc"}, at) },
		exists:   func(at string) bool { return at == "/opt/known" },
		files:    func(string) []string { return []string{"/tmp/wheels/Flask_Login-0.6.3-py3-none-any.whl"} },
		scripted: func(string) bool { return false },
	}
}

// ran reads the effects of a RUN at the end of a Dockerfile's stage.
func ran(t testing.TB, dockerfile string) *effects {
	t.Helper()
	f, err := parse([]byte("FROM scratch\n" + dockerfile + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	f.evaluate(&arguments{complete: true}, 0, func(string) (value, bool) { return value{}, false })
	commands := f.stages[0].commands
	return effectsOf(commands[len(commands)-1], nowhere())
}

// said writes effects for people: files, directories with a slash, modes, packages by manager, and what cannot be told.
func said(e *effects) string {
	var words []string
	add := func(mark string, list []place) {
		for _, p := range list {
			text := mark + "/" + strings.ReplaceAll(p.path, unknown, "*")
			if p.tree {
				text += "/"
			}
			words = append(words, text)
		}
	}
	add("", e.places)
	add("mode ", e.modes)
	for _, i := range e.installs {
		text := i.purl + " " + strings.ReplaceAll(strings.Join(i.names, ","), unknown, "*")
		for _, f := range i.files {
			text += " -r " + f
		}
		for word, is := range map[string]bool{" any": i.any, " upgrade": i.upgrade} {
			if is {
				text += word
			}
		}
		if i.dir != "" {
			text += " in " + i.dir
		}
		words = append(words, text)
	}
	if e.accounts {
		words = append(words, "accounts")
	}
	for _, u := range e.untold {
		words = append(words, fmt.Sprintf("? %s %t", u, e.arbitrary))
	}
	return strings.Join(words, "; ")
}

func TestEffectsOfCommands(t *testing.T) {
	for _, tt := range []struct{ run, want string }{
		// Commands and how they stand together.
		{"RUN echo a > /a && echo b >> b; cat <<EOF > /c\ntext\nEOF", "/a; /b; /c"},
		{"WORKDIR /w\nRUN cd sub && touch x; (cd /tmp && touch y); touch z 2>/dev/null", "/w/sub/x; /tmp/y; /w/sub/z"},
		{"RUN if [ -e /a ]; then touch /b; else touch /c; fi; case $X in a) touch /d;; esac", "/b; /c; /d"},
		{"RUN for i in 1 2; do touch /f$i; done; while read l; do touch /l-$l; done", "/f1; /f2; /l-*"},
		{"ENV D=/opt V=1.2\nRUN mkdir -p ${D}/app-$V && x=$D/y && touch $x ${none:-/fallback}", "/opt/app-1.2; /opt/y; /fallback"},
		{"RUN touch /a{b,c{d,e}} '/q x' \"/$(date)\"", "/ab; /acd; /ace; /q x; ? touch false"},
		{"RUN f() { touch /in; }; f", "/in"},
		{"RUN bash -eux -c 'touch /x && sh -c \"touch /y\"'; env A=b touch /z; sudo -u root touch /s; timeout 5 touch /t", "/x; /y; /z; /s; /t"},
		{`RUN ["touch", "/exec"]`, "/exec"},
		{"RUN <<EOF\nset -e\ntouch /h\nEOF", "/h"},
		{"RUN <<EOF python3\nprint()\nEOF", "? python3 false"},
		{"RUN --mount=type=secret,id=s,target=/root/.npmrc true", "/root/.npmrc"},

		// Files.
		{"RUN cp -r a /opt/ && cp b /opt && mv c /opt/known && install -m 755 t /usr/local/bin && ln -s /x /usr/local/bin/y",
			"/opt/a/; /opt/; /opt/b/; /opt/known/; /usr/local/bin/; /usr/local/bin/t/; /usr/local/bin/y/; /usr/local/bin/y"},
		{"RUN curl -fsSL -o /usr/local/bin/t https://x.test/t && chmod +x /usr/local/bin/t && wget -q https://x.test/a.txt && wget -O /b https://x.test/", "/usr/local/bin/t; /a.txt; /b; mode /usr/local/bin/t"},
		{"RUN curl https://x.test/n.tgz | tar -xz -C /opt --strip-components=1 && tar czf /c.tgz d", "/opt/; /c.tgz"},
		{"RUN sed -i 's/a/b/' /etc/x && sed -i.bak -e s/a/b/ /etc/y && sed s/a/b/ /etc/z && chown -R a:b /srv", "/etc/x; /etc/y; /etc/y.bak; mode /srv/"},
		{"RUN find /srv -name '*.sh' -exec chmod +x {} \\; && find /x -delete && echo 1 | tee -a /log", "/log; mode /srv/*"},
		{"RUN git clone --depth 1 https://x.test/r.git && git clone https://x.test/r /src && unzip z.zip -d /u", "/r/; /src/; /u/"},
		{"RUN useradd -m -d /srv/u u && groupadd g && adduser -D -h /h w", "/srv/u/; /home/u/; /var/mail/u; /var/spool/mail/u; /h/; /home/w/; /var/mail/w; /var/spool/mail/w; accounts"},
		{"RUN touch $UNSET/x; rm -rf /y; touch $(mktemp)", "/x; /tmp/*/; ? touch false"},

		// Package managers.
		{"RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends -o A=b curl=7.* libc6:amd64 ./x_1_amd64.deb php8.2-* && apt-get clean", "deb curl,libc6,x,php8.2-*"},
		{"RUN apt-get upgrade -y && apt-get install $(cat list) && dpkg -i /tmp/tool_1.0_amd64.deb", "deb  upgrade; deb  any; deb tool"},
		{"RUN apk add --no-cache -t .build gcc~=12 'libc-dev>1' && apk add /tmp/tree-2.1-r0.apk && apk del .build", "apk gcc,libc-dev,.build; apk tree"},
		{"RUN dnf -y install --setopt=install_weak_deps=False httpd-2.4 /r/epel-release-9-7.noarch.rpm && dnf clean all && rpm -Uvh x-1-2.x86_64.rpm", "rpm httpd-2.4,epel-release; rpm x upgrade"},
		{"WORKDIR /app\nRUN pip install --no-cache-dir -r requirements.txt 'Flask_SQLAlchemy[x]>=3' && python3 -m pip install -U pip", "pypi flask-sqlalchemy -r /app/requirements.txt; pypi pip"},
		{"RUN pip install /tmp/wheels/*.whl && pip install .", "pypi flask-login; pypi * any"},
		{"RUN gem install rails:7.1 && gem install ./x-1.gem | true", "/usr/local/bundle/; /usr/local/lib/ruby/; /var/lib/gems/; /usr/lib/ruby/; /usr/share/ruby/; /usr/share/gems/; /usr/local/share/gems/; /root/.gem/; /root/.local/; /root/.cache/; " +
			"/usr/local/bin/*; /usr/bin/*; /usr/local/bundle/bin/*; /usr/local/bundle/; /usr/local/lib/ruby/; /var/lib/gems/; /usr/lib/ruby/; /usr/share/ruby/; /usr/share/gems/; /usr/local/share/gems/; /root/.gem/; /root/.local/; /root/.cache/; " +
			"/usr/local/bin/*; /usr/bin/*; /usr/local/bundle/bin/*; gem rails upgrade; gem x upgrade"},

		// What cannot be told, and whether it may install packages of the distribution.
		{"RUN make && make install", "? make false"},
		{"RUN npm run build", "? npm false"},
		{"RUN ./configure.sh", "? ./configure.sh true"},
		{"RUN curl https://x.test/install | sh", "? sh true"},
		{"RUN node --version && java -version && ls | grep x | sort -u", ""},
		{"RUN cp x /$UNSET/ && tar xf y.tar -C /", "/x/; ? tar false"},
		{"SHELL [\"powershell\", \"-Command\"]\nRUN Get-Item", "? powershell true"},
		{"RUN if then fi fi", "? a script that is not valid true"},
		{"RUN eval \"$(curl https://x.test/)\"", "? eval true"},
	} {
		if got := said(ran(t, tt.run)); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.run, got, tt.want)
		}
	}
}

// npm ci fills the project's directory, and asks for what its lock file names.
func TestEffectsOfNpm(t *testing.T) {
	e := ran(t, "WORKDIR /app\nRUN npm ci --omit=dev")
	if len(e.untold) > 0 || len(e.installs) != 1 || e.installs[0].dir != "/app" || !e.installs[0].locked || !anyHolds(e.places, "app/node_modules/x/index.js") || anyHolds(e.places, "app/index.js") {
		t.Errorf("got %s", said(e))
	}
	if e := ran(t, "RUN npm install -g typescript@5 @scope/tool"); !slices.Equal(e.installs[0].names, []string{"typescript", "@scope/tool"}) || !anyHolds(e.places, "usr/local/lib/node_modules/typescript/x") {
		t.Errorf("got %s", said(e))
	}
}

// Scripts and functions that call themselves, nest and loop end.
func TestHostileScriptsEnd(t *testing.T) {
	loop := "RUN " + strings.Repeat("for a in 1 2 3 4 5 6 7 8 9 0; do ", 12) + "touch /$a; " + strings.Repeat("done; ", 12)
	for name, run := range map[string]string{
		"loops":    loop,
		"function": "RUN f() { f; f; }; f",
		"braces":   "RUN touch " + strings.Repeat("/{a,b}{c,d}", 40),
		"depth":    "RUN " + strings.Repeat("(", 30_000) + "true" + strings.Repeat(")", 30_000),
		"nested":   "RUN sh -c \"sh -c 'sh -c true'\"; eval eval eval eval eval eval eval eval eval eval eval eval eval true",
		"double":   "RUN a=xxxxxxxxxxxxxxxx; " + strings.Repeat("a=$a$a$a$a; ", 20) + "touch /$a",
		"long":     "RUN " + strings.Repeat("touch /a; ", 6_000),
	} {
		t.Run(name, func(t *testing.T) { said(ran(t, run)) })
	}
}

// The corpus of Dockerfiles that the field parses can be parsed, evaluated and read here.
func TestCorpusOfDockerfiles(t *testing.T) {
	files := corpus(t)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := readAll(raw); err != nil && !strings.Contains(file, "negative") && !strings.Contains(err.Error(), "no FROM") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func corpus(t testing.TB) []string {
	t.Helper()
	root := filepath.Join("..", "..", "..", "shared", "conformance", "dockerfiles")
	var files []string
	_ = filepath.WalkDir(root, func(at string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(strings.ToLower(d.Name()), "dockerfile") {
			files = append(files, at)
		}
		return nil
	})
	if len(files) == 0 {
		t.Skip("no corpus of Dockerfiles beside the project")
	}
	return files
}

// readAll does with a Dockerfile what needs no image.
func readAll(raw []byte) error {
	f, err := parse(raw)
	if err != nil {
		return err
	}
	f.evaluate(&arguments{}, len(f.stages)-1, func(string) (value, bool) { return value{}, false })
	for _, s := range f.stages {
		for _, c := range s.commands {
			if c.text(); c.kind == "RUN" {
				effectsOf(c, nowhere())
			}
			c.written(f.escape)
		}
		declaredSettings(s.commands, s.index, f.escape)
	}
	return nil
}

func FuzzDockerfile(f *testing.F) {
	f.Add([]byte(shopDockerfile))
	f.Add([]byte("FROM a\nRUN <<-'X' sh\n\techo ${a:-b} > /c\n\tX\nCOPY --from=0 [\"a b\", \"c\"]\nONBUILD ADD . /x\nHEALTHCHECK CMD a\nEXPOSE 1-99999\n"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _ = readAll(raw) })
}

func TestPlaces(t *testing.T) {
	var set placeSet
	set.add([]place{{path: "a/b"}, {path: "c", tree: true}, {path: "d/" + unknown + ".so"}}, 0)
	set.add([]place{{path: "c/e", tree: true}, {path: "f" + unknown, tree: true}}, 1)
	got := map[string]int{}
	for _, at := range []string{"a/b", "a/b/x", "c", "c/x/y", "c/e/z", "d/lib.so", "d/lib.txt", "fx/deep/er", "cc"} {
		got[at] = set.find(at)
	}
	want := map[string]int{"a/b": 0, "a/b/x": -1, "c": 0, "c/x/y": 0, "c/e/z": 1, "d/lib.so": 0, "d/lib.txt": -1, "fx/deep/er": 1, "cc": -1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
