package advisory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// remote is a feed, and where it goes in the mirror directory.
type remote struct {
	path string
	url  *url.URL // nil if nobody publishes it
	// guessed says that nobody named the feed: that it is not there is no news.
	guessed bool
	// named says that the URL is not the mirror's, but was named.
	named bool
}

// Where the feeds' publishers keep them. CVSS by CVE and end-of-life dates are published nowhere in our layout: they come
// from a mirror, or lie in the mirror directory because someone put them there.
const (
	osvHome  = "https://osv-vulnerabilities.storage.googleapis.com"
	kevHome  = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
	epssHome = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
)

// The names of feeds in a mirror that does not say which it has.
const (
	kevPath  = "kev/known_exploited_vulnerabilities.json"
	epssPath = "epss/epss_scores-current.csv.gz"
	cvePath  = "cve/cve.jsonl.gz"
	eolPath  = "eol/products.zip"
)

// osvEcosystems are the ecosystems of OSV whose records name packages, for a mirror that does not list its own:
// https://ossf.github.io/osv-schema/#defined-ecosystems
func osvEcosystems() []string {
	return []string{
		"AlmaLinux", "Alpaquita", "Alpine", "Azure Linux", "BellSoft Hardened Containers", "Bitnami", "CRAN", "Chainguard",
		"CleanStart", "Debian", "Docker Hardened Images", "Echo", "GHC", "GitHub Actions", "Go", "Hackage", "Hex", "Julia",
		"Kubernetes", "Linux", "Mageia", "Maven", "MinimOS", "NuGet", "OSS-Fuzz", "Packagist", "Photon OS", "Pub", "PyPI",
		"Red Hat", "Rocky Linux", "Root", "RubyGems", "SUSE", "SwiftURL", "Ubuntu", "VSCode", "Wolfi", "crates.io", "npm",
		"openEuler", "openSUSE", "opam",
	}
}

// remotes lists what is to be fetched.
func (f *fetcher) remotes(ctx context.Context, from string) ([]remote, error) {
	if from == "" {
		return f.publishers(ctx)
	}
	base, err := url.Parse(from)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, errors.New("the URL of the mirror cannot be used: expected https://host/path") // what was given may hold a password
	}
	index, err := f.text(ctx, base.JoinPath("index.txt"))
	if err == nil {
		return indexed(base, index)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	ecosystems, err := f.mirrored(ctx, base)
	if err != nil {
		return nil, err
	}
	for _, usual := range []string{kevPath, epssPath, cvePath, eolPath} {
		names, err := f.listed(ctx, base.JoinPath(path.Dir(usual)+"/"))
		if err != nil {
			return nil, err
		}
		if names == nil {
			names = []string{path.Base(usual)}
		}
		for _, name := range names {
			if name = path.Join(path.Dir(usual), name); isFeedPath(name) {
				ecosystems = append(ecosystems, remote{path: name, url: base.JoinPath(name)})
			}
		}
	}
	for _, dir := range []string{"secdb/", "malware/"} {
		names, err := f.listed(ctx, base.JoinPath(dir))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if name = path.Join(dir, name); isFeedPath(name) {
				ecosystems = append(ecosystems, remote{path: name, url: base.JoinPath(name)})
			}
		}
	}
	return ecosystems, nil
}

// mirrored lists the OSV feeds of a mirror: those that osv/ecosystems.txt names, else those that the page of the directory
// links to, else all that we know of.
func (f *fetcher) mirrored(ctx context.Context, base *url.URL) ([]remote, error) {
	names, known, err := f.ecosystems(ctx, base.JoinPath("osv", "ecosystems.txt"))
	if err == nil && !known {
		var linked []string
		if linked, err = f.listed(ctx, base.JoinPath("osv/")); linked != nil {
			names, known = linked, true
		}
	}
	var list []remote
	for _, e := range names {
		list = append(list, remote{path: osvPath(e), url: base.JoinPath("osv", e, "all.zip"), guessed: !known})
	}
	return list, err
}

// link is where a page leads to.
var link = regexp.MustCompile(`(?i)<a\s[^>]*href="([^"?#]+)"`)

// listed gives the names that the page of a directory links to, as file servers make one for a directory without an index;
// nil where there is no such page.
func (f *fetcher) listed(ctx context.Context, at *url.URL) ([]string, error) {
	page, err := f.text(ctx, at)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	var names []string
	for _, m := range link.FindAllStringSubmatch(page, -1) {
		name, err := url.PathUnescape(strings.TrimSuffix(strings.TrimPrefix(m[1], "./"), "/"))
		if err == nil && remoteName.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

func osvPath(ecosystem string) string { return path.Join("osv", ecosystem, "all.zip") }

// publishers lists the feeds where they are first published.
func (f *fetcher) publishers(ctx context.Context) ([]remote, error) {
	home, err := url.Parse(osvHome)
	if err != nil {
		return nil, err
	}
	ecosystems, known, err := f.ecosystems(ctx, home.JoinPath("ecosystems.txt"))
	if err != nil {
		return nil, err
	}
	var list []remote
	for _, e := range ecosystems {
		list = append(list, remote{path: osvPath(e), url: home.JoinPath(e, "all.zip"), guessed: !known})
	}
	for name, at := range map[string]string{kevPath: kevHome, epssPath: epssHome} {
		u, err := url.Parse(at)
		if err != nil {
			return nil, err
		}
		list = append(list, remote{path: name, url: u})
	}
	return append(list, remote{path: cvePath}, remote{path: eolPath}), nil
}

// remoteName is one part of a path that a mirror may name: nothing that a URL, a shell or a file system reads in a way of its own.
var remoteName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,99}$`)

// ecosystems reads OSV's list, one a line. Releases ("Debian:12") are in their ecosystem's archive, and GIT names no packages.
// Where there is no list, known is false, and the names are those that OSV defines.
func (f *fetcher) ecosystems(ctx context.Context, at *url.URL) (list []string, known bool, err error) {
	text, err := f.text(ctx, at)
	if errors.Is(err, fs.ErrNotExist) {
		return osvEcosystems(), false, nil
	}
	if err != nil {
		return nil, false, err
	}
	for line := range strings.Lines(text) {
		name := strings.TrimSpace(line)
		if remoteName.MatchString(name) && name != "GIT" {
			list = append(list, name)
		}
	}
	if list == nil {
		return nil, false, fmt.Errorf("%s names no ecosystem", at.Redacted())
	}
	slices.Sort(list)
	return slices.Compact(list), true, nil
}

// indexed reads a mirror's index.txt: a path a line, files of other kinds are left alone.
func indexed(base *url.URL, index string) ([]remote, error) {
	var list []remote
	for line := range strings.Lines(index) {
		name := strings.TrimPrefix(strings.TrimSpace(line), "./")
		if !isFeedPath(name) {
			continue
		}
		parts := strings.Split(name, "/")
		if i := slices.IndexFunc(parts, func(p string) bool { return !remoteName.MatchString(p) }); i >= 0 {
			return nil, fmt.Errorf("%s: %q is no name for a feed", base.JoinPath("index.txt").Redacted(), parts[i])
		}
		list = append(list, remote{path: name, url: base.JoinPath(parts...)})
	}
	if list == nil {
		return nil, fmt.Errorf("%s lists no feed: expected lines like %s", base.JoinPath("index.txt").Redacted(), layout)
	}
	slices.SortFunc(list, func(a, b remote) int { return strings.Compare(a.path, b.path) })
	return slices.CompactFunc(list, func(a, b remote) bool { return a.path == b.path }), nil
}
