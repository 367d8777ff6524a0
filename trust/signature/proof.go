package signature

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	sigstore "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	sigstoresignature "github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/encoding/protojson"

	"tidewaiter/trust"
)

// proof is a paper as sigstore's library takes it, with what certificates, transparency logs and timestamp authorities say of it. All
// forms are made into bundles, so that there is one way to verify them.
type proof struct{ *sigstore.Bundle }

// The annotations in which cosign keeps what a bundle holds, beside the signature or the envelope
// (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
const (
	certificateKey = "dev.sigstore.cosign/certificate"
	chainKey       = "dev.sigstore.cosign/chain"
	logEntryKey    = "dev.sigstore.cosign/bundle"
	timestampKey   = "dev.sigstore.cosign/rfc3161timestamp"
)

// readProof takes over a bundle that a certificate came with.
func (p *paper) readProof(raw []byte) error {
	var b protobundle.Bundle
	if err := protojson.Unmarshal(raw, &b); err != nil {
		return fmt.Errorf("not a valid sigstore bundle: %w", err)
	}
	var ders [][]byte
	material := b.GetVerificationMaterial()
	if c := material.GetCertificate(); c != nil {
		ders = append(ders, c.GetRawBytes())
	}
	for _, c := range material.GetX509CertificateChain().GetCertificates() {
		ders = append(ders, c.GetRawBytes())
	}
	return p.setProof(&b, ders)
}

// readKeyProof is [paper.readProof] for a bundle that a plain key signed. What else it holds only proves a time, so that it does not matter
// where it cannot be read.
func (p *paper) readKeyProof(raw []byte) {
	var b protobundle.Bundle
	if protojson.Unmarshal(raw, &b) == nil {
		_ = p.setProof(&b, nil)
	}
}

func (p *paper) setProof(b *protobundle.Bundle, ders [][]byte) (err error) {
	if p.certificates, err = parseCertificates(ders); err != nil {
		return err
	}
	var options []sigstore.Option
	if isVersion3(b.GetMediaType()) {
		options = append(options, sigstore.AllowCertificateChain())
	}
	checked, err := sigstore.NewBundle(b, options...)
	if err != nil {
		return fmt.Errorf("not a valid sigstore bundle: %w", err)
	}
	p.proof = &proof{checked}
	return nil
}

// isVersion3 says whether a bundle is of a version that holds a chain of certificates only where that is allowed.
func isVersion3(mediaType string) bool {
	return !strings.HasSuffix(mediaType, "version=0.1") && !strings.HasSuffix(mediaType, "version=0.2") &&
		!strings.Contains(mediaType, ".v0.1") && !strings.Contains(mediaType, ".v0.2")
}

// readProofAnnotations makes a bundle of what cosign writes into annotations.
func (p *paper) readProofAnnotations(annotations map[string]string) error {
	material := &protobundle.VerificationMaterial{Content: &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{}}}
	ders := append(pemCertificates(annotations[certificateKey]), pemCertificates(annotations[chainKey])...)
	switch {
	case annotations[certificateKey] != "" && len(ders) == 0:
		return errors.New("its certificate is not valid PEM")
	case len(ders) > 0:
		chain := &protocommon.X509CertificateChain{}
		for _, der := range ders {
			chain.Certificates = append(chain.Certificates, &protocommon.X509Certificate{RawBytes: der})
		}
		material.Content = &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: chain}
	case annotations[logEntryKey] == "" && annotations[timestampKey] == "":
		return nil
	}
	if text := annotations[logEntryKey]; text != "" {
		entry, err := cosignLogEntry([]byte(text))
		if err != nil {
			return fmt.Errorf("its entry in the transparency log cannot be read: %w", err)
		}
		material.TlogEntries = []*protorekor.TransparencyLogEntry{entry}
	}
	if text := annotations[timestampKey]; text != "" {
		var t struct{ SignedRFC3161Timestamp []byte }
		if err := json.Unmarshal([]byte(text), &t); err != nil {
			return fmt.Errorf("its timestamp cannot be read: %w", err)
		}
		material.TimestampVerificationData = &protobundle.TimestampVerificationData{
			Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: t.SignedRFC3161Timestamp}},
		}
	}
	b := p.bundled(material)
	if b == nil {
		return nil
	}
	return p.setProof(b, ders)
}

// bundled makes a bundle of a paper; nil where nobody signed it.
func (p *paper) bundled(material *protobundle.VerificationMaterial) *protobundle.Bundle {
	if len(p.marks) == 0 {
		return nil
	}
	// The first version is the one whose log entries are proven as cosign's annotations prove them, by a promise.
	b := &protobundle.Bundle{MediaType: bundlePrefix + "+json;version=0.1", VerificationMaterial: material}
	if p.statement == nil {
		sum := sha256.Sum256(p.message)
		b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]}, Signature: p.marks[0].signature,
		}}
		return b
	}
	e := &protodsse.Envelope{PayloadType: trust.StatementType, Payload: p.payload}
	for _, m := range p.marks {
		e.Signatures = append(e.Signatures, &protodsse.Signature{Sig: m.signature, Keyid: m.hint})
	}
	b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: e}
	return b
}

func pemCertificates(text string) (ders [][]byte) {
	for rest := []byte(text); len(ders) < maxChain; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		ders = append(ders, block.Bytes)
	}
	return ders
}

// cosignLogEntry reads an entry of the transparency log as cosign writes it.
func cosignLogEntry(text []byte) (*protorekor.TransparencyLogEntry, error) {
	var b struct {
		SignedEntryTimestamp []byte
		Payload              struct {
			Body           string `json:"body"`
			IntegratedTime int64  `json:"integratedTime"`
			LogIndex       int64  `json:"logIndex"`
			LogID          string `json:"logID"`
		}
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, err
	}
	body, err := base64.StdEncoding.DecodeString(b.Payload.Body)
	if err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(b.Payload.LogID)
	if err != nil {
		return nil, err
	}
	var kind struct {
		Kind    string `json:"kind"`
		Version string `json:"apiVersion"`
	}
	if err := json.Unmarshal(body, &kind); err != nil {
		return nil, err
	}
	return &protorekor.TransparencyLogEntry{
		LogIndex: b.Payload.LogIndex, LogId: &protocommon.LogId{KeyId: id}, IntegratedTime: b.Payload.IntegratedTime,
		KindVersion:      &protorekor.KindVersion{Kind: kind.Kind, Version: kind.Version},
		InclusionPromise: &protorekor.InclusionPromise{SignedEntryTimestamp: b.SignedEntryTimestamp}, CanonicalizedBody: body,
	}, nil
}

// keyMaterial lets sigstore's library find the key that it compares a log entry with.
type keyMaterial struct {
	root.TrustedMaterial
	key crypto.PublicKey
}

// PublicKeyVerifier gives the key, whatever the hint is.
func (m keyMaterial) PublicKeyVerifier(string) (root.TimeConstrainedVerifier, error) {
	v, err := sigstoresignature.LoadDefaultVerifier(m.key)
	if err != nil {
		return nil, err
	}
	return root.NewExpiringKey(v, time.Time{}, time.Time{}), nil
}

// proven gives what the trusted logs and timestamp authorities prove of a signature by a key: the earliest time, and the place in the log.
// Where they prove nothing, both are zero.
func (v *Verifier) proven(p *paper, key crypto.PublicKey) (at time.Time, logIndex *int64) {
	if p.notation != nil {
		return p.notation.proven(v.roots), nil
	}
	if p.proof == nil {
		return at, nil
	}
	for _, r := range v.roots {
		material := keyMaterial{r.TrustedRoot, key}
		times, index := p.proof.times(material)
		for _, t := range times {
			if at.IsZero() || t.Before(at) {
				at = t
			}
		}
		if logIndex == nil {
			logIndex = index
		}
	}
	return at, logIndex
}

// times are those that are proven by one trusted root.
func (p *proof) times(material root.TrustedMaterial) (list []time.Time, logIndex *int64) {
	if entries, err := p.TlogEntries(); err == nil && len(entries) > 0 {
		logged, err := verify.VerifyTlogEntry(p, material, 1, true)
		if err == nil && len(entries) == 1 { // of several, it does not say which
			index := entries[0].LogIndex()
			logIndex = &index
		}
		for _, t := range logged {
			list = append(list, t.Time.UTC())
		}
	}
	stamped, _, err := verify.VerifySignedTimestamp(p, material)
	if err != nil {
		return list, logIndex
	}
	for _, t := range stamped {
		list = append(list, t.Time.UTC())
	}
	return list, logIndex
}

// artifact says to sigstore's library what was signed.
func (p *paper) artifact() verify.ArtifactPolicyOption {
	switch {
	case p.statement != nil:
		return verify.WithoutArtifactUnsafe() // what the statement is about is checked with the image
	case p.message != nil:
		return verify.WithArtifact(bytes.NewReader(p.message))
	}
	return verify.WithArtifactDigest("sha256", p.digest)
}
