package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// holdPeer holds OSV-Scanner's findings against the labels.
func holdPeer(program, labels, feeds string) (*score, error) {
	expected, err := readLabels(labels)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "accuracy")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	exports, err := filepath.Abs(filepath.Join(feeds, "osv"))
	if err != nil {
		return nil, err
	}
	if err := os.Symlink(exports, filepath.Join(dir, "osv-scalibr")); err != nil { // where it keeps copies of its own
		return nil, err
	}
	p := peer{program, dir}
	return held(expected, func(document string) ([]claim, error) { return p.judge(documentPath(labels, document)) })
}

// peer is OSV-Scanner with a directory in which it finds the exports.
type peer struct{ program, cache string }

// judge gives what OSV-Scanner finds in an SBOM document, under all ids that a record has for the problem.
func (p peer) judge(path string) ([]claim, error) {
	cmd := exec.Command(p.program, "scan", "source", "--offline", "--all-vulns", "--format", "json", "-L", path)
	cmd.Env = append(os.Environ(), "OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY="+p.cache)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() >= 126) { // below that, the code says what was found
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
	var claims []claim
	for _, r := range report.Results {
		for _, found := range r.Packages {
			for _, v := range found.Vulnerabilities {
				for _, id := range slices.Concat([]string{v.ID}, v.Aliases, v.Upstream, v.Related) {
					claims = append(claims, newClaim(found.Package.Name, found.Package.Version, id))
				}
			}
		}
	}
	return claims, nil
}
