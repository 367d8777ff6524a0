package integrity

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// database is one package database, while it is judged.
type database struct {
	manager, path string
	// members are indexes of packages.
	members []int
	// standings has what signed metadata says of members; those of which it says nothing are not in it.
	standings map[int]standing
	// forged are sentences on what later layers did to it.
	forged []string
	// asked says that there was signed metadata, or a key, to hold it against.
	asked bool
}

// standing is what signed metadata says of one package.
type standing struct {
	by vouched
	// files says that the checksums of its files are vouched for, too; without, only that it was published so.
	files bool
	// aboard says that the key is one that lies in the image itself.
	aboard bool
	// why says why nothing vouches for it, where nothing does.
	why string
	// contradictions are sentences.
	contradictions []string
}

// vouches says whether the user can believe all that the database has of the package.
func (s *standing) vouches() bool {
	return s.why == "" && s.files && !s.aboard && len(s.contradictions) == 0
}

// databasesOf groups packages by the database that has checksums of their files.
func databasesOf(packages []inventory.Package) []*database {
	known := map[[2]string]*database{}
	for i := range packages {
		p := &packages[i]
		if !keepsChecksums(p) {
			continue
		}
		key := [2]string{managerOf(p), placeOf(p)}
		if known[key] == nil {
			known[key] = &database{manager: key[0], path: key[1], standings: map[int]standing{}}
		}
		known[key].members = append(known[key].members, i)
	}
	return slices.SortedFunc(maps.Values(known), func(a, b *database) int {
		return cmp.Or(strings.Compare(a.manager, b.manager), strings.Compare(a.path, b.path))
	})
}

func managerOf(p *inventory.Package) string {
	switch p.Type {
	case "deb":
		return "dpkg"
	case "pypi":
		return "pip"
	}
	return p.Type
}

// placeOf is where a package's database lies: for pip the directory that packages are installed to, for dpkg without
// a status file the directory of all.
func placeOf(p *inventory.Package) string {
	file, _, _ := strings.Cut(p.Paths[0], "!/")
	dir := path.Dir(file)
	switch {
	case p.OfDistribution() && path.Base(dir) != "status.d":
		return file
	case p.OfDistribution(), strings.HasSuffix(file, ".egg-info"), strings.HasSuffix(file, ".egg"):
		return dir
	}
	return path.Dir(dir)
}

// maxSentences bounds how many contradictions of one database are listed.
const maxSentences = 100

// judged is the database as it came out.
func (d *database) judged(packages []inventory.Package) trust.Database {
	out := trust.Database{Manager: d.manager, Path: d.path, Packages: len(d.members), Asked: d.asked, Contradictions: d.forged}
	signers, aboard, weak, listed := map[string]bool{}, 0, 0, 0
	for _, i := range d.members {
		s, ok := d.standings[i]
		if !ok {
			continue
		}
		out.Contradictions = append(out.Contradictions, s.contradictions...)
		if s.why != "" {
			continue
		}
		if s.by.by != "" {
			signers[s.by.by] = true
		}
		switch {
		case s.vouches():
			out.Signed++
		case s.files && s.aboard:
			aboard++
		case len(s.contradictions) == 0:
			listed++
		}
		if s.by.weak {
			weak++
		}
	}
	out.Published, out.Signer = listed, names(signers)
	slices.Sort(out.Contradictions)
	out.Contradictions = slices.Compact(out.Contradictions)
	out.Status, out.Why = d.status(&out, aboard, packages)
	if weak > 0 && out.Status != trust.Broken {
		out.Why += fmt.Sprintf("; of %s the signature is over SHA-1, which is weak", count(weak, "package"))
	}
	if more := len(out.Contradictions) - maxSentences; more > 0 {
		out.Contradictions = append(out.Contradictions[:maxSentences:maxSentences], fmt.Sprintf("and %d more", more))
	}
	return out
}

// status says how a database stands, and why in one sentence.
func (d *database) status(out *trust.Database, aboard int, packages []inventory.Package) (trust.Status, string) {
	all := out.Packages
	switch {
	case len(d.forged) > 0:
		return trust.Broken, "it was changed after its packages were installed: " + slices.Min(d.forged)
	case len(out.Contradictions) > 0:
		return trust.Broken, "it is not what was signed: " + out.Contradictions[0]
	case out.Signed == all:
		return trust.Verified, fmt.Sprintf("signatures vouch for all of its %s, and for the checksums of their files", count(all, "package"))
	case aboard > 0 && aboard+out.Signed == all:
		return trust.Stranger, "all of it is signed, but the only keys for that are the image's own: name the distribution's with --distribution-key"
	case d.manager == "pip" || d.manager == "conda":
		return trust.Unsigned, "these databases are never signed"
	case out.Signed+out.Published == all:
		return trust.Unsigned, "signed lists have all of its packages, but not the checksums of their files: those are in the packages themselves"
	case !d.asked && d.signedByStrangers() == all:
		return trust.Unsigned, "all of it is signed, but the keys are not at hand: name the distribution's with --distribution-key"
	case !d.asked:
		return trust.Unsigned, "there is nothing signed at hand to hold it against"
	}
	return trust.Unsigned, fmt.Sprintf("nothing signed vouches for %s: %s", count(all-out.Signed-out.Published, "package"), d.unvouched(packages))
}

// signedByStrangers counts the packages that are signed with keys that are not at hand.
func (d *database) signedByStrangers() int {
	n := 0
	for _, s := range d.standings {
		if s.why == errStranger.Error() {
			n++
		}
	}
	return n
}

// unvouched names the first packages that nothing vouches for, and why.
func (d *database) unvouched(packages []inventory.Package) string {
	const most = 3
	var list []string
	more := 0
	for _, i := range d.members {
		s, ok := d.standings[i]
		if ok && s.why == "" && !s.aboard {
			continue
		}
		if len(list) == most {
			more++
			continue
		}
		why := cmp.Or(s.why, "nothing signed names it")
		if s.aboard {
			why = "the only key is the image's own"
		}
		list = append(list, fmt.Sprintf("%s %s (%s)", packages[i].Name, packages[i].Version, why))
	}
	text := strings.Join(list, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// compareSigned holds a package's list of files against the signed one. It says in sentences where they differ, and gives the checksums that
// the list is to have instead.
func compareSigned(p *inventory.Package, signed []inventory.OwnedFile, elsewhere func(at string) bool) (sentences []string, edits map[string]string) {
	now := make(map[string]*inventory.OwnedFile, len(p.Files))
	for i := range p.Files {
		now[p.Files[i].Path] = &p.Files[i]
	}
	edits = map[string]string{}
	differs := func(at, format string, args ...any) {
		sentences = append(sentences, fmt.Sprintf("%s %s: ", p.Name, p.Version)+fmt.Sprintf("/"+"%s ", at)+fmt.Sprintf(format, args...))
	}
	for _, f := range signed {
		n := now[f.Path]
		delete(now, f.Path)
		switch {
		case f.Digest == "" && (n == nil || n.Digest == ""), n != nil && strings.EqualFold(n.Digest, f.Digest):
			continue
		case f.Digest == "":
			differs(f.Path, "has no checksum in what was signed, and %s in the database", short(n.Digest))
		case n != nil && n.Digest == "" && n.Optional:
			if elsewhere(f.Path) {
				continue // it left the file to another package
			}
		case n == nil || n.Digest == "":
			differs(f.Path, "was signed with %s, and the database has no checksum of it", short(f.Digest))
		default:
			differs(f.Path, "was signed with %s, and the database says %s", short(f.Digest), short(n.Digest))
		}
		edits[f.Path] = f.Digest
	}
	for at, n := range now {
		if n.Digest != "" && !n.Config {
			differs(at, "is in the database with a checksum, and not in what was signed")
			edits[at] = ""
		}
	}
	return sentences, edits
}

// count writes a number with its noun.
func count(n int, noun string) string { return plural(n, noun, noun+"s") }
