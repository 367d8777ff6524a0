package dockerfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAlign(t *testing.T) {
	for name, test := range map[string]struct {
		source  string
		args    map[string]string
		history []string
		lines   []int
		from    int
		base    string
	}{
		"BuildKit, over a base": {
			source:  "FROM debian:12\n# tools\nRUN apt-get update && \\\n    # a comment\n    apt-get install -y curl\n\nWORKDIR /app\nCOPY --chown=app . .\nUSER $APP\nCMD [\"./run\", \"now\"]\n",
			history: []string{"ADD rootfs.tar / # buildkit", `CMD ["bash"]`, "RUN apt-get update &&     apt-get install -y curl", "WORKDIR /app", "COPY --chown=app . .", "USER 1000", `CMD ["./run" "now"]`},
			lines:   []int{0, 0, 3, 7, 8, 9, 10}, from: 1, base: "debian:12",
		},
		"the same commands in the base": {
			source:  "FROM base\nRUN apt-get update\nRUN make\n",
			history: []string{"RUN apt-get update", "RUN make", "RUN apt-get update", "RUN make"},
			lines:   []int{0, 0, 2, 3}, from: 1, base: "base",
		},
		"the classic builder": {
			source:  "FROM base\nARG V=1\nCOPY a b c/\nADD x.tar /\nRUN [\"make\", \"all\"]\nEXPOSE 80 443\nENV A 1\n",
			history: []string{"ARG V=1", "COPY multi:12ab in /srv/c/", "ADD file:34cd in /", "RUN make all", "EXPOSE 443 80", "ENV A=1"},
			lines:   []int{2, 3, 4, 5, 6, 7}, from: 1, base: "base",
		},
		"a shell of one's own": {
			source:  "FROM base\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN make\n",
			history: []string{"SHELL [/bin/bash -o pipefail -c]", "RUN /bin/bash -o pipefail -c make"},
			lines:   []int{2, 3}, from: 1, base: "base",
		},
		"a program that ends alike is no shell": {
			source:  "FROM base\nRUN make\nUSER a\n",
			history: []string{"RUN ./configure --with-everything --and-more && make", "USER a"},
			lines:   []int{0, 3}, from: 1, base: "base",
		},
		"here-documents": {
			source:  "FROM base\nRUN <<EOF\nmake\nmake install\nEOF\nCOPY <<a.txt <<b.txt /etc/\nx\na.txt\ny\nb.txt\nRUN <<EOF\n#!/bin/python\nprint(1)\nEOF\nRUN cat <<EOF > /x\nhello\nEOF\nUSER a\n",
			history: []string{"RUN make\nmake install\n", "COPY <<a.txt <<b.txt /etc/", "RUN /dev/pipes/EOF", "RUN cat <<EOF > /x\nhello\nEOF", "USER a"},
			lines:   []int{2, 6, 11, 15, 18}, from: 1, base: "base",
		},
		"stages that build on stages": {
			source: "ARG DEBIAN=11\nFROM debian:${DEBIAN} AS Common\nRUN one\nFROM golang AS build\nRUN go build\n" +
				"FROM common AS dev\nRUN two\nFROM common\nCOPY --from=build /a /a\n",
			args:    map[string]string{"DEBIAN": "12"},
			history: []string{"ADD x in /", "RUN one", "COPY /a /a"},
			lines:   []int{0, 3, 9}, from: 2, base: "debian:12",
		},
		"a target that is not the last stage": {
			source:  "FROM debian:${V:-12} AS prod\nRUN one\nUSER a\nFROM prod AS test\nRUN test-all\nRUN lint\n",
			history: []string{"RUN one", "USER a"},
			lines:   []int{2, 3}, from: 1, base: "debian:12",
		},
		"labels added after": {
			source:  "FROM base\nRUN make\nLABEL a=b\n",
			history: []string{"RUN make", `LABEL "a"="b"`, `LABEL "org.opencontainers.image.version"="1"`, `LABEL "c"="d"`},
			lines:   []int{2, 3, 0, 0}, from: 1, base: "base",
		},
		"ONBUILD of this build, and an instruction that nobody knows": {
			source:  "FROM base\nONBUILD RUN make\nFROB x\nRUN other\n",
			history: []string{"RUN make", "RUN other"},
			lines:   []int{0, 4}, from: 1, base: "base",
		},
		"another Dockerfile": {
			source:  "FROM base\nRUN one\nRUN two\nRUN three\nUSER a\n",
			history: []string{"RUN apt-get update", "COPY . .", "USER a"},
			lines:   []int{0, 0, 0},
		},
		"no history":     {source: "FROM base\nRUN make\n", lines: []int{}},
		"squashed":       {source: "FROM base\nRUN one\nRUN two\nRUN three\n", history: []string{"RUN /bin/sh"}, lines: []int{0}},
		"Windows escape": {source: "# escape=`\nFROM base\nRUN dir `\n  c:\\\n", history: []string{`RUN cmd /S /C dir   c:\`}, lines: []int{3}, from: 2, base: "base"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse([]byte(test.source), test.args)
			if err != nil {
				t.Fatal(err)
			}
			want := Alignment{Lines: test.lines, From: test.from, Base: test.base}
			if diff := cmp.Diff(want, f.Align(test.history)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for source, text := range map[string]string{
		"":                             "no instructions",
		"RUN make\n":                   "no FROM",
		"FROM a\nRUN <<EOF\nmake\n":    "unterminated heredoc",
		strings.Repeat("#", maxSize+1): "are not read",
		"FROM a" + strings.Repeat("\nUSER a", maxInstructions): "more than 2000 instructions",
	} {
		_, err := Parse([]byte(source), nil)
		if err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: %v, not %q", source, err, text)
		}
	}
}

// corpus calls fn for each Dockerfile of the shared corpora.
func corpus(t testing.TB, fn func(path string, source []byte)) {
	root := filepath.Join("..", "..", "..", "shared", "conformance", "dockerfiles")
	if _, err := os.Stat(root); err != nil {
		t.Skip("no Dockerfiles in ../../../shared/conformance/dockerfiles")
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		source, err := os.ReadFile(path)
		if err == nil {
			fn(path, source)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Every Dockerfile of the corpora is laid beside the history that it would itself leave: each instruction gets its line.
func TestCorpus(t *testing.T) {
	read := 0
	corpus(t, func(path string, source []byte) {
		f, err := Parse(source, nil)
		if err != nil {
			if filepath.Base(path) == "Dockerfile" && !strings.Contains(path, "buildkit-parser") {
				t.Errorf("%s: %v", path, err)
			}
			return
		}
		read++
		chain, root := f.chain(len(f.stages) - 1)
		history := []string{"ADD file:0123 in /", "CMD /bin/sh"}
		lines := []int{0, 0}
		for _, in := range chain {
			history = append(history, in.kind+" "+in.text)
			lines = append(lines, in.line)
		}
		if len(chain) == 0 {
			return
		}
		want := Alignment{Lines: lines, From: f.stages[root].line, Base: f.stages[root].base}
		if diff := cmp.Diff(want, f.Align(history)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	})
	t.Logf("%d Dockerfiles read", read)
}

func FuzzAlign(f *testing.F) {
	f.Add("FROM a AS b\nRUN make\nFROM b\nCOPY --from=b x y\n", "RUN make\nCOPY x y")
	f.Add("ARG A=1\nFROM ${A:-x}\nRUN <<EOF\n#!x\nEOF\nENV A $B\n", "RUN /dev/pipes/EOF\nENV A=1\n")
	f.Add("# escape=`\nFROM a\nRUN [\"a\", \"b\"]\nSHELL [\"x\"]\n", "RUN a b\nSHELL [x]")
	f.Fuzz(func(t *testing.T, source, history string) {
		file, err := Parse([]byte(source), map[string]string{"A": "b"})
		if err != nil {
			return
		}
		entries := strings.Split(history, "\n")
		a := file.Align(entries)
		if len(a.Lines) != len(entries) {
			t.Fatalf("%d lines for %d entries", len(a.Lines), len(entries))
		}
		for _, line := range a.Lines {
			if line < 0 || line > strings.Count(source, "\n")+1 || line > 0 && a.From == 0 {
				t.Fatalf("line %d", line)
			}
		}
	})
}

func BenchmarkAlign(b *testing.B) {
	source, history := "FROM a\n", []string{}
	for range 300 {
		step := "RUN " + strings.Repeat("apt-get install word ", 20)
		source, history = source+step+"\n", append(history, step+"x")
	}
	f, err := Parse([]byte(source), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f.Align(history)
	}
}
