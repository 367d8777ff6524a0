// Package hostile runs the program on images that mean harm. It is a package of its own because the memory that a process is
// charged with begins at that of the one that started it, and the other tests' grows large.
package hostile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidewaiter/image"
	"tidewaiter/report"
)

// The exit codes that end a run.
const (
	done   = 0
	failed = 1
)

// outcome is what a hostile image must end in: a report, or one line that says all of words.
type outcome struct {
	// packages are name@version, sorted; those of the sample database that most images have are written "three".
	packages string
	// spots are the kinds of blind spots that must be there, apart from those for want of advisories.
	spots []image.BlindSpotKind
	words []string
}

const three = "curl@7.88.1-10+deb12u4 openssl@3.0.11-1~deb12u2 zlib1g@1:1.2.13.dfsg-1"

// evil has the images of EVIL.md that are kept in the shared data; what each holds is told there.
var evil = map[string]outcome{
	"config-junk":          {packages: "three", spots: []image.BlindSpotKind{image.UnreadableFile}},
	"corrupt-apk":          {packages: "musl@1.2.4-r0 zlib@1.2.13-r1", spots: []image.BlindSpotKind{image.UnreadableFile}},
	"corrupt-dpkg":         {packages: "after@2.0 three", spots: []image.BlindSpotKind{image.UnreadableFile}},
	"corrupt-gzip":         {words: []string{"layer 1", "gzip", "damaged"}},
	"corrupt-rpmdb":        {spots: []image.BlindSpotKind{image.NoDatabase, image.UnreadableFile}},
	"deleted-dpkg":         {spots: []image.BlindSpotKind{image.UnreadableFile}},
	"devices":              {packages: "three"},
	"digest-traversal":     {words: []string{"layer 0", "is not a valid digest"}},
	"duplicates":           {packages: "three"},
	"empty-layer":          {packages: "three"},
	"foreign-layer":        {packages: "three", spots: []image.BlindSpotKind{image.UnreadableLayer}},
	"garbage-layer":        {packages: "three", spots: []image.BlindSpotKind{image.UnreadableLayer}},
	"gzip-concatenated":    {packages: "three"},
	"history-mismatch":     {packages: "three"},
	"index-loop":           {words: []string{"manifest", "digest"}},
	"jars":                 {packages: "three g:n52@1 g:n53@1 g:n54@1 g:n55@1 g:n56@1 g:n57@1 g:n58@1 g:n59@1 org.example:good@1.0", spots: []image.BlindSpotKind{image.UnreadableFile, image.Unsearched}},
	"link-escape":          {spots: []image.BlindSpotKind{image.UnreadableFile}},
	"many-layers":          {packages: "three"},
	"metadata":             {packages: "three good@1.2.3 huge@1 ok@1.0", spots: []image.BlindSpotKind{image.UnreadableFile}},
	"missing-blob":         {words: []string{"layer 1", "is missing"}},
	"missing-config":       {words: []string{"config", "is missing"}},
	"names":                {packages: "three"},
	"no-history":           {packages: "three"},
	"no-layers":            {},
	"odd-names":            {packages: "three"},
	"package-removed":      {packages: "jq@1.6-2.1 openssl@3.0.11-1~deb12u2 zlib1g@1:1.2.13.dfsg-1"},
	"path-traversal":       {packages: "three"},
	"pax-tricks":           {packages: "three"},
	"repeated-layer":       {words: []string{"20001 layers", "not read"}},
	"sparse":               {packages: "three", spots: []image.BlindSpotKind{image.Unsearched}},
	"symlink-loops":        {packages: "three"},
	"symlink-then-write":   {packages: "three"},
	"truncated-gzip":       {words: []string{"layer 1", "gzip stream is cut off"}},
	"truncated-tar":        {words: []string{"layer 1", "tar archive is cut off"}},
	"unknown-media":        {spots: []image.BlindSpotKind{image.UnreadableLayer}},
	"usrmerge-symlink-dir": {packages: "musl@1.2.4-r0 three"},
	"whiteout-edge":        {packages: "three"},
	"whiteouts":            {packages: "three"},
	"wide-index":           {words: []string{"deep within each other"}},
	"wrong-diffid":         {words: []string{"layer 1", "does not match the diffID"}},
	"wrong-digest":         {words: []string{"layer 1", "content does not match"}},
	"wrong-media":          {packages: "three"},
	"wrong-size":           {words: []string{"layer 0", "size of -1"}},
	"zstd-bomb":            {packages: "three", spots: []image.BlindSpotKind{image.LimitReached}},
}

// What one hostile image may cost.
const (
	evilTime   = time.Minute
	evilMemory = 200 << 20 // bytes of resident memory
)

// TestEvilImages runs the program, as it is built for users, on each hostile image: a report with what is sound, or one
// line, within bounds, and the same again from what the first run has remembered. The other commands that read images end
// in the same way.
func TestEvilImages(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "..", "shared", "images", "oci")
	if _, err := os.Stat(shared); err != nil {
		t.Skip("the shared images are not here")
	}
	program := filepath.Join(t.TempDir(), "tidewaiter")
	if out, err := exec.Command("go", "build", "-o", program, "..").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, want := range evil {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref := "oci:" + filepath.Join(shared, "evil-"+name)
			home := t.TempDir()
			first := attack(t, program, home, ref, want)
			if again := attack(t, program, home, ref, want); !bytes.Equal(first, again) {
				t.Error("a second scan says something else")
			}
			for _, command := range [][]string{{"trace", "--format", "json"}, {"sbom"}} {
				out, _, code := runProgram(t, program, home, append(command, ref)...)
				if refused := want.words != nil; refused != (code == failed) || !refused && !json.Valid(out) {
					t.Errorf("%s: exit code %d, %d bytes", command[0], code, len(out))
				}
			}
		})
	}
}

// attack scans a hostile image and gives what the scan wrote.
func attack(t *testing.T, program, home, ref string, want outcome) []byte {
	out, said, code := runProgram(t, program, home, "scan", "--format", "json", ref)
	if want.words != nil {
		if code != failed || len(out) > 0 {
			t.Errorf("exit code %d, %q", code, said)
		}
		for _, w := range want.words {
			if !strings.Contains(said, w) {
				t.Errorf("%q does not say %q", said, w)
			}
		}
		return []byte(said)
	}
	if code != done {
		t.Fatalf("exit code %d: %s", code, said)
	}
	var r report.Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	want.check(t, &r)
	return out
}

// runProgram runs one command within what a hostile image may cost. It says one line at most.
func runProgram(t *testing.T, program, home string, args ...string) (out []byte, said string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), evilTime)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+home, "XDG_CACHE_HOME="+home)
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && usage.Maxrss<<10 > evilMemory {
		t.Errorf("%s took %d MiB of memory", args[0], usage.Maxrss>>10)
	}
	if strings.Count(stderr.String(), "\n") > 1 {
		t.Errorf("%s says %q", args[0], stderr.String())
	}
	return stdout.Bytes(), stderr.String(), cmd.ProcessState.ExitCode()
}

func (o outcome) check(t *testing.T, r *report.Report) {
	var packages []string
	for _, p := range r.Packages {
		packages = append(packages, p.Name+"@"+p.Version)
	}
	slices.Sort(packages)
	expected := strings.Fields(strings.Replace(o.packages, "three", three, 1))
	slices.Sort(expected)
	if !slices.Equal(packages, expected) {
		t.Errorf("packages %q, not %q", packages, expected)
	}
	var kinds []image.BlindSpotKind
	for _, b := range r.BlindSpots {
		if b.Kind != image.NoFeed {
			kinds = append(kinds, b.Kind)
		}
	}
	slices.Sort(kinds)
	if kinds = slices.Compact(kinds); !slices.Equal(kinds, o.spots) {
		t.Errorf("blind spots %q, not %q", kinds, o.spots)
	}
}
