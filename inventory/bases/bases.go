// Package bases keeps the known base images in a directory.
//
// In go descriptions of base images; out come all that are kept, sorted. Each is a small file that is named by the digest
// of its own content: runs beside each other never write the same file differently, and a damaged one is seen.
//
// This package must never judge what is built on what (that is package inventory's), and never touch a file that it did
// not write.
package bases

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

const (
	suffix = ".json"
	// maxFile bounds one description, in bytes; maxFiles how many are read.
	maxFile  = 16 << 20
	maxFiles = 100_000
)

// Load gives the bases that are kept in a directory, sorted; none where it does not exist. A file that is damaged is left
// out, and damaged says so, one line for each.
func Load(dir string) (known []inventory.KnownBase, damaged []string, err error) {
	err = each(dir, func(path string, k inventory.KnownBase, err error) error {
		if err != nil {
			damaged = append(damaged, fmt.Sprintf("%s: not a known base (%v): it is left out; remove it", path, err))
		} else {
			known = append(known, k)
		}
		return nil
	})
	slices.SortFunc(known, inventory.CompareKnownBases)
	return known, damaged, err
}

// Add keeps a base. Of one that is kept already nothing changes, unless more is known of it now: what is aboard takes the place of a
// description without it.
func Add(dir string, k inventory.KnownBase) error {
	var poorer []string
	known := false
	err := each(dir, func(path string, old inventory.KnownBase, damaged error) error {
		if damaged == nil && old.IsSame(&k) {
			known = known || old.Packages != nil && k.Packages == nil
			poorer = append(poorer, path)
		}
		return nil
	})
	if err != nil || known {
		return err
	}
	added, err := write(dir, k)
	for _, path := range poorer {
		if err == nil && path != added {
			err = os.Remove(path)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another run removed it
	}
	return err
}

// write gives the path of the file that holds the description.
func write(dir string, k inventory.KnownBase) (path string, err error) {
	raw, err := json.Marshal(k)
	if err != nil {
		return "", err
	}
	raw = append(raw, '\n')
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name()) // nothing is there any more when all went well
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return "", err
	}
	path = filepath.Join(dir, name(raw))
	return path, os.Rename(f.Name(), path)
}

// Remove forgets the bases with a name, or with the digest of a manifest or an index, and gives them back, sorted.
func Remove(dir, nameOrDigest string) (removed []inventory.KnownBase, err error) {
	err = each(dir, func(path string, k inventory.KnownBase, damaged error) error {
		if damaged == nil && nameOrDigest != "" && slices.Contains([]string{k.Reference, k.Digest, k.Index}, nameOrDigest) {
			removed = append(removed, k)
			if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(removed, inventory.CompareKnownBases)
	return removed, err
}

// name is what a description's file is called.
func name(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]) + suffix
}

// each calls fn for the files of a directory, with what they describe or why they do not. It ends at fn's first error.
func each(dir string, fn func(path string, k inventory.KnownBase, err error) error) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(entries) > maxFiles {
		return fmt.Errorf("%s holds more than %d files, which is not read: remove what is no longer of use", dir, maxFiles)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		k, err := read(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another run removed it
		}
		if err := fn(path, k, err); err != nil {
			return err
		}
	}
	return nil
}

func read(path string) (inventory.KnownBase, error) {
	f, err := os.Open(path)
	if err != nil {
		return inventory.KnownBase{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return inventory.KnownBase{}, err
	}
	if name(raw) != filepath.Base(path) {
		return inventory.KnownBase{}, errors.New("its content is not what was written")
	}
	return inventory.ParseKnownBase(raw)
}
