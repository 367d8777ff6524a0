package inventory

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // what apk's database has of symbolic links
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"tidewaiter/layer"
)

// fileClaim is one package's word that it installed a file.
type fileClaim struct {
	path   string // where the file really is
	digest string
	pkg    int32
	// rank decides between claims on one path: what the distribution installs, the distribution answers for.
	rank   uint8
	config bool
	// ghost says that the package only claims the name; optional that the file's absence says nothing.
	ghost, optional bool
}

const (
	ofDistribution uint8 = iota
	ofLanguage           // a list that an installer left: RECORD, conda's, a gem's
	isPackage            // the file is the package itself, or its metadata
)

// fileClaims are sorted by path, then rank.
type fileClaims struct {
	list []fileClaim
	// homes are the directories that packages fill, with whoever fills them.
	homes map[string]home
	// longest is the length of the longest of their paths: most directories are too deep to be looked up.
	longest int
	// noLinks says that there are packages whose lists leave symbolic links out: dpkg's status.d has only checksums.
	noLinks bool
}

// home is a directory all of which is one package's.
type home struct {
	pkg int
	// metadata is the path of the file that names the package: what is newer than it was not installed with it.
	metadata string
}

func newFileClaims(tree *layer.Tree, packages []Package) *fileClaims {
	c := &fileClaims{homes: map[string]home{}}
	dirs := realDirs{tree: tree, known: map[string]string{}}
	diverted := map[string]map[string]diversion{} // by the root of the dpkg database
	for i := range packages {
		p := &packages[i]
		if p.Locked || p.Claimed || p.Recognised || p.Owner != "" || len(p.Paths) == 0 {
			continue // of what a distribution's package installed, that package has the list
		}
		root, rank := "", ofLanguage
		if p.OfDistribution() {
			root, rank = databaseRoot(p.Paths[0]), ofDistribution
		}
		if _, known := diverted[root]; !known && p.Type == "deb" {
			diverted[root] = readDiversions(tree, root)
		}
		for _, f := range p.Files {
			at := path.Join(root, f.Path)
			if d, ok := diverted[root][f.Path]; ok && p.Type == "deb" && d.by != p.Name {
				at = path.Join(root, d.to)
			}
			c.list = append(c.list, fileClaim{path: dirs.real(at), digest: f.Digest, pkg: int32(i), rank: rank,
				config: f.Config || isProtected(p, f.Path), ghost: f.Optional, optional: f.Optional || mayMiss(p, &f)})
		}
		c.noLinks = c.noLinks || p.Type == "deb" && strings.HasSuffix(path.Dir(p.Paths[0]), "dpkg/status.d")
		if rank == ofLanguage {
			c.occupy(tree, i, p)
		}
	}
	slices.SortStableFunc(c.list, func(a, b fileClaim) int { return cmp.Or(strings.Compare(a.path, b.path), cmp.Compare(a.rank, b.rank)) })
	return c
}

// isProtected says whether apk keeps what its user made of a file, as it does below /etc.
func isProtected(p *Package, at string) bool { return p.Type == "apk" && strings.HasPrefix(at, "etc/") }

// mayMiss says whether the absence of a listed file says nothing: dpkg's lists have directories too, and what is there no
// more could have been one; of languages' lists only some are of what was really installed, and
// Python makes bytecode anew wherever it is not there.
func mayMiss(p *Package, f *OwnedFile) bool {
	switch p.Type {
	case "deb":
		return f.Digest == "" && !f.Config
	case "pypi", "conda":
		return path.Ext(f.Path) == ".pyc"
	case "apk", "rpm":
		return false
	}
	return true
}

// diversion is one of dpkg-divert: every package's file goes elsewhere but that of the package that asked for it.
type diversion struct{ to, by string }

// readDiversions reads dpkg's list: three lines for each diversion, the last one ":" where an administrator made it.
func readDiversions(tree *layer.Tree, root string) map[string]diversion {
	e, ok := tree.Lookup(path.Join(root, "var/lib/dpkg/diversions"))
	if !ok {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(e.File.Content())), "\n")
	diversions := map[string]diversion{}
	for ; len(lines) >= 3; lines = lines[3:] {
		diversions[strings.TrimPrefix(lines[0], "/")] = diversion{strings.TrimPrefix(lines[1], "/"), lines[2]}
	}
	return diversions
}

// occupy notes the directories and files that are a language package itself.
func (c *fileClaims) occupy(tree *layer.Tree, i int, p *Package) {
	file := func(at string) {
		c.list = append(c.list, fileClaim{path: at, pkg: int32(i), rank: isPackage, optional: true})
	}
	fills := func(dir, metadata string) {
		if _, taken := c.homes[dir]; !taken && dir != "." {
			c.homes[dir] = home{i, metadata}
			c.longest = max(c.longest, len(dir))
		}
	}
	for _, at := range p.Paths {
		dir, base := path.Dir(at), path.Base(at)
		switch {
		case strings.Contains(at, "!/"): // of a package inside a file: the file is not it
		case p.Type == "npm" && base == "package.json":
			if !p.Project {
				fills(dir, at)
			}
		case p.Type == "gem" && strings.HasSuffix(base, ".gemspec"):
			c.occupyGem(tree, at, file, fills)
		case p.Type == "composer" && base == "installed.json":
			fills(path.Join(path.Dir(dir), p.Name), at)
		case p.Type == "cran" && base == "DESCRIPTION", p.Type == "pypi" && path.Ext(dir) == ".egg-info":
			fills(dir, at)
		case p.Type == "pypi" && path.Base(dir) == "EGG-INFO":
			fills(path.Dir(dir), at)
		case p.Type == "pypi" && base == "METADATA" && len(p.Files) == 0:
			fills(dir, at)
		case isArchive(p.Extractor) || p.Type == "pypi" || p.Type == "conda":
			file(at)
		}
	}
}

// isArchive says whether an extractor's packages are whole files: archives and executables.
func isArchive(extractor string) bool {
	switch extractor {
	case "go-binary", "rust-binary", "java-archive", "maven-repo", "yarn-cache":
		return true
	}
	return false
}

// occupyGem notes what RubyGems makes of a gem beside its specification.
func (c *fileClaims) occupyGem(tree *layer.Tree, gemspec string, file func(string), fills func(dir, metadata string)) {
	file(gemspec)
	gems, name := path.Dir(path.Dir(gemspec)), strings.TrimSuffix(path.Base(gemspec), ".gemspec")
	if path.Base(path.Dir(gemspec)) != "specifications" {
		return // one of Ruby's own, which are part of its library
	}
	fills(path.Join(gems, "gems", name), gemspec)
	file(path.Join(gems, "cache", name+".gem"))
	file(path.Join(gems, "build_info", name+".info"))
	platforms, _ := tree.ReadDir(path.Join(gems, "extensions"))
	for _, platform := range platforms {
		versions, _ := tree.ReadDir(path.Join(gems, "extensions", platform.Name()))
		for _, v := range versions {
			fills(path.Join(gems, "extensions", platform.Name(), v.Name(), name), gemspec)
		}
	}
}

// of gives the claims on one path that count: those of the lowest rank.
func (c *fileClaims) of(at string) []fileClaim {
	first, ok := slices.BinarySearchFunc(c.list, at, func(c fileClaim, at string) int { return strings.Compare(c.path, at) })
	if !ok {
		return nil
	}
	end := first
	for end < len(c.list) && c.list[end].path == at && c.list[end].rank == c.list[first].rank {
		end++
	}
	return c.list[first:end]
}

// homeOf finds the package that fills the directory a file lies in. What is in a node_modules that no package answers
// for is not the package's above it.
func (c *fileClaims) homeOf(at string) (home, bool) {
	for dir := at; ; {
		end := strings.LastIndexByte(dir, '/')
		if end < 0 {
			break
		}
		dir = dir[:end]
		if len(dir) <= c.longest {
			if h, ok := c.homes[dir]; ok {
				return h, true
			}
		}
		if strings.HasSuffix(dir, "/node_modules") || dir == "node_modules" {
			break
		}
	}
	return home{}, false
}

// digestOf gives a file's digest by the algorithm's name, with the name in front; empty where it is not known.
func digestOf(f *layer.File, algorithm string) string {
	d := f.Digests()
	switch {
	case f.Type == layer.Symlink && algorithm == "sha1": // of its target: apk
		sum := sha1.Sum([]byte(f.Link)) //nolint:gosec // as above
		return "sha1:" + hex.EncodeToString(sum[:])
	case f.Type != layer.Regular || d == nil:
		return ""
	case algorithm == "md5" && d.HasMD5():
		return "md5:" + hex.EncodeToString(d.MD5[:])
	case algorithm == "sha1" && d.HasSHA1():
		return "sha1:" + hex.EncodeToString(d.SHA1[:])
	case algorithm == "sha256":
		return "sha256:" + hex.EncodeToString(d.SHA256[:])
	}
	return ""
}

// compare holds a file against what was recorded of it. known is false where there is nothing to compare.
func (c *fileClaim) compare(f *layer.File) (same, known bool) {
	algorithm, _, ok := strings.Cut(c.digest, ":")
	if !ok {
		return false, false
	}
	switch actual := digestOf(f, algorithm); {
	case actual != "":
		return strings.EqualFold(actual, c.digest), true
	case f.Type != layer.Regular:
		return false, true // it has a checksum of content, and is no file any more
	}
	return false, false
}
