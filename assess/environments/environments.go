// Package environments reads tidewaiter.yaml, the file in which users describe their environments.
//
// In go the bytes of a file; out come the environments, the built-in ones included, with the bindings and settings, and from which line each
// value is. A file with mistakes gives none of it, but all that is wrong, each with its line and the word that was most likely meant: a
// gate must never go by half of what its owner wrote.
//
// This package must never judge an image, and never look at anything but the file that it is given.
package environments

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"

	"tidewaiter/assess"
	"tidewaiter/match"
	"tidewaiter/trust"
)

// Name is that of the file in the working directory that is read unless another one is named.
const Name = "tidewaiter.yaml"

// BuiltIn is the origin of values that no file sets.
const BuiltIn = "built-in"

// Version is that of the file's form.
const Version = 1

// maxFile bounds a file, in bytes.
const maxFile = 1 << 20

// Settings are what a file says, and what holds without one.
type Settings struct {
	// File is where they were read; empty where no file was.
	File string
	// Environments are all that there are: the built-in ones first, then the file's own by name.
	Environments []assess.Environment
	// Default is the name of the environment for images that no environment names.
	Default  string
	Bindings []assess.Binding
	// Trust says who may sign what; its files are relative to the working directory.
	Trust []trust.Rule
	// Rules are the effects of rules.
	Rules match.Settings
	// Flags are values of the command line's flags, by name: what the command line itself sets goes before them.
	Flags map[string][]string
	// Origins say where a value is from, by its path in the file ("environments.production.exposure"): "tidewaiter.yaml:12". What the
	// file does not set is not in it.
	Origins map[string]string
}

// Defaults are the settings of who has no file.
func Defaults() *Settings {
	return &Settings{Environments: assess.BuiltIn(), Default: assess.BuiltIn()[0].Name,
		Rules: match.Settings{}, Flags: map[string][]string{}, Origins: map[string]string{}}
}

// Load reads a file. One that does not exist is an error that wraps [fs.ErrNotExist]; one with mistakes gives [Mistakes].
func Load(file string) (*Settings, error) {
	data, err := read(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, data)
}

func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory: name the file in it", file)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read %s: %w", file, err)
	case len(data) > maxFile:
		return nil, fmt.Errorf("%s is larger than 1 MiB: no file with environments is", file)
	}
	return data, nil
}

// Names are those of all environments, in their order.
func (s *Settings) Names() []string {
	names := make([]string, len(s.Environments))
	for i, e := range s.Environments {
		names[i] = e.Name
	}
	return names
}

// Environment gives one by its name.
func (s *Settings) Environment(name string) (assess.Environment, bool) {
	i := slices.IndexFunc(s.Environments, func(e assess.Environment) bool { return e.Name == name })
	if i < 0 {
		return assess.Environment{}, false
	}
	return s.Environments[i], true
}

// Origin says where a value is from, by its path in the file.
func (s *Settings) Origin(at string) string { return cmp.Or(s.Origins[at], BuiltIn) }
