package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tidewaiter/image"
	"tidewaiter/sbom"
)

// The predicate types of SBOMs (https://github.com/in-toto/attestation/tree/main/spec/predicates). cosign calls them spdxjson and
// cyclonedx.
const (
	spdxPredicate      = "https://spdx.dev/Document"
	cyclonedxPredicate = "https://cyclonedx.org/bom"
)

// attestSBOMOptions are what the user asked of an SBOM that is attested.
type attestSBOMOptions struct {
	imageOptions
	signingOptions
	format, predicate string
	files             bool
}

func newAttestSBOM(s streams) *cobra.Command {
	var o attestSBOMOptions
	o.registryFirst = true
	cmd := &cobra.Command{
		Use:   "sbom IMAGE",
		Short: "Attest what is aboard an image: its SBOM",
		Long: `States what is aboard IMAGE, as an SBOM that is made now, or with --predicate one that another tool made; signs that, and attaches
it to IMAGE. Whether an SBOM is true, tidewaiter verify --sbom says: ask that first of one that is not from here.

` + signingHelp + `

Exit codes:
  0  done
  1  the tool or its input failed: nothing was attached`,
		Example: `  tidewaiter attest sbom ghcr.io/acme/shop:2.1 --key acme.key
  tidewaiter attest sbom ghcr.io/acme/shop:2.1 --key acme.key --predicate shop.spdx.json
  cosign verify-attestation --key acme.pub --type spdxjson --insecure-ignore-tlog ghcr.io/acme/shop:2.1`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error { return attestSBOM(cmd.Context(), s, args[0], o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.format, "format", "f", "", "what to make: "+strings.Join(sbom.Formats(), ", ")+" (default "+sbom.Formats()[0]+")")
	offer(cmd, "format", sbom.Formats()...)
	f.StringVar(&o.predicate, "predicate", "", "attest this document (SPDX or CycloneDX, in JSON), instead of one that is made now")
	f.BoolVar(&o.files, "files", false, filesUsage)
	o.addSigning(f)
	o.addFlags(f)
	return cmd
}

func attestSBOM(ctx context.Context, s streams, ref string, o attestSBOMOptions) error {
	if err := o.checkSigning(); err != nil {
		return err
	}
	switch {
	case o.format != "" && o.predicate != "":
		return errors.New("--format is for an SBOM that is made now, not for --predicate")
	case o.format == "":
		o.format = sbom.Formats()[0]
	}
	if o.format = sbom.Canonical(o.format); !slices.Contains(sbom.Formats(), o.format) {
		return fmt.Errorf("unknown format %q: one of %s", o.format, strings.Join(sbom.Formats(), ", "))
	}
	im, err := o.open(ctx, ref)
	if err != nil {
		return err
	}
	defer im.Close()
	if _, err := im.Subjects(); err != nil { // before much is read in vain
		return err
	}
	predicateType, document, err := o.document(ctx, s, im)
	if err != nil {
		return err
	}
	return o.attest(ctx, s, o.source(), im, predicateType, document)
}

// document gives the SBOM that is to be attested.
func (o *attestSBOMOptions) document(ctx context.Context, s streams, im *image.Image) (predicateType string, document json.RawMessage, err error) {
	if o.predicate != "" {
		raw, err := predicateFile(s, o.predicate)
		if err != nil {
			return "", nil, err
		}
		predicateType, n, err := sbomPredicate(raw)
		if err != nil {
			return "", nil, fmt.Errorf("--predicate %s: %w", o.predicate, err)
		}
		fmt.Fprintf(s.err, "tidewaiter: %s names %d packages; whether they are those aboard says tidewaiter verify --sbom=%s %s\n",
			oneLine(o.predicate), n, oneLine(o.predicate), oneLine(im.Reference))
		return predicateType, raw, nil
	}
	a, err := o.read(ctx, s, im, o.files)
	if err != nil {
		return "", nil, err
	}
	d := newDocument(s, a, o.files)
	var b bytes.Buffer
	if err := sbom.Write(&b, d, o.format); err != nil {
		return "", nil, err
	}
	tellUnread(s, d)
	if strings.HasPrefix(o.format, "cyclonedx") {
		return cyclonedxPredicate, b.Bytes(), nil
	}
	return spdxPredicate, b.Bytes(), nil
}

// sbomPredicate says what an SBOM of another tool is as a predicate, and how many packages it names.
func sbomPredicate(raw []byte) (predicateType string, packages int, err error) {
	d, err := sbom.Read(bytes.NewReader(raw))
	if err != nil {
		return "", 0, err
	}
	var top struct {
		SPDX      string `json:"spdxVersion"`
		CycloneDX string `json:"bomFormat"`
	}
	_ = json.Unmarshal(raw, &top) // what is no JSON is neither
	switch {
	case top.SPDX != "":
		predicateType = spdxPredicate
	case top.CycloneDX == "CycloneDX":
		predicateType = cyclonedxPredicate
	default:
		return "", 0, fmt.Errorf("it is an SBOM (%s), but only SPDX and CycloneDX in JSON can be attested: tidewaiter sbom sbom:FILE converts it", d.Format)
	}
	if len(d.Inventory.Packages) == 0 {
		return "", 0, errors.New("it names no package")
	}
	return predicateType, len(d.Inventory.Packages), nil
}
