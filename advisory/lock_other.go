//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package advisory

import (
	"os"
	"time"
)

// lockFile does nothing where the standard library has no locks.
func lockFile(*os.File) error { return nil }

// locked takes a file for locked until it is a day old.
func locked(f *os.File) bool {
	stat, err := f.Stat()
	return err != nil || time.Since(stat.ModTime()) < 24*time.Hour
}
