package integrity

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"tidewaiter/inventory"
	"tidewaiter/version"
)

// verifyDPKG holds dpkg's databases against Debian's signed lists of packages, and against packages that those name.
func (a *account) verifyDPKG(databases []*database) error {
	m := a.o.Metadata
	if m == nil || len(m.releases) == 0 || len(databases) == 0 {
		return nil
	}
	found, err := m.publishedDebs(a.ctx, a.names(databases))
	if err != nil {
		return err
	}
	byDigest := map[string][]int{} // of the package files that were published, the packages aboard
	for _, d := range databases {
		controls := a.controls(d)
		for _, i := range d.members {
			p := &a.packages[i]
			s, digests := a.standingOfDeb(p, controls[identityOf(p)], found[p.Name])
			d.standings[i] = s
			for _, digest := range digests {
				byDigest[digest] = append(byDigest[digest], i)
			}
		}
	}
	sums, err := m.debSums(a.ctx, a.names(databases), byDigest)
	if err != nil {
		return err
	}
	for _, d := range databases {
		for _, i := range d.members {
			if signed, ok := sums[i]; ok {
				s := d.standings[i]
				s.files, s.contradictions = true, append(s.contradictions, a.correct(i, signed)...)
				d.standings[i] = s
			}
		}
	}
	return nil
}

// names are those of the packages of databases.
func (a *account) names(databases []*database) wants {
	w := wants{}
	for _, d := range databases {
		for _, i := range d.members {
			w[a.packages[i].Name] = true
		}
	}
	return w
}

// controls are the paragraphs that a database has of its packages.
func (a *account) controls(d *database) map[identity][]byte {
	found := map[identity][]byte{}
	read := func(file string) {
		e, ok := a.tree.Lookup(file)
		if !ok {
			return
		}
		for p, err := range paragraphs(bytes.NewReader(e.File.Content())) {
			if err != nil {
				return
			}
			found[identity{"deb", field(p, "Package"), field(p, "Version"), field(p, "Architecture")}] = bytes.Clone(p)
		}
	}
	if path.Base(d.path) == "status" {
		read(d.path)
		return found
	}
	for _, i := range d.members {
		read(a.packages[i].Paths[0])
	}
	return found
}

// standingOfDeb says what the signed lists have of one package, and the digests of the package files that it may have come from.
func (a *account) standingOfDeb(p *inventory.Package, control []byte, list []published) (standing, []string) {
	var digests, versions []string
	var s standing
	differs := ""
	for _, q := range list {
		if !slices.Contains([]string{p.Arch, "all"}, field(q.control, "Architecture")) {
			continue
		}
		v := field(q.control, "Version")
		versions = append(versions, v)
		if v != p.Version {
			continue
		}
		if name, here, there := differingField(control, q.control); name != "" {
			differs = fmt.Sprintf("%s %s: the database says %s of its %s, and was signed with %s", p.Name, p.Version, clip(here), name, clip(there))
			continue
		}
		s.by, digests = q.by, append(digests, q.digest)
	}
	switch {
	case len(digests) > 0:
		return s, digests
	case differs != "":
		return standing{contradictions: []string{differs}}, nil
	case len(versions) == 0:
		return standing{why: "no signed list at hand names it"}, nil
	}
	if a.neverPublished("Debian", p, versions, a.debianUpdated()) {
		return standing{contradictions: []string{neverSentence(p, versions)}}, nil
	}
	return standing{why: "the signed lists at hand have " + strings.Join(unique(versions), " and ") + " instead"}, nil
}

// debianUpdated is the day up to which the signed lists tell of every version of a package of the distribution's own; zero where the security updates, or
// those of the image's own release, are not at hand.
func (a *account) debianUpdated() time.Time {
	var day time.Time
	codename := a.inventory.OS.Codename
	for i := range a.o.Metadata.releases {
		r := &a.o.Metadata.releases[i]
		if r.ofUpdates() && (codename == "" || strings.HasPrefix(r.codename, codename) || strings.HasPrefix(r.suite, codename)) && r.date.After(day) {
			day = r.date
		}
	}
	return day
}

// neverPublished says whether a version cannot be the distribution's, whatever its database says: it is higher than any that the signed lists
// have, and those are of after the image was made. A lower one is an older one. Nothing is said of other vendors' packages
// of the same name, nor of backports, which have lists of their own.
func (a *account) neverPublished(ecosystem string, p *inventory.Package, versions []string, updated time.Time) bool {
	const oldest = 2000 // the year; an image that says it is older does not say when it was made
	if p.Vendor != "" || strings.Contains(p.Version, "~bpo") || a.image.Created.Year() < oldest || !updated.After(a.image.Created) {
		return false
	}
	for _, v := range versions {
		if order, err := version.Compare(ecosystem, p.Version, v); err != nil || order <= 0 {
			return false
		}
	}
	return true
}

func neverSentence(p *inventory.Package, versions []string) string {
	return fmt.Sprintf("%s %s was never published: the signed lists, which are newer than the image, have %s", p.Name, p.Version, strings.Join(unique(versions), " and "))
}

func unique(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// clip keeps a sentence readable that quotes a field.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// debSums reads the package files at hand that were published, and gives the checksums of their files by package.
func (m *Metadata) debSums(ctx context.Context, wanted wants, byDigest map[string][]int) (map[int][]inventory.OwnedFile, error) {
	sums := map[int][]inventory.OwnedFile{}
	files := slices.DeleteFunc(slices.Clone(m.debs), func(name string) bool {
		first, _, _ := strings.Cut(path.Base(name), "_")
		return !wanted[first]
	})
	err := m.each(ctx, files, func(_ string, f io.Reader) error {
		digest, list, err := debChecksums(f)
		if err != nil {
			return err
		}
		for _, i := range byDigest[digest] {
			sums[i] = md5sums(list)
		}
		return nil
	})
	return sums, err
}

// md5sums reads a package's list of checksums: 32 digits, two spaces, the path.
func md5sums(list []byte) []inventory.OwnedFile {
	files := []inventory.OwnedFile{}
	for l := range strings.Lines(string(list)) {
		if l = strings.TrimRight(l, "\r\n"); len(l) > 34 && l[32] == ' ' {
			files = append(files, inventory.OwnedFile{Path: strings.TrimPrefix(strings.TrimPrefix(l[34:], "./"), "/"), Digest: "md5:" + l[:32]})
		}
	}
	return files
}
