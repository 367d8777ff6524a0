package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/trust/approval"
)

// decision gathers what a gate's decision rests on while it is taken.
type decision struct {
	inputs       []approval.Input
	attestations []approval.Resource
}

// noteInputs notes what was read of an image, and of all that it is judged by.
func (o *gateOptions) noteInputs(d *decision) func(*aboard, *advisory.DB) error {
	return func(a *aboard, db *advisory.DB) error {
		var err error
		d.attestations = attestationsOf(a)
		d.inputs, err = o.inputsOf(a, db)
		o.retold.rename(a.statements, d.inputs)
		return err
	}
}

// policy is what a gate demands, by everything that has a say in it: the environment, and the flags and settings that change what is found.
type policy struct {
	Environment assess.Environment `json:"environment"`
	Bindings    []assess.Binding   `json:"bindings,omitempty"`
	Rules       match.Settings     `json:"rules,omitempty"`
	MaxDataAge  time.Duration      `json:"max-data-age,omitempty"`
	// Flags are those that the command line or a variable set, and not the file.
	Flags map[string]string `json:"flags,omitempty"`
}

// decidingFlags are the flags, besides those that name an input, by which a decision may come out otherwise.
func decidingFlags() []string {
	return []string{"full-read", "ignore-base", "limit", "max-data-age", "only-base", "rule", "scanners"}
}

// decidedBy gives the values of such flags as far as the command line or the variables set them.
func (o *gateOptions) decidedBy() map[string]string {
	out := map[string]string{}
	for _, name := range decidingFlags() {
		if f := o.flags.Lookup(name); f != nil && f.Changed && f.Annotations[originNote] == nil {
			out[name] = f.Value.String()
		}
	}
	if _, ok := out["rule"]; ok {
		own := maps.Clone(o.rules)
		for _, name := range o.config.rules { // the file's stand among them
			delete(own, name)
		}
		out["rule"] = own.String()
	}
	return out
}

// policyOf writes down what the gate demands of an image in an environment.
func (o *gateOptions) policyOf(env assess.Environment) (json.RawMessage, error) {
	return json.Marshal(policy{Environment: env, Bindings: o.settings().Bindings, Rules: match.Settings(o.rules), MaxDataAge: o.maxAge, Flags: o.decidedBy()})
}

// inputsOf gives what an image is judged by besides the policy, each with the digest of its content.
func (o *gateOptions) inputsOf(a *aboard, db *advisory.DB) ([]approval.Input, error) {
	var list []approval.Input
	add := func(kind, name, digest string) {
		list = append(list, approval.NewInput(kind, filepath.ToSlash(name), digest))
	}
	if db != nil {
		digest, err := db.Digest()
		if err != nil {
			return nil, err
		}
		add(approval.Advisories, filepath.Base(o.advisories), digest)
	}
	files, err := o.inputFiles(a)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		digest, err := digestOfFile(f.Name)
		if err != nil {
			return nil, fmt.Errorf("cannot note what the decision rests on: %w", err)
		}
		add(f.Kind, f.Name, digest)
	}
	if len(a.known) > 0 {
		raw, err := json.Marshal(a.known)
		if err != nil {
			return nil, err
		}
		add(approval.Bases, "", approval.DigestOf(raw))
	}
	engines, err := a.search.inputs()
	if err != nil {
		return nil, err
	}
	running, err := o.runningInput(a)
	return slices.Concat(list, engines, running), err
}

// runningInput gives what was recorded to run in the environment as an input; none where nothing was.
func (o *gateOptions) runningInput(a *aboard) ([]approval.Input, error) {
	env, err := o.environment(imageFacts(a.image))
	if err != nil {
		return nil, err
	}
	last, _, err := o.lastRecord(env.Name, a.image.Repository)
	if err != nil || last == nil { // where several images run there, none of them has a say
		return nil, nil //nolint:nilerr // as said
	}
	digest, err := digestOfReport(last)
	return []approval.Input{approval.NewInput(approval.Running, last.Image.Reference, digest)}, err
}

// inputFiles are the files that are read whole, by kind.
func (o *gateOptions) inputFiles(a *aboard) ([]approval.Input, error) {
	var list []approval.Input
	add := func(kind string, names ...string) {
		for _, name := range names {
			list = append(list, approval.NewInput(kind, name, ""))
		}
	}
	if file := o.settings().File; file != "" {
		add(approval.Configuration, file)
	}
	var own []string
	for _, e := range a.statements.own {
		own = append(own, e.File)
	}
	slices.Sort(own)
	add(approval.Exceptions, slices.Compact(own)...)
	add(approval.VEX, o.vex.sources...)
	add(approval.Key, o.vex.keyFiles...)
	if o.trust != nil {
		add(approval.Key, o.trust.trustedRoots...)
		rules, err := o.trust.rules(o.settings())
		if err != nil {
			return nil, err
		}
		for _, r := range rules {
			if file := cmp.Or(r.Key, r.Authority); file != "" {
				add(approval.Key, file)
			}
		}
	}
	if o.dockerfile != "" {
		add(approval.Dockerfile, o.dockerfile)
	}
	return list, nil
}

// baselineOf gives the baseline as an input; none where there was none.
func baselineOf(one *side) ([]approval.Input, error) {
	if one == nil {
		return nil, nil
	}
	digest := cmp.Or(one.report.Image.Digest, one.report.Image.ID)
	if one.stored || digest == "" {
		var err error
		if digest, err = digestOfReport(one.report); err != nil {
			return nil, err
		}
	}
	return []approval.Input{approval.NewInput(approval.Baseline, one.report.Image.Reference, digest)}, nil
}

// attestationsOf are the papers that an image is judged by: those beside it that say how it was built and what affects it, and where somebody
// is trusted to sign all that are attached.
func attestationsOf(a *aboard) []approval.Resource {
	uris := map[string]string{}
	for _, s := range a.statements.attested {
		uris[s.Digest] = s.PredicateType
	}
	for _, s := range a.built {
		uris[s.Digest] = s.PredicateType
	}
	if a.papers != nil {
		for _, p := range a.papers.list {
			uris[cmp.Or(p.Found.Blob, p.Found.Manifest)] = p.PredicateType
		}
	}
	delete(uris, "")
	var list []approval.Resource
	for digest, predicate := range uris {
		list = append(list, approval.NewInput("", predicate, digest).Resource)
	}
	return list
}

// digestOfReport is that of its JSON, as gate --format json writes it.
func digestOfReport(r *report.Report) (string, error) {
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil {
		return "", err
	}
	return approval.DigestOf(b.Bytes()), nil
}

// maxInputFiles bounds the files of one directory that a decision may rest on.
const maxInputFiles = 200_000

// digestOfFile is the SHA-256 of a file's content; of a directory, that of the list of its files with theirs, as sha256sum writes it.
func digestOfFile(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return digestOf(os.Open(name))
	}
	root, err := os.OpenRoot(name) // links lead nowhere else, as when it was read
	if err != nil {
		return "", err
	}
	defer root.Close()
	var list bytes.Buffer
	count := 0
	err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if count++; count > maxInputFiles {
			return fmt.Errorf("%s has more than %d files", name, maxInputFiles)
		}
		digest, err := digestOf(root.Open(path))
		fmt.Fprintf(&list, "%s  %s\n", digest, path)
		return err
	})
	return approval.DigestOf(list.Bytes()), err
}

func digestOf(f *os.File, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// result is a gate's verdict in the words of a verification summary.
func result(err error) string {
	var v verdict
	switch {
	case err == nil:
		return approval.Passed
	case errors.As(err, &v) && v.code == exitNotMet:
		return approval.Failed
	}
	return approval.Unknown
}
