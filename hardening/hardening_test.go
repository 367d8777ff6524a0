package hardening_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/hardening"
	"tidewaiter/image"
	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/layer"
	"tidewaiter/match"
)

// subject reads an image that is built for a test.
func subject(t *testing.T, spec imagetest.Spec) *hardening.Subject {
	t.Helper()
	return read(t, imagetest.Build(t, spec).Layout(t, "latest"))
}

func read(t *testing.T, reference string) *hardening.Subject {
	t.Helper()
	ctx := context.Background()
	im, err := image.Open(ctx, reference, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	all := extractors.Default(inventory.DefaultLimits())
	indexes, err := layer.Read(ctx, im, inventory.NewRules(all), layer.Options{Limits: layer.DefaultLimits(), Digests: true, Sinks: []layer.Sink{hardening.Sink{}}})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Assemble(ctx, im, indexes, all, inventory.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return &hardening.Subject{Image: im, Inventory: inv, Layers: indexes, Trace: inventory.NewTrace(im, indexes, inv)}
}

// lines are the findings in a form to compare; those of checks that every image fails, which labels and healthcheck are, left out.
func lines(r *hardening.Report, besides ...string) []string {
	var list []string
	for i := range r.Findings {
		f := &r.Findings[i]
		if slices.Contains(besides, f.Check) {
			continue
		}
		at := f.Subject
		if f.Path != "" {
			at = strings.TrimSpace("/" + f.Path + " " + f.Subject)
		}
		line := fmt.Sprintf("%s %s %s", f.Severity, f.Check, at)
		if f.Layer != nil {
			line += fmt.Sprintf(" @%d", *f.Layer)
		}
		if f.Hidden != nil {
			line += fmt.Sprintf(" %s by %d", f.Hidden.How, f.Hidden.Layer)
		}
		if f.Usual {
			line += " usual"
		}
		list = append(list, line)
	}
	return list
}

var everyImage = []string{"label-missing", "healthcheck", "user-unset"}

func TestAnImageThatIsDangerousByConstruction(t *testing.T) {
	elf := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 57)
	s := subject(t, imagetest.Spec{
		Layers: [][]byte{
			imagetest.Tar(t,
				imagetest.File{Name: "etc/", Mode: 0o755},
				imagetest.File{Name: "etc/passwd", Mode: 0o666, Content: "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n"},
				imagetest.File{Name: "etc/shadow", Mode: 0o644, Content: "root:::0:99999:7:::\ndaemon:*:19000:0:99999:7:::\napp:$6$x$y:19000:0:99999:7:::\n"},
				imagetest.File{Name: "etc/sudoers.d/node", Mode: 0o440, Content: "# a comment\nnode ALL=(ALL) NOPASSWD: ALL\n"},
				imagetest.File{Name: "etc/ssh/sshd_config", Content: "#PermitRootLogin yes\nPermitRootLogin yes\n"},
				imagetest.File{Name: "tmp/", Mode: 0o1777},
			),
			imagetest.Tar(t,
				imagetest.File{Name: "usr/bin/bash", Mode: 0o4755, Content: elf},
				imagetest.File{Name: "usr/bin/sudo", Mode: 0o4755, Content: elf},
				imagetest.File{Name: "usr/sbin/sshd", Mode: 0o755, Content: elf},
				imagetest.File{Name: "usr/bin/x86_64-linux-gnu-gcc-12", Mode: 0o755, Content: elf},
				imagetest.File{Name: "usr/bin/apt", Mode: 0o755, Content: elf},
				imagetest.File{Name: "usr/bin/curl", Mode: 0o755, Content: elf},
			),
			imagetest.Tar(t,
				imagetest.File{Name: "app/", Mode: 0o777},
				imagetest.File{Name: "app/run", Mode: 0o777, Content: "#!/bin/sh\n"},
				imagetest.File{Name: "app/data/", Mode: 0o777},
				imagetest.File{Name: "app/data/a", Mode: 0o666, Content: "a"},
				imagetest.File{Name: "srv/b", Mode: 0o666, Content: "b"},
				imagetest.File{Name: "srv/.git/HEAD", Content: "ref: refs/heads/main\n"},
				imagetest.File{Name: "var/lib/apt/lists/x_Packages", Content: strings.Repeat("x", 2<<20)},
				imagetest.File{Name: "root/.cache/pip/http/a", Content: "x"},
			),
			imagetest.Tar(t, imagetest.File{Name: "var/lib/apt/lists/.wh.x_Packages"}),
		},
		CreatedBy: []string{"ADD file:1234 in /", "RUN /bin/sh -c curl -fsSLk https://example.test/setup | sudo -E bash - # buildkit", "COPY . / # buildkit", "RUN /bin/sh -c rm -rf /var/lib/apt/lists/* # buildkit"},
		Empty: []string{"RUN /bin/sh -c apt-get update # buildkit", "RUN /bin/sh -c chmod -R 777 /app # buildkit", "ADD https://example.test/tool.tar /opt/ # buildkit", "ARG NPM_TOKEN # buildkit",
			"ENV DB_PASSWORD=hunter2hunter2 # buildkit", "EXPOSE map[22/tcp:{} 80/tcp:{}]", "USER root"},
		Config: map[string]any{
			"User": "root", "Env": []string{"PATH=/usr/bin::/bin", "DB_PASSWORD=hunter2hunter2", "FLASK_DEBUG=1", "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D", "PASSWORD_FILE=/run/secrets/p"},
			"ExposedPorts": map[string]any{"22/tcp": struct{}{}, "80/tcp": struct{}{}}, "Volumes": map[string]any{"/etc": struct{}{}},
			"Cmd": []string{"/bin/sh", "-c", "nginx"}, "OnBuild": []string{"COPY . /app"},
		},
		Labels: map[string]string{"RUN": "docker run --privileged IMAGE", "org.opencontainers.image.created": "2020-01-01T00:00:00Z"},
	})
	want := []string{
		"high empty-password /etc/shadow root @0",
		"high setuid-added /usr/bin/bash @1",
		"high uid-zero /etc/passwd toor @0",
		"high writable-system-file /etc/passwd @0",
		"medium curl-pipe-shell curl -fsSLk https://example.test/setup | sudo -E bash @1",
		"medium debug-mode FLASK_DEBUG",
		"medium env-secret DB_PASSWORD",
		"medium git-directory /srv/.git @2",
		"medium path-unsafe PATH",
		"medium privileged-start RUN",
		"medium sensitive-volume /etc",
		"medium setuid-added /usr/bin/sudo @1",
		"medium shadow-readable /etc/shadow @0",
		"medium ssh-server 22/tcp",
		"medium ssh-server /etc/ssh/sshd_config PermitRootLogin yes @0",
		"medium ssh-server /usr/sbin/sshd @1",
		"medium sudo-without-password /etc/sudoers.d/node node ALL=(ALL) NOPASSWD: ALL @0",
		"medium user-root root",
		"medium verification-off curl -fsSLk @1",
		"medium world-writable /app @2",
		"low add-from-url https://example.test/tool.tar",
		"low build-argument-secret NPM_TOKEN",
		"low chmod-777 chmod -R 777 /app",
		"low compiler /usr/bin/x86_64-linux-gnu-gcc-12 @1 usual",
		"low label-stale org.opencontainers.image.created usual",
		"low network-tool /usr/bin/curl @1 usual",
		"low onbuild COPY . /app usual",
		"low package-cache /root/.cache/pip @2 usual",
		"low package-cache /var/lib/apt/lists @2 deleted by 3",
		"low package-manager /usr/bin/apt @1 usual",
		"low privileged-port 22/tcp usual",
		"low privileged-port 80/tcp usual",
		"low setuid /usr/bin/bash @1 usual",
		"low setuid /usr/bin/sudo @1 usual",
		"low shell /usr/bin/bash @1 usual",
		"low sudo RUN sudo @1",
		"low sudo /usr/bin/sudo @1",
		"low update-alone apt-get update",
		"low world-writable /srv/b @2",
		"negligible shell-form CMD usual",
	}
	got := lines(hardening.Judge(s), everyImage...)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAnImageThatIsBuiltWithCareHasNothingUnusual(t *testing.T) {
	s := subject(t, imagetest.Spec{
		Layers: [][]byte{
			imagetest.Tar(t,
				imagetest.File{Name: "etc/passwd", Content: "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/sbin/nologin\nnode:x:1000:1000::/home/node:/bin/sh\n"},
				imagetest.File{Name: "etc/shadow", Mode: 0o640, Content: "root:*:19000:0:99999:7:::\nnode:!:19000:0:99999:7:::\n"},
				imagetest.File{Name: "etc/sudoers.d/README", Content: "# %sudo ALL=(ALL) NOPASSWD: ALL\n"},
				imagetest.File{Name: "tmp/", Mode: 0o1777}, imagetest.File{Name: "var/local/", Mode: 0o2775},
				imagetest.File{Name: "dev/null", Link: "/dev/zero", Mode: 0o777},
			),
			imagetest.Tar(t, imagetest.File{Name: "go/", Mode: 0o1777}, imagetest.File{Name: "app/server.js", Content: "1"}, imagetest.File{Name: "var/lib/apt/lists/lock"}),
		},
		CreatedBy: []string{"ADD file:1234 in /",
			"RUN /bin/sh -c apt-get update && apt-get install -y curl && curl -fsSL https://example.test/a.tgz | tar xz && chmod 1777 /go && rm -rf /var/lib/apt/lists/* # buildkit"},
		Empty:  []string{"ENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305 NODE_VERSION=20.1.0", "LABEL org.opencontainers.image.created=2026-01-02T03:00:00Z", "USER 1000"},
		Labels: map[string]string{"org.opencontainers.image.created": "2026-01-02T03:00:00Z"},
		Config: map[string]any{"User": "1000", "Env": []string{"PATH=/usr/local/bin:/usr/bin", "GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305", "NODE_ENV=production", "TOKEN_URL=https://x.test"}, "Cmd": []string{"node", "server.js"}},
	})
	if got := lines(hardening.Judge(s), everyImage...); len(got) > 0 {
		t.Error(strings.Join(got, "\n"))
	}
}

// find gives the findings of one check.
func find(r *hardening.Report, check string) []hardening.Finding {
	var list []hardening.Finding
	for _, f := range r.Findings {
		if f.Check == check {
			list = append(list, f)
		}
	}
	return list
}

func TestTheMendNamesTheUserThatTheImageHas(t *testing.T) {
	const root = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n"
	for passwd, want := range map[string]string{
		"":                                     "USER 65532",
		root:                                   "USER 65532",
		root + "node:x:1000:1000::/:/bin/sh\n": "USER 1000, which is node",
		root + "a:x:1000:1000::/:/\nb:x:1001:1001::/:/\n":         "USER 65532",
		root + "nginx:x:101:101::/:/\nb:x:1001:1001::/:/\n":       "USER 101, which is nginx",
		root + "nonroot:x:65532:65532::/:/\nb:x:1001:1001::/:/\n": "USER 65532, which is nonroot",
	} {
		s := subject(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: "etc/passwd", Content: passwd})}, Config: map[string]any{"Cmd": []string{"nginx", "-g", "daemon off;"}}})
		got := find(hardening.Judge(s), "user-unset")
		if len(got) != 1 || !strings.HasPrefix(got[0].Mend, want) {
			t.Errorf("%q: %+v", passwd, got)
		}
	}
}

func TestUnsetAndExplicitRootAreToldApart(t *testing.T) {
	for user, want := range map[string]string{"": "user-unset", "root": "user-root", "0": "user-root", "0:1000": "user-root", "00": "user-root", "app": "user-by-name", "65532": "", "1000:0": ""} {
		s := subject(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: "a"})}, Config: map[string]any{"User": user}, CreatedBy: []string{"COPY a /"}, Empty: []string{"USER " + user}})
		got := ""
		for _, f := range hardening.Judge(s).Findings {
			if strings.HasPrefix(f.Check, "user-") {
				got += f.Check
				if user != "" && f.Instruction != "USER "+user {
					t.Errorf("%q: the instruction is %q", user, f.Instruction)
				}
			}
		}
		if got != want {
			t.Errorf("%q: %q instead of %q", user, got, want)
		}
	}
}

func TestNoValueOfASecretIsShown(t *testing.T) {
	const value = "s3cr3t value"
	s := subject(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: "a"})}, CreatedBy: []string{"COPY a /"},
		Empty:  []string{`ENV "API_TOKEN"="` + value + `"`, "ARG DB_PASSWORD=" + value},
		Config: map[string]any{"Env": []string{"API_TOKEN=" + value}}})
	r := hardening.Judge(s)
	if len(find(r, "env-secret")) != 1 || len(find(r, "build-argument-secret")) != 1 {
		t.Error(lines(r))
	}
	for _, f := range r.Findings {
		if strings.Contains(fmt.Sprintf("%+v", f), "s3cr3t") {
			t.Errorf("%+v", f)
		}
	}
}

func TestTheDockerfileTellsOfChecksumsAndBases(t *testing.T) {
	const source = "FROM golang:1.22 AS build\nFROM debian\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://a.test/checked /\nADD https://a.test/unchecked /\nCOPY --from=build /x /\nRUN --security=insecure mount\n"
	s := subject(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: "x"}), imagetest.Tar(t, imagetest.File{Name: "a"}), imagetest.Tar(t, imagetest.File{Name: "b"}), imagetest.Tar(t, imagetest.File{Name: "c"})},
		CreatedBy: []string{"ADD rootfs in /", "ADD https://a.test/checked / # buildkit", "ADD https://a.test/unchecked / # buildkit", "COPY /x / # buildkit"}})
	s.Dockerfile, s.Inventory.Base = []byte(source), &inventory.Base{Reference: "debian", Evidence: inventory.FromAnnotations, Sure: inventory.Claimed, Layers: 1}
	if err := inventory.SetDockerfileLines(s.Image, s.Inventory.Base, s.Dockerfile, nil); err != nil {
		t.Fatal(err)
	}
	r := hardening.Judge(s)
	var got []string
	for _, check := range []string{"add-from-url", "base-latest", "base-unpinned", "privileged-build"} {
		for _, f := range find(r, check) {
			got = append(got, fmt.Sprintf("%s %s %s:%d", f.Severity, f.Check, f.Subject, f.DockerfileLine))
		}
	}
	want := []string{"medium add-from-url https://a.test/unchecked:4", "medium base-latest debian:2", "low base-unpinned debian:2", "low base-unpinned golang:1.22:1", "medium privileged-build --security=insecure:6"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhatIsNotKnownIsNotChecked(t *testing.T) {
	s := subject(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: "a"})}})
	s.Trace, s.Layers, s.Image.Process = nil, nil, nil
	unchecked := map[string]string{}
	for _, u := range hardening.Judge(s).Unchecked {
		unchecked[u.Check] = u.Reason
	}
	for _, c := range hardening.Checks() {
		if unchecked[c.Name] == "" && c.Name != "label-missing" && c.Name != "label-stale" {
			t.Errorf("%s passes, though nothing is known", c.Name)
		}
	}
}

func TestChecksAreDescribed(t *testing.T) {
	names := []string{}
	for _, c := range hardening.Checks() {
		names = append(names, c.Name)
		if c.Title == "" || c.Why == "" || c.Mend == "" || c.Source == "" || !slices.Contains([]match.Level{match.High, match.Medium, match.Low, match.Negligible}, c.Severity) {
			t.Errorf("%+v", c)
		}
		if strings.ContainsAny(c.Title+c.Why+c.Mend, "\n") {
			t.Errorf("%s is no line", c.Name)
		}
	}
	if !slices.IsSorted(names) {
		t.Error("not sorted", names)
	}
}

func TestChmodOfALaterLayerIsItsOwn(t *testing.T) {
	s := subject(t, imagetest.Spec{Layers: [][]byte{
		imagetest.Tar(t, imagetest.File{Name: "data/"}, imagetest.File{Name: "data/a", Content: "a"}),
		imagetest.Tar(t, imagetest.File{Name: "data/", Mode: 0o777}, imagetest.File{Name: "data/a", Content: "a", Mode: 0o666}),
		imagetest.Tar(t, imagetest.File{Name: "data/", Mode: 0o777}, imagetest.File{Name: "data/b", Content: "b"}),
	}})
	got := find(hardening.Judge(s), "world-writable")
	if len(got) != 1 || got[0].Path != "data" || *got[0].Layer != 1 || !strings.Contains(got[0].Title, "/data and 1 file below it") {
		t.Errorf("%+v", got)
	}
}

func TestAnImageWithAnyNumberOfFindingsHasAReportThatCanBeRead(t *testing.T) {
	var files []imagetest.File
	for i := range 1100 {
		files = append(files, imagetest.File{Name: fmt.Sprintf("opt/%04d", i), Mode: 0o4755, Content: "#!/bin/sh\n"})
	}
	files = append(files, imagetest.File{Name: "usr/bin/zsh", Mode: 0o4755, Content: "#!"})
	got := find(hardening.Judge(subject(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t, files...)}})), "setuid-added")
	if len(got) != 501 || got[0].Path != "usr/bin/zsh" || !slices.ContainsFunc(got, func(f hardening.Finding) bool { return f.Subject == "601 more" }) {
		t.Errorf("%d findings, first %s", len(got), got[0].Path)
	}
}

func TestTheManualListsAllChecks(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "hardening.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, usual, _ := strings.Cut(string(page), "## What is usual")
	for _, c := range hardening.Checks() {
		row := fmt.Sprintf("| `%s` | %s | %s | %s | %s |", c.Name, c.Title, c.Severity, strings.ReplaceAll(c.Mend, "|", `\|`), c.Source)
		if !strings.Contains(string(page), row) || strings.Contains(usual, row) != c.Usual {
			t.Errorf("docs/hardening.md has no row, or not under the right title: %s", row)
		}
	}
}

func TestPortsLeadToTheirInstruction(t *testing.T) {
	s := subject(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: "a"})}, CreatedBy: []string{"COPY a /"}, Empty: []string{"EXPOSE map[22/tcp:{} 443/udp:{}]", "EXPOSE 80"},
		Config: map[string]any{"ExposedPorts": map[string]any{"22/tcp": struct{}{}, "443/udp": struct{}{}, "80/tcp": struct{}{}, "8080/tcp": struct{}{}}}})
	got := map[string]string{}
	for _, f := range find(hardening.Judge(s), "privileged-port") {
		got[f.Subject] = f.Instruction
	}
	want := map[string]string{"22/tcp": "EXPOSE map[22/tcp:{} 443/udp:{}]", "443/udp": "EXPOSE map[22/tcp:{} 443/udp:{}]", "80/tcp": "EXPOSE 80"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// An empty list is a list: the contract says [] and never null.
func TestNothingFoundIsAList(t *testing.T) {
	labels := map[string]string{}
	for _, name := range []string{"created", "revision", "source", "version"} {
		labels["org.opencontainers.image."+name] = "1"
	}
	r := hardening.Judge(&hardening.Subject{Image: &image.Image{Labels: labels}, Inventory: &inventory.Inventory{}})
	if r.Findings == nil || len(r.Findings) > 0 {
		t.Errorf("%#v", r.Findings)
	}
}
