package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// peer is OSV-Scanner with a directory in which it finds the exports.
type peer struct{ program, cache string }

// newPeer gives OSV-Scanner the feeds. done removes what that took.
func newPeer(program, feeds string) (p peer, done func(), err error) {
	dir, err := os.MkdirTemp("", "accuracy")
	if err != nil {
		return peer{}, nil, err
	}
	done = func() { _ = os.RemoveAll(dir) }
	exports, err := filepath.Abs(filepath.Join(feeds, "osv"))
	if err == nil {
		err = os.Symlink(exports, filepath.Join(dir, "osv-scalibr")) // where it keeps copies of its own
	}
	if err != nil {
		done()
		return peer{}, nil, err
	}
	return peer{program, dir}, done, nil
}

// scanDocument gives what OSV-Scanner finds in an SBOM document.
func (p peer) scanDocument(path string) ([]claim, error) {
	sayings, err := p.scan("source", "-L", path)
	var claims []claim
	for _, s := range sayings {
		claims = append(claims, s.claims...)
	}
	return claims, err
}

// scanImage gives what OSV-Scanner finds in an image that docker save wrote.
func (p peer) scanImage(file string) ([]saying, error) { return p.scan("image", "--archive", file) }

// scan runs OSV-Scanner. Each of its findings is given under all ids that the record has for the problem, once for each package.
func (p peer) scan(what string, args ...string) ([]saying, error) {
	cmd := exec.CommandContext(context.Background(), p.program, append([]string{"scan", what, "--offline", "--all-vulns", "--format", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY="+p.cache)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() >= 126 && exit.ExitCode() != noPackages) { // below that, the code says what was found
		return nil, fmt.Errorf("%s: %w", p.program, err)
	}
	var report struct {
		Results []struct {
			Packages []struct {
				Package         struct{ Name, Version string }
				Vulnerabilities []struct {
					ID                         string
					Aliases, Upstream, Related []string
				}
			}
		}
	}
	if len(out) > 0 {
		if err := json.Unmarshal(out, &report); err != nil {
			return nil, fmt.Errorf("%s: %w", p.program, err)
		}
	}
	var sayings []saying
	seen := map[string]bool{}
	for _, r := range report.Results {
		for _, found := range r.Packages {
			for _, v := range found.Vulnerabilities {
				s := saying{text: fmt.Sprintf("%s %s %s", v.ID, found.Package.Name, found.Package.Version)}
				if seen[s.text] {
					continue
				}
				seen[s.text] = true
				for _, id := range slices.Concat([]string{v.ID}, v.Aliases, v.Upstream, v.Related) {
					s.claims = append(s.claims, newClaim(found.Package.Name, found.Package.Version, id))
				}
				sayings = append(sayings, s)
			}
		}
	}
	return sayings, nil
}

// noPackages is OSV-Scanner's exit code for what has nothing that it knows.
const noPackages = 128
