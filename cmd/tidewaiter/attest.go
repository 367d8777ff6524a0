package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tidewaiter/image"
	"tidewaiter/trust"
	"tidewaiter/trust/signature"
)

func newAttest(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "attest",
		Short: "Write, sign and attach papers to an image: SBOM, VEX, scan, approval",
		Long: `Makes an in-toto statement about an image, signs it, and attaches it to the image where it lies: in a registry, an OCI layout or
an archive of one. It is written as cosign writes it, a sigstore bundle that refers to the image, so that cosign verify-attestation
accepts it; in a registry without the referrers API it is listed under the fallback tag.

` + signingHelp,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAttestList(s), newAttestSBOM(s), newAttestVEX(s), newAttestScan(s), newAttestApprove(s), newAttestBind(s))
	return cmd
}

// attest states that a predicate is true of an image, signs that, and attaches it to the image where it lies. from says how to
// reach that place. Nothing is written where something fails before the last step.
func (o *signingOptions) attest(ctx context.Context, s streams, from image.Options, im *image.Image, predicateType string, predicate any) error {
	subjects, err := im.Subjects()
	if err != nil {
		return err
	}
	statement, err := signature.NewStatement(im.Repository, subjects, predicateType, predicate)
	if err != nil {
		return err
	}
	if len(statement) > maxStatement {
		return fmt.Errorf("the statement has %d bytes; more than %d are not attested, since nobody would read them", len(statement), maxStatement)
	}
	if o.statement != "" {
		return writePaper(s, o.statement, statement)
	}
	signer, err := o.signer(ctx, s)
	if err != nil {
		return err
	}
	bundle, err := signer.SignBundle(ctx, trust.StatementType, statement)
	if err != nil {
		return err
	}
	if o.noUpload && o.bundle == "" {
		return writePaper(s, "-", bundle)
	}
	if o.bundle != "" {
		if err := writePaper(s, o.bundle, bundle); err != nil {
			return err
		}
	}
	if o.noUpload {
		return nil
	}
	return upload(ctx, s, from, im, signature.NewReferrers(bundle, predicateType, subjects))
}

// upload attaches papers to an image, and says what they are attached to.
func upload(ctx context.Context, s streams, from image.Options, im *image.Image, papers []*image.Draft) error {
	if err := image.Attach(ctx, im.Reference, papers, image.PushOptions{Options: from}); err != nil {
		return err
	}
	for _, paper := range papers {
		_, m, err := paper.Manifest()
		if err != nil {
			return err
		}
		to := "the image"
		if paper.Subject.Digest == im.Index {
			to = "its index"
		}
		fmt.Fprintf(s.out, "attached to %s  %s  as %s\n", to, paper.Subject.Digest, m.Digest)
	}
	if im.Repository != "" && im.Index != "" && len(papers) == 1 {
		fmt.Fprintf(s.err, "tidewaiter: attached to the image for %s alone, since the index has others: by the tag cosign does not find it, but by %s\n",
			im.Platform, oneLine(im.Repository+"@"+im.Digest))
	}
	return nil
}

// writePaper writes to a file, or for "-" to standard output.
func writePaper(s streams, name string, content []byte) error {
	content = append(content, '\n')
	if name != "-" {
		return writeWhole(name, content)
	}
	_, err := s.out.Write(content)
	return err
}

// maxStatement bounds a statement, in bytes: in base64 it is still a blob that is read here.
const maxStatement = 45 << 20

// predicateFile reads a predicate that another tool made.
func predicateFile(s streams, name string) ([]byte, error) {
	raw, err := readDocument(s, name, func(r io.Reader) (*[]byte, error) {
		raw, err := io.ReadAll(io.LimitReader(r, maxStatement+1))
		if err == nil && len(raw) > maxStatement {
			err = fmt.Errorf("more than %d bytes are not attested", maxStatement)
		}
		return &raw, err
	})
	if err != nil {
		return nil, fmt.Errorf("--predicate: %w", err)
	}
	return *raw, nil
}
