package ospkg

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// rpm reads the three databases that rpm has had: Berkeley DB (until 4.15), ndb (SUSE) and SQLite. The
// readers are our own, for the only thing needed of each is the list of package headers: the library for it
// wants files on disk, and starts goroutines that a hostile page can make panic or loop, out of reach of
// whoever called it.
type rpm struct{}

// Name implements [inventory.Extractor].
func (rpm) Name() string { return "rpm" }

// Rules implements [inventory.Extractor]. SQLite's newest rows may be in a write-ahead log only.
func (rpm) Rules() []inventory.Rule {
	return []inventory.Rule{
		{Name: "rpmdb.sqlite"},
		{Name: "rpmdb.sqlite-wal", PartOf: func(path string) string { return strings.TrimSuffix(path, "-wal") }},
		{Suffix: "rpm/Packages.db"},
		{Name: "Packages.db", Magic: ndbMagic},
		{Suffix: "rpm/Packages"},
		{Dir: "pki/rpm-gpg", Magic: "-----BEGIN PGP PUBLIC KEY", CaptureOnly: true},
	}
}

// Extract implements [inventory.Extractor].
func (rpm) Extract(ctx context.Context, tree *layer.Tree, path string) ([]inventory.Package, error) {
	return parseRPM(ctx, content(tree, path), content(tree, path+"-wal"), path)
}

func parseRPM(ctx context.Context, file, wal []byte, path string) ([]inventory.Package, error) {
	if len(file) == 0 && len(wal) == 0 {
		return nil, nil // made, never written
	}
	headers, err := rpmHeaders(file, wal)
	if err != nil {
		return nil, err
	}
	var pkgs []inventory.Package
	var bad damage
	var wants [][]string
	files := 0
	var more []pulls
	providers := map[string]string{}
	for blob, err := range headers {
		bad.records++
		if ctx.Err() != nil {
			return pkgs, ctx.Err()
		}
		var h rpmHeader
		if err == nil {
			h, err = parseHeader(blob)
		}
		if err != nil {
			bad.add(bad.records, "record", err.Error())
			continue
		}
		if h.name == "gpg-pubkey" {
			continue // a key that signs packages, kept among them
		}
		if len(pkgs) == maxPackages {
			return pkgs, errPackages
		}
		if files += len(h.files); files > maxFiles {
			return pkgs, errFiles
		}
		pkgs = append(pkgs, h.pkg(path))
		wants = append(wants, h.requires)
		more = append(more, pulls{choices: richNames(h.requires), weak: h.recommends, beside: h.supplements, provides: h.provides})
		for _, name := range h.provides {
			if _, ok := providers[name]; !ok {
				providers[name] = h.name
			}
		}
	}
	for i := range pkgs {
		pkgs[i].Depends = needs(pkgs[i].Name, wants[i], providers)
	}
	setPulls(pkgs, more)
	return pkgs, bad.err()
}

// rpmHeaders gives the package headers of a database, whichever kind it is.
func rpmHeaders(file, wal []byte) (iter.Seq2[[]byte, error], error) {
	switch {
	case strings.HasPrefix(string(file[:min(len(file), 16)]), sqliteMagic) || len(file) == 0:
		return sqliteRows(file, wal, "Packages")
	case strings.HasPrefix(string(file[:min(len(file), 4)]), ndbMagic):
		return ndbBlobs(file)
	case len(file) >= bdbMetaSize && (binary.LittleEndian.Uint32(file[12:]) == bdbHashMagic || binary.BigEndian.Uint32(file[12:]) == bdbHashMagic):
		return bdbValues(file)
	}
	return nil, errors.New("not an rpm database: neither SQLite, ndb nor Berkeley DB")
}

// pkg gives what a header says.
func (h *rpmHeader) pkg(path string) inventory.Package {
	p := inventory.Package{
		Type: "rpm", Name: h.name, Version: h.version + "-" + h.release, Arch: h.arch,
		Paths: []string{path}, Modularity: h.modularity, Files: h.files, Source: h.source(),
	}
	p.Version = h.epoch + p.Version
	p.Licenses, p.Supplier, p.Builder = license(h.license), words(h.vendor), words(h.distribution)
	return p
}

// source reads SOURCERPM, "openssl-3.0.7-27.el9.src.rpm". The file's name has no epoch: it is the package's
// own, as long as the rest of the version is.
func (h *rpmHeader) source() *inventory.Source {
	nvr, ok := strings.CutSuffix(h.sourceRPM, ".src.rpm")
	if !ok {
		nvr, ok = strings.CutSuffix(h.sourceRPM, ".nosrc.rpm")
	}
	release := strings.LastIndexByte(nvr, '-')
	if !ok || release < 0 {
		return nil
	}
	version := strings.LastIndexByte(nvr[:release], '-')
	if version <= 0 || !legal(nvr) {
		return nil
	}
	s := &inventory.Source{Name: nvr[:version], Version: nvr[version+1:]}
	if s.Version == h.version+"-"+h.release {
		s.Version = h.epoch + s.Version
	}
	return s
}
