package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"tidewaiter/assess"
	"tidewaiter/assess/nearest"
	"tidewaiter/report"
)

// Records of deployments lie in one directory for each environment, one file for each deployment, so that people who record at the same
// time never write the same file. Each is a shortened report with its deployment, compressed: 2026-10-02T100000Z-shop-4f1c0c2a9b1e.json.gz.
const (
	recordSuffix = ".json.gz"
	recordTime   = "2006-01-02T150405Z"
	// maxRecord and maxUnpacked bound a record, in bytes; that of an image of 400 packages with as many findings has a fortieth of it.
	maxRecord   = 1 << 20
	maxUnpacked = 64 << 20
	// maxRecords bounds how many of one environment are looked at, the newest first.
	maxRecords = 10000
	// lookBack is how many earlier deployments are asked since when a finding is known.
	lookBack = 20
)

// deploymentOptions say where deployments are recorded, and of which image they are.
type deploymentOptions struct {
	deployments string
	// repository is what the user calls an image that does not say it itself.
	repository string
	// last stands in for the directory where a decision of the past is taken again; nil where one is taken now.
	last *lastOf
}

// lastOf is what was recorded last at some time in the past; nil where nothing was.
type lastOf struct{ record *report.Report }

func (o *deploymentOptions) addDeployments(f *pflag.FlagSet) {
	f.StringVar(&o.deployments, "deployments", filepath.Join(".tidewaiter", "deployments"), "the directory of recorded deployments (tidewaiter record)")
	f.StringVar(&o.repository, "repository", "", "whose deployments to look at, for an image that came from a file (default: the image's own)")
}

// lastDeployment gives what was last recorded to run in an environment: of the repository, where several are recorded there. Records
// that cannot be read are told of on standard error.
func (o *deploymentOptions) lastDeployment(s streams, env, repository string) (*report.Report, error) {
	last, damaged, err := o.lastRecord(env, repository)
	tellDamaged(s, damaged)
	if err == nil && last == nil {
		err = fmt.Errorf("nothing was recorded in %s%s: tidewaiter record IMAGE --env %s", env, o.otherEnvironment(env), env)
	}
	return last, err
}

// lastRecord gives the last record of a repository in an environment; nil where nothing was recorded there at all. Where the image or a record
// has no name it is the last of all, unless several images run there.
func (o *deploymentOptions) lastRecord(env, repository string) (last *report.Report, damaged []error, err error) {
	if o.last != nil {
		return o.last.record, nil, nil
	}
	repository = cmp.Or(o.repository, repository)
	files, err := recordFiles(o.deployments, env)
	if err != nil {
		return nil, nil, err
	}
	names := map[string]bool{}
	for _, file := range files {
		r, err := readRecord(file)
		if err != nil {
			damaged = append(damaged, err)
			continue
		}
		of := r.Deployment.Repository
		if sameRepository(of, repository) {
			return r, damaged, nil
		}
		names[of] = true
		if last == nil && (of == "" || repository == "") {
			last = r
		}
	}
	switch {
	case len(names) == 0, last != nil && len(names) == 1:
		return last, damaged, nil
	case repository == "":
		return nil, damaged, fmt.Errorf("several images run in %s: %s: --repository says which is meant", env, listed(names))
	}
	return nil, damaged, fmt.Errorf("of %s nothing was recorded in %s, only of %s: --repository says which is meant", repository, env, listed(names))
}

// running says what runs in an environment, as far as that was recorded, and since when its findings are known there.
func (o *deploymentOptions) running(env, repository string) (*assess.Running, map[assess.FindingKey]string) {
	r, _, err := o.lastRecord(env, repository)
	if r == nil || err != nil {
		return nil, nil
	}
	out := &assess.Running{Reference: r.Image.Reference, Digest: r.Image.Digest, Since: r.Deployment.Time}
	if r.Assessment != nil {
		out.Score, out.Grade = r.Assessment.Score, r.Assessment.Grade
	}
	return out, r.Deployment.SinceMap()
}

func listed(set map[string]bool) string {
	var names []string
	for n := range set {
		names = append(names, cmp.Or(n, "images without a name"))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// otherEnvironment names the environment that was likely meant, of those in which something was recorded.
func (o *deploymentOptions) otherEnvironment(env string) string {
	names := o.recordedEnvironments()
	if near := nearest.Word(env, names); near != "" && near != env {
		return " (did you mean " + near + "?)"
	}
	if len(names) > 0 && !slices.Contains(names, env) {
		return " (there are records of " + strings.Join(names, ", ") + ")"
	}
	return ""
}

// recordFiles lists the records of an environment, the newest first.
func recordFiles(dir, env string) ([]string, error) {
	if !filepath.IsLocal(env) || filepath.Base(env) != env {
		return nil, fmt.Errorf("%q cannot be the name of an environment", env)
	}
	entries, err := os.ReadDir(filepath.Join(dir, env))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--deployments: %w", err)
	}
	var files []string
	for _, e := range slices.Backward(entries) { // ReadDir sorts by name, which begins with the time
		if strings.HasSuffix(e.Name(), recordSuffix) && len(files) < maxRecords {
			files = append(files, filepath.Join(dir, env, e.Name()))
		}
	}
	return files, nil
}

// readRecord reads one record of a deployment. The error is one line with the file's name.
func readRecord(file string) (*report.Report, error) {
	r, err := func() (*report.Report, error) {
		if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
			return nil, errors.New("it is no file") // a pipe would be waited for
		}
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		unpacked, err := gzip.NewReader(io.LimitReader(f, maxRecord))
		if err != nil {
			return nil, err
		}
		return report.Read(io.LimitReader(unpacked, maxUnpacked))
	}()
	if err == nil && r.Deployment == nil {
		err = errors.New("it does not say when and where")
	}
	if dir := filepath.Base(filepath.Dir(file)); err == nil && r.Deployment.Environment != dir {
		err = fmt.Errorf("it is of %s, and lies in %s", r.Deployment.Environment, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: no record of a deployment, left out: %w", file, err)
	}
	return r, nil
}

// writeRecord writes a record, and gives its file and its size in bytes.
func writeRecord(dir string, r *report.Report) (file string, size int64, err error) {
	d := r.Deployment
	if !filepath.IsLocal(d.Environment) || filepath.Base(d.Environment) != d.Environment {
		return "", 0, fmt.Errorf("%q cannot be the name of an environment", d.Environment)
	}
	dir = filepath.Join(dir, d.Environment)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", 0, err
	}
	var b bytes.Buffer
	packed, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", 0, err
	}
	lines := json.NewEncoder(packed)
	lines.SetEscapeHTML(false)
	if err := errors.Join(lines.Encode(r), packed.Close()); err != nil {
		return "", 0, err
	}
	if b.Len() > maxRecord {
		return "", 0, fmt.Errorf("the record of %s would have %d bytes, and more than %d are not read again", r.Image.Reference, b.Len(), maxRecord)
	}
	file = filepath.Join(dir, recordName(r, b.Bytes()))
	return file, int64(b.Len()), writeWhole(file, b.Bytes())
}

// recordName is the name of a record's file. An image that has no digest is told apart by what is recorded of it.
func recordName(r *report.Report, content []byte) string {
	name := path.Base(cmp.Or(r.Deployment.Repository, "image"))
	_, digest, _ := strings.Cut(cmp.Or(r.Image.Digest, r.Image.ID), ":")
	if digest == "" {
		digest = fmt.Sprintf("%x", sha256.Sum256(content))
	}
	return r.Deployment.Time.UTC().Format(recordTime) + "-" + plainName.ReplaceAllString(name, "-") + "-" + plainName.ReplaceAllString(digest[:min(len(digest), 12)], "-") + recordSuffix
}

var plainName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// sameRepository says whether two names are of one repository. Where an image is built it has often no registry's name in front.
func sameRepository(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == b || strings.HasSuffix(b, "/"+a)
}

// recorded gives the latest records of a repository that are from before a time, the newest first, and what is wrong with those that cannot be read.
func (o *deploymentOptions) recorded(env, repository string, before time.Time, most int) (list []*report.Report, damaged []error, err error) {
	files, err := recordFiles(o.deployments, env)
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		r, err := readRecord(file)
		if err != nil {
			damaged = append(damaged, err)
			continue
		}
		if d := r.Deployment; (d.Repository == repository || sameRepository(d.Repository, repository)) && d.Time.Before(before) {
			list = append(list, r)
		}
		if len(list) == most {
			break
		}
	}
	return list, damaged, nil
}
