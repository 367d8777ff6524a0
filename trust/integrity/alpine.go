package integrity

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"tidewaiter/inventory"
)

// verifyAPK holds apk's databases against signed indexes, and against signed packages.
func (a *account) verifyAPK(databases []*database) error {
	m := a.o.Metadata
	if m == nil || len(m.indexes)+len(m.apks) == 0 || len(databases) == 0 {
		return nil
	}
	wanted := a.names(databases)
	found, err := m.publishedAPKs(a.ctx, wanted)
	if err != nil {
		return err
	}
	packages, err := a.apkPackages(wanted)
	if err != nil {
		return err
	}
	for _, d := range databases {
		records := a.records(d)
		for _, i := range d.members {
			p := &a.packages[i]
			record := records[identityOf(p)]
			s := a.standingOfAPK(p, record, found[p.Name])
			if q := packages[line(record, 'C')]; q != nil && (s.by.by != "" || q.by.by != "") && len(s.contradictions) == 0 {
				if s.by.by == "" {
					s.by, s.why = q.by, ""
				}
				s.files, s.contradictions = true, a.correct(i, q.files)
			}
			d.standings[i] = s
		}
	}
	return nil
}

// records are what a database has of its packages.
func (a *account) records(d *database) map[identity][]byte {
	found := map[identity][]byte{}
	e, ok := a.tree.Lookup(d.path)
	if !ok {
		return found
	}
	for p, err := range paragraphs(bytes.NewReader(e.File.Content())) {
		if err != nil {
			break
		}
		found[identity{"apk", line(p, 'P'), line(p, 'V'), line(p, 'A')}] = bytes.Clone(p)
	}
	return found
}

// standingOfAPK says what the signed indexes have of one package.
func (a *account) standingOfAPK(p *inventory.Package, record []byte, list []publishedAPK) standing {
	var versions []string
	var differs string
	var updated time.Time
	for _, q := range list {
		if arch := line(q.record, 'A'); arch != p.Arch && arch != "noarch" {
			continue
		}
		v := line(q.record, 'V')
		versions = append(versions, v)
		if sameBranch(q.branch, a.inventory.OS.VersionID) && q.newest.After(updated) {
			updated = q.newest
		}
		if v != p.Version {
			continue
		}
		name, here, there := differingLine(record, q.record)
		if name == "" {
			return standing{by: q.by}
		}
		differs = fmt.Sprintf("%s %s: the database says %s for its %s, and the signed index says %s", p.Name, p.Version, clip(here), name, clip(there))
	}
	switch {
	case differs != "":
		return standing{contradictions: []string{differs}}
	case len(versions) == 0:
		return standing{why: "no signed index at hand names it"}
	case a.neverPublished("Alpine", p, versions, updated):
		return standing{contradictions: []string{neverSentence(p, versions)}}
	}
	return standing{why: "the signed index at hand has " + strings.Join(unique(versions), " and ") + " instead"}
}

// sameBranch says whether an index, which calls itself v3.18.4-12-gabcdef, is of a release 3.18.4.
func sameBranch(branch, release string) bool {
	minor := func(v string) string {
		parts := strings.SplitN(strings.TrimPrefix(v, "v"), ".", 3)
		if len(parts) < 2 {
			return ""
		}
		second, _, _ := strings.Cut(parts[1], "-")
		return parts[0] + "." + second
	}
	return minor(branch) != "" && minor(branch) == minor(release)
}

// apkPackages reads the packages at hand of some names, by their checksum.
func (a *account) apkPackages(wanted wants) (map[string]*apkPackage, error) {
	m := a.o.Metadata
	found := map[string]*apkPackage{}
	files := slices.DeleteFunc(slices.Clone(m.apks), func(name string) bool { return !wanted[apkName(path.Base(name))] })
	err := m.each(a.ctx, files, func(_ string, f io.Reader) error {
		content, err := readAll(f, maxPackage)
		if err != nil {
			return err
		}
		p, err := m.keys.readAPKPackage(content)
		if err == nil {
			found[p.checksum] = p
		}
		return err
	})
	return found, err
}

// maxPackage bounds a package of apk, in bytes. Alpine's largest, of compilers, have some 200 MB.
const maxPackage = 512 << 20

// apkName is the name in a file's name, "openssl-3.1.4-r5.apk", also with what apk's cache adds.
func apkName(file string) string {
	name := file
	for range 2 {
		end := strings.LastIndexByte(name, '-')
		if end < 0 {
			return file
		}
		name = name[:end]
	}
	return name
}
