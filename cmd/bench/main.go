// Command bench measures a scan beside the yardstick: hashing an image's layers, decompressing them, and hashing
// what comes out, with the same library and the same cores. Whoever reads a layer and checks both its digests cannot
// do less with that library.
//
//	go run ./cmd/bench IMAGE
//
// Each is run in a process of its own, in turns, and the quickest of the rounds counts: a machine's noise only ever adds.
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
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tidewaiter/image"
)

const rounds = 5

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
	data := filepath.Join(dir, "data")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var bound, scan cost
	for i := range rounds {
		b, err := measure(data, self, "yardstick", ref)
		if err != nil {
			return err
		}
		s, err := measure(data, program, "scan", "--format", "json", ref)
		if err != nil {
			return err
		}
		if i == 0 {
			bound, scan = b, s
		}
		bound, scan = best(bound, b), best(scan, s)
	}
	fmt.Printf("%s, %d cores, best of %d rounds\n\n", ref, runtime.NumCPU(), rounds)
	fmt.Printf("%-28s %10s %10s %10s\n", "", "wall s", "CPU s", "peak MiB")
	row("hash, inflate, hash", bound)
	row("tidewaiter scan", scan)
	fmt.Printf("%-28s %10.2f %10.2f\n", "ratio", ratio(scan.wall, bound.wall), ratio(scan.cpu, bound.cpu))
	return nil
}

func row(name string, c cost) {
	fmt.Printf("%-28s %10.2f %10.2f %10d\n", name, c.wall.Seconds(), c.cpu.Seconds(), c.peak>>20)
}

func ratio(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }

func best(a, b cost) cost {
	return cost{wall: min(a.wall, b.wall), cpu: min(a.cpu, b.cpu), peak: max(a.peak, b.peak)}
}

// measure runs a program with an empty directory for its data: without an advisory file, since what is measured is the reading.
func measure(data, program string, args ...string) (cost, error) {
	var stderr bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+data)
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return cost{}, fmt.Errorf("%s %v: %w\n%s", filepath.Base(program), args, err, stderr.Bytes())
	}
	wall := time.Since(start)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return cost{}, fmt.Errorf("this system does not tell what a process used")
	}
	const kib = 1 << 10 // Linux gives Maxrss in KiB
	return cost{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak: usage.Maxrss * kib}, nil
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
