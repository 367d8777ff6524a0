package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tidewaiter/image"
	"tidewaiter/report"
	"tidewaiter/vex"
)

// vexPredicate is the predicate type of OpenVEX, as cosign's --type openvex has it (https://github.com/openvex/spec/blob/main/ATTESTING.md).
const vexPredicate = "https://openvex.dev/ns"

// attestVEXOptions are what the user asked of statements that are attested.
type attestVEXOptions struct {
	scanOptions
	signingOptions
	predicate string
}

func newAttestVEX(s streams) *cobra.Command {
	var o attestVEXOptions
	o.registryFirst = true
	cmd := &cobra.Command{
		Use:   "vex IMAGE",
		Short: "Attest which vulnerabilities affect an image, and which do not and why",
		Long: `States of the vulnerabilities found in IMAGE which affect it, and which do not and why: what tidewaiter scan --format openvex writes,
with your exceptions and the statements that you believe (--vex) in it; or with --predicate a document that is there. Signs that, and
attaches it to IMAGE.

` + signingHelp + `

Exit codes:
  0  done
  1  the tool or its input failed: nothing was attached
  3  nothing was found, so there is nothing to state`,
		Example: `  tidewaiter attest vex ghcr.io/acme/shop:2.1 --key acme.key
  tidewaiter attest vex ghcr.io/acme/shop:2.1 --key acme.key --predicate shop.openvex.json
  cosign verify-attestation --key acme.pub --type openvex --insecure-ignore-tlog ghcr.io/acme/shop:2.1
  tidewaiter scan --vex-key acme.pub ghcr.io/acme/shop:2.1`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error { return attestVEX(cmd.Context(), s, args[0], o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.predicate, "predicate", "", "attest this OpenVEX document, instead of one that is made now")
	o.addSigning(f)
	o.addJudging(cmd)
	return cmd
}

func attestVEX(ctx context.Context, s streams, ref string, o attestVEXOptions) error {
	if err := o.checkSigning(); err != nil {
		return err
	}
	if o.predicate != "" {
		return o.attestFile(ctx, s, ref)
	}
	im, r, err := o.judged(ctx, s, ref)
	if err != nil {
		return err
	}
	o.vex.tell(s, r.UnusedStatements)
	var b bytes.Buffer
	if err := report.OpenVEX(&b, r, report.Options{Now: s.now()}); err != nil {
		return err
	}
	if len(r.Findings) == 0 {
		return verdict{exitNothing, "nothing was found, and OpenVEX has no words for that: tidewaiter attest scan has"}
	}
	return o.attest(ctx, s, o.source(), im, vexPredicate, json.RawMessage(b.Bytes()))
}

// attestFile attests a document that is there.
func (o *attestVEXOptions) attestFile(ctx context.Context, s streams, ref string) error {
	raw, err := predicateFile(s, o.predicate)
	if err != nil {
		return err
	}
	if err := checkOpenVEX(raw); err != nil {
		return fmt.Errorf("--predicate %s: %w", o.predicate, err)
	}
	im, err := o.open(ctx, ref)
	if err != nil {
		return err
	}
	defer im.Close()
	return o.attest(ctx, s, o.source(), im, vexPredicate, json.RawMessage(raw))
}

// checkOpenVEX refuses what is no OpenVEX document, or states nothing.
func checkOpenVEX(raw []byte) error {
	var d struct {
		Context    string            `json:"@context"`
		Statements []json.RawMessage `json:"statements"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return fmt.Errorf("not a valid OpenVEX document: %w", err)
	}
	switch {
	case !strings.HasPrefix(d.Context, vexPredicate):
		return errors.New("not an OpenVEX document: its @context says something else")
	case len(d.Statements) == 0:
		return errors.New("it states nothing")
	}
	_, err := vex.ParseExceptions(raw, "")
	return err
}

// judged reads an image and judges it, for what is then stated about it. The image is closed, and still names itself.
func (o *scanOptions) judged(ctx context.Context, s streams, ref string) (*image.Image, *report.Report, error) {
	db, err := openAdvisories(*o)
	if err != nil {
		return nil, nil, err
	}
	if db == nil {
		return nil, nil, errors.New("no advisory file, so nothing can be said of vulnerabilities: make one with tidewaiter db update")
	}
	defer db.Close()
	var im *image.Image
	r, err := o.readAndJudge(ctx, s, ref, db, false, func(a *aboard) error {
		im = a.image
		_, err := im.Subjects()
		return err
	})
	return im, r, err
}
