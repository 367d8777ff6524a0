//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package advisory

import (
	"os"
	"syscall"
)

// lockFile locks a file until it is closed, however the process ends.
func lockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }

// locked says whether someone has locked a file that was opened anew.
func locked(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}
