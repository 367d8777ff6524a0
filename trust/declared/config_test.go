package declared

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

// What the base sets is told by the history alone, and each builder writes it in its own way: none of it is a difference.
func TestSettingsOfTheBase(t *testing.T) {
	for _, tt := range []struct {
		name    string
		history []string
		config  map[string]any
		want    []string
	}{
		{"BuildKit", []string{
			"ENV JAVA_OPTS=-Xmx1g -Dfile.encoding=UTF-8 LANG=C.UTF-8", "EXPOSE map[53/udp:{} 80/tcp:{}]", "VOLUME [/data]", "SHELL [/bin/bash -o pipefail -c]", "STOPSIGNAL SIGQUIT",
			`HEALTHCHECK &{["CMD-SHELL" "curl -f http://localhost/ || exit 1"] "5s" "3s" "0s" "0s" '\x00'}`, `ENTRYPOINT ["/docker-entrypoint.sh"]`, `CMD ["nginx" "-g" "daemon off;"]`,
		}, map[string]any{
			"Env": []string{"JAVA_OPTS=-Xmx1g -Dfile.encoding=UTF-8", "LANG=C.UTF-8"}, "ExposedPorts": map[string]any{"53/udp": nil, "80/tcp": nil}, "Volumes": map[string]any{"/data": nil},
			"Shell": []string{"/bin/bash", "-o", "pipefail", "-c"}, "StopSignal": "SIGQUIT", "Healthcheck": map[string]any{"Test": []string{"CMD-SHELL", "curl -f http://localhost/ || exit 1"}},
			"Entrypoint": []string{"/docker-entrypoint.sh"}, "Cmd": []string{"nginx", "-g", "daemon off;"},
		}, []string{}},
		{"the classic builder", []string{
			"/bin/sh -c #(nop)  ENV JAVA_HOME /opt/java", `/bin/sh -c #(nop)  EXPOSE 80`, `/bin/sh -c #(nop)  VOLUME ["/data","/log"]`, "/bin/sh -c #(nop)  USER web", `/bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "serve --all"]`,
			"/bin/sh -c #(nop) WORKDIR /srv", "/bin/sh -c #(nop) WORKDIR web",
		}, map[string]any{
			"Env": []string{"JAVA_HOME=/opt/java"}, "ExposedPorts": map[string]any{"80/tcp": nil}, "Volumes": map[string]any{"/data": nil, "/log": nil}, "User": "web", "Cmd": []string{"/bin/sh", "-c", "serve --all"}, "WorkingDir": "/srv/web",
		}, []string{}},
		{"variables not put in", []string{"/bin/sh -c #(nop) ENV PATH=/opt/bin:${PATH} HOME=/home/$USER", "/bin/sh -c #(nop) ENTRYPOINT []", "/bin/sh -c #(nop) CMD serve"},
			map[string]any{"Env": []string{"PATH=/opt/bin:/usr/bin", "HOME=/home/web"}, "Cmd": []string{"/bin/sh", "-c", "serve"}}, []string{}},
		{"no history of a Dockerfile", []string{"bazel build ..."}, map[string]any{"Env": []string{"SSL_CERT_FILE=/x"}, "User": "65532", "Entrypoint": []string{"/x"}}, []string{}},
		{"something more", []string{"ENV A=b", "USER web", `ENTRYPOINT ["/a"]`}, map[string]any{"Env": []string{"A=c", "LD_PRELOAD=/x"}, "Volumes": map[string]any{"/etc": nil}},
			[]string{"config ENTRYPOINT", "config ENV A", "config ENV LD_PRELOAD", "config USER", "config VOLUME /etc"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &ship{layers: [][]imagetest.File{{{Name: "etc/os-release", Content: osFile}}, {{Name: "app", Content: "x"}}}, history: []past{{by: "ADD rootfs.tar / # buildkit"}}, config: tt.config}
			for _, by := range tt.history {
				s.history = append(s.history, past{by, true})
			}
			s.history = append(s.history, past{by: "COPY app /app # buildkit"})
			in := aboard(t, s)
			in.Dockerfile = []byte("FROM debian\nCOPY app /app\n")
			if diff := cmp.Diff(tt.want, differences(compared(t, in))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A step of the history is told apart from another instruction, not from another way to write the same.
func TestHistoryThatTellsTheSame(t *testing.T) {
	long := "set -eux; " + strings.Repeat("echo some words; ", 200)
	for _, tt := range []struct {
		line, history string
		other         bool
	}{
		{"RUN make   all", "RUN /bin/sh -c make all # buildkit", false},
		{"SHELL [\"/bin/bash\",\"-o\",\"pipefail\",\"-c\"]\nRUN " + long, "RUN |2 A=some words here B=1 /bin/bash -o pipefail -c " + long + " # buildkit", false},
		{"RUN [\"make\", \"all\"]", "RUN make all # buildkit", false},
		{"RUN <<EOF\nmake all\nEOF", "RUN /bin/sh -c make all # buildkit", false},
		{"RUN <<EOF\nmake all\nEOF", "/bin/sh -c <<EOF (make all)", false},
		{"RUN --mount=type=cache,target=/c make all", "RUN make all", false},
		{"RUN make all", "RUN /bin/sh -c make all evil # buildkit", true},
		{"COPY --chown=1:1 a b /c/", "COPY --chown=1:1 a b /c/ # buildkit", false},
		{"COPY a /c/", "/bin/sh -c #(nop) COPY file:0123 in /c/", false},
		{"ARG D=/c\nCOPY a $D", "COPY a /c # buildkit", false},
		{"COPY a /c/", "COPY x /c/ # buildkit", true},
	} {
		f, err := parse([]byte("FROM scratch\n" + tt.line + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		f.evaluate(&arguments{complete: true}, 0, func(string) (value, bool) { return value{}, false })
		commands := f.stages[0].commands
		c := commands[len(commands)-1]
		history := image.History{Instruction: instructionOf(tt.history)}
		if e := newEntry(history); saysOther(c, &e, f.escape) != tt.other {
			t.Errorf("%s beside %s: other is %v", tt.line, tt.history, !tt.other)
		}
	}
}

// instructionOf is what package image makes of a step.
func instructionOf(by string) string {
	by = strings.TrimSuffix(by, " # buildkit")
	if rest, ok := strings.CutPrefix(by, "/bin/sh -c #(nop) "); ok {
		return strings.TrimSpace(rest)
	}
	if rest, ok := strings.CutPrefix(by, "/bin/sh -c "); ok {
		return "RUN " + rest
	}
	return strings.Replace(by, "RUN /bin/sh -c ", "RUN ", 1)
}

func TestPorts(t *testing.T) {
	var got []string
	for _, v := range ports(value{text: "80 127.0.0.1:8080:81/UDP 9000-9002 1-99999"}) {
		got = append(got, v.text)
	}
	if want := []string{"80/tcp", "81/udp", "9000/tcp", "9001/tcp", "9002/tcp", "1-99999/tcp"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
