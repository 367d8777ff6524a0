package integrity

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/trust"
)

// files sorts what the account of all files says: what is as it was installed, what was changed, what is gone, what nobody can tell.
func (a *account) files(t *inventory.Trace) *trust.Integrity {
	out := &trust.Integrity{Verified: t.Verified, Changed: []trust.ChangedFile{}}
	unverified := map[string]int{} // files by kind of package
	for i := range t.Files {
		f := &t.Files[i]
		switch {
		case f.Owner < 0:
		case f.Class == inventory.Modified:
			out.Changed = append(out.Changed, a.changed(f))
		case f.Class != inventory.Owned:
		default:
			if why := a.rights(f); why != "" {
				c := a.at(f.Path, f.Owner, f.Layer)
				c.Why = why
				out.Changed = append(out.Changed, c)
			}
			if !f.Verified && f.Entry.Type == layer.Regular && !a.isOwnRecord(f) {
				unverified[a.packages[f.Owner].Type]++
				out.Unverified++
			}
		}
	}
	out.Changed = append(out.Changed, a.diverted(t)...)
	for i := range t.Missing {
		c := a.missing(&t.Missing[i])
		if info, err := a.tree.Lstat(c.Path); err == nil && info.IsDir() {
			c.Why = "a directory stands where a file was installed"
			out.Changed = append(out.Changed, c)
			continue
		}
		out.Missing = append(out.Missing, c)
	}
	out.Unlisted = a.unlisted()
	a.noteUnverified(unverified)
	out.Notes = a.notes
	a.spots = append(a.spots, t.BlindSpots...)
	slices.SortStableFunc(out.Changed, compareChanged)
	return out
}

func compareChanged(a, b trust.ChangedFile) int {
	rank := func(c trust.ChangedFile) int {
		if c.Config {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Path, b.Path))
}

// at begins an entry: the path, whose it is, and the layer and instruction that changed it.
func (a *account) at(file string, owner, index int) trust.ChangedFile {
	c := trust.ChangedFile{Path: file, Package: a.packages[owner].PURL}
	if index >= 0 && index < len(a.image.Layers) {
		l := &a.image.Layers[index]
		c.Layer, c.Instruction, c.DockerfileLine = &index, l.Instruction, l.DockerfileLine
	}
	return c
}

func (a *account) changed(f *inventory.File) trust.ChangedFile {
	p := &a.packages[f.Owner]
	c := a.at(f.Path, f.Owner, f.Layer)
	c.Recorded, c.Actual = f.Recorded, f.Actual()
	// A library that its package calls configuration is still code.
	c.Config = f.Config && (!f.Entry.Program || strings.HasPrefix(f.Path, "etc/"))
	who := "it was so when the image's file system was made"
	if c.Layer != nil {
		who = a.step(f.Layer) + " put it there"
		if p.Layer != nil && *p.Layer == f.Layer {
			who += ", the one that installed the package"
		}
	}
	switch {
	case c.Config:
		c.Why = "configuration, which its user may change: " + who
	case f.Entry.Type == layer.Symlink:
		c.Why = fmt.Sprintf("a symbolic link to %s stands where %s %s installed a file: %s", f.Entry.Link, p.Name, p.Version, who)
	case f.Entry.Type != layer.Regular:
		c.Why = fmt.Sprintf("what stands there is no file, as %s %s installed one: %s", p.Name, p.Version, who)
	default:
		c.Why = fmt.Sprintf("not the content that %s %s installed: %s", p.Name, p.Version, who)
	}
	return c
}

// rights says what a file allows that it did not when its package was installed; empty where that is nothing. Where the database has the
// mode (rpm, apk) it decides; else a layer that wrote the same content again after the package was installed changed the mode.
func (a *account) rights(f *inventory.File) string {
	p := &a.packages[f.Owner]
	const setuid, writable = 0o6000, 0o002
	mode := f.PosixMode()
	gained := mode & (setuid | writable)
	if !p.OfDistribution() || f.Entry.Type != layer.Regular || gained == 0 || f.Config {
		return ""
	}
	switch recorded := recordedMode(p, f.Path); {
	case recorded != 0:
		gained &^= recorded
	case p.Layer == nil || f.Layer <= *p.Layer || !f.Verified:
		return ""
	}
	switch {
	case gained&setuid != 0 && f.Setuid():
		return fmt.Sprintf("its mode is %04o: it runs with the rights of its owner or group, and as %s %s installed it, it did not", mode, p.Name, p.Version)
	case gained&writable != 0:
		return fmt.Sprintf("its mode is %04o: everyone may write to it, and as %s %s installed it, that was not so", mode, p.Name, p.Version)
	}
	return ""
}

// recordedMode is what the database has as a file's mode; 0 where it has none. Where a system keeps /lib in /usr/lib, the database may
// have either path.
func recordedMode(p *inventory.Package, at string) uint32 {
	for i := range p.Files {
		if f := &p.Files[i]; f.Mode != 0 && strings.TrimPrefix(f.Path, "usr/") == strings.TrimPrefix(at, "usr/") {
			return f.Mode
		}
	}
	return 0
}

// isOwnRecord says whether a file is one of those in which a package manager keeps what it knows, of which no list has a checksum.
func (a *account) isOwnRecord(f *inventory.File) bool {
	switch path.Base(f.Path) {
	case "RECORD", "INSTALLER", "REQUESTED", "direct_url.json":
		return strings.HasSuffix(path.Dir(f.Path), ".dist-info")
	}
	return path.Ext(f.Path) == ".pyc"
}

func (a *account) missing(m *inventory.Missing) trust.ChangedFile {
	p := &a.packages[m.Owner]
	c := a.at(m.Path, m.Owner, m.Layer)
	for i := range p.Files {
		if f := &p.Files[i]; f.Path == m.Path {
			c.Recorded, c.Config = f.Digest, f.Config
		}
	}
	switch {
	case c.Layer != nil:
		c.Why = a.step(m.Layer) + " removed it"
	default:
		c.Why = "no layer has it: it was left out when the image was made"
	}
	return c
}

// diverted finds what stands in place of packages' files that dpkg was told to put elsewhere, and is of no package.
func (a *account) diverted(t *inventory.Trace) []trust.ChangedFile {
	var list []trust.ChangedFile
	for _, d := range a.databasesOfDPKG() {
		e, ok := a.tree.Lookup(path.Join(path.Dir(d), "diversions"))
		if !ok {
			continue
		}
		root := rootOf(d)
		lines := bytes.Split(bytes.TrimSpace(e.File.Content()), []byte("\n"))
		for ; len(lines) >= 3; lines = lines[3:] {
			from, to, by := string(lines[0]), string(lines[1]), string(lines[2])
			if c, ok := a.divertedFile(t, path.Join(root, from), path.Join(root, to), by); ok {
				list = append(list, c)
			}
		}
	}
	return list
}

func (a *account) databasesOfDPKG() []string {
	var list []string
	for i := range a.packages {
		if p := &a.packages[i]; p.Type == "deb" && !p.Claimed && path.Base(p.Paths[0]) == "status" {
			list = append(list, p.Paths[0])
		}
	}
	return unique(list)
}

func (a *account) divertedFile(t *inventory.Trace, from, to, by string) (trust.ChangedFile, bool) {
	f, own := a.fileAt(t, from), a.fileAt(t, to)
	if f == nil || f.Class != inventory.Placed || own == nil || own.Owner < 0 {
		return trust.ChangedFile{}, false
	}
	p := &a.packages[own.Owner]
	who := "an administrator's diversion (dpkg-divert)"
	if by != ":" {
		who = "a diversion (dpkg-divert) in the name of " + by
	}
	c := a.at(f.Path, own.Owner, f.Layer)
	c.Recorded, c.Actual = own.Digest(), f.Digest()
	c.Why = fmt.Sprintf("%s put the file of %s %s to /%s, and what stands here is of no package", who, p.Name, p.Version, own.Path)
	return c, true
}

// fileAt finds the account of a path; nil where nothing stands there.
func (a *account) fileAt(t *inventory.Trace, at string) *inventory.File {
	dir, base := path.Split(path.Clean(strings.TrimPrefix(at, "/")))
	if e, ok := a.tree.Lookup(strings.TrimSuffix(dir, "/")); ok {
		dir = e.Path
	}
	i, ok := slices.BinarySearchFunc(t.Files, path.Join(dir, base), func(f inventory.File, at string) int { return strings.Compare(f.Path, at) })
	if !ok {
		return nil
	}
	return &t.Files[i]
}

// unlisted counts dpkg's packages of whose files there is no list, which each of them has when it is installed.
func (a *account) unlisted() int {
	n := 0
	for i := range a.packages {
		p := &a.packages[i]
		if p.Type == "deb" && !p.Claimed && !slices.ContainsFunc(p.Files, func(f inventory.OwnedFile) bool { return !f.Config }) {
			n++
		}
	}
	return n
}

// noteUnverified says which files have no checksum aboard, and what they were held against.
func (a *account) noteUnverified(files map[string]int) {
	bare, linked := 0, 0
	for i := range a.packages {
		p := &a.packages[i]
		if p.Type != "pypi" || !keepsChecksums(p) {
			continue
		}
		switch {
		case !hasChecksums(p):
			bare++
		case isEditable(p):
			linked++
		}
	}
	if bare > 0 {
		a.notes = append(a.notes, fmt.Sprintf("%s of Python without a RECORD (eggs, or it was taken away): their files cannot be verified", count(bare, "package")))
	}
	if linked > 0 {
		a.notes = append(a.notes, fmt.Sprintf("%s of Python only linked to a source directory (editable installs): what is there has no checksums", count(linked, "package")))
	}
	for _, kind := range [...]string{"npm", "gem", "composer", "cran"} {
		if n := files[kind]; n > 0 {
			a.notes = append(a.notes, fmt.Sprintf("%s of %s packages: these have no checksums aboard, and were held against the layer that installed them", count(n, "file"), kind))
		}
	}
}

// isEditable says whether a Python project was installed as a link to its source (PEP 660).
func isEditable(p *inventory.Package) bool {
	link := false
	for i := range p.Files {
		dir, base := path.Split(p.Files[i].Path)
		switch {
		case strings.HasPrefix(base, "__editable__"), path.Ext(base) == ".pth", path.Ext(base) == ".egg-link":
			link = true
		case !strings.Contains(dir, ".dist-info/"):
			return false
		}
	}
	return link
}
