package signature

import (
	"bytes"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// publicRoot is the trusted root of sigstore's public service; sigstore/README.md says where it is from, and of when.
//
//go:embed sigstore/trusted_root.json
var publicRoot []byte

// maxRoot bounds a file of trusted roots, in bytes.
const maxRoot = 4 << 20

// sigstoreRoot is one sigstore service whose word is trusted.
type sigstoreRoot struct {
	*root.TrustedRoot
	verifier *verify.Verifier
}

// readRoots reads the trusted roots, or takes the public one.
func readRoots(o VerifierOptions) (list []*sigstoreRoot, err error) {
	if len(o.TrustedRoots) == 0 {
		return parseRoots(publicRoot)
	}
	for _, name := range o.TrustedRoots {
		text, err := o.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("trusted root: %w", err)
		}
		more, err := parseRoots(text)
		if err != nil {
			return nil, fmt.Errorf("trusted root %s: %w", name, err)
		}
		list = append(list, more...)
	}
	return list, nil
}

// parseRoots reads trusted roots that follow each other, as gh attestation trusted-root writes them.
func parseRoots(text []byte) (list []*sigstoreRoot, err error) {
	if len(text) > maxRoot {
		return nil, fmt.Errorf("it has more than %d bytes, which no trusted root has", maxRoot)
	}
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("not valid JSON: %w", err)
		}
		r, err := newRoot(raw)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		return nil, errors.New("it is empty")
	}
	return list, nil
}

// newRoot reads one trusted root. What it lists is what signatures must prove: a service that has a transparency log logs all that it signs.
func newRoot(raw []byte) (*sigstoreRoot, error) {
	trusted, err := root.NewTrustedRootFromJSON(raw)
	if err != nil {
		return nil, err
	}
	logs, authorities := len(trusted.RekorLogs()), len(trusted.TimestampingAuthorities())
	var options []verify.VerifierOption
	switch {
	case logs > 0:
		options = append(options, verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	case authorities > 0:
		options = append(options, verify.WithSignedTimestamps(1))
	default:
		return nil, errors.New("it lists no transparency log and no timestamp authority, so that nothing can prove when a certificate signed")
	}
	if len(trusted.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	v, err := verify.NewVerifier(trusted, options...)
	if err != nil {
		return nil, err
	}
	return &sigstoreRoot{trusted, v}, nil
}

// verify says whom the service proves to have signed a paper, and when.
func (r *sigstoreRoot) verify(p *paper) (who *certificate.Summary, at time.Time, err error) {
	result, err := r.verifier.Verify(p.proof, verify.NewPolicy(p.artifact(), verify.WithoutIdentitiesUnsafe()))
	if err != nil {
		return nil, at, err
	}
	if result.Signature == nil || result.Signature.Certificate == nil {
		return nil, at, errors.New("it has no certificate")
	}
	for _, t := range result.VerifiedTimestamps {
		if at.IsZero() || t.Timestamp.Before(at) {
			at = t.Timestamp.UTC()
		}
	}
	return result.Signature.Certificate, at, nil
}

// made says whether one of the service's authorities made a certificate.
func (r *sigstoreRoot) made(leaf *x509.Certificate) bool {
	plain := *leaf
	plain.UnhandledCriticalExtensions = slices.DeleteFunc(slices.Clone(leaf.UnhandledCriticalExtensions), cryptoutils.SANOID.Equal)
	_, err := verify.VerifyLeafCertificate(leaf.NotAfter, &plain, r)
	return err == nil
}

// fault says what is wrong with a paper that the service does not vouch for, though it made the certificate.
func (r *sigstoreRoot) fault(p *paper, err error) string {
	leaf := p.certificates[0]
	if len(r.RekorLogs()) > 0 {
		if fault := r.logFault(p); fault != "" {
			return fault
		}
	}
	times, _ := p.proof.times(r)
	if len(times) == 0 {
		return "nothing proves when it was signed, as it takes with a certificate that is valid for minutes"
	}
	for _, t := range times {
		if t.Before(leaf.NotBefore) || t.After(leaf.NotAfter) {
			return fmt.Sprintf("%s, and it signed at %s", validity(leaf), t.Format(dateTime))
		}
	}
	return "what came with it does not prove it: " + oneLine(err)
}

// logFault says what is wrong with a paper's entries in the transparency log; empty where nothing is.
func (r *sigstoreRoot) logFault(p *paper) string {
	leaf := p.certificates[0]
	entries, err := p.proof.TlogEntries()
	if err == nil && len(entries) == 0 {
		return "it has no entry in the transparency log, which all such signatures have: it was taken away, or it was never made"
	}
	if _, err = verify.VerifyTlogEntry(p.proof, r, 1, true); err == nil {
		return ""
	}
	known := false
	for _, e := range entries {
		t := e.IntegratedTime()
		if !t.IsZero() && (t.Before(leaf.NotBefore) || t.After(leaf.NotAfter)) {
			return fmt.Sprintf("%s, and the log saw it at %s", validity(leaf), t.UTC().Format(dateTime))
		}
		known = known || r.RekorLogs()[hex.EncodeToString([]byte(e.LogKeyID()))] != nil
	}
	if !known {
		return "its entry is in no transparency log that is trusted"
	}
	return "its entry in the transparency log does not hold: " + oneLine(err)
}
