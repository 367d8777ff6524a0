package provenance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// claims are what a reader may want to rely on, in the order in which it is asked: who, from what, when, how surely.
func (r *reader) claims(p *trust.Provenance, d, build *document) []trust.Claim {
	list := []trust.Claim{d.builderClaim(p), d.sourceClaim(p), r.baseClaim(build), inputsClaim(p, build), build.parametersClaim(), r.sbomClaim(), r.timeClaim(p)}
	if c, ok := r.platformClaim(d, build); ok {
		list = append(list, c)
	}
	list = append(list, build.reproducibleClaim(), levelClaim(p))
	for i := range list {
		list[i].Value, list[i].Why = oneLine(list[i].Value, maxName), oneLine(list[i].Why, maxWhy)
	}
	return list
}

// word is how far the word of a document goes that has this status.
func word(a *trust.Attestation) (trust.Standing, string) {
	switch a.Status {
	case trust.Verified:
		return trust.Proven, "signed by " + a.Signer.Label()
	case trust.Stranger:
		return trust.Claimed, "signed by a stranger, " + a.Signer.Label()
	}
	return trust.Claimed, "nobody signed it"
}

func (d *document) builderClaim(p *trust.Provenance) trust.Claim {
	c := trust.Claim{Name: "builder", Value: p.Builder}
	c.Standing, c.Why = word(d.attestation)
	if p.Builder == "" {
		c.Standing, c.Why = trust.Absent, "the provenance names no builder"
		if d.isBuildKit() {
			c.Why += " (docker buildx build --attest type=provenance,mode=max,builder-id=URL)"
		}
	}
	return c
}

func (d *document) sourceClaim(p *trust.Provenance) trust.Claim {
	s := d.source()
	c := trust.Claim{Name: "source", Value: s.String()}
	c.Standing, c.Why = word(d.attestation)
	switch {
	case p.Source == nil:
		c.Standing, c.Why = trust.Absent, "the provenance names no repository"
		if d.isBuildKit() {
			c.Why += ": the image was built from a local directory"
		}
	case s.hint:
		c.Standing, c.Why = trust.Claimed, "whoever started the build said so: it was built from a local directory, and the builder did not look"
	case s.commit == "":
		c.Standing, c.Why = trust.Claimed, "the provenance names no commit of it"
	}
	return c
}

// baseClaim says what the image was built on: what the provenance names, and what the image's layers say to that.
func (r *reader) baseClaim(d *document) trust.Claim {
	c := trust.Claim{Name: "base"}
	if len(r.bases) == 0 {
		only := *r.image // without what the image says of itself
		only.Annotations, only.Labels = nil, nil
		if b := inventory.FindBase(&only, r.layers, nil, r.known); b != nil {
			c.Value, c.Standing = b.Reference, trust.Proven
			c.Why = fmt.Sprintf("its %s the image's lowest; the provenance does not name it", layers(b.Layers))
			return c
		}
		c.Standing, c.Why = trust.Absent, "the provenance does not say what the image was built on, and no known base is below it"
		return c
	}
	b := slices.MinFunc(r.bases, func(a, b inventory.Base) int { return cmp.Compare(sureness(a.Sure), sureness(b.Sure)) })
	c.Value = strings.Trim(b.Reference+"@"+b.Digest, "@")
	switch b.Sure {
	case inventory.Contradicted:
		c.Standing, c.Why = trust.Refuted, "its layers are known, and they are not the image's lowest"
	case inventory.Exact:
		c.Standing, c.Why = trust.Proven, fmt.Sprintf("its %s the image's lowest, compared with the known base", layers(b.Layers))
	case inventory.Claimed:
		c.Standing, _ = word(d.attestation)
		c.Why = fmt.Sprintf("its %s the image's lowest, as the provenance lists them (tidewaiter base add compares them with the base itself)", layers(b.Layers))
	default:
		c.Standing, c.Why = trust.Claimed, "its layers were not compared: tidewaiter base add "+cmp.Or(b.Reference, "BASE")+" makes them known"
		if b.Caveat != "" {
			c.Why = b.Caveat
		}
	}
	return c
}

// sureness puts first what a comparison says most of: that it is the base, or that it is not.
func sureness(s inventory.Sureness) int {
	return slices.Index([]inventory.Sureness{inventory.Exact, inventory.Contradicted, inventory.Claimed, inventory.Named}, s)
}

func inputsClaim(p *trust.Provenance, d *document) trust.Claim {
	c := trust.Claim{Name: "inputs", Standing: trust.Absent}
	count := map[trust.Pin]int{}
	for _, in := range p.Inputs {
		count[in.Pin]++
	}
	var parts []string
	for _, pin := range []trust.Pin{trust.PinnedVerified, trust.Pinned, trust.Floating, trust.PinUnknown} {
		if count[pin] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[pin], pin))
		}
	}
	c.Value = strings.Join(parts, ", ")
	network := slices.ContainsFunc(p.Inputs, func(in trust.Input) bool { return in.Kind == kindNetwork })
	switch complete, told := d.completeInputs(); {
	case !told:
		c.Why = "nothing says that the list is complete"
	case !complete:
		c.Why = "the builder says that its list is not complete"
	case network:
		c.Why = "the builder says that its list is complete but for what the steps fetched from the network"
	default:
		c.Standing, c.Why = word(d.attestation)
		c.Why = "the builder says that its list is complete; " + c.Why
	}
	return c
}

func (d *document) parametersClaim() trust.Claim {
	c := trust.Claim{Name: "parameters", Standing: trust.Absent, Why: "nothing says that all parameters of the build are listed"}
	switch complete, told := d.completeParameters(); {
	case complete:
		c.Standing, c.Why = word(d.attestation)
		c.Why = "the builder says that all parameters of the build are listed; " + c.Why
	case told:
		c.Why = "the builder says that not all parameters of the build are listed"
		if d.mode() == "min" {
			c.Why += " (mode=min leaves build arguments out)"
		}
	}
	return c
}

// sbomClaim says whether an SBOM is attested. Whether it is true is for another check.
func (r *reader) sbomClaim() trust.Claim {
	c := trust.Claim{Name: "SBOM", Standing: trust.Absent, Why: "no SBOM is attached"}
	var best *trust.Attestation
	for i := range r.papers {
		a := &r.papers[i]
		if isSBOM(a) && a.Status != trust.Broken && (best == nil || rank(a.Status) < rank(best.Status)) {
			best = a
		}
	}
	if best != nil {
		c.Value = cmp.Or(best.PredicateType, best.Form)
		c.Standing, c.Why = word(best)
		c.Why += "; tidewaiter verify --sbom holds it against the content"
	}
	return c
}

func isSBOM(a *trust.Attestation) bool {
	if a.Kind == trust.OfDocument {
		return a.Form == "spdx" || a.Form == "cyclonedx" || a.Form == "syft"
	}
	return strings.HasPrefix(a.PredicateType, "https://spdx.dev/Document") || strings.HasPrefix(a.PredicateType, "https://cyclonedx.org/")
}

// How far apart times may be that clocks and slow steps explain.
const (
	clocksDiffer = 10 * time.Minute
	slowExport   = time.Hour
)

// timeClaim says when the image was built, and holds that against the image and the signature. That the image says that it is older
// proves nothing: its layers may be out of a cache, and SOURCE_DATE_EPOCH sets any time.
func (r *reader) timeClaim(p *trust.Provenance) trust.Claim {
	at := p.Finished
	if at.IsZero() {
		at = p.Started
	}
	c := trust.Claim{Name: "build time", Standing: trust.Absent, Why: "the provenance names no time"}
	if at.IsZero() {
		return c
	}
	c.Value = at.Format(time.RFC3339)
	c.Standing, c.Why = trust.Claimed, "the provenance says so"
	if p.Attested == trust.Verified {
		c.Standing, c.Why = trust.Proven, "signed by "+p.Signer
	}
	created := r.image.Created
	switch {
	case !p.Started.IsZero() && !p.Finished.IsZero() && p.Finished.Before(p.Started):
		c.Standing, c.Why = trust.Refuted, "the build would have ended before it began, at "+p.Started.Format(time.RFC3339)
	case created.Sub(at) > slowExport && !p.Finished.IsZero():
		c.Standing, c.Why = trust.Refuted, "the image says that it was made "+inTime(created.Sub(at))+" after the build had ended, at "+created.UTC().Format(time.RFC3339)
	case p.SignedBy != nil && !p.SignedBy.SignedAt.IsZero() && cmp.Or(p.Started, at).Sub(p.SignedBy.SignedAt) > clocksDiffer:
		c.Standing, c.Why = trust.Refuted, "it was signed before the build began, at "+p.SignedBy.SignedAt.UTC().Format(time.RFC3339)
	case created.Year() > 1990 && cmp.Or(p.Started, at).Sub(created) > 24*time.Hour:
		c.Why += "; the image says that it was made " + inTime(cmp.Or(p.Started, at).Sub(created)) + " earlier, as with layers out of a cache or SOURCE_DATE_EPOCH"
	}
	return c
}

func inTime(d time.Duration) string {
	if days := int(d / (24 * time.Hour)); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return d.Round(time.Minute).String()
}

// platformClaim holds the platform that the build was for against the image's; false where nothing names one.
func (r *reader) platformClaim(d, build *document) (trust.Claim, bool) {
	var told []string
	for _, doc := range []*document{d, build} {
		if t := doc.targetPlatform(); t != "" {
			told = append(told, t)
		}
		told = append(told, doc.subjectPlatforms(r.image.Digest)...)
	}
	if len(told) == 0 || r.image.Platform.String() == "" {
		return trust.Claim{}, false
	}
	c := trust.Claim{Name: "platform", Value: told[0], Standing: trust.Proven, Why: "the image says the same"}
	for _, t := range told {
		if !samePlatform(t, r.image.Platform.String()) {
			c.Value, c.Standing, c.Why = t, trust.Refuted, "the image is for "+r.image.Platform.String()
		}
	}
	return c, true
}
