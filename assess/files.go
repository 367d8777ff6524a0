package assess

import (
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/vex"
)

// Files account for the files of an image that are no directories.
type Files struct {
	Owned     int          `json:"owned"`
	Generated int          `json:"generated"`
	Placed    []PlacedFile `json:"placed"`
}

// PlacedFile is a file that an instruction wrote and no package answers for.
type PlacedFile struct {
	Path    string           `json:"path"`
	Layer   int              `json:"layer"`
	Origin  inventory.Origin `json:"origin,omitempty"`
	Size    int64            `json:"size"`
	Program bool             `json:"program,omitempty"`
	Setuid  bool             `json:"setuid,omitempty"`
	Known   string           `json:"known,omitempty"`
	// Unexplained says that it is a program, and that nothing in it says what it is, no proven base brought it, and the image's configuration
	// does not start it; or that it is held to be malware.
	Unexplained bool `json:"unexplained,omitempty"`
}

// NewFiles puts together what a trace found of a subject's files.
func NewFiles(s *Subject, t *inventory.Trace) *Files {
	out := &Files{Owned: t.Count(inventory.Owned), Generated: t.Count(inventory.Generated), Placed: []PlacedFile{}}
	started, suspected := s.Image.Config.starts(), s.suspected()
	for i := range t.Files {
		f := &t.Files[i]
		if f.Class != inventory.Placed {
			continue
		}
		p := PlacedFile{Path: f.Path, Layer: f.Layer, Origin: s.Image.Base.Origin(f.Layer), Size: f.Entry.Size, Program: f.Program(), Setuid: f.Setuid()}
		if f.Known >= 0 {
			p.Known = s.Packages[f.Known].PURL
		}
		proven := p.Origin == inventory.OfBase && s.Image.Base.Sure == inventory.Exact
		p.Unexplained = p.Program && suspected[f.Path] || p.Program && p.Known == "" && !proven && !slices.ContainsFunc(started, func(name string) bool { return isCalled(f.Path, name) })
		out.Placed = append(out.Placed, p)
	}
	return out
}

// suspected are the paths of the files of the final image that are held to be malware.
func (s *Subject) suspected() map[string]bool {
	paths := map[string]bool{}
	for _, c := range standingContraband(s, vex.Malware) {
		if c.Hidden == nil {
			paths[c.Path] = true
		}
	}
	return paths
}

// starts gives the programs that a container starts with, as the configuration names them: the first words of entrypoint and command.
func (c *Config) starts() []string {
	if c == nil {
		return nil
	}
	var names []string
	for _, words := range [][]string{c.Entrypoint, c.Cmd} {
		if len(words) > 0 && words[0] != "" {
			name := words[0]
			if strings.Contains(name, "/") && !path.IsAbs(name) {
				name = path.Join("/", c.WorkingDir, name)
			}
			names = append(names, path.Clean(name))
		}
	}
	return names
}

// isCalled says whether a program of the image is the one that a configuration names, by its path or, found in PATH, by its name.
func isCalled(file, name string) bool {
	if path.IsAbs(name) {
		return "/"+file == name
	}
	dir, base := path.Split("/" + file)
	return base == name && slices.Contains([]string{"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}, dir)
}
