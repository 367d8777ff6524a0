package bases_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/inventory"
	"tidewaiter/inventory/bases"
)

func known(reference, letter string) inventory.KnownBase {
	digest := "sha256:" + strings.Repeat(letter, 64)
	return inventory.KnownBase{Reference: reference, Digest: digest, Platform: "linux/amd64", DiffIDs: []string{digest}}
}

func load(t *testing.T, dir string) []inventory.KnownBase {
	t.Helper()
	got, damaged, err := bases.Load(dir)
	if err != nil || len(damaged) > 0 {
		t.Fatal(damaged, err)
	}
	return got
}

func TestBases(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "bases")
	if got := load(t, dir); len(got) > 0 {
		t.Errorf("of no directory: %v", got)
	}
	node, old, debian := known("node:18", "c"), known("debian:12", "a"), known("debian:12", "b")
	for _, k := range []inventory.KnownBase{node, old, debian, node} {
		if err := bases.Add(dir, k); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]inventory.KnownBase{old, debian, node}, load(t, dir)); diff != "" {
		t.Error(diff)
	}
	removed, err := bases.Remove(dir, node.Digest)
	if diff := cmp.Diff([]inventory.KnownBase{node}, removed); diff != "" || err != nil {
		t.Error(err, diff)
	}
	removed, err = bases.Remove(dir, "debian:12")
	if diff := cmp.Diff([]inventory.KnownBase{old, debian}, removed); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if removed, err := bases.Remove(dir, "debian:12"); len(removed) > 0 || err != nil {
		t.Errorf("again: %v, %v", removed, err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	good, bad := known("a", "a"), known("b", "b")
	if err := bases.Add(dir, bad); err != nil {
		t.Fatal(err)
	}
	files, _ := os.ReadDir(dir)
	name := filepath.Join(dir, files[0].Name())
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		name: strings.Replace(string(raw), "bbb", "bb1", 1), filepath.Join(dir, "note.txt"): "not ours",
		filepath.Join(dir, strings.Repeat("0", 64)+".json"): "{", filepath.Join(dir, ".new-1"): "half written",
	} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := bases.Add(dir, good); err != nil {
		t.Fatal(err)
	}
	got, damaged, err := bases.Load(dir)
	if diff := cmp.Diff([]inventory.KnownBase{good}, got); diff != "" || err != nil || len(damaged) != 2 || !strings.Contains(damaged[0], "not a known base") {
		t.Errorf("%v, %q %s", err, damaged, diff)
	}
}

func TestRunsBesideEachOther(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for _, letter := range []string{"a", "b", "c"} {
				if err := bases.Add(dir, known("x", letter)); err != nil {
					t.Error(err)
				}
				if _, damaged, err := bases.Load(dir); err != nil || len(damaged) > 0 {
					t.Error(damaged, err)
				}
				if i == 0 {
					if _, err := bases.Remove(dir, "y"); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if got := load(t, dir); len(got) != 3 {
		t.Errorf("got %v", got)
	}
}
