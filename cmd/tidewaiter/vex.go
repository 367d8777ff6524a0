package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/trust/signature"
	"tidewaiter/vex"
)

// vexOptions are where statements about vulnerabilities come from, and whose signatures count.
type vexOptions struct {
	sources  []string
	keyFiles []string
	keys     signature.Keys
	// exceptions is the directory of the user's own: see [loadExceptions].
	exceptions string
	own        []vex.Exception
	ownRead    bool
}

// newVEXHelp is the help topic that says whose statements count.
func newVEXHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "vex",
		Short: "What others say of vulnerabilities, and which of it counts",
		Long: `--vex names what others say of vulnerabilities: an OpenVEX, CSAF or CycloneDX document, an attestation of one, a directory of them, or
a VEX repository (a directory or zip archive with an index.json). Every statement about a finding is listed on it, with who said it.
` + match.StatementOrder + `
What the image's own attestations say is always looked at.`,
	}
}

func (o *vexOptions) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.sources, "vex", nil, "a VEX document, a directory of them, or a VEX repository; may repeat (tidewaiter help vex)")
	addExceptionsFlag(f, &o.exceptions)
	f.StringSliceVar(&o.keyFiles, "vex-key", nil, "public key (PEM) of somebody whose signed statements are believed; also looks for those attached to the image; may repeat")
}

// check finds what cannot be read before an image is.
func (o *vexOptions) check() error {
	for _, source := range o.sources {
		if _, err := os.Stat(source); err != nil {
			return fmt.Errorf("--vex: %w", err)
		}
	}
	o.keys = nil
	for _, file := range o.keyFiles {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("--vex-key: %w", err)
		}
		key, err := signature.ReadPublicKey(file, text)
		if err != nil {
			return fmt.Errorf("--vex-key: %w", err)
		}
		o.keys = append(o.keys, key)
	}
	return o.readOwn()
}

// readOwn reads the user's exceptions, once.
func (o *vexOptions) readOwn() error {
	if o.ownRead {
		return nil
	}
	var err error
	o.own, err = loadExceptions(o.exceptions)
	o.ownRead = err == nil
	return err
}

// verify gives the payload of an envelope that one of the keys signed, and the key's name.
func (o *vexOptions) verify(raw []byte) (payload []byte, signer string) {
	e, err := signature.ParseEnvelope(raw)
	if err != nil {
		return nil, ""
	}
	payload, by, err := o.keys.VerifyEnvelope(e)
	if err != nil {
		return nil, ""
	}
	return payload, by.Name
}

// statements are those that were read for one image, and what they can speak of.
type statements struct {
	aboard *match.Aboard
	list   []vex.Statement
	// own are the user's exceptions.
	own    []vex.Exception
	unread []image.BlindSpot
	// attested are the statements beside the image that hold some of them.
	attested []image.Statement
}

// read reads the statements for an image.
func (o *vexOptions) read(ctx context.Context, a *aboard) (*statements, error) {
	if err := o.readOwn(); err != nil {
		return nil, err
	}
	st := &statements{aboard: match.NewAboard(vex.ImageOf(a.image), a.inventory), own: o.own}
	add := func(list []vex.Statement, unread []image.BlindSpot) {
		st.list, st.unread = append(st.list, list...), append(st.unread, unread...)
	}
	reader := &vex.Reader{}
	if len(o.keys) > 0 {
		reader.Verify = o.verify
	}
	for _, source := range o.sources {
		list, unread, err := reader.Load(source, st.aboard.Has)
		if err != nil {
			return nil, fmt.Errorf("--vex %w", err)
		}
		add(list, unread)
	}
	attestations, unread, err := a.image.Statements(ctx, vex.IsPredicate)
	if err != nil {
		return nil, err
	}
	add(nil, unread)
	st.attested = attestations
	add(vex.Attested(attestations))
	if len(o.keys) > 0 {
		list, unread, err := reader.Attached(ctx, a.image)
		if err != nil {
			return nil, err
		}
		add(list, unread)
	}
	return st, nil
}

// conclude reads what others say of an image that was read, and judges it.
func (o *scanOptions) conclude(ctx context.Context, a *aboard, db *advisory.DB, now time.Time) (*report.Report, error) {
	var err error
	if a.statements, err = o.vex.read(ctx, a); err != nil {
		return nil, err
	}
	if a.papers, err = o.readPapers(ctx, a.image, now); err != nil {
		return nil, err
	}
	if o.observe != nil {
		if err := o.observe(a, db); err != nil {
			return nil, err
		}
	}
	return o.judge(a, db, now)
}

// tell says that statements of documents that the user named changed nothing: a mistake of its author, often; and which exceptions
// hold no more.
func (o *vexOptions) tell(s streams, unused []match.UnusedStatement) {
	tellLapsed(s, unused)
	told := map[string]bool{}
	for _, source := range o.sources {
		var of []match.UnusedStatement
		directory, inside := isDirectoryOfDocuments(source), filepath.Clean(source)+string(filepath.Separator)
		for _, u := range unused {
			if u.Source == source || directory && strings.HasPrefix(u.Source, inside) {
				of = append(of, u)
			}
		}
		if len(of) == 0 || told[source] {
			continue
		}
		told[source] = true // a source that was named twice is told of once
		u := of[0]
		line := fmt.Sprintf("tidewaiter: %s: the statement on %s (%s) changed nothing: %s", u.Source, u.Vulnerability, cutTo(u.Product, 80), u.Why)
		if more := len(of) - 1; more > 0 {
			line += fmt.Sprintf("; nor did %d more, which --format json lists as unusedStatements", more)
		}
		fmt.Fprintln(s.err, oneLine(line))
	}
}

// isDirectoryOfDocuments tells a directory of the user's own from a repository, in which there is much that is about others.
func isDirectoryOfDocuments(source string) bool {
	info, err := os.Stat(source)
	if err != nil || !info.IsDir() {
		return false
	}
	_, err = os.Stat(filepath.Join(source, "index.json"))
	return err != nil
}

func cutTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
