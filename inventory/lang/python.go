package lang

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// pythonExtractor reads what pip, setuptools and the distributions' packagers leave beside each installed
// project. osv-scalibr's extractor reads no licences and no RECORD, and fails on a header line over 64 KiB.
type pythonExtractor struct{}

func (pythonExtractor) Name() string { return "python-installed" }

func (pythonExtractor) Rules() []inventory.Rule {
	return []inventory.Rule{
		{Suffix: ".dist-info/METADATA"},
		{Suffix: ".dist-info/RECORD", CaptureOnly: true},
		{Suffix: ".egg-info/PKG-INFO"},
		{Dir: "site-packages", Name: "installed-files.txt", CaptureOnly: true},
		{Dir: "dist-packages", Name: "installed-files.txt", CaptureOnly: true},
		{Suffix: "EGG-INFO/PKG-INFO"},
		{Suffix: ".egg-info"},
		{Suffix: ".egg", Magic: "PK", Distil: distilEgg},
	}
}

func (e pythonExtractor) Extract(_ context.Context, tree *layer.Tree, p string) ([]inventory.Package, error) {
	content, zipped := facts(tree, p, eggKind)
	if !zipped {
		if path.Ext(p) == ".egg" {
			return nil, nil // distilled by another extractor
		}
		var err error
		if content, err = readFile(tree, p); err != nil {
			return nil, err
		}
	}
	pkg, err := parsePython(content)
	if err != nil {
		return nil, err
	}
	switch dir := path.Dir(p); {
	case path.Base(p) == "METADATA":
		if record, err := readFile(tree, path.Join(dir, "RECORD")); err == nil {
			pkg.Files = parseRecord(path.Dir(dir), record)
		}
		_, pkg.Requested = tree.Lookup(path.Join(dir, "REQUESTED"))
	case path.Ext(dir) == ".egg-info":
		if list, err := readFile(tree, path.Join(dir, "installed-files.txt")); err == nil {
			pkg.Files = parseInstalledFiles(dir, list)
		}
	}
	return proven([]inventory.Package{pkg}, e.Name(), p), nil
}

// parsePython reads core metadata: https://packaging.python.org/specifications/core-metadata/.
func parsePython(content []byte) (inventory.Package, error) {
	h := parseHeader(content)
	name, version := h.first("name"), h.first("version")
	if name == "" || version == "" {
		return inventory.Package{}, errors.New("the metadata has no name or no version")
	}
	pkg := newPackage("pypi", name, version)
	pkg.Licenses = pythonLicences(h)
	pkg.Requires = pythonRequires(h)
	for _, r := range h["requires-dist"] {
		if end := strings.IndexAny(r, " ;<>=!~[("); end > 0 {
			r = r[:end]
		}
		pkg.Depends = append(pkg.Depends, inventory.AdvisoryName("pypi", r))
	}
	return pkg, nil
}

// pythonLicences takes the first that is stated of: the expression, the short licence field, the classifiers.
func pythonLicences(h header) []string {
	if l := licences(h.first("license-expression")); l != nil {
		return l
	}
	if s := h.first("license"); !strings.Contains(s, "\n") {
		if l := licences(s); l != nil {
			return l
		}
	}
	var stated []string
	for _, c := range h["classifier"] {
		if s, ok := strings.CutPrefix(c, "License :: "); ok && s != "OSI Approved" {
			if id, ok := familiarLicence(s); ok {
				s = id
			}
			stated = append(stated, strings.TrimPrefix(s, "OSI Approved :: "))
		}
	}
	return licences(stated...)
}

// maxRecord bounds how many files one project may say it installed.
const maxRecord = 200_000

// parseRecord reads the list of installed files, whose paths are relative to the directory that holds the
// .dist-info one: https://packaging.python.org/specifications/recording-installed-packages/.
func parseRecord(site string, content []byte) []inventory.OwnedFile {
	r := csv.NewReader(bytes.NewReader(content))
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = -1, true, true
	var files []inventory.OwnedFile
	for len(files) < maxRecord {
		row, err := r.Read()
		if err != nil {
			break
		}
		p := row[0]
		if !strings.HasPrefix(p, "/") {
			p = path.Join("/", site, p)
		}
		f := inventory.OwnedFile{Path: strings.TrimPrefix(path.Clean(p), "/")}
		if len(row) > 1 {
			f.Digest = recordDigest(row[1])
		}
		files = append(files, f)
	}
	return files
}

// parseInstalledFiles reads the list that pip keeps of what setup.py installed: one path on each line, relative to the
// directory that holds the list. It has no checksums.
func parseInstalledFiles(eggInfo string, content []byte) []inventory.OwnedFile {
	var files []inventory.OwnedFile
	for line := range bytes.Lines(content) {
		p := string(bytes.TrimRight(line, "\r\n"))
		if p == "" || len(files) == maxRecord {
			continue
		}
		files = append(files, inventory.OwnedFile{Path: strings.TrimPrefix(path.Join("/", eggInfo, p), "/")})
	}
	return files
}

// recordDigest turns "sha256=" and unpadded URL-safe base64 into "sha256:" and hexadecimal digits.
func recordDigest(s string) string {
	algorithm, value, ok := strings.Cut(s, "=")
	sum, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(value, "="))
	if !ok || err != nil {
		return ""
	}
	return algorithm + ":" + hex.EncodeToString(sum)
}

const (
	// eggKind starts the facts of a zipped egg; its metadata follows.
	eggKind = "egg\n"
	// maxMetadata bounds the metadata of an egg, in bytes.
	maxMetadata = 1 << 20
)

// distilEgg takes EGG-INFO/PKG-INFO out of a zipped egg.
func distilEgg(ctx context.Context, _ string, r io.ReaderAt, size int64) ([]byte, error) {
	var out []byte
	budget := int64(maxZipEntries)
	err := walkZip(ctx, r, size, &budget, func(e zipEntry) error {
		if string(e.name) != "EGG-INFO/PKG-INFO" || out != nil {
			return nil
		}
		content, err := e.head(r, maxMetadata)
		if err != nil {
			return fmt.Errorf("EGG-INFO/PKG-INFO: %w", err)
		}
		out = append([]byte(eggKind), content...)
		return nil
	})
	return out, err
}

// header holds the fields of a block in the form of RFC 822, by lower-case name.
type header map[string][]string

func (h header) first(name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// parseHeader reads fields up to the first empty line. Continuation lines are joined with a line feed. Lines
// that are no field are passed over.
func parseHeader(content []byte) header {
	h := header{}
	last := ""
	for line := range bytes.Lines(trimBOM(content)) {
		line = bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if v := h[last]; len(v) > 0 && len(v[len(v)-1]) < maxMetadata {
				v[len(v)-1] += "\n" + string(bytes.TrimSpace(line))
			}
			continue
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		last = strings.ToLower(string(bytes.TrimSpace(name)))
		h[last] = append(h[last], string(bytes.TrimSpace(value)))
	}
	return h
}
