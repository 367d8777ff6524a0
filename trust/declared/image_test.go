package declared_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
	"tidewaiter/trust/declared"
)

// pinned is the digest by which the Dockerfile names its base.
var pinned = imagetest.Digest([]byte("manifest of the base"))

// ordersDockerfile has one of each kind of instruction that leaves something in an image. Tests name its lines.
func ordersDockerfile() string {
	return `FROM debian:bookworm@` + pinned + ` AS build
WORKDIR /src
COPY cmd/hello.sh ./

FROM debian:bookworm@` + pinned + `
LABEL org.opencontainers.image.title="orders"
ENV ORDERS_ENV=production ORDERS_PORT=8080
WORKDIR /srv/orders
COPY settings.json /etc/orders/settings.json
COPY web/ web/
RUN apt-get update && apt-get install -y jq && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 orders
COPY --from=build /src/hello.sh /usr/local/bin/hello
EXPOSE 8080
USER orders
ENTRYPOINT ["/usr/local/bin/hello"]
CMD ["--listen", "8080"]
`
}

const hello = "#!/bin/sh\necho hello\n"

// ordersContext is the directory that the image is built from.
func ordersContext() fstest.MapFS {
	return fstest.MapFS{
		"cmd/hello.sh":     {Data: []byte(hello), Mode: 0o755},
		"settings.json":    {Data: []byte(`{"currency":"EUR"}`), Mode: 0o644},
		"web/index.html":   {Data: []byte("<h1>orders</h1>\n"), Mode: 0o644},
		"web/css/main.css": {Data: []byte("h1 { color: navy }\n"), Mode: 0o644},
		"README.md":        {Data: []byte("not copied\n"), Mode: 0o644},
	}
}

// The layers of the image, by the instructions that make them.
const (
	baseRoot = iota
	baseCertificates
	workdir
	copySettings
	copyWeb
	aptInstall
	addUser
	copyHello
)

// plan is an image that is not packed yet, so that a test can change anything of it.
type plan struct {
	layers  [][]imagetest.File
	history []map[string]any
	config  map[string]any
}

// dpkg writes one entry of dpkg's database.
func dpkg(name, version, depends string) string {
	return "Package: " + name + "\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: Example <a@example.test>\n" +
		"Architecture: amd64\nVersion: " + version + "\nDepends: " + depends + "\nDescription: " + name + "\n\n"
}

func baseStatus() string {
	return dpkg("libc6", "2.36-9+deb12u10", "libgcc-s1") + dpkg("dash", "0.5.12-2", "libc6") + dpkg("apt", "2.6.1", "libc6")
}

// honestBase is the content of the image that FROM names.
func honestBase() [][]imagetest.File {
	return [][]imagetest.File{
		{
			{Name: "etc/os-release", Content: "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n"},
			{Name: "var/lib/dpkg/status", Content: baseStatus()},
			{Name: "var/lib/dpkg/info/dash.list", Content: "/.\n/bin\n/bin/dash\n"},
			{Name: "bin/dash", Content: "\x7fELF dash", Mode: 0o755},
			{Name: "bin/sh", Link: "dash"},
			{Name: "etc/passwd", Content: "root:x:0:0:root:/root:/bin/sh\n"},
			{Name: "etc/group", Content: "root:x:0:\n"},
		},
		{{Name: "etc/ssl/certs/ca-certificates.crt", Content: "certificates\n"}},
	}
}

// honest is the image that the Dockerfile makes, with what apt and useradd leave beside what they are asked for.
func honest() *plan {
	p := &plan{layers: append(honestBase(),
		[]imagetest.File{{Name: "srv/"}, {Name: "srv/orders/"}},
		[]imagetest.File{{Name: "etc/"}, {Name: "etc/orders/"}, {Name: "etc/orders/settings.json", Content: `{"currency":"EUR"}`}},
		[]imagetest.File{{Name: "srv/orders/web/"}, {Name: "srv/orders/web/index.html", Content: "<h1>orders</h1>\n"}, {Name: "srv/orders/web/css/"},
			{Name: "srv/orders/web/css/main.css", Content: "h1 { color: navy }\n"}},
		aptLayer(),
		userLayer(),
		[]imagetest.File{{Name: "usr/local/bin/hello", Content: hello, Mode: 0o755}},
	)}
	made := func(by string) { p.history = append(p.history, map[string]any{"created_by": by}) }
	set := func(by string) {
		p.history = append(p.history, map[string]any{"created_by": by, "empty_layer": true})
	}
	made("# debian.sh --arch 'amd64' out/ 'bookworm'")
	made("RUN /bin/sh -c update-ca-certificates # buildkit")
	set(`CMD ["sh"]`)
	set("LABEL org.opencontainers.image.title=orders")
	set("ENV ORDERS_ENV=production ORDERS_PORT=8080")
	made("WORKDIR /srv/orders")
	made("COPY settings.json /etc/orders/settings.json # buildkit")
	made("COPY web/ web/ # buildkit")
	made("RUN /bin/sh -c apt-get update && apt-get install -y jq && rm -rf /var/lib/apt/lists/* # buildkit")
	made("RUN /bin/sh -c useradd --create-home --uid 10001 orders # buildkit")
	made("COPY /src/hello.sh /usr/local/bin/hello # buildkit")
	set("EXPOSE [8080/tcp]")
	set("USER orders")
	set(`ENTRYPOINT ["/usr/local/bin/hello"]`)
	set(`CMD ["--listen" "8080"]`)
	p.config = map[string]any{
		"Env":  []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "ORDERS_ENV=production", "ORDERS_PORT=8080"},
		"User": "orders", "WorkingDir": "/srv/orders", "Entrypoint": []string{"/usr/local/bin/hello"}, "Cmd": []string{"--listen", "8080"},
		"ExposedPorts": map[string]any{"8080/tcp": map[string]any{}}, "Labels": map[string]string{"org.opencontainers.image.title": "orders"},
	}
	return p
}

// aptLayer has jq, the two libraries that it needs, one through the other, and apt's and dpkg's own files.
func aptLayer() []imagetest.File {
	files := []imagetest.File{
		{Name: "var/lib/dpkg/status", Content: baseStatus() + dpkg("jq", "1.6-2.1", "libjq1 (= 1.6-2.1), libc6 (>= 2.34)") + dpkg("libjq1", "1.6-2.1", "libonig5 (>= 6.8.0), libc6") + dpkg("libonig5", "6.9.8-1", "libc6")},
		{Name: "var/lib/dpkg/info/jq.list", Content: "/.\n/usr\n/usr/bin\n/usr/bin/jq\n/usr/share/doc/jq/copyright\n"},
		{Name: "var/lib/dpkg/info/libjq1:amd64.list", Content: "/.\n/usr/lib/x86_64-linux-gnu/libjq.so.1.0.4\n/usr/lib/x86_64-linux-gnu/libjq.so.1\n"},
		{Name: "var/lib/dpkg/info/libonig5:amd64.list", Content: "/.\n/usr/lib/x86_64-linux-gnu/libonig.so.5.3.0\n"},
		{Name: "usr/bin/jq", Content: "\x7fELF jq", Mode: 0o755},
		{Name: "usr/share/doc/jq/copyright", Content: "MIT\n"},
		{Name: "usr/lib/x86_64-linux-gnu/libjq.so.1.0.4", Content: "\x7fELF libjq"},
		{Name: "usr/lib/x86_64-linux-gnu/libjq.so.1", Link: "libjq.so.1.0.4"},
		{Name: "usr/lib/x86_64-linux-gnu/libonig.so.5.3.0", Content: "\x7fELF libonig"},
		{Name: "var/lib/apt/lists/"},
	}
	for _, name := range []string{
		"etc/ld.so.cache", "var/cache/apt/archives/lock", "var/cache/apt/pkgcache.bin", "var/cache/apt/srcpkgcache.bin", "var/cache/debconf/config.dat", "var/cache/debconf/config.dat-old",
		"var/cache/debconf/templates.dat", "var/cache/ldconfig/aux-cache", "var/lib/apt/extended_states", "var/lib/dpkg/lock", "var/lib/dpkg/status-old", "var/lib/dpkg/triggers/Lock",
		"var/log/alternatives.log", "var/log/apt/eipp.log.xz", "var/log/apt/history.log", "var/log/apt/term.log", "var/log/dpkg.log",
	} {
		files = append(files, imagetest.File{Name: name, Content: "left by apt\n"})
	}
	return files
}

// userLayer has what useradd --create-home leaves.
func userLayer() []imagetest.File {
	files := []imagetest.File{
		{Name: "etc/passwd", Content: "root:x:0:0:root:/root:/bin/sh\norders:x:10001:10001::/home/orders:/bin/sh\n"},
		{Name: "etc/group", Content: "root:x:0:\norders:x:10001:\n"},
	}
	for _, name := range []string{
		"etc/passwd-", "etc/group-", "etc/shadow", "etc/shadow-", "etc/gshadow", "etc/gshadow-", "etc/subuid", "etc/subuid-", "etc/subgid", "etc/subgid-",
		"home/orders/.bashrc", "home/orders/.profile", "home/orders/.bash_logout", "var/log/lastlog", "var/log/faillog",
	} {
		files = append(files, imagetest.File{Name: name, Content: "left by useradd\n"})
	}
	return files
}

// put writes files into a layer; of those that are there already it changes the content.
func (p *plan) put(index int, files ...imagetest.File) {
	for _, f := range files {
		p.layers[index] = slices.DeleteFunc(p.layers[index], func(old imagetest.File) bool { return old.Name == f.Name })
		p.layers[index] = append(p.layers[index], f)
	}
}

// contentOf is what a layer's file holds.
func (p *plan) contentOf(index int, name string) string {
	i := slices.IndexFunc(p.layers[index], func(f imagetest.File) bool { return f.Name == name })
	return p.layers[index][i].Content
}

// forget takes a layer out of the image, and its step out of the history.
func (p *plan) forget(index int, by string) {
	p.layers = slices.Delete(p.layers, index, index+1)
	p.history = slices.DeleteFunc(p.history, func(h map[string]any) bool { return strings.HasPrefix(h["created_by"].(string), by) })
}

// configure sets one thing of the config.
func (p *plan) configure(name string, v any) {
	p.config = maps.Clone(p.config)
	p.config[name] = v
}

// pack makes an image of the plan.
func (p *plan) pack(t testing.TB) imagetest.Content {
	t.Helper()
	c := imagetest.Content{Blobs: map[string][]byte{}}
	var layers []imagetest.Descriptor
	for _, files := range p.layers {
		layers = append(layers, c.Add(imagetest.LayerType, imagetest.Tar(t, files...)))
	}
	config := c.AddJSON(t, imagetest.ConfigType, map[string]any{
		"os": "linux", "architecture": "amd64", "created": "2026-02-03T04:05:06Z", "config": p.config, "history": p.history,
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs(t, p.layers)},
	})
	c.Root = c.AddJSON(t, imagetest.ManifestType, imagetest.Manifest(config, layers...))
	return c
}

func diffIDs(t testing.TB, layers [][]imagetest.File) []string {
	t.Helper()
	var ids []string
	for _, files := range layers {
		ids = append(ids, imagetest.Digest(imagetest.Tar(t, files...)))
	}
	return ids
}

// knownBase is what is known of the image that FROM names.
func knownBase(t testing.TB) inventory.KnownBase {
	t.Helper()
	return inventory.KnownBase{
		Reference: "debian:bookworm", Digest: pinned, Platform: "linux/amd64", DiffIDs: diffIDs(t, honestBase()),
		OS:      inventory.OS{ID: "debian", VersionID: "12", Codename: "bookworm", Name: "Debian GNU/Linux 12 (bookworm)"},
		Process: &image.Process{Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, Cmd: []string{"sh"}},
	}
}

// read opens the image as the command does, and lays the Dockerfile and its context beside it.
func (p *plan) read(t testing.TB, known ...inventory.KnownBase) declared.Input {
	t.Helper()
	in := declared.Opened(t, "oci:"+p.pack(t).Layout(t, "latest"), known...)
	in.Dockerfile, in.Name, in.Context, in.ContextName = []byte(ordersDockerfile()), "Dockerfile", ordersContext(), "."
	return in
}
