package reach

import (
	"bytes"
	"encoding/json"
	"path"
)

// Links are what an ELF file is linked with, and what it names that it may load or start by itself.
type Links struct {
	// Machine is ELF's number of the processor that the file is for.
	Machine uint16 `json:"machine,omitempty"`
	// Interp is the loader that a program asks for.
	Interp string   `json:"interp,omitempty"`
	Soname string   `json:"soname,omitempty"`
	Needed []string `json:"needed,omitempty"`
	// RPath and RunPath are lists of directories with colons between, as DT_RPATH and DT_RUNPATH have them.
	RPath   string `json:"rpath,omitempty"`
	RunPath string `json:"runpath,omitempty"`
	// Packed says that the file unpacks another program and runs that: what that one is linked with is not known.
	Packed bool `json:"packed,omitempty"`
	// Names are what [Names] found in a file that can load libraries or start programs by name.
	Names []string `json:"names,omitempty"`
	// More says that the file may have other such names.
	More bool `json:"more,omitempty"`
}

// isLibrary says that the file is made to be loaded by another one, and not to be run.
func (l *Links) isLibrary() bool { return l.Interp == "" && (l.Soname != "" || len(l.Needed) > 0) }

// The first lines of facts, which say what follows. Facts of an executable go on with one line of JSON, of which the fields
// of [Links] are a part.
const (
	ELFKind    = "exe\n"
	scriptKind = "script\n"
)

// Knows says whether the facts of a file are of this package's concern.
func Knows(facts []byte) bool {
	return bytes.HasPrefix(facts, []byte(ELFKind)) || bytes.HasPrefix(facts, []byte(scriptKind))
}

// IsMachineCode says whether facts are those of an ELF file that can be run or loaded; an object file is none.
func IsMachineCode(facts []byte) bool {
	return bytes.HasPrefix(facts, []byte(ELFKind)) && bytes.Contains(facts, []byte(`"machine":`))
}

// parseLinks reads the facts of an ELF file. What cannot be read has no links.
func parseLinks(facts []byte) Links {
	var l Links
	if rest, ok := bytes.CutPrefix(facts, []byte(ELFKind)); ok {
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		if json.Unmarshal(line, &l) != nil {
			return Links{}
		}
	}
	return l
}

// Requires gives what a file cannot run without, by its facts: the names of the libraries that it is linked with, and its loader, or its
// interpreter.
func Requires(facts []byte) (libraries []string, interpreter string) {
	if bytes.HasPrefix(facts, []byte(scriptKind)) {
		words := parseScript(facts).interpreter
		switch {
		case len(words) == 0:
			return nil, ""
		case len(words) > 1 && path.Base(words[0]) == "env":
			return nil, words[len(words)-1] // env -S and its like: the last word is near enough to say what is missed
		}
		return nil, words[0]
	}
	l := parseLinks(facts)
	return l.Needed, l.Interp
}
