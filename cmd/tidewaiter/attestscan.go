package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/report"
)

// The predicate types of scans: in-toto's (https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md), and cosign's
// older one (https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md), which it calls vuln.
const (
	vulnsPredicate      = "https://in-toto.io/attestation/vulns/v0.2"
	cosignVulnPredicate = "https://cosign.sigstore.dev/attestation/vuln/v1"
)

// The words of --type.
const (
	vulnsWord      = "vulns"
	cosignVulnWord = "cosign-vuln"
)

// attestScanOptions are what the user asked of a scan that is attested.
type attestScanOptions struct {
	scanOptions
	signingOptions
	form string
}

func newAttestScan(s streams) *cobra.Command {
	var o attestScanOptions
	o.registryFirst = true
	cmd := &cobra.Command{
		Use:   "scan IMAGE",
		Short: "Attest what a scan of an image found, and when",
		Long: `Scans IMAGE, states what was found, when and with which advisories, signs that, and attaches it to IMAGE. What could not be read or
judged is part of it.

The types are ` + vulnsWord + ` (` + vulnsPredicate + `) and ` + cosignVulnWord + ` (` + cosignVulnPredicate + `,
with the JSON report as its result).

` + signingHelp + `

Exit codes:
  0  done, whatever was found
  1  the tool or its input failed: nothing was attached`,
		Example: `  tidewaiter attest scan ghcr.io/acme/shop:2.1 --key acme.key
  tidewaiter attest scan ghcr.io/acme/shop:2.1 --key acme.key --type cosign-vuln
  cosign verify-attestation --key acme.pub --type vuln --insecure-ignore-tlog ghcr.io/acme/shop:2.1`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error { return attestScan(cmd.Context(), s, args[0], o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.form, "type", vulnsWord, "type of the predicate: "+vulnsWord+" or "+cosignVulnWord)
	offer(cmd, "type", vulnsWord, cosignVulnWord)
	o.addSigning(f)
	o.addJudging(cmd)
	return cmd
}

func attestScan(ctx context.Context, s streams, ref string, o attestScanOptions) error {
	if err := o.checkSigning(); err != nil {
		return err
	}
	if o.form != vulnsWord && o.form != cosignVulnWord {
		return fmt.Errorf("--type: unknown word %q: %s or %s", o.form, vulnsWord, cosignVulnWord)
	}
	im, r, err := o.judged(ctx, s, ref)
	if err != nil {
		return err
	}
	o.vex.tell(s, r.UnusedStatements)
	if o.form == cosignVulnWord {
		predicate, err := cosignVuln(r, s.now())
		if err != nil {
			return err
		}
		return o.attest(ctx, s, o.source(), im, cosignVulnPredicate, predicate)
	}
	var b bytes.Buffer
	if err := report.Vulns(&b, r, report.Options{Now: s.now()}); err != nil {
		return err
	}
	return o.attest(ctx, s, o.source(), im, vulnsPredicate, json.RawMessage(b.Bytes()))
}

// cosignVuln is a report in the frame that cosign gives a scan: what is in result is the scanner's own.
func cosignVuln(r *report.Report, now time.Time) (any, error) {
	var result bytes.Buffer
	if err := report.JSON(&result, r); err != nil {
		return nil, err
	}
	type database struct {
		URI     string `json:"uri"`
		Version string `json:"version"`
	}
	type scanner struct {
		URI     string          `json:"uri"`
		Version string          `json:"version"`
		DB      database        `json:"db"`
		Result  json.RawMessage `json:"result"`
	}
	type invocation struct {
		Parameters []string `json:"parameters"`
		URI        string   `json:"uri"`
		Event      string   `json:"event_id"`
		Builder    string   `json:"builder.id"`
	}
	at := now.UTC().Format(time.RFC3339)
	return struct {
		Invocation invocation        `json:"invocation"`
		Scanner    scanner           `json:"scanner"`
		Metadata   map[string]string `json:"metadata"`
	}{
		Invocation: invocation{Parameters: []string{}},
		Scanner:    scanner{URI: report.ScannerURI, Version: r.Tool.Version, DB: database{Version: r.Data.Revision}, Result: result.Bytes()},
		Metadata:   map[string]string{"scanStartedOn": at, "scanFinishedOn": at},
	}, nil
}
