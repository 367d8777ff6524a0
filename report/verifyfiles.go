package report

import (
	"fmt"

	"tidewaiter/trust"
)

// shownFiles is how many files, and sentences on a database, are shown, unless all is asked for.
const shownFiles = 8

// filesPart writes how the files of packages compare with what their databases say, and whose word those are: first what was replaced, then
// what only may have been, then what was compared.
func (s *screen) filesPart(i *trust.Integrity, all bool) {
	var replaced, config []trust.ChangedFile
	for _, f := range i.Changed {
		if f.Config {
			config = append(config, f)
		} else {
			replaced = append(replaced, f)
		}
	}
	s.section("Files against packages", filesNote(i))
	shown, more := head(replaced, shownFiles, all)
	for k := range shown {
		s.changedFile("    ! ", &shown[k])
	}
	s.more(more, "replaced file")
	s.filesInShort("~ configuration changed", "files", config, all)
	s.filesInShort("- not there", "files of packages", i.Missing, all)
	for k := range i.Databases {
		s.packageDatabase(&i.Databases[k], all)
	}
	for _, n := range i.Notes {
		s.wrapped("    ", s.paint(ansiFaint, "note: ")+Clean(n))
	}
}

func filesNote(i *trust.Integrity) string {
	note := plural(i.Verified, "file") + " as installed"
	if i.Unverified > 0 {
		note += ", " + number(i.Unverified) + " without a checksum aboard"
	}
	return note
}

// changedFile writes a file that is not what was installed: whose it is, both digests, and what put it there.
func (s *screen) changedFile(mark string, f *trust.ChangedFile) {
	s.wrapped(mark, s.red("/"+Clean(f.Path))+"  "+attestedName(f.Package))
	s.wrapped("      ", Clean(f.Why))
	if f.Recorded != "" {
		now := shortSum(f.Actual)
		if now == "" {
			now = "no file with content"
		}
		s.wrapped("      ", "installed "+shortSum(f.Recorded)+", aboard "+now)
	}
	s.broughtBy(f)
}

// broughtBy writes the layer and the instruction that changed a file.
func (s *screen) broughtBy(f *trust.ChangedFile) {
	if f.Layer == nil {
		return
	}
	where := fmt.Sprintf("layer %d", *f.Layer)
	if f.DockerfileLine > 0 {
		where += fmt.Sprintf("  Dockerfile:%d", f.DockerfileLine)
	}
	s.line(s.paint(ansiFaint, cut("      "+where+"  "+instructionText(f.Instruction), s.width)))
}

// filesInShort lists files that are no alarm where they are few, or where all are asked for, and else counts them.
func (s *screen) filesInShort(title, noun string, files []trust.ChangedFile, all bool) {
	if len(files) == 0 {
		return
	}
	if !all && len(files) > shownFiles {
		count := number(len(files)) + " " + noun
		s.line("    ", title+": "+count, s.paint(ansiFaint, "  (--all lists them)"))
		return
	}
	s.line("    ", title)
	for k := range files {
		s.wrapped("      ", "/"+Clean(files[k].Path)+"  "+attestedName(files[k].Package)+"  "+s.paint(ansiFaint, Clean(files[k].Why)))
	}
}

// packageDatabase writes whose word a package database is.
func (s *screen) packageDatabase(d *trust.Database, all bool) {
	status := d.Status.Words()
	switch d.Status {
	case trust.Broken:
		status = s.red(status)
	case trust.Verified:
		status = s.bold(status)
	}
	s.wrapped("    ", fmt.Sprintf("%s  /%s  %s: ", Clean(d.Manager), Clean(d.Path), plural(d.Packages, "package"))+status+", "+Clean(d.Why))
	if d.Signer != "" {
		s.wrapped("      ", s.paint(ansiFaint, "signed by "+Clean(d.Signer)))
	}
	if len(d.Contradictions) > 1 {
		shown, more := head(d.Contradictions, shownFiles, all)
		for _, c := range shown {
			s.wrapped("      ! ", Clean(c))
		}
		s.more(more, "contradiction")
	}
}
