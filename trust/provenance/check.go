package provenance

import (
	"fmt"
	"strings"

	"tidewaiter/trust"
)

// CheckOf says whether a provenance can be relied on: one that the image refutes, or that is broken, is false; one that nobody trusted has
// signed is unknown. p is nil where there is none.
func CheckOf(p *trust.Provenance) trust.Check {
	c := trust.Check{Name: "provenance", Verdict: trust.Unknown}
	switch {
	case p == nil:
		c.Reason = "no provenance is attached: nothing says who built the image"
		c.Step = "build with provenance (docker buildx build --provenance mode=max), and sign it"
	case p.Attested == trust.Broken:
		c.Verdict, c.Reason = trust.Fail, strings.Join(p.Notes, "; ")
		c.Step = "do not use the image until it is known who changed it; build it anew"
	case refuted(p) != nil:
		r := refuted(p)
		c.Verdict, c.Reason = trust.Fail, fmt.Sprintf("the provenance is not true of this image: %s %s: %s", r.Name, r.Value, r.Why)
		c.Step = "find out whose provenance this is; build the image anew"
	case p.Attested == trust.Verified:
		c.Verdict, c.Reason = trust.Pass, "built "+p.Line()
	case p.Attested == trust.Stranger:
		c.Reason = "built " + p.Line() + ": it is signed by a stranger, " + p.Signer
		c.Step = "if the signer is yours, name him with --key or --certificate-identity, or under trust in tidewaiter.yaml"
	default:
		c.Reason = "built " + p.Line() + ": nobody signed it"
		c.Step = "sign the provenance in the build (cosign attest, actions/attest-build-provenance)"
	}
	return c
}

func refuted(p *trust.Provenance) *trust.Claim {
	for i := range p.Claims {
		if p.Claims[i].Standing == trust.Refuted {
			return &p.Claims[i]
		}
	}
	return nil
}
