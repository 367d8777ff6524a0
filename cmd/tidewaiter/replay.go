package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/image"
	"tidewaiter/report"
	"tidewaiter/trust"
	"tidewaiter/trust/approval"
)

// retold is a decision of the past that is taken again: what it was taken by. Nil, where one is taken now, changes nothing.
type retold struct {
	// called is how the image was called, wherever it lies now: rules and the report have its name.
	called approval.Named
	// attested are the digests of those papers that were looked at: what was attached later, the approval itself among it, did not count.
	attested map[string]bool
	// names are what the inputs were called, by kind and digest.
	names map[[2]string]string
}

func newRetold(s *approval.Summary) *retold {
	t := &retold{called: s.Decision.Image, attested: map[string]bool{}, names: map[[2]string]string{}}
	for _, r := range s.InputAttestations {
		t.attested[r.DigestText()] = true
	}
	for _, in := range s.Decision.Inputs {
		t.names[[2]string{in.Kind, in.DigestText()}] = in.Name
	}
	return t
}

// name calls an image what it was called then.
func (t *retold) name(im *image.Image) {
	if t != nil {
		im.Reference, im.Repository = t.called.Reference, t.called.Repository
	}
}

// papers leaves those of the papers that counted then.
func (t *retold) papers(list []trust.Attestation) []trust.Attestation {
	if t == nil {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(a trust.Attestation) bool { return !t.attested[cmp.Or(a.Found.Blob, a.Found.Manifest)] })
}

// rename calls the sources of statements what they were called then, where their content is the same: the report names them.
func (t *retold) rename(st *statements, now []approval.Input) {
	if t == nil {
		return
	}
	then := map[string]string{}
	for _, in := range now {
		if name, ok := t.names[[2]string{in.Kind, in.DigestText()}]; ok {
			then[in.Name], then[path.Clean(in.Name)] = name, path.Clean(name) // files of a directory are named by its clean name
		}
	}
	old := func(source string) string {
		best := source
		most := -1
		for at, name := range then { // a file, or one in a directory or an archive: the longest name that fits is the one
			rest, inside := strings.CutPrefix(filepath.ToSlash(source), at)
			if inside && len(at) > most && (rest == "" || strings.ContainsAny(rest[:1], "/!:")) {
				best, most = name+rest, len(at)
			}
		}
		return best
	}
	for i := range st.list {
		st.list[i].Source, st.list[i].Signer = old(st.list[i].Source), old(st.list[i].Signer)
	}
	for i := range st.own {
		st.own[i].File = old(st.own[i].File)
	}
}

// addReplayFlags adds to verify what names the inputs of a decision, where they do not lie at their usual places.
func addReplayFlags(cmd *cobra.Command) {
	var o scanOptions
	f := cmd.Flags()
	f.StringVar(&o.env, "env", "", "with --replay: the environment whose approval is meant (default: that of the newest)")
	f.StringVar(&o.advisories, "advisories", defaultAdvisories(), "with --replay: the advisory file")
	f.StringVar(&o.deployments, "deployments", filepath.Join(".tidewaiter", "deployments"), "with --replay: the directory of recorded deployments")
	f.StringSliceVar(&o.vex.sources, "vex", nil, "with --replay: a VEX document, directory or repository that was gone by; may repeat")
	f.StringSliceVar(&o.vex.keyFiles, "vex-key", nil, "with --replay: a public key by which signed statements were believed; may repeat")
	f.StringVar(&o.vex.exceptions, "exceptions", "", "with --replay: the directory of exceptions (default "+usualExceptions+", where there is one)")
	f.StringVar(&o.search.clamd, "clamd", "", "with --replay: ClamAV's daemon, where it was asked")
	f.StringSliceVar(&o.search.yara, "yara", nil, "with --replay: the rules for yara, where there were any; may repeat")
	f.String("baseline", "", "with --replay: the baseline that was named")
}

// replay takes the last decision that is written in an image's papers again, by the inputs at hand and at the time of then. given are the
// flags of the command line, which name the inputs. It is nil where no approval of ours is among the papers.
func replay(ctx context.Context, s streams, ref string, im *image.Image, given *pflag.FlagSet, list []trust.Attestation) (*trust.Replay, error) {
	env := ""
	if f := given.Lookup("env"); f != nil {
		env = f.Value.String()
	}
	a, summary := approval.Newest(list, env)
	if a == nil {
		return nil, nil
	}
	now := approval.AtHand{Digest: im.Digest, Tool: release}
	if a.Status != trust.Verified { // by a stranger's flags and names nothing is judged
		return approval.NewReplay(a, summary, now), nil
	}
	o, err := retell(given, summary)
	if err == nil {
		err = o.decideAgain(ctx, s, ref, summary, &now)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		now.Why = oneLine(err.Error())
	}
	return approval.NewReplay(a, summary, now), nil
}

// retell gives the gate as it was asked then: by the flags that were recorded, and for its inputs by those that are given now.
func retell(given *pflag.FlagSet, summary *approval.Summary) (*gateOptions, error) {
	o := &gateOptions{}
	cmd := &cobra.Command{Use: "gate"}
	o.addGate(cmd)
	o.trust = &trustOptions{}
	f := cmd.Flags()
	addTrustedRootFlag(f, &o.trust.trustedRoots)
	for name, value := range recordedFlags(summary) {
		if slices.Contains(decidingFlags(), name) {
			if err := f.Set(name, value); err != nil {
				return nil, fmt.Errorf("the recorded flag --%s: %w", name, err)
			}
		}
	}
	var failed error
	given.Visit(func(g *pflag.Flag) {
		to := f.Lookup(g.Name)
		if to == nil || to.Changed || g.Annotations[originNote] != nil { // what the file sets is set again below
			return
		}
		failed = errors.Join(failed, copyFlag(to, g))
	})
	if err := f.Set("env", summary.Decision.Environment); err != nil {
		return nil, err
	}
	o.deafToLabels = true
	return o, errors.Join(failed, configure(f))
}

// copyFlag gives one flag the value of another.
func copyFlag(to, from *pflag.Flag) error {
	list, isList := from.Value.(pflag.SliceValue)
	other, too := to.Value.(pflag.SliceValue)
	to.Changed = true
	if isList && too {
		return other.Replace(list.GetSlice())
	}
	return to.Value.Set(from.Value.String())
}

// decideAgain puts the image through the gate of then.
func (o *gateOptions) decideAgain(ctx context.Context, s streams, ref string, summary *approval.Summary, out *approval.AtHand) error {
	s.now = func() time.Time { return summary.TimeVerified.UTC() }
	o.retold = newRetold(summary)
	if err := o.recallRecords(summary); err != nil {
		return err
	}
	env, err := environmentNamed(o.settings(), summary.Decision.Environment)
	if err != nil {
		return err
	}
	if out.Policy, err = o.policyOf(env); err != nil {
		return err
	}
	r, gated, d, err := o.decide(ctx, s, ref)
	if err != nil {
		return err
	}
	if r.Image.Digest != out.Digest {
		return fmt.Errorf("%s was replaced while it was looked at", ref)
	}
	out.Inputs, out.Attestations = d.inputs, d.attestations
	out.Result = result(gateVerdict(r, gated))
	out.Report, err = digestOfReport(r)
	return err
}

// recallRecords finds the record that was the last one then, which may not be the last one now, and the baseline.
func (o *gateOptions) recallRecords(summary *approval.Summary) error {
	var running, baseline approval.Input
	for _, in := range summary.Decision.Inputs {
		switch in.Kind {
		case approval.Running:
			running = in
		case approval.Baseline:
			baseline = in
		}
	}
	o.last = &lastOf{}
	if running.Kind != "" {
		record, err := o.recordWith(running.DigestText(), summary.Decision.Environment)
		if err != nil {
			return err
		}
		o.last.record = record
	}
	switch {
	case baseline.Kind == "":
		o.against = noBaseline
	case o.against == "" && baseline.DigestText() != running.DigestText():
		o.against = baseline.Name
	}
	return nil
}

// recordWith finds the record with a digest; nil where there is none.
func (o *gateOptions) recordWith(digest, env string) (*report.Report, error) {
	files, err := recordFiles(o.deployments, env)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		r, err := readRecord(file)
		if err != nil {
			continue // it is then told that the record is missing
		}
		if is, err := digestOfReport(r); err == nil && is == digest {
			return r, nil
		}
	}
	return nil, nil
}

// recordedFlags are those of the policy that decided.
func recordedFlags(summary *approval.Summary) map[string]string {
	var p policy
	if json.Unmarshal(summary.Decision.Policy, &p) != nil {
		return nil
	}
	return p.Flags
}
