package inventory

import (
	"path"
	"strings"

	"tidewaiter/inventory/reach"
	"tidewaiter/layer"
)

// Contents counts a package's files by what they are good for.
type Contents struct {
	// Documentation is what only people read; Development is what only compilers and linkers read: headers, static archives,
	// object files, and what says how to link.
	Documentation, Development int
	// Kernel counts kernel images and modules; Other is all the rest, code of any kind among it.
	Kernel, Other int
}

// Files is how many there are.
func (c Contents) Files() int { return c.Documentation + c.Development + c.Kernel + c.Other }

// Contents looks at the files that a package's database lists. The zero value says that it lists none, or that there is no
// file system to look into.
func (inv *Inventory) Contents(p *Package) Contents {
	var c Contents
	if inv.Reach == nil || len(p.Paths) == 0 {
		return c
	}
	tree, root := inv.Reach.tree, databaseRoot(p.Paths[0])
	dirs := realDirs{tree: tree, known: map[string]string{}}
	for _, f := range p.Files {
		info, err := tree.Lstat(dirs.real(path.Join(root, f.Path)))
		var file *layer.File
		if err == nil {
			file, _ = info.Sys().(*layer.File)
		}
		switch {
		case err == nil && info.IsDir():
		case isKernel(f.Path):
			c.Kernel++
		case file != nil && reach.IsMachineCode(file.Facts()):
			c.Other++
		case isDocumentation(f.Path):
			c.Documentation++
		case isDevelopment(f.Path, file):
			c.Development++
		default:
			c.Other++
		}
	}
	return c
}

// isKernel says whether a file is a kernel or a module of one.
func isKernel(file string) bool {
	base := path.Base(file)
	for _, packed := range []string{".gz", ".xz", ".zst"} {
		base = strings.TrimSuffix(base, packed)
	}
	return path.Ext(base) == ".ko" || base == "vmlinux" || base == "bzImage" || strings.HasPrefix(base, "vmlinuz") || strings.HasPrefix(base, "vmlinux-")
}

// isDocumentation says whether a file lies where documentation does, as the Filesystem Hierarchy Standard and the
// distributions' policies have it. Examples there may be scripts: nothing runs them.
func isDocumentation(file string) bool {
	file = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(file, "usr/"), "local/"), "share/")
	dir, _, _ := strings.Cut(file, "/")
	switch dir {
	case "doc", "man", "info", "gtk-doc", "help", "licenses", "devhelp", "doc-base", "javadoc", "lintian", "bug", "omf":
		return true
	}
	return false
}

// isDevelopment says whether only compilers and linkers have a use for a file. A script is none of them; nor is a shared
// object, but a link to one, or a linker's script in its place, whose name has no version.
func isDevelopment(file string, entry *layer.File) bool {
	if entry != nil && entry.Program && path.Ext(file) != ".o" {
		return false
	}
	if strings.HasPrefix(file, "usr/include/") { // headers of C++ have no ending
		return true
	}
	switch path.Ext(file) {
	case ".h", ".hh", ".hpp", ".hxx", ".inl", ".ipp", ".tcc", ".a", ".la", ".o", ".pc", ".cmake", ".m4", ".prl", ".gir", ".vapi", ".deps":
		return true
	case ".so":
		return entry != nil
	}
	return false
}
