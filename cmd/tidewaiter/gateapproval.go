package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/report"
	"tidewaiter/trust/approval"
	"tidewaiter/vex"
)

// approvalOptions are what a gate asks of an approval.
type approvalOptions struct {
	required, anyPolicy bool
	maxAge              time.Duration
	// verifiers, policies and repositories are patterns of those whose approvals count besides our own.
	verifiers, policies, repositories []string
}

func (o *approvalOptions) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.required, "require-approval", false, "scan nothing: a signed approval for the environment must be there (tidewaiter attest approve)")
	f.Var((*age)(&o.maxAge), "approval-max-age", "an approval that is older does not count (7d, 36h; 0: any age)")
	f.BoolVar(&o.anyPolicy, "any-policy", false, "an approval counts also where the policy was another then than now")
	f.StringSliceVar(&o.verifiers, "approval-verifier", nil, "who may approve, by the verifier's id (* is any text); may repeat (default "+approval.VerifierID+")")
	f.StringSliceVar(&o.policies, "approval-policy", nil, "the policy, as URI or URI@sha256:HEX, by which approvals of other programs count, which name no environment; may repeat")
	f.StringSliceVar(&o.repositories, "approval-repository", nil, "where the image may have been approved, besides where it is now (* is any text); may repeat")
}

// check refuses what is asked of an approval where none is asked for.
func (o *approvalOptions) check(outputs *outputs) error {
	if o.required {
		return outputs.limit("--require-approval", "text", "json")
	}
	if o.anyPolicy || o.maxAge > 0 || len(o.verifiers)+len(o.policies)+len(o.repositories) > 0 {
		return errors.New("--any-policy and --approval-... go with --require-approval")
	}
	return nil
}

// gateByApproval asks for an approval in place of a scan. No layer is read.
func (o *gateOptions) gateByApproval(ctx context.Context, s streams, ref string) error {
	o.registryFirst = true
	im, err := o.open(ctx, ref)
	if err != nil {
		return err
	}
	defer im.Close()
	subject := assess.NewSubject(im, nil, &inventory.Inventory{}, nil, nil, nil)
	env, err := o.environment(&subject.Image)
	if err != nil {
		return err
	}
	now := s.now()
	verifier, err := o.trust.verifier(o.settings(), now)
	if err != nil {
		return err
	}
	list, spots, err := verifier.Attestations(ctx, im)
	if err != nil {
		return err
	}
	(&aboard{image: im, papers: &papers{list, spots}}).addPapers(subject)
	wanted, err := o.wanted(im, env, now)
	if err != nil {
		return err
	}
	found := approval.Find(list, *wanted)
	approved := assess.GoalResult{Name: "approval", Verdict: assess.Verdict(found.Verdict), Reason: found.Reason, Step: found.Step}
	goals, overall := assess.Admitted(subject, o.settings().Bindings, env, now, approved)
	r := report.NewApproval(report.Tool{Name: "tidewaiter", Version: release}, subject, env, goals, overall, found)
	o.tellLabelled(s, &subject.Image)
	err = o.outputs.write(s, map[string]form{
		"text": func(w io.Writer, to report.TextOptions) error { return report.ApprovalText(w, r, to) },
		"json": func(w io.Writer, _ report.TextOptions) error { return report.ApprovalJSON(w, r) },
	})
	if err != nil {
		return err
	}
	switch overall {
	case assess.Pass:
		return nil
	case assess.Fail:
		return verdict{code: exitNotMet}
	}
	return verdict{code: exitUnknown}
}

// wanted says which approvals of an image count.
func (o *gateOptions) wanted(im *image.Image, env assess.Environment, now time.Time) (*approval.Wanted, error) {
	w := &approval.Wanted{Environment: env.Name, Policies: o.approval.policies, Verifiers: o.approval.verifiers, MaxAge: o.approval.maxAge, Now: now, Like: vex.Glob}
	if im.Repository != "" {
		w.Repository = func(name string) bool { return o.approvedIn(name, im.Repository) }
	}
	if o.approval.anyPolicy {
		return w, nil
	}
	var err error
	w.Policy, err = o.policyOf(env)
	return w, err
}

// approvedIn says whether an approval for an image in one repository counts for it in another. One that was given before the image had any
// names none; it is for the digest alone.
func (o *gateOptions) approvedIn(name, here string) bool {
	return name == "" || sameRepository(name, here) || slices.ContainsFunc(o.approval.repositories, func(pattern string) bool { return vex.Glob(pattern, name) })
}
