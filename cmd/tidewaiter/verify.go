package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/report"
	"tidewaiter/trust"
	"tidewaiter/trust/approval"
	"tidewaiter/trust/signature"
)

// attached and provenanceDockerfile are what --sbom and --declared stand for without a file.
const (
	attachedSBOM         = "attached"
	provenanceDockerfile = "provenance"
)

const verifyExitCodes = `Exit codes:
  0  all that was asked holds
  1  the tool or its input failed
  2  something is false: a broken signature, an SBOM that differs, a changed file, something that nobody declared
  3  there was nothing to check
  4  nothing is false, but not all is known: nobody signed it, or a stranger, or something could not be read`

// verifyOptions are what the user asked of a verification.
type verifyOptions struct {
	imageOptions
	config  configFile
	trust   trustOptions
	outputs outputs
	checks  checks
	// context is the directory that the image was built from, target the stage and buildArgs the arguments that were given.
	context, target string
	buildArgs       map[string]string
	// distribution is the directory with signed metadata, and distributionKeys whose it is.
	distribution     string
	distributionKeys []string
}

// checks are the questions to ask; without any, all that can be.
type checks struct {
	signatures, provenance, files, replay bool
	// sbom and declared are attachedSBOM and provenanceDockerfile, or files; empty where they are not asked.
	sbom, declared string
}

// all says that nothing was chosen: what can be asked is.
func (c *checks) all() bool { return *c == checks{} }

// needContent says whether the layers must be read.
func (c *checks) needContent() bool {
	return c.all() || c.provenance || c.files || c.sbom != "" || c.declared != ""
}

func newVerify(s streams) *cobra.Command {
	var o verifyOptions
	var ref string // the image
	o.registryFirst = true
	cmd := &cobra.Command{
		Use:   "verify IMAGE",
		Short: "Can the papers be believed? Signatures, provenance, SBOM, files, Dockerfile",
		Long: `Finds everything that is tied to IMAGE (attestations, signatures, SBOMs), says who signed it, and holds what it claims against what is
really aboard. Without a network, but for the registry. Without --signatures, --provenance, --sbom, --files, --declared, all of them are asked,
as far as there is something to ask of.

Signers are trusted by --key and --certificate-identity, or by trust in ` + "tidewaiter.yaml" + `.

` + verifyExitCodes,
		Example: `  tidewaiter verify --key acme.pub ghcr.io/acme/shop:2.1
  tidewaiter verify --sbom=shop.spdx.json ./shop.tar
  tidewaiter verify --declared=Dockerfile --context . oci:build/shop
  tidewaiter verify --files --format json debian:12`,
		Args: func(cmd *cobra.Command, args []string) error {
			args = o.checks.takeFile(args)
			if err := exactArgs("IMAGE")(cmd, args); err != nil {
				return err
			}
			ref = args[0]
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return verifyCommand(cmd.Context(), s, ref, cmd.Flags(), &o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.checks.addFlags(f)
	f.StringVar(&o.context, "context", "", "with --declared: the directory that the image was built from, to compare copied files with")
	f.StringVar(&o.target, "target", "", "with --declared: the stage that was built (default: the last)")
	f.StringToStringVar(&o.buildArgs, "build-arg", nil, "with --declared: NAME=VALUE, a build argument that was given; may repeat")
	f.StringVar(&o.distribution, "distribution", "", "with --files: a directory with the distribution's signed metadata (InRelease and Packages, APKINDEX.tar.gz) and packages")
	f.StringSliceVar(&o.distributionKeys, "distribution-key", nil, "with --files: a public key or keyring of the distribution; may repeat")
	o.outputs.addFlags(cmd, "text", "json")
	o.outputs.addAll(f)
	o.trust.addFlags(f)
	addConfigFlag(f, &o.config)
	o.addReading(f)
	addReplayFlags(cmd)
	return cmd
}

func (c *checks) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&c.signatures, "signatures", false, "who signed what is attached to the image?")
	f.BoolVar(&c.provenance, "provenance", false, "who built it, on what, from which source and inputs?")
	f.StringVar(&c.sbom, "sbom", "", "does the SBOM list what is aboard? Those that are attached, or FILE")
	f.Lookup("sbom").NoOptDefVal = attachedSBOM
	f.BoolVar(&c.files, "files", false, "are the files of packages what was installed?")
	f.StringVar(&c.declared, "declared", "", "does the image hold only what its Dockerfile says? That of the provenance, or FILE")
	f.Lookup("declared").NoOptDefVal = provenanceDockerfile
	f.BoolVar(&c.replay, "replay", false, "do the inputs of the last approval still give the same verdict?")
}

// takeFile takes the file of --declared or --sbom out of the arguments, where it stands apart from its flag, and gives the others.
func (c *checks) takeFile(args []string) []string {
	if len(args) != 2 {
		return args
	}
	var flag *string
	var isIts func(name string) bool
	switch {
	case c.declared == provenanceDockerfile && c.sbom != attachedSBOM:
		flag = &c.declared
		isIts = func(name string) bool {
			name = strings.ToLower(filepath.Base(name))
			return strings.Contains(name, "dockerfile") || strings.Contains(name, "containerfile")
		}
	case c.sbom == attachedSBOM && c.declared != provenanceDockerfile:
		flag = &c.sbom
		isIts = func(name string) bool { return slices.Contains([]string{".json", ".xml", ".spdx"}, filepath.Ext(name)) }
	default:
		return args
	}
	for i, name := range args {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && isIts(name) {
			*flag = name
			return slices.Delete(slices.Clone(args), i, i+1)
		}
	}
	return args
}

func verifyCommand(ctx context.Context, s streams, ref string, given *pflag.FlagSet, o *verifyOptions) error {
	if err := errors.Join(o.outputs.check(), o.check(ref)); err != nil {
		return err
	}
	v, err := verifyImage(ctx, s, ref, given, o)
	if err != nil {
		return err
	}
	err = o.outputs.write(s, map[string]form{
		"text": func(w io.Writer, to report.TextOptions) error {
			return report.VerificationText(w, v, o.checks.all(), to)
		},
		"json": func(w io.Writer, _ report.TextOptions) error { return report.VerificationJSON(w, v) },
	})
	if err != nil {
		return err
	}
	return verificationVerdict(v)
}

// check finds what does not go together before an image is read.
func (o *verifyOptions) check(ref string) error {
	if _, ok := sbomFile(ref); ok {
		return errors.New(ref + ": an SBOM is a claim about an image: name the image, and the document with --sbom=FILE")
	}
	c := &o.checks
	switch {
	case (o.context != "" || o.target != "" || len(o.buildArgs) > 0) && c.declared == "" && !c.all():
		return errors.New("--context, --target and --build-arg go with --declared")
	case (o.distribution != "" || len(o.distributionKeys) > 0) && !c.files && !c.all():
		return errors.New("--distribution and --distribution-key go with --files")
	case o.distribution != "" && len(o.distributionKeys) == 0:
		return errors.New("--distribution-key is missing: whose signature on the metadata is believed?")
	}
	return nil
}

// verificationVerdict gives the exit code that the contract has for a verification.
func verificationVerdict(v *report.Verification) error {
	switch {
	case len(v.Checks) == 0:
		return verdict{exitNothing, "there was nothing to check"}
	case v.Verdict == trust.Fail:
		return verdict{code: exitNotMet}
	case v.Verdict == trust.Unknown:
		return verdict{code: exitUnknown}
	}
	return nil
}

// verifyImage asks the questions of an image.
func verifyImage(ctx context.Context, s streams, ref string, given *pflag.FlagSet, o *verifyOptions) (*report.Verification, error) {
	verifier, err := o.trust.verifier(o.config.settings(), s.now())
	if err != nil {
		return nil, err
	}
	im, err := o.open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer im.Close()
	v := &verifying{verifyOptions: o, aboard: &aboard{image: im, inventory: &inventory.Inventory{}}}
	if v.result.Attestations, v.unread, err = verifier.Attestations(ctx, im); err != nil {
		return nil, err
	}
	o.redactPapers(v.result.Attestations)
	o.redactor.Variables(o.buildArgs)
	v.spots = slices.Clone(v.unread)
	if o.checks.needContent() {
		if err := v.read(ctx, s); err != nil {
			return nil, err
		}
	}
	if err := v.ask(ctx); err != nil {
		return nil, err
	}
	if o.checks.replay {
		if v.result.Replay, err = replay(ctx, s, ref, im, given, v.result.Attestations); err != nil {
			return nil, err
		}
		v.add(approval.CheckOf(v.result.Replay))
	}
	tool := report.Tool{Name: "tidewaiter", Version: release}
	subject := assess.NewSubject(im, v.aboard.layers, v.aboard.inventory, nil, nil, v.spots)
	return report.NewVerification(tool, subject.Image, v.result, subject.BlindSpots), nil
}

// verifying is an image that is being verified.
type verifying struct {
	*verifyOptions
	aboard *aboard
	trace  *inventory.Trace
	result trust.Verification
	spots  []image.BlindSpot
	unread []image.BlindSpot // of them, those of papers
}

func (v *verifying) add(c trust.Check) { v.result.Checks = append(v.result.Checks, c) }

// addOfContent adds a check of what is aboard: where not all of that was read, it may be false of the rest.
func (v *verifying) addOfContent(c trust.Check) { v.add(ofAllRead(c, v.aboard.inventory.BlindSpots)) }

// ofAllRead makes a check that passes unknown where layers were not read, or not to their end.
func ofAllRead(c trust.Check, spots []image.BlindSpot) trust.Check {
	i := slices.IndexFunc(spots, func(b image.BlindSpot) bool { return b.Kind == image.UnreadableLayer || b.Kind == image.LimitReached })
	if c.Verdict != trust.Pass || i < 0 {
		return c
	}
	c.Verdict, c.Reason = trust.Unknown, "of what could be read it holds, but not all could: "+spots[i].Message
	c.Step = "see the blind spots; tidewaiter help limits says how to raise a bound"
	return c
}

// read reads what is aboard, and accounts for every file.
func (v *verifying) read(ctx context.Context, s streams) error {
	a, err := v.imageOptions.read(ctx, s, v.aboard.image, true)
	if err != nil {
		return err
	}
	v.aboard, v.trace = a, inventory.NewTrace(a.image, a.layers, a.inventory)
	v.spots = append(v.spots, v.trace.BlindSpots...)
	return nil
}

// ask asks each question that was chosen, or each that can be.
func (v *verifying) ask(ctx context.Context) error {
	c := &v.checks
	if c.all() || c.signatures {
		v.add(signature.CheckOf(v.result.Attestations, v.unread...))
	}
	if c.all() || c.provenance {
		v.askProvenance()
	}
	if c.sbom != "" || c.all() {
		if err := v.askSBOM(); err != nil {
			return err
		}
	}
	if c.all() || c.files {
		if err := v.askFiles(ctx); err != nil {
			return err
		}
	}
	if c.declared != "" || c.all() {
		return v.askDeclared()
	}
	return nil
}
