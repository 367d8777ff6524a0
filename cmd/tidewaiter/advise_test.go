package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/report"
)

// debian is a base image: packages of Debian, and a shell.
func debian(t *testing.T, expat string, more ...imagetest.File) []byte {
	installed := strings.Replace(status, "2.5.0-1+deb12u1", expat, 1)
	return imagetest.Tar(t, append([]imagetest.File{{Name: "etc/os-release", Content: osRelease}, {Name: "var/lib/dpkg/status", Content: installed}}, more...)...)
}

// onBase is a shop that was built on a base.
func onBase(t *testing.T, base []byte, labels map[string]string) imagetest.Content {
	return imagetest.Build(t, imagetest.Spec{
		Layers: [][]byte{base,
			imagetest.Tar(t, imagetest.File{Name: "app/node_modules/lodash/package.json", Content: `{"name":"lodash","version":"4.17.15","license":"MIT"}`})},
		CreatedBy: []string{"ADD rootfs.tar / # buildkit", "RUN /bin/sh -c npm ci # buildkit"},
		Labels:    labels,
	})
}

// advisories makes a file of what is known: of expat, mended in deb12u2, of zlib, mended nowhere, and of lodash.
func advisories(t *testing.T, now time.Time) string {
	record := func(id, ecosystem, name, events string) string {
		return `{"id":"` + id + `","modified":"2026-10-01T00:00:00Z","published":"2026-09-01T00:00:00Z","affected":[{"package":{"ecosystem":"` + ecosystem +
			`","name":"` + name + `"},"ranges":[{"type":"ECOSYSTEM","events":[` + events + `]}]}]}`
	}
	feeds := fstest.MapFS{
		"osv/Debian/all.zip": {Data: zippedAll(t, map[string]string{
			"CVE-2026-1.json": record("CVE-2026-1", "Debian:12", "expat", `{"introduced":"0"},{"fixed":"2.5.0-1+deb12u2"}`),
			"CVE-2026-2.json": record("CVE-2026-2", "Debian:12", "zlib", `{"introduced":"0"}`),
			"CVE-2026-4.json": record("CVE-2026-4", "Debian:12", "bash", `{"introduced":"0"}`),
		})},
		"osv/npm/all.zip": {Data: zippedAll(t, map[string]string{
			"GHSA-1.json": record("GHSA-aaaa-bbbb-cccc", "npm", "lodash", `{"introduced":"0"},{"fixed":"4.17.21"}`),
		})},
	}
	db := filepath.Join(t.TempDir(), "advisories.db")
	if _, err := advisory.Import(t.Context(), feeds, db, advisory.ImportOptions{Now: now}); err != nil {
		t.Fatal(err)
	}
	return db
}

// told runs a command that must end with a code, and gives what it says.
func told(t *testing.T, now time.Time, want int, args ...string) (out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	if code := run(t.Context(), args, streams{out: &o, err: &e, now: func() time.Time { return now }}); code != want {
		t.Fatalf("tidewaiter %v: exit code %d, not %d: %s", args, code, want, e.String())
	}
	return o.String(), e.String()
}

func reportOf(t *testing.T, raw string) *report.Report {
	t.Helper()
	r, err := report.Read(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func standingIDs(r *report.Report) []string {
	var ids []string
	for _, f := range match.Standing(r.Findings) {
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// A registry has newer bases: what a step is said to close is what is gone once it was made.
func TestAdviceIsWhatHappens(t *testing.T) {
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	imagetest.DockerConfig(t, "", "", "")
	db := advisories(t, now)
	registry := imagetest.Registry(t, imagetest.RegistryOptions{})
	shell := imagetest.File{Name: "bin/sh", Content: "#!/bin/false\n", Mode: 0o755}
	old, newer := debian(t, "2.5.0-1+deb12u1"), debian(t, "2.5.0-1+deb12u2", shell)
	push := func(tag string, layer []byte) imagetest.Content {
		c := imagetest.Build(t, imagetest.Spec{Layers: [][]byte{layer}, CreatedBy: []string{"ADD rootfs.tar / # buildkit"}})
		registry.Push(t, c, "acme/debian", tag)
		return c
	}
	first := push("12.4-slim", old)
	for _, tag := range []string{"12.9-slim", "12.10-rc1-slim", "13-slim", "12.9", "latest", "sid"} {
		push(tag, newer)
	}
	name := registry.Host + "/acme/debian:12.4-slim"
	shop := "oci:" + onBase(t, old, map[string]string{"org.opencontainers.image.base.name": name, "org.opencontainers.image.base.digest": first.Root.Digest}).Layout(t, "1")
	dir := t.TempDir()
	dockerfile := filepath.Join(dir, "Dockerfile")
	before := "# the shop\nFROM --platform=linux/amd64 " + name + " AS shop # not a comment\nRUN npm ci\n"
	before = strings.Replace(before, " # not a comment", "", 1)
	if err := os.WriteFile(dockerfile, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}

	out, errs := told(t, now, exitDone, "advise", "--advisories", db, "--source", dir, "--format", "json", shop)
	if errs != "" {
		t.Errorf("standard error: %s", errs)
	}
	advised := reportOf(t, out)
	var move *assess.Step
	for i, st := range advised.Assessment.Steps {
		if st.Kind == assess.MoveBase {
			move = &advised.Assessment.Steps[i]
		}
	}
	if move == nil {
		t.Fatalf("no step moves the base: %+v", advised.Assessment.Steps)
	}
	if move.Edit == nil || !strings.Contains(move.Edit.New, "debian:12.9-slim AS shop") || move.Cost.Change != assess.Minor {
		t.Errorf("edit %+v, cost %+v", move.Edit, move.Cost)
	}
	if b := advised.Image.Base; b.Sure != inventory.Exact || b.Layers != 1 {
		t.Errorf("base %+v: the registry knows its layers", b)
	}

	out, _ = told(t, now, exitDone, "advise", "--advisories", db, "--source", dir, "--patch", shop)
	if !strings.Contains(out, "+ FROM --platform=linux/amd64 "+registry.Host+"/acme/debian:12.9-slim AS shop") {
		t.Errorf("--patch says %s", out)
	}
	after, err := os.ReadFile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Replace(before, "12.4-slim", "12.9-slim", 1), string(after)); d != "" {
		t.Error(d)
	}

	rebuilt := "oci:" + onBase(t, newer, nil).Layout(t, "2")
	out, _ = told(t, now, exitDone, "scan", "--advisories", db, "--format", "json", rebuilt)
	measured := reportOf(t, out)
	var closed []string
	for _, id := range standingIDs(advised) {
		if !slices.Contains(standingIDs(measured), id) {
			closed = append(closed, id)
		}
	}
	if d := cmp.Diff(closed, move.Closes); d != "" {
		t.Errorf("measured and predicted: %s", d)
	}
	if got := measured.Assessment.Score - advised.Assessment.Score; got-move.Gain > 0.01 || move.Gain-got > 0.01 {
		t.Errorf("the score went %+.3f, and %+.3f was said", got, move.Gain)
	}
}

// Without its registry, advice goes by the bases that are known.
func TestAdviceOffline(t *testing.T) {
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	imagetest.DockerConfig(t, "", "", "")
	db := advisories(t, now)
	old, newer := debian(t, "2.5.0-1+deb12u1"), debian(t, "2.5.0-1+deb12u2")
	for tag, layer := range map[string][]byte{"12.4": old, "12.9": newer} {
		c := imagetest.Build(t, imagetest.Spec{Layers: [][]byte{layer}})
		told(t, now, exitDone, "base", "add", "--as", "127.0.0.1:1/debian:"+tag, "oci:"+c.Layout(t, tag))
	}
	shop := "oci:" + onBase(t, old, nil).Layout(t, "1")
	out, errs := told(t, now, exitDone, "advise", "--advisories", db, shop)
	if !strings.Contains(errs, "newer base images are looked for only among those of tidewaiter base list") {
		t.Errorf("standard error: %s", errs)
	}
	if !strings.Contains(out, "move the base 127.0.0.1:1/debian:12.4 -> 12.9") {
		t.Error(out)
	}
	if again, errs := told(t, now, exitDone, "advise", "--offline", "--advisories", db, shop); again != out || errs != "" {
		t.Errorf("--offline says otherwise: %s%s", again, errs)
	}
	var r report.Report
	out, _ = told(t, now, exitDone, "scan", "--advisories", db, "--format", "json", shop)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Assessment.Steps, func(st assess.Step) bool { return st.Kind == assess.MoveBase }) {
		t.Error("scan knows the same bases, and does not advise the move")
	}
	_, errs = told(t, now, exitFailed, "advise", "--offline", "--patch", "--advisories", db, shop)
	if !strings.Contains(errs, "no Dockerfile is known") {
		t.Error(errs)
	}
	_, errs = told(t, now, exitFailed, "advise", "--offline", "--step", "99", "--advisories", db, shop)
	if !strings.Contains(errs, "there is no step 99") {
		t.Error(errs)
	}
}
