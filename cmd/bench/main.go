// Command bench measures a scan beside the yardstick: hashing an image's layers, decompressing them with the best library
// there is for Go, and hashing what comes out, with the same cores. Whoever reads a layer and checks both its digests
// cannot do less with that library; a scan is to take at most 0.75 times as long.
//
//	go run ./cmd/bench IMAGE
//
// A scan is measured as it is, and with --scanners vuln, which looks for packages alone and not into each file for malware and
// secrets. A cold scan has nothing but the image; a warm one comes right after it, with the same data and cache directories. Of other
// tools, those that are on PATH are measured too, where they can read the image. Each is run in a process of its own, in turns,
// and the quickest of the rounds counts: a machine's noise only ever adds.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tidewaiter/image"
)

// Other tools take long, and their noise matters less.
const (
	rounds     = 5
	peerRounds = 2
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	if len(os.Args) == 3 && os.Args[1] == "yardstick" {
		if err := yardstick(os.Args[2]); err != nil {
			log.Fatal(err)
		}
		return
	}
	if len(os.Args) != 2 {
		log.Fatal("one IMAGE is needed: go run ./cmd/bench oci:DIR")
	}
	if err := bench(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// cost is what one run of a program took.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // bytes of resident memory
}

func bench(ref string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "bin", "tidewaiter")
	if out, err := exec.Command("go", "build", "-o", program, "./cmd/tidewaiter").CombinedOutput(); err != nil {
		return fmt.Errorf("building tidewaiter: %w\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	scan := []string{program, "scan", "--format", "json", ref}
	packages := slices.Concat(scan, []string{"--scanners", "vuln"})
	runs := []*run{
		{name: "hash, inflate, hash", args: []string{self, "yardstick", ref}},
		{name: "packages alone, cold", args: packages},
		{name: "packages alone, warm", args: packages, warm: true},
		{name: "tidewaiter scan, cold", args: scan},
		{name: "tidewaiter scan, warm", args: scan, warm: true},
	}
	runs = append(runs, peers(ref)...)
	for round := range rounds {
		for _, r := range runs {
			if r.failed != nil || round >= r.rounds() {
				continue
			}
			home := filepath.Join(dir, fmt.Sprint(round), filepath.Base(r.args[0]))
			if r.failed = r.measure(home); r.failed != nil && !r.peer {
				return fmt.Errorf("%s: %w", strings.Join(r.args, " "), r.failed)
			}
		}
	}
	fmt.Printf("%s, %d cores, best of %d rounds (other tools: %d)\n\n", ref, runtime.NumCPU(), rounds, peerRounds)
	fmt.Printf("%-24s %9s %9s %9s %12s %12s\n", "", "wall s", "CPU s", "peak MiB", "wall ratio", "CPU ratio")
	bound := runs[0].best
	for _, r := range runs {
		if r.failed != nil {
			fmt.Printf("%-24s failed: %.100s\n", r.name, strings.Join(strings.Fields(r.failed.Error()), " "))
			continue
		}
		c := r.best
		fmt.Printf("%-24s %9.2f %9.2f %9d %12.2f %12.2f\n", r.name, c.wall.Seconds(), c.cpu.Seconds(), c.peak>>20,
			c.wall.Seconds()/bound.wall.Seconds(), c.cpu.Seconds()/bound.cpu.Seconds())
	}
	return nil
}

// peers are the other tools on PATH that can read the image where it is. Trivy leaves out jars, for which it would fetch a
// database; what the others would ask of a network they are told not to.
func peers(ref string) []*run {
	scheme, path, _ := strings.Cut(ref, ":")
	var commands [][]string
	switch scheme {
	case "oci":
		commands = append(commands, []string{"syft", "scan", "--quiet", "oci-dir:" + path})
	case "docker-archive":
		commands = append(commands, []string{"syft", "scan", "--quiet", ref},
			[]string{"osv-scanner", "scan", "image", "--offline", "--format", "json", "--archive", path})
	default:
		return nil
	}
	commands = append(commands, []string{"trivy", "image", "--quiet", "--format", "cyclonedx", "--offline-scan",
		"--skip-files", "**/*.jar,**/*.war,**/*.ear,**/*.par", "--input", path})
	var found []*run
	for _, args := range commands {
		program, err := exec.LookPath(args[0])
		if err != nil {
			continue
		}
		args[0] = program
		name := filepath.Base(program)
		found = append(found, &run{name: name + ", cold", args: args, peer: true}, &run{name: name + ", warm", args: args, peer: true, warm: true})
	}
	return found
}

// run is one thing that is measured.
type run struct {
	name string
	args []string // the program first
	warm bool     // the directories are those of the run before
	// peer is another tool: it is run less often, and may fail.
	peer   bool
	best   cost
	failed error
}

// rounds is how often the program is run.
func (r *run) rounds() int {
	if r.peer {
		return peerRounds
	}
	return rounds
}

// measure runs the program once, with directories below home for its data and its cache: without an advisory file, since what
// is measured is the reading.
func (r *run) measure(home string) error {
	if !r.warm {
		if err := os.RemoveAll(home); err != nil {
			return err
		}
	}
	var stderr bytes.Buffer
	cmd := exec.Command(r.args[0], r.args[1:]...)
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+filepath.Join(home, "data"), "XDG_CACHE_HOME="+filepath.Join(home, "cache"))
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	wall := time.Since(start)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return fmt.Errorf("this system does not tell what a process used")
	}
	const kib = 1 << 10 // Linux gives Maxrss in KiB
	c := cost{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak: usage.Maxrss * kib}
	if r.best.wall == 0 {
		r.best = c
	}
	r.best = cost{wall: min(r.best.wall, c.wall), cpu: min(r.best.cpu, c.cpu), peak: max(r.best.peak, c.peak)}
	return nil
}

// yardstick hashes the layers as stored (opening them does), inflates them and hashes what comes out.
func yardstick(ref string) error {
	ctx := context.Background()
	im, err := image.Open(ctx, ref, image.Options{})
	if err != nil {
		return err
	}
	defer im.Close()
	return im.ReadLayers(ctx, runtime.NumCPU(), func(_ context.Context, _ image.Layer, r io.Reader) error {
		plain, err := decompress(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(sha256.New(), plain)
		return err
	})
}

func decompress(r io.Reader) (io.Reader, error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if err != nil {
		return nil, err
	}
	r = io.MultiReader(bytes.NewReader(head[:n]), r)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzip.NewReader(r)
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	}
	return r, nil
}
