// Command accuracy holds findings against what people judged: for SBOM documents of real images, the pairs of package and
// problem that are there and that are not.
//
//	go run ./cmd/accuracy [-v] LABELS FEEDS
//	go run ./cmd/accuracy [-v] -images FEEDS FILE...
//
// LABELS has sboms/N.cdx.json and expected.tsv (document, type, name, version, id, TP or FP); FEEDS is a directory as
// tidewaiter db import takes it. Of a package and problem that nobody judged nothing is counted. OSV-Scanner is held against
// the same labels with the same feeds, if it is on PATH. With -images its findings in images, FILEs as docker save writes
// them, are held beside this program's instead. With -v each difference is listed.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/match"
	"tidewaiter/sbom"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("accuracy: ")
	verbose := flag.Bool("v", false, "list the differences")
	images := flag.Bool("images", false, "compare what is found in images")
	flag.Parse()
	var err error
	switch {
	case *images && flag.NArg() > 1:
		err = compareImages(os.Stdout, flag.Args()[1:], flag.Arg(0), *verbose)
	case !*images && flag.NArg() == 2:
		err = run(os.Stdout, flag.Arg(0), flag.Arg(1), *verbose)
	default:
		err = errors.New("what is asked for is LABELS FEEDS, or -images FEEDS and one FILE or more")
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(w io.Writer, labels, feeds string, verbose bool) error {
	ours, err := hold(labels, feeds)
	if err != nil {
		return err
	}
	ours.print(w, "tidewaiter", verbose)
	fmt.Fprintln(w)
	scanner, err := exec.LookPath("osv-scanner")
	if err != nil {
		fmt.Fprintln(w, "osv-scanner is not on PATH")
		return nil
	}
	p, done, err := newPeer(scanner, feeds)
	if err != nil {
		return err
	}
	defer done()
	expected, err := readLabels(labels)
	if err != nil {
		return err
	}
	theirs, err := held(expected, func(document string) ([]claim, error) { return p.scanDocument(documentPath(labels, document)) })
	if err != nil {
		return err
	}
	theirs.print(w, "osv-scanner", verbose)
	return nil
}

// hold holds this program's findings against the labels.
func hold(labels, feeds string) (*score, error) {
	expected, err := readLabels(labels)
	if err != nil {
		return nil, err
	}
	db, done, err := load(feeds)
	if err != nil {
		return nil, err
	}
	defer done()
	return held(expected, func(document string) ([]claim, error) { return judge(documentPath(labels, document), db) })
}

// load makes an advisory file of the feeds and opens it. done removes it.
func load(feeds string) (db *advisory.DB, done func(), err error) {
	dir, err := os.MkdirTemp("", "accuracy")
	if err != nil {
		return nil, nil, err
	}
	file := filepath.Join(dir, "advisories.db")
	if _, err = advisory.Import(context.Background(), os.DirFS(feeds), file, advisory.ImportOptions{}); err == nil {
		db, err = advisory.Open(file)
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, nil, fmt.Errorf("%s: %w", feeds, err)
	}
	return db, func() { _ = db.Close(); _ = os.RemoveAll(dir) }, nil
}

func documentPath(labels, document string) string {
	return filepath.Join(labels, "sboms", document+".cdx.json")
}

// label is one judgement: whether a package of a document has a problem.
type label struct {
	document, kind string
	claim
	holds bool
}

// claim is a package and a problem that it is said to have.
type claim struct{ name, version, id string }

var separators = regexp.MustCompile(`[-_.]+`)

// newClaim writes what is said in one way whoever says it: names without regard to case and separators, versions without
// an epoch and Go's without the v, a distribution's entry for a CVE as that CVE.
func newClaim(name, version, id string) claim {
	if epoch, rest, ok := strings.Cut(version, ":"); ok && strings.Trim(epoch, "0123456789") == "" {
		version = rest
	}
	version = strings.TrimPrefix(version, "v")
	for _, prefix := range []string{"DEBIAN-", "ALPINE-", "UBUNTU-"} {
		id = strings.TrimPrefix(id, prefix)
	}
	return claim{strings.ToLower(separators.ReplaceAllString(name, "-")), version, id}
}

func readLabels(dir string) ([]label, error) {
	path := filepath.Join(dir, "expected.tsv")
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var labels []label
	s := bufio.NewScanner(f)
	for s.Scan() {
		row := strings.Split(s.Text(), "\t")
		if len(row) != 6 {
			return nil, fmt.Errorf("%s: not document, type, name, version, id, label: %q", path, s.Text())
		}
		labels = append(labels, label{row[0], row[1], newClaim(row[2], row[3], row[4]), row[5] == "TP"})
	}
	return labels, s.Err()
}

// judge gives the standing findings of an SBOM document, under all their ids.
func judge(path string, db *advisory.DB) ([]claim, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	document, err := sbom.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	findings, _, err := match.Match(document.Inventory, db, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var claims []claim
	for _, f := range match.Standing(findings) {
		for _, id := range append([]string{f.ID}, f.Aliases...) {
			claims = append(claims, newClaim(f.Of.Name, f.Of.Version, id))
		}
	}
	return claims, nil
}

// tally counts how findings stand to labels.
type tally struct{ found, missed, wrong, quiet int }

// recall is the part of the true matches that was found, precision the part of what was found that is true.
func (t tally) recall() float64    { return ratio(t.found, t.missed) }
func (t tally) precision() float64 { return ratio(t.found, t.wrong) }

func ratio(good, bad int) float64 {
	if good+bad == 0 {
		return 1
	}
	return float64(good) / float64(good+bad)
}

// score is the tallies by type of package, and what differs from the labels.
type score struct {
	kinds       map[string]*tally
	all         tally
	differences []string
}

// held holds a tool's claims against the labels.
func held(labels []label, tool func(document string) ([]claim, error)) (*score, error) {
	s := &score{kinds: map[string]*tally{}}
	claims := map[string]map[claim]bool{}
	for _, l := range labels {
		if claims[l.document] == nil {
			list, err := tool(l.document)
			if err != nil {
				return nil, err
			}
			claims[l.document] = map[claim]bool{}
			for _, c := range list {
				claims[l.document][c] = true
			}
		}
		if s.kinds[l.kind] == nil {
			s.kinds[l.kind] = &tally{}
		}
		claimed := claims[l.document][l.claim]
		s.kinds[l.kind].add(claimed, l.holds)
		s.all.add(claimed, l.holds)
		switch {
		case l.holds && !claimed:
			s.differences = append(s.differences, fmt.Sprintf("missed  %s %s %s %s", l.kind, l.name, l.version, l.id))
		case claimed && !l.holds:
			s.differences = append(s.differences, fmt.Sprintf("wrong   %s %s %s %s", l.kind, l.name, l.version, l.id))
		}
	}
	return s, nil
}

func (t *tally) add(claimed, holds bool) {
	switch {
	case claimed && holds:
		t.found++
	case holds:
		t.missed++
	case claimed:
		t.wrong++
	default:
		t.quiet++
	}
}

func (s *score) print(w io.Writer, tool string, verbose bool) {
	fmt.Fprintf(w, "%-12s %6s %7s %6s %11s %8s %10s\n", tool, "found", "missed", "wrong", "kept quiet", "recall", "precision")
	line := func(name string, t tally) {
		fmt.Fprintf(w, "%-12s %6d %7d %6d %11d %8.3f %10.3f\n", name, t.found, t.missed, t.wrong, t.quiet, t.recall(), t.precision())
	}
	for _, kind := range slices.Sorted(maps.Keys(s.kinds)) {
		line(kind, *s.kinds[kind])
	}
	line("all", s.all)
	if verbose {
		for _, d := range s.differences {
			fmt.Fprintln(w, "  "+d)
		}
	}
}
