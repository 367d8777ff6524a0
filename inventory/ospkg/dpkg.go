package ospkg

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// dpkg reads the status database of dpkg (dpkg(1), deb-control(5)), and the directory status.d of images
// made without dpkg, which holds the control file of each package and its checksums.
type dpkg struct{}

var _ inventory.Finisher = dpkg{}

// Name implements [inventory.Extractor].
func (dpkg) Name() string { return "dpkg" }

// Rules implements [inventory.Extractor].
func (dpkg) Rules() []inventory.Rule {
	return []inventory.Rule{
		{Suffix: "dpkg/status"},
		{Name: "status", Magic: "Package:"},
		{Dir: "dpkg/status.d", Magic: "Package:"},
		{Dir: "dpkg/status.d", Suffix: ".md5sums", CaptureOnly: true},
		{Dir: "dpkg/info", Suffix: ".list", CaptureOnly: true},
		{Dir: "dpkg/info", Suffix: ".md5sums", CaptureOnly: true},
		{Suffix: "dpkg/diversions", CaptureOnly: true},
		{Dir: "share/doc", Name: "copyright", CaptureOnly: true},
	}
}

// Extract implements [inventory.Extractor]. File lists and licences come in Finish.
func (dpkg) Extract(ctx context.Context, tree *layer.Tree, path string) ([]inventory.Package, error) {
	return parseStatus(ctx, content(tree, path), path)
}

func parseStatus(ctx context.Context, file []byte, path string) ([]inventory.Package, error) {
	var pkgs []inventory.Package
	var wants [][]string
	var bad damage
	var more []pulls
	providers := map[string]string{}
	for s := range stanzas(file) {
		bad.records++
		if bad.records%256 == 0 && ctx.Err() != nil {
			return pkgs, ctx.Err()
		}
		p, err := debPackage(s)
		if err == nil && s.broken > 0 {
			err = errors.New("a line that is no field")
		}
		if err != nil {
			bad.add(s.line, "line", err.Error())
		}
		if p.Name == "" {
			continue
		}
		if len(pkgs) == maxPackages {
			return pkgs, errPackages
		}
		p.Paths = []string{path}
		pkgs = append(pkgs, p)
		wants = append(wants, append(relations(s.get("Pre-Depends")), relations(s.get("Depends"))...))
		more = append(more, pulls{
			choices: slices.Concat(alternatives(s.get("Pre-Depends")), alternatives(s.get("Depends"))),
			weak:    alternatives(s.get("Recommends")), provides: relations(s.get("Provides")),
		})
		for _, name := range relations(s.get("Provides")) {
			if _, ok := providers[name]; !ok {
				providers[name] = p.Name
			}
		}
	}
	for i := range pkgs {
		providers[pkgs[i].Name] = pkgs[i].Name
	}
	for i := range pkgs {
		pkgs[i].Depends = needs(pkgs[i].Name, wants[i], providers)
	}
	setPulls(pkgs, more)
	return pkgs, bad.err()
}

// debPackage reads one stanza. Without an error, a package without a name is one that is not installed.
func debPackage(s *stanza) (inventory.Package, error) {
	name, version := s.get("Package"), s.get("Version")
	installed, err := isInstalled(s.get("Status"))
	switch {
	case !legal(name):
		return inventory.Package{}, errors.New("no package name, or not one that dpkg allows")
	case !installed:
		return inventory.Package{}, err
	case !legal(version):
		return inventory.Package{}, errors.New("no version, or not one that dpkg allows")
	}
	return inventory.Package{
		Type: "deb", Name: name, Version: version, Arch: legalOr(s.get("Architecture"), ""),
		Source: debSource(s.get("Source"), name, version), Files: conffiles(s.get("Conffiles")), Supplier: words(s.get("Maintainer")),
		Builder: words(cmp.Or(s.get("Origin"), s.get("Vendor"))),
	}, err
}

// isInstalled reads the field Status, "install ok installed": what is wanted, a flag, and the state. In all
// the states counted as installed the package's files are in place. Images made without dpkg have no Status.
func isInstalled(status string) (bool, error) {
	words := strings.Fields(status)
	switch len(words) {
	case 0:
		return true, nil
	case 3:
	default:
		return false, errors.New("an unknown status")
	}
	switch words[2] {
	case "installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending":
		return true, nil
	case "not-installed", "config-files":
		return false, nil
	case "half-installed":
		return false, errors.New("a package that is half installed")
	}
	return false, errors.New("an unknown status")
}

// debSource reads the field Source, "name" or "name (version)"; what it leaves out is as in the package.
func debSource(source, name, version string) *inventory.Source {
	src, rest, _ := strings.Cut(source, " ")
	return &inventory.Source{Name: legalOr(src, name), Version: legalOr(strings.Trim(rest, "() "), version)}
}

// relations gives the names of a list of dependencies, "a (>= 1), b | c": of alternatives, the first.
func relations(list string) []string {
	if list == "" {
		return nil
	}
	var names []string
	for want := range strings.SplitSeq(list, ",") {
		want = strings.TrimSpace(want)
		if end := strings.IndexAny(want, " \t\n|([:"); end >= 0 {
			want = want[:end]
		}
		if want != "" {
			names = append(names, want)
		}
	}
	return names
}

// alternatives gives the names of a list of dependencies, each alternative of them.
func alternatives(list string) []string { return relations(strings.ReplaceAll(list, "|", ",")) }

// conffiles reads the field Conffiles: a path and its MD5 on each line.
func conffiles(list string) []inventory.OwnedFile {
	var files []inventory.OwnedFile
	for line := range strings.Lines(list) {
		words := strings.Fields(line)
		if len(words) < 2 || slices.Contains(words[2:], "remove-on-upgrade") {
			continue
		}
		f := inventory.OwnedFile{Path: strings.TrimPrefix(words[0], "/"), Config: true}
		if len(words[1]) == 32 {
			f.Digest = "md5:" + words[1]
		}
		files = append(files, f)
	}
	return files
}

// Finish implements [inventory.Finisher]: it adds the files that dpkg's lists name, and the licences.
func (dpkg) Finish(ctx context.Context, tree *layer.Tree, pkgs []inventory.Package) error {
	room := maxFiles
	for i := range pkgs {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := &pkgs[i]
		dir, base := path.Split(p.Paths[0])
		root, _, usual := strings.Cut(p.Paths[0], "var/lib/dpkg/")
		if !usual {
			root = ""
		}
		var list, sums []byte
		if base == "status" && !strings.HasSuffix(dir, "status.d/") {
			list, sums = infoFile(tree, dir, p, ".list"), infoFile(tree, dir, p, ".md5sums")
		} else {
			sums = content(tree, p.Paths[0]+".md5sums")
		}
		if room -= bytes.Count(list, []byte("\n")) + bytes.Count(sums, []byte("\n")); room < 0 {
			return errFiles
		}
		p.Files = debFiles(tree, root, list, sums, p.Files)
		copyright := path.Join(root, "usr/share/doc", p.Name, "copyright")
		if p.Licenses = copyrightLicenses(content(tree, copyright)); p.Licenses != nil {
			p.LicenseSource = copyright
		}
	}
	return nil
}

// infoFile gives a package's file of dpkg's info directory. Those of packages that can be installed for
// several architectures at once have the architecture in their names.
func infoFile(tree *layer.Tree, dir string, p *inventory.Package, suffix string) []byte {
	if b := content(tree, dir+"info/"+p.Name+suffix); b != nil {
		return b
	}
	return content(tree, dir+"info/"+p.Name+":"+p.Arch+suffix)
}

// debFiles joins a package's list of paths, its checksums and its configuration files. The list also has the
// directories: what has files below it or is a directory of the tree is left out.
func debFiles(tree *layer.Tree, root string, list, sums []byte, config []inventory.OwnedFile) []inventory.OwnedFile {
	known := make(map[string]inventory.OwnedFile, bytes.Count(sums, []byte("\n")))
	for line := range strings.Lines(string(sums)) {
		// 32 hexadecimal digits, two spaces (or a space and a star), the path.
		if len(line) > 34 && line[32] == ' ' {
			p := cleanPath(line[34:])
			known[p] = inventory.OwnedFile{Path: p, Digest: "md5:" + line[:32]}
		}
	}
	for _, f := range config {
		known[f.Path] = f
	}
	files := make([]inventory.OwnedFile, 0, bytes.Count(list, []byte("\n"))+1)
	parents, last := map[string]bool{"": true, ".": true}, ""
	for line := range strings.Lines(string(list)) {
		p := cleanPath(line)
		f, ok := known[p]
		if ok {
			delete(known, p)
		} else {
			f.Path = p
		}
		files = append(files, f)
		if dir, _ := path.Split(p); dir != last {
			parents[strings.TrimSuffix(dir, "/")], last = true, dir
		}
	}
	files = slices.AppendSeq(files, maps.Values(known))
	files = slices.DeleteFunc(files, func(f inventory.OwnedFile) bool {
		return f.Digest == "" && !f.Config && (parents[f.Path] || isDirectory(tree, path.Join(root, f.Path)))
	})
	slices.SortStableFunc(files, func(a, b inventory.OwnedFile) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(files, func(a, b inventory.OwnedFile) bool { return a.Path == b.Path })
}

// isDirectory is false for a symbolic link to one: packages have such links.
func isDirectory(tree *layer.Tree, path string) bool {
	info, err := tree.Lstat(path)
	return err == nil && info.IsDir()
}

// cleanPath gives a line's path relative to the root.
func cleanPath(line string) string {
	p := strings.TrimRight(line, "\r\n")
	return strings.TrimPrefix(strings.TrimPrefix(p, "."), "/")
}
