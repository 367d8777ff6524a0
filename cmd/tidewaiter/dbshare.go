package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/trust/signature"
)

// shareOptions are the choices of the commands that share the advisory file.
type shareOptions struct {
	file      string
	plainHTTP bool
	caCerts   []string
	// unsigned is set where nobody is to vouch.
	unsigned bool
	quiet    bool
}

func (o *shareOptions) addFlags(f *pflag.FlagSet, unsigned string) {
	addAdvisoryFlag(f, &o.file)
	f.BoolVar(&o.unsigned, "insecure-unsigned", false, unsigned)
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
}

func (o *shareOptions) addRegistryFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.plainHTTP, "plain-http", false, "speak to the registry without TLS (loopback hosts need no asking)")
	f.StringSliceVar(&o.caCerts, "ca-cert", nil, "PEM file with certificates of a registry's authority; may repeat")
}

func (o *shareOptions) source() image.Options {
	return image.Options{PlainHTTP: o.plainHTTP, CACerts: o.caCerts, UserAgent: "tidewaiter/" + release}
}

func newDBPush(s streams) *cobra.Command {
	var o shareOptions
	var key string
	var deltaFrom []string
	cmd := &cobra.Command{
		Use:   "push REF",
		Short: "Put the advisory file into a registry, signed",
		Long: `Puts the advisory file into a registry as one OCI artifact: advisories, KEV, EPSS and end-of-life dates. The same file
and key give the same artifact, byte for byte.

REF is NAME[:TAG] or registry:NAME, or oci:DIR or oci-archive:FILE as in tidewaiter db export.

The artifact is signed with --key, a private key of tidewaiter key generate or of cosign, or any in PEM form; a key under a
password takes it from the terminal, ` + passwordVariable + ` or ` + cosignPasswordVariable + `. The signature is what cosign sign --key
makes, so cosign verify --key accepts it (for a key on P-384 with --signature-digest-algorithm sha384), and tidewaiter db
pull accepts an artifact that cosign has signed. A key of a key management service is named as NAME://KEY, for which the program
sigstore-kms-NAME must be there; to sign with one that only cosign can reach, push with --insecure-unsigned first. Nothing is sent to a
transparency log.

With --delta-from the artifact also holds what makes the file of an older one: who has that fetches only the difference.`,
		Example: `  tidewaiter db push registry.example.com/acme/advisories --key acme.key
  tidewaiter db push registry.example.com/acme/advisories --key acme.key --delta-from yesterday.db`,
		Args: exactArgs("REF"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return dbPush(cmd.Context(), s, o, args[0], key, deltaFrom)
		},
	}
	addSigningFlags(cmd, &o, &key)
	cmd.Flags().StringSliceVar(&deltaFrom, "delta-from", nil, "an older advisory file, for which to put a delta beside the whole file; may repeat")
	o.addRegistryFlags(cmd.Flags())
	return cmd
}

func newDBExport(s streams) *cobra.Command {
	var o shareOptions
	var key string
	cmd := &cobra.Command{
		Use:   "export FILE|DIR",
		Short: "Put the advisory file into an OCI layout, signed, to be carried to where there is no network",
		Long: `Writes what tidewaiter db push writes, not to a registry but to an image layout: into a tar where the name ends in
.tar, else into a new directory. A tar that is there is replaced. There, tidewaiter db pull oci-archive:FILE or oci:DIR
verifies it and takes it in; general tools (oras, skopeo, crane) can copy it into a registry.`,
		Example: `  tidewaiter db export /media/stick/advisories.tar --key acme.key
  tidewaiter db pull oci-archive:/media/stick/advisories.tar --key acme.pub`,
		Args: exactArgs("FILE|DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return dbPush(cmd.Context(), s, o, exportReference(args[0]), key, nil)
		},
	}
	addSigningFlags(cmd, &o, &key)
	return cmd
}

func addSigningFlags(cmd *cobra.Command, o *shareOptions, key *string) {
	cmd.Flags().StringVar(key, "key", "", keyUsage)
	o.addFlags(cmd.Flags(), "do not sign: whoever pulls it must trust the way it comes, or you sign it with cosign")
}

// exportReference gives the reference of a path to export to.
func exportReference(path string) string {
	switch {
	case strings.HasPrefix(path, "oci:") || strings.HasPrefix(path, "oci-archive:"):
		return path
	case filepath.Ext(path) == ".tar":
		return "oci-archive:" + path
	}
	return "oci:" + path
}

func dbPush(ctx context.Context, s streams, o shareOptions, ref, key string, deltaFrom []string) error {
	switch {
	case key == "" && !o.unsigned:
		return errors.New("a key to sign with is missing: give --key FILE (tidewaiter key generate makes one), or --insecure-unsigned")
	case key != "" && o.unsigned:
		return errors.New("--key and --insecure-unsigned exclude each other")
	}
	temp, err := os.MkdirTemp("", "tidewaiter-delta-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	artifact, err := draft(ctx, o.file, deltaFrom, temp)
	if err != nil {
		return err
	}
	var attached []*image.Draft
	if key != "" {
		if attached, err = sign(ctx, s, o, ref, key, artifact); err != nil {
			return err
		}
	}
	p := newProgress(s, o.quiet, "pushing "+ref)
	digest, err := image.Push(ctx, ref, artifact, attached, image.PushOptions{Options: o.source(), Progress: p.show})
	p.done()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s  %s\n", ref, digest)
	return err
}

// draft makes the artifact of an advisory file. Deltas from older files lie in temp until they are written.
func draft(ctx context.Context, file string, deltaFrom []string, temp string) (*image.Draft, error) {
	db, err := advisory.Open(file)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	annotations, err := db.Info().Annotations()
	if err != nil {
		return nil, err
	}
	content, err := image.NewFile(advisory.FileType, file, advisory.FileAnnotations())
	if err != nil {
		return nil, err
	}
	d := &image.Draft{Type: advisory.BundleType, Annotations: annotations, Blobs: []image.Content{content}}
	for i, older := range deltaFrom {
		delta, err := draftDelta(ctx, db, older, filepath.Join(temp, strconv.Itoa(i)))
		if err != nil {
			return nil, fmt.Errorf("--delta-from %s: %w", older, err)
		}
		d.Blobs = append(d.Blobs, delta)
	}
	return d, nil
}

// draftDelta writes what makes an advisory file of an older one.
func draftDelta(ctx context.Context, newer *advisory.DB, olderFile, path string) (image.Content, error) {
	older, err := advisory.Open(olderFile)
	if err != nil {
		return image.Content{}, err
	}
	defer older.Close()
	if _, err := writeDelta(ctx, older, newer, path); err != nil {
		return image.Content{}, err
	}
	return image.NewFile(advisory.DeltaType, path, advisory.DeltaAnnotations(older.Info().Revision))
}

func sign(ctx context.Context, s streams, o shareOptions, ref, key string, artifact *image.Draft) ([]*image.Draft, error) {
	repository, err := image.Repository(ref, o.source())
	if err != nil {
		return nil, err
	}
	k, err := signingKey(ctx, s, key)
	if err != nil {
		return nil, err
	}
	return signature.SignArtifact(k, repository, artifact)
}

func newDBPull(s streams) *cobra.Command {
	var o shareOptions
	var keys []string
	var allowOlder bool
	cmd := &cobra.Command{
		Use:   "pull REF",
		Short: "Take the advisory file out of a registry or an OCI layout, if it is signed",
		Long: `Takes in the advisory file that tidewaiter db push or tidewaiter db export has put there. REF is NAME[:TAG][@DIGEST] or
registry:NAME, oci:DIR[:TAG] or oci-archive:FILE[:TAG]; a path that exists is recognised.

The artifact must be signed with one of the keys, by tidewaiter or by cosign sign --key; its transparency log is not
asked. The file is replaced at once when the new one is whole, verified and no older; until then, and if anything fails, the
old one stays. Where the file that is here has the same revision already, nothing is fetched.`,
		Example: `  tidewaiter db pull registry.example.com/acme/advisories --key acme.pub
  tidewaiter db pull oci-archive:/media/stick/advisories.tar --key acme.pub`,
		Args: exactArgs("REF"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return dbPull(cmd.Context(), s, o, args[0], keys, advisory.InstallOptions{AllowOlder: allowOlder})
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&keys, "key", nil, "public key to trust, as a PEM file or env://NAME; may repeat: any of them will do")
	f.BoolVar(&allowOlder, "allow-older", false, "take it also where its newest feed is older than that of the file here")
	o.addFlags(f, "take whatever is there, whoever put it there")
	o.addRegistryFlags(f)
	return cmd
}

func dbPull(ctx context.Context, s streams, o shareOptions, ref string, names []string, install advisory.InstallOptions) error {
	switch {
	case len(names) == 0 && !o.unsigned:
		return errors.New("a key to trust is missing: give --key FILE.pub, or --insecure-unsigned to take whatever is there")
	case len(names) > 0 && o.unsigned:
		return errors.New("--key and --insecure-unsigned exclude each other")
	}
	keys, err := trustedKeys(names)
	if err != nil {
		return err
	}
	a, err := image.OpenArtifact(ctx, ref, advisory.BundleType, o.source())
	if err != nil {
		return err
	}
	defer a.Close()
	signedBy := "not verified: --insecure-unsigned"
	if !o.unsigned {
		by, err := keys.VerifyArtifact(ctx, a)
		if err != nil {
			return fmt.Errorf("%s (%s): %w", ref, a.Digest, err)
		}
		signedBy = "signed with " + by.Name
	}
	fmt.Fprintf(s.err, "%s  %s  %s\n", oneLine(ref), a.Digest, oneLine(signedBy))
	install.Revision = a.Annotations[advisory.RevisionKey]
	here := advisory.Installed(o.file)
	if here.Revision != "" && here.Revision == install.Revision {
		fmt.Fprintln(s.err, "the advisory file is up to date")
		return showInfo(s, o.file, here)
	}
	if err := os.MkdirAll(filepath.Dir(o.file), 0o755); err != nil {
		return err
	}
	info, err := fetchAdvisories(ctx, s, o, a, here.Revision, install)
	if err != nil {
		return fmt.Errorf("%s: %w", ref, err)
	}
	return showInfo(s, o.file, info)
}

// fetchAdvisories puts the advisory file of an artifact into its place: by a delta where there is one for the file that is here.
func fetchAdvisories(ctx context.Context, s streams, o shareOptions, a *image.Artifact, here string, install advisory.InstallOptions) (advisory.Info, error) {
	for _, b := range a.Blobs {
		if b.MediaType != advisory.DeltaType || here == "" || b.Annotations[advisory.BaseKey] != here {
			continue
		}
		info, err := fetch(ctx, s, o, a, b, advisory.InstallDelta, install)
		if err == nil || ctx.Err() != nil || errors.Is(err, advisory.ErrOlder) {
			return info, err
		}
		fmt.Fprintf(s.err, "the whole file is fetched, since the delta cannot be used: %s\n", oneLine(err.Error()))
	}
	for _, b := range a.Blobs {
		if b.MediaType == advisory.FileType {
			return fetch(ctx, s, o, a, b, advisory.Install, install)
		}
	}
	return advisory.Info{}, fmt.Errorf("it has no advisory file in a format that this program reads (%s)", advisory.FileType)
}

type installer func(ctx context.Context, path string, r io.Reader, o advisory.InstallOptions) (advisory.Info, error)

func fetch(ctx context.Context, s streams, o shareOptions, a *image.Artifact, b image.Blob, put installer, install advisory.InstallOptions) (advisory.Info, error) {
	r, err := a.Open(ctx, b)
	if err != nil {
		return advisory.Info{}, err
	}
	defer r.Close()
	p := newProgress(s, o.quiet, "pulling "+a.Reference)
	defer p.done()
	return put(ctx, o.file, &shownReader{r: r, total: b.Size, show: p.show}, install)
}

// shownReader tells progress how much of something was read.
type shownReader struct {
	r           io.Reader
	done, total int64
	show        func(done, total int64)
}

func (r *shownReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.done += int64(n)
	r.show(r.done, r.total)
	return n, err
}
