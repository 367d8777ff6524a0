package advisory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// scratch is a directory beside the advisory file, and so on the same disk, for what is being made. A locked file in it says
// that whoever made it is alive.
type scratch struct {
	dir  string
	lock *os.File
}

const lockName = "lock"

// newScratch makes a directory, and takes away those that dead runs have left.
func newScratch(out string) (*scratch, error) {
	parent, pattern := filepath.Dir(out), "."+filepath.Base(out)+".*.tmp"
	if err := removeDead(filepath.Join(parent, pattern)); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, pattern)
	if err != nil {
		return nil, fmt.Errorf("advisory file: %w", err)
	}
	s := &scratch{dir: dir}
	if err := s.hold(); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// hold makes the lock. It gets its name once it is locked: a run beside this one would else take it for a dead run's.
func (s *scratch) hold() error {
	name := filepath.Join(s.dir, lockName)
	var err error
	if s.lock, err = os.Create(name + ".new"); err != nil {
		return err
	}
	if err := lockFile(s.lock); err != nil {
		return fmt.Errorf("%s: %w", s.lock.Name(), err)
	}
	return os.Rename(name+".new", name)
}

func (s *scratch) remove() error {
	var err error
	if s.lock != nil {
		err = s.lock.Close() // gives the lock up, too
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

func removeDead(pattern string) error {
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if alive(dir) {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("left over from an interrupted run: %w", err)
		}
	}
	return nil
}

// alive says whether the run that made a directory may still need it.
func alive(dir string) bool {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
	if err != nil {
		return young(dir) // a run makes the directory first, then the lock
	}
	defer lock.Close()
	return locked(lock)
}

// young says whether something was made so recently that its maker may not have come to the next line yet.
func young(path string) bool {
	stat, err := os.Stat(path)
	return err != nil || time.Since(stat.ModTime()) < time.Minute
}
