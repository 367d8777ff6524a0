package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/assess"
	"tidewaiter/report"
	"tidewaiter/trust"
	"tidewaiter/trust/approval"
)

// approveOptions are what the user asked of an approval.
type approveOptions struct {
	gateOptions
	signing  signingOptions
	verifier string
}

func newAttestApprove(s streams) *cobra.Command {
	var o approveOptions
	o.registryFirst = true
	cmd := &cobra.Command{
		Use:   "approve IMAGE --env E",
		Short: "Put IMAGE through the gate of an environment, and sign that it passed",
		Long: `Holds IMAGE against the goals of an environment as tidewaiter gate does, with the same flags. Where it passes, that is written as a
SLSA verification summary with the digests of all that was decided by (image, report, policy, advisory file, exceptions, baseline, ...),
signed, and attached to IMAGE. Where it does not pass, nothing is written. tidewaiter gate --require-approval asks for it, and
tidewaiter verify --replay decides again by the same inputs.

` + signingHelp + `

` + gateExitCodes + `
In any case but 0 nothing was attached.`,
		Example: `  tidewaiter attest approve --env production --key security.key ghcr.io/acme/shop:2.1
  tidewaiter attest approve --env production --key security.key --output json=report.json oci:build/shop
  cosign verify-attestation --key security.pub --type https://slsa.dev/verification_summary/v1 --insecure-ignore-tlog ghcr.io/acme/shop:2.1`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.deafToLabels = true
			return o.approve(cmd.Context(), s, args[0])
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.verifier, "verifier", approval.VerifierID, "who decides, as a URI: those who ask for the approval name it with --approval-verifier")
	o.signing.addSigning(f)
	o.addGate(cmd)
	o.trust = &trustOptions{} // by the file's rules: the key that is given here is the one to sign with
	addTrustedRootFlag(f, &o.trust.trustedRoots)
	return cmd
}

func (o *approveOptions) approve(ctx context.Context, s streams, ref string) error {
	if err := errors.Join(o.outputs.check(), o.checkOrigin(), o.signing.checkSigning()); err != nil {
		return err
	}
	im, err := o.open(ctx, ref)
	if err != nil {
		return err
	}
	defer im.Close()
	if _, err := im.Subjects(); err != nil { // before it is scanned for nothing
		return err
	}
	at := s.now().Truncate(time.Second)
	s.now = func() time.Time { return at } // what is recorded is what was gone by
	r, env, d, err := o.decide(ctx, s, ref)
	if err != nil {
		return err
	}
	if err := o.show(s, r, env); err != nil {
		return err
	}
	if err := gateVerdict(r, env); err != nil {
		return err
	}
	if r.Image.Digest != im.Digest {
		return fmt.Errorf("%s was replaced while it was looked at: name it by its digest", ref)
	}
	summary, err := o.summary(r, env, d, at)
	if err != nil {
		return err
	}
	return o.signing.attest(ctx, s, o.source(), im, trust.VerificationSummaryV1, summary)
}

// decide puts an image through the gate, and notes what the decision rests on.
func (o *gateOptions) decide(ctx context.Context, s streams, ref string) (*report.Report, *assess.Environment, *decision, error) {
	var d decision
	o.observe = o.noteInputs(&d)
	r, env, err := o.gate(ctx, s, ref)
	if err != nil {
		return nil, nil, nil, err
	}
	baseline, err := baselineOf(o.compared)
	d.inputs = append(d.inputs, baseline...)
	return r, env, &d, err
}

// summary writes down a gate that was passed.
func (o *approveOptions) summary(r *report.Report, env *assess.Environment, d *decision, at time.Time) (*approval.Summary, error) {
	policy, err := o.policyOf(*env)
	if err != nil {
		return nil, err
	}
	digest, err := digestOfReport(r)
	if err != nil {
		return nil, err
	}
	facts := approval.Facts{Verifier: o.verifier, Tool: release, Time: at, Digest: r.Image.Digest, Report: digest, Attestations: d.attestations,
		Decision: approval.Decision{
			Environment: env.Name, Policy: policy, Inputs: d.inputs,
			Image: approval.Named{Reference: r.Image.Reference, Repository: r.Image.Repository, Platform: r.Image.Platform},
		}}
	if r.Data != nil {
		facts.Data = r.Data.Revision
	}
	for _, g := range r.Assessment.Goals {
		facts.Goals = append(facts.Goals, approval.Goal{Name: g.Name, Verdict: string(g.Verdict), Reason: g.Reason})
	}
	for _, in := range d.inputs {
		if in.Kind == approval.Configuration {
			facts.PolicyFile, facts.PolicyFileDigest = filepath.ToSlash(in.Name), in.DigestText()
		}
	}
	return approval.New(facts), nil
}
