package ospkg

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// apk reads the installed database of apk-tools (https://wiki.alpinelinux.org/wiki/Apk_spec): records of
// lines that begin with a letter and a colon, with an empty line between records.
type apk struct{}

// Name implements [inventory.Extractor].
func (apk) Name() string { return "apk" }

// Rules implements [inventory.Extractor].
func (apk) Rules() []inventory.Rule {
	return []inventory.Rule{
		{Suffix: "apk/db/installed"},
		{Name: "installed", Magic: "C:Q1"},
	}
}

// Extract implements [inventory.Extractor].
func (apk) Extract(ctx context.Context, tree *layer.Tree, path string) ([]inventory.Package, error) {
	return parseInstalled(ctx, content(tree, path), path)
}

// apkRecord is one package while its lines are read.
type apkRecord struct {
	pkg             inventory.Package
	wants, provides []string
	// beside are the packages with which it installs itself.
	beside      []string
	origin, dir string
	line        int
	bad         error
}

// apkReader reads a database record by record.
type apkReader struct {
	path    string
	records []apkRecord
	files   int
	bad     damage
}

func parseInstalled(ctx context.Context, file []byte, path string) ([]inventory.Package, error) {
	db := apkReader{path: path}
	var r apkRecord
	number := 0
	for line := range bytes.Lines(file) {
		number++
		if number%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) > 0 {
			if r.line == 0 {
				r.line = number
			}
			r.add(line)
			continue
		}
		if err := db.end(&r); err != nil {
			return apkPackages(db.records), err
		}
		r = apkRecord{}
	}
	if err := db.end(&r); err != nil {
		return apkPackages(db.records), err
	}
	return apkPackages(db.records), db.bad.err()
}

// end keeps a record that is complete. The error says that no more are read.
func (db *apkReader) end(r *apkRecord) error {
	if r.line == 0 {
		return nil
	}
	db.bad.records++
	if !legal(r.pkg.Name) || !legal(r.pkg.Version) {
		db.bad.add(r.line, "line", "no name or version, or not one that apk allows")
		return nil
	}
	if r.bad != nil {
		db.bad.add(r.line, "line", r.bad.Error())
	}
	if len(db.records) == maxPackages {
		return errPackages
	}
	if db.files += len(r.pkg.Files); db.files > maxFiles {
		return errFiles
	}
	r.pkg.Paths = []string{db.path}
	db.records = append(db.records, *r)
	return nil
}

// add takes one line of the record.
func (r *apkRecord) add(line []byte) {
	if len(line) < 2 || line[1] != ':' {
		r.bad = errors.New("a line that is no field")
		return
	}
	value := string(line[2:])
	switch p := &r.pkg; line[0] {
	case 'P':
		p.Name = value
	case 'V':
		p.Version = value
	case 'A':
		p.Arch = legalOr(value, "")
	case 'L':
		p.Licenses = license(value)
	case 'm':
		p.Supplier = words(value)
	case 'o':
		r.origin = value
	case 'D':
		r.wants = apkNames(value)
	case 'p':
		r.provides = apkNames(value)
	case 'i':
		r.beside = apkNames(value)
	case 'F':
		r.dir = value
	case 'R':
		if len(p.Files) > maxFiles {
			return // end says so
		}
		p.Files = append(p.Files, inventory.OwnedFile{Path: strings.TrimPrefix(r.dir+"/"+value, "/")})
	case 'a':
		if n := len(p.Files); n > 0 {
			p.Files[n-1].Mode = apkMode(value)
		}
	case 'Z':
		if n := len(p.Files); n > 0 {
			p.Files[n-1].Digest = apkDigest(value)
		}
	}
}

// apkNames gives the names of a list of dependencies, "so:libc.musl-x86_64.so.1 zlib>=1.2 !conflict".
func apkNames(list string) []string {
	var names []string
	for _, want := range strings.Fields(list) {
		if want[0] == '!' {
			continue
		}
		if end := strings.IndexAny(want, "<>=~@"); end >= 0 {
			want = want[:end]
		}
		names = append(names, want)
	}
	return names
}

// apkMode reads owner, group and mode, "0:0:755".
func apkMode(value string) uint32 {
	mode, err := strconv.ParseUint(value[strings.LastIndexByte(value, ':')+1:], 8, 12)
	if err != nil {
		return 0
	}
	return uint32(mode)
}

// apkDigest reads a checksum: Q1 and a base64 SHA-1, or Q2 and a base64 SHA-256.
func apkDigest(value string) string {
	sum, err := base64.StdEncoding.DecodeString(value[min(2, len(value)):])
	switch {
	case err == nil && strings.HasPrefix(value, "Q1") && len(sum) == 20:
		return "sha1:" + hex.EncodeToString(sum)
	case err == nil && strings.HasPrefix(value, "Q2") && len(sum) == 32:
		return "sha256:" + hex.EncodeToString(sum)
	}
	return ""
}

// apkPackages completes the packages of a whole database.
func apkPackages(records []apkRecord) []inventory.Package {
	providers := map[string]string{}
	for i := range records {
		for _, name := range records[i].provides {
			if _, ok := providers[name]; !ok {
				providers[name] = records[i].pkg.Name
			}
		}
	}
	for i := range records {
		providers[records[i].pkg.Name] = records[i].pkg.Name
	}
	pkgs, more := make([]inventory.Package, len(records)), make([]pulls, len(records))
	for i := range records {
		p := records[i].pkg
		p.Type = "apk"
		// A package and its origin are built together and have one version.
		p.Source = &inventory.Source{Name: legalOr(records[i].origin, p.Name), Version: p.Version}
		p.Depends = needs(p.Name, records[i].wants, providers)
		pkgs[i], more[i] = p, pulls{choices: records[i].wants, beside: records[i].beside, provides: records[i].provides}
	}
	setPulls(pkgs, more)
	return pkgs
}
