package declared

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/layer"
	"tidewaiter/trust"
)

// shopDockerfile is what the image of these tests is built from.
const shopDockerfile = `# syntax=docker/dockerfile:1
FROM debian:bookworm AS build
WORKDIR /src
COPY tools ./
RUN sed -i s/DEBUG=1/DEBUG=0/ settings.env

FROM debian:bookworm
ARG VERSION=1.4
ENV APP_VERSION=${VERSION} \
    NODE_ENV=production
RUN apt-get update && \
    # without what is merely recommended
    apt-get install -y --no-install-recommends curl && \
    rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts
COPY --from=build /src/tool.sh /usr/local/bin/tool
COPY src ./src
COPY <<EOF /etc/app.conf
version=$APP_VERSION
EOF
RUN useradd -m app && chown -R app /app && echo ready > /app/state
EXPOSE 8080
USER app
ENTRYPOINT ["node"]
CMD ["src/server.js"]
`

// shopContext is the directory that it was built in.
func shopContext() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	return fstest.MapFS{
		"package.json": file(packageJSON), "package-lock.json": file(packageLock), "src/server.js": file("serve()\n"), "src/lib/log.js": file("log()\n"),
		"src/debug.log": file("not copied\n"), "tools/tool.sh": {Data: []byte("#!/bin/sh\necho tool\n"), Mode: 0o755}, "tools/settings.env": file("DEBUG=1\n"),
		".dockerignore": file("**/*.log\n.git\n"), ".git/HEAD": file("ref: refs/heads/main\n"), "Dockerfile": file(shopDockerfile),
	}
}

const (
	packageJSON = `{"name":"shop","version":"1.0.0","dependencies":{"left-pad":"^1.3.0"}}`
	packageLock = `{"name":"shop","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"shop","version":"1.0.0"},
"node_modules/left-pad":{"version":"1.3.0","resolved":"https://registry.example.test/left-pad-1.3.0.tgz"}}}`
	leftPad = `{"name":"left-pad","version":"1.3.0"}`
	osFile  = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n"
)

// status writes one package of dpkg's database.
func status(name, version, depends string) string {
	s := "Package: " + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + version + "\n"
	if depends != "" {
		s += "Depends: " + depends + "\n"
	}
	return s + "\n"
}

// ship is an image before it is packed, so that a test can plant something.
type ship struct {
	layers  [][]imagetest.File
	history []past
	config  map[string]any
}

// past is one entry of the history.
type past struct {
	by    string
	empty bool
}

// shop is the honest image, as BuildKit would make it.
func shop() *ship {
	basePackages := status("libc6", "2.36-9", "") + status("bash", "5.2-1", "libc6")
	type f = imagetest.File
	return &ship{
		layers: [][]f{
			{{Name: "etc/os-release", Content: osFile}, {Name: "var/lib/dpkg/status", Content: basePackages}, {Name: "bin/bash", Content: "\x7fELF bash", Mode: 0o755},
				{Name: "var/lib/dpkg/info/bash.list", Content: "/bin/bash\n"}, {Name: "etc/passwd", Content: "root:x:0:0::/root:/bin/bash\n"}},
			{{Name: "var/lib/dpkg/status", Content: basePackages + status("curl", "7.88-10", "libcurl4 (= 7.88-10)") + status("libcurl4", "7.88-10", "libc6")},
				{Name: "var/lib/dpkg/info/curl.list", Content: "/usr/bin/curl\n"}, {Name: "var/lib/dpkg/info/libcurl4:amd64.list", Content: "/usr/lib/libcurl.so.4\n"},
				{Name: "usr/bin/curl", Content: "\x7fELF curl", Mode: 0o755}, {Name: "usr/lib/libcurl.so.4", Content: "\x7fELF libcurl"},
				{Name: "etc/ld.so.cache", Content: "cache"}, {Name: "var/log/apt/history.log", Content: "Install: curl"}, {Name: "var/lib/apt/lists/lock"}},
			{{Name: "app/"}},
			{{Name: "app/package.json", Content: packageJSON}, {Name: "app/package-lock.json", Content: packageLock}},
			{{Name: "app/node_modules/left-pad/package.json", Content: leftPad}, {Name: "app/node_modules/left-pad/index.js", Content: "pad()"},
				{Name: "app/node_modules/.package-lock.json", Content: "{}"}, {Name: "root/.npm/_logs/x.log", Content: "log"}},
			{{Name: "usr/local/bin/tool", Content: "#!/bin/sh\necho tool\n", Mode: 0o755}},
			{{Name: "app/src/server.js", Content: "serve()\n"}, {Name: "app/src/lib/log.js", Content: "log()\n"}},
			{{Name: "etc/app.conf", Content: "version=1.4\n"}},
			{{Name: "etc/passwd", Content: "root:x:0:0::/root:/bin/bash\napp:x:1000:1000::/home/app:/bin/sh\n"}, {Name: "etc/shadow", Content: "app:!"}, {Name: "home/app/.bashrc", Content: "#"},
				{Name: "app/package.json", Content: packageJSON}, {Name: "app/state", Content: "ready\n"}},
		},
		history: []past{
			{by: "ADD rootfs.tar.gz / # buildkit"}, {"CMD [\"bash\"]", true}, {"ARG VERSION=1.4", true}, {"ENV APP_VERSION=1.4 NODE_ENV=production", true},
			{by: "RUN |1 VERSION=1.4 /bin/sh -c apt-get update &&     apt-get install -y --no-install-recommends curl &&     rm -rf /var/lib/apt/lists/* # buildkit"},
			{by: "WORKDIR /app"}, {by: "COPY package.json package-lock.json ./ # buildkit"}, {by: "RUN |1 VERSION=1.4 /bin/sh -c npm ci --omit=dev --ignore-scripts # buildkit"},
			{by: "COPY /src/tool.sh /usr/local/bin/tool # buildkit"}, {by: "COPY src ./src # buildkit"}, {by: "COPY <<EOF /etc/app.conf # buildkit"},
			{by: "RUN |1 VERSION=1.4 /bin/sh -c useradd -m app && chown -R app /app && echo ready > /app/state # buildkit"},
			{"EXPOSE [8080/tcp]", true}, {"USER app", true}, {"ENTRYPOINT [\"node\"]", true}, {"CMD [\"src/server.js\"]", true},
		},
		config: map[string]any{
			"Env":  []string{"PATH=" + defaultPath, "APP_VERSION=1.4", "NODE_ENV=production"},
			"User": "app", "WorkingDir": "/app", "Entrypoint": []string{"node"}, "Cmd": []string{"src/server.js"}, "ExposedPorts": map[string]any{"8080/tcp": map[string]any{}},
		},
	}
}

// add puts files into a layer, and replaces those that are there.
func (s *ship) add(index int, files ...imagetest.File) {
	for _, f := range files {
		s.layers[index] = slices.DeleteFunc(s.layers[index], func(old imagetest.File) bool { return old.Name == f.Name })
		s.layers[index] = append(s.layers[index], f)
	}
}

// edit changes a file of a layer.
func (s *ship) edit(index int, name string, change func(f *imagetest.File)) {
	for i := range s.layers[index] {
		if s.layers[index][i].Name == name {
			change(&s.layers[index][i])
		}
	}
}

// remove takes out a layer and its step.
func (s *ship) remove(index int) {
	s.layers = slices.Delete(s.layers, index, index+1)
	n := -1
	for i, h := range s.history {
		if !h.empty {
			n++
		}
		if n == index {
			s.history = slices.Delete(s.history, i, i+1)
			return
		}
	}
}

// content packs the image.
func (s *ship) content(t testing.TB) imagetest.Content {
	t.Helper()
	c := imagetest.Content{Blobs: map[string][]byte{}}
	var layers []imagetest.Descriptor
	var diffIDs []string
	for _, files := range s.layers {
		plain := imagetest.Tar(t, files...)
		layers = append(layers, c.Add(imagetest.LayerType, plain))
		diffIDs = append(diffIDs, imagetest.Digest(plain))
	}
	var history []map[string]any
	for i, h := range s.history {
		history = append(history, map[string]any{"created_by": h.by, "empty_layer": h.empty, "created": "2026-01-02T03:04:0" + string(rune('0'+i%10)) + "Z"})
	}
	config := c.AddJSON(t, imagetest.ConfigType, map[string]any{
		"os": "linux", "architecture": "amd64", "created": "2026-01-02T03:05:00Z", "config": s.config, "history": history,
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs},
	})
	c.Root = c.AddJSON(t, imagetest.ManifestType, imagetest.Manifest(config, layers...))
	return c
}

// aboard reads the image as verify does.
func aboard(t testing.TB, s *ship, known ...inventory.KnownBase) Input {
	t.Helper()
	return Opened(t, "oci:"+s.content(t).Layout(t, "latest"), known...)
}

// Opened reads an image as verify does.
func Opened(t testing.TB, reference string, known ...inventory.KnownBase) Input {
	t.Helper()
	im, err := image.Open(t.Context(), reference, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	all := extractors.Default(inventory.DefaultLimits())
	layers, err := layer.Read(t.Context(), im, inventory.NewRules(all), layer.Options{Digests: true, Limits: layer.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Assemble(t.Context(), im, layers, all, inventory.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	inv.SetBase(inventory.FindBase(im, layers, nil, known))
	return Input{Image: im, Layers: layers, Inventory: inv, Trace: inventory.NewTrace(im, layers, inv), Known: known}
}

// compared compares an image with its Dockerfile.
func compared(t testing.TB, in Input) *trust.Declared {
	t.Helper()
	d, err := Compare(in)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// differences are those of a result, each as "kind subject".
func differences(d *trust.Declared) []string {
	out := []string{}
	for _, u := range d.Differences {
		out = append(out, string(u.Kind)+" "+u.Subject)
	}
	slices.Sort(out)
	return out
}

// verdicts are those of the instructions of a kind that are not as declared, each as "line verdict: note".
func verdicts(d *trust.Declared) map[string]trust.DeclaredVerdict {
	out := map[string]trust.DeclaredVerdict{}
	for _, i := range d.Instructions {
		if i.Verdict != trust.AsDeclared {
			out[i.Text] = i.Verdict
		}
	}
	return out
}

// with gives the config with one thing set.
func (s *ship) with(name string, v any) {
	s.config = maps.Clone(s.config)
	s.config[name] = v
}

func purl(name, version string) string {
	return "pkg:deb/debian/" + name + "@" + version + "?arch=amd64&distro=debian-12"
}

func replaced(text, old, by string) string { return strings.Replace(text, old, by, 1) }
