package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"tidewaiter/assess"
	"tidewaiter/assess/environments"
	"tidewaiter/report"
)

// attestListOptions are what the user asked of a list of papers.
type attestListOptions struct {
	imageOptions
	trustOptions
	outputs outputs
	config  configFile
}

func newAttestList(s streams) *cobra.Command {
	var o attestListOptions
	o.registryFirst = true
	cmd := &cobra.Command{
		Use:   "list IMAGE",
		Short: "List every paper that is attached to an image, and who signed it",
		Long: `Lists everything that is attached to IMAGE, and to the index that it was chosen from: BuildKit's attestations, referrers (also those
under the fallback tag of older registries), cosign's signatures, attestations and SBOMs under tags, sigstore bundles, Notation's
signatures and bare documents; in registries, OCI layouts and archives alike. Of each it says what it is, what it is about, where it
was found, and whether it can be believed:

  verified              somebody who is trusted signed it, and it is about this image
  signed by a stranger  somebody signed it, and it is nobody who is trusted
  unsigned              nobody signed it: whoever could write the image could write it too
  broken                it was changed after it was signed, is about another image, or cannot be read

Trusted are those whom the flags below and trust in ` + environments.Name + ` name. No network is asked but the image's registry.

Exit codes:
  0  listed, whatever it is; tidewaiter verify judges
  1  the tool or its input failed`,
		Example: `  tidewaiter attest list ghcr.io/acme/shop:2.1 --key acme.pub
  tidewaiter attest list --certificate-identity 'https://github.com/acme/*' \
      --certificate-oidc-issuer https://token.actions.githubusercontent.com ghcr.io/acme/shop:2.1
  tidewaiter attest list --format json oci:build/shop`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error { return attestList(cmd.Context(), s, args[0], o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.outputs.addFlags(cmd, "text", "json")
	o.trustOptions.addFlags(f)
	addConfigFlag(f, &o.config)
	o.addPlace(f)
	return cmd
}

func attestList(ctx context.Context, s streams, ref string, o attestListOptions) error {
	if err := o.outputs.check(); err != nil {
		return err
	}
	verifier, err := o.verifier(o.config.settings(), s.now())
	if err != nil {
		return err
	}
	im, err := o.open(ctx, ref)
	if err != nil {
		return err
	}
	defer im.Close()
	if _, err := im.Subjects(); err != nil { // nothing can be attached to it
		return err
	}
	list, spots, err := verifier.Attestations(ctx, im)
	if err != nil {
		return err
	}
	facts := assess.Image{Reference: im.Reference, Repository: im.Repository, Digest: im.Digest, ID: im.ID, Platform: im.Platform.String()}
	found := report.NewAttestations(report.Tool{Name: "tidewaiter", Version: release}, facts, im.Index, list, spots)
	return o.outputs.write(s, map[string]form{
		"text": func(w io.Writer, o report.TextOptions) error { return report.AttestationsText(w, found, o) },
		"json": func(w io.Writer, _ report.TextOptions) error { return report.AttestationsJSON(w, found) },
	})
}
