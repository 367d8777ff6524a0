package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// named are the packages whose records are kept, by OSV ecosystem: those of the image.
var named = map[string][]string{
	"Debian": {"base-files", "netbase", "zlib", "expat", "pcre2"},
	"npm":    {"lodash", "minimist", "semver", "lru-cache", "yallist"},
	"Go":     {"golang.org/x/net", "golang.org/x/text", "stdlib"},
}

// record is as much of an OSV record as decides whether it is kept.
type record struct {
	ID       string   `json:"id"`
	Aliases  []string `json:"aliases"`
	Upstream []string `json:"upstream"`
	Affected []struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
		Specific struct {
			Source string `json:"source"`
		} `json:"database_specific"`
	} `json:"affected"`
}

// sliceFeeds copies from feeds what speaks of the image's packages, in the same layout.
func sliceFeeds(feeds, out string) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	cves := map[string]bool{}
	for ecosystem, names := range named {
		if err := sliceOSV(filepath.Join(feeds, "osv", ecosystem, "all.zip"), filepath.Join(out, "osv", ecosystem, "all.zip"), names, cves); err != nil {
			return err
		}
	}
	for _, slice := range []func(string, string, map[string]bool) error{sliceKEV, sliceEPSS, sliceCVE, sliceEOL} {
		if err := slice(feeds, out, cves); err != nil {
			return err
		}
	}
	return nil
}

func sliceOSV(from, to string, names []string, cves map[string]bool) error {
	in, err := zip.OpenReader(from)
	if err != nil {
		return err
	}
	defer in.Close()
	files := map[string][]byte{}
	for _, f := range in.File {
		data, err := readZip(f)
		if err != nil {
			return err
		}
		var r record
		if err := json.Unmarshal(data, &r); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if !slices.ContainsFunc(names, r.names) || !r.free() {
			continue
		}
		files[f.Name] = data
		for _, id := range slices.Concat([]string{r.ID}, r.Aliases, r.Upstream) {
			if strings.HasPrefix(id, "CVE-") {
				cves[id] = true
			}
		}
	}
	return writeZip(to, files)
}

func (r *record) names(name string) bool {
	for _, a := range r.Affected {
		if a.Package.Name == name {
			return true
		}
	}
	return false
}

// free says whether a record may be passed on. Of Debian's, those are the facts that package changelogs state: the
// licence of the rest is not settled.
func (r *record) free() bool {
	if !strings.HasPrefix(r.ID, "DEBIAN-") && !strings.HasPrefix(r.ID, "DSA-") && !strings.HasPrefix(r.ID, "DLA-") {
		return true
	}
	return len(r.Affected) > 0 && strings.HasPrefix(r.Affected[0].Specific.Source, "debian changelog")
}

func sliceKEV(feeds, out string, cves map[string]bool) error {
	const name = "kev/known_exploited_vulnerabilities.json"
	data, err := os.ReadFile(filepath.Join(feeds, name))
	if err != nil {
		return err
	}
	var catalog map[string]any
	if err := json.Unmarshal(data, &catalog); err != nil {
		return err
	}
	all, _ := catalog["vulnerabilities"].([]any)
	kept := slices.DeleteFunc(all, func(v any) bool {
		entry, _ := v.(map[string]any)
		id, _ := entry["cveID"].(string)
		return !cves[id]
	})
	catalog["vulnerabilities"], catalog["count"] = kept, len(kept)
	if data, err = json.MarshalIndent(catalog, "", " "); err != nil {
		return err
	}
	return writeFile(filepath.Join(out, name), data)
}

func sliceEPSS(feeds, out string, cves map[string]bool) error {
	return sliceLines(feeds, out, "epss", func(line string) bool {
		id, _, _ := strings.Cut(line, ",")
		return strings.HasPrefix(line, "#") || id == "cve" || cves[id]
	})
}

func sliceCVE(feeds, out string, cves map[string]bool) error {
	return sliceLines(feeds, out, "cve", func(line string) bool {
		var r record
		return json.Unmarshal([]byte(line), &r) == nil && cves[r.ID]
	})
}

// sliceLines keeps the lines that are wanted of the one gzip file in a feed's directory.
func sliceLines(feeds, out, feed string, want func(string) bool) error {
	files, err := filepath.Glob(filepath.Join(feeds, feed, "*.gz"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("one .gz file is expected in %s/%s, there are %d", feeds, feed, len(files))
	}
	f, err := os.Open(files[0])
	if err != nil {
		return err
	}
	defer f.Close()
	in, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if want(lines.Text()) {
			if _, err := fmt.Fprintln(w, lines.Text()); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return writeFile(filepath.Join(out, feed, filepath.Base(files[0])), b.Bytes())
}

// sliceEOL keeps the life cycle of the distribution that the image is made of, and the licence of the data.
func sliceEOL(feeds, out string, _ map[string]bool) error {
	const name = "eol/endoflife.date-products.zip"
	in, err := zip.OpenReader(filepath.Join(feeds, name))
	if err != nil {
		return err
	}
	defer in.Close()
	files := map[string][]byte{}
	for _, f := range in.File {
		if f.Name == "LICENSE" || f.Name == "products/debian.md" {
			if files[f.Name], err = readZip(f); err != nil {
				return err
			}
		}
	}
	return writeZip(filepath.Join(out, name), files)
}

func readZip(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func writeZip(file string, files map[string][]byte) error {
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, n := range names {
		f, err := w.CreateHeader(&zip.FileHeader{Name: n, Method: zip.Deflate, Modified: made})
		if err != nil {
			return err
		}
		if _, err := f.Write(files[n]); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return writeFile(file, b.Bytes())
}

func writeFile(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
