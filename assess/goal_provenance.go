package assess

import (
	"fmt"
	"strings"
	"time"

	"tidewaiter/trust"
)

// provenance looks at who built the image, on what and from what. What a provenance only claims can fail the goal, but not meet it.
func provenance(j *judging) outcome {
	p, goal := j.subject.Provenance, j.env.Goals.Provenance
	const attest = "build with provenance (docker buildx build --provenance mode=max), and sign it"
	switch {
	case p == nil && j.subject.Attestations == nil:
		return cannotTell("no provenance lies beside the image, and none was looked for elsewhere: nobody is named whose signatures are trusted", "name whom you trust: --key, or trust in tidewaiter.yaml", "no provenance looked for")
	case p == nil && j.subject.unreadPapers():
		return cannotTell("an attestation that may be the provenance cannot be read", "see the blind spots; "+attest, "unread provenance")
	case p == nil:
		return failed("nothing says who built the image", attest, "no provenance")
	case p.Attested == trust.Broken:
		return failed("the provenance is broken: "+strings.Join(p.Notes, "; "), "find out who changed it, and build the image anew", "")
	}
	sides := []outcome{refutedClaims(p), vouched(p, goal), allowedBuilder(p, goal), allowedSource(p, goal), allowedSigner(p, goal), fullMode(p, goal),
		pinnedInputs(p, goal), vouchedInputs(p, goal), j.youngBuild(p, goal)}
	return together(sides, "built "+p.Line())
}

// refutedClaims fails where the image shows that the provenance is not true of it. No baseline excuses that.
func refutedClaims(p *trust.Provenance) outcome {
	for _, c := range p.Claims {
		if c.Standing == trust.Refuted {
			return failed(fmt.Sprintf("the provenance is not true of this image: %s %s: %s", c.Name, c.Value, c.Why), "find out whose provenance this is; build the image anew", "")
		}
	}
	return met("")
}

// vouched asks for a trusted signature, unless the environment takes the word of the provenance.
func vouched(p *trust.Provenance, goal *ProvenanceGoal) outcome {
	if p.Attested == trust.Verified || goal.Unverified == string(Pass) {
		return met("")
	}
	reason, step := "nobody signed the provenance: whoever could write the image could write it, too", "sign it in the build (cosign attest, actions/attest-build-provenance)"
	if p.Attested == trust.Stranger {
		reason = "the provenance is signed by a stranger, " + p.Signer
		step = "if the signer is yours, name him under trust in tidewaiter.yaml"
	}
	if goal.Unverified == string(Fail) {
		return failed(reason, step, "provenance not verified")
	}
	return cannotTell(reason, step, "provenance not verified")
}

func allowedBuilder(p *trust.Provenance, goal *ProvenanceGoal) outcome {
	switch {
	case len(goal.Builders) == 0 || p.Builder != "" && patterns(goal.Builders).match(p.Builder):
		return met("")
	case p.Builder == "":
		return failed("the provenance names no builder", "let the builder name itself (BuildKit: --attest type=provenance,builder-id=URL)", "no builder")
	}
	return failed("the builder "+p.Builder+" is not one of those allowed", "build on one of "+strings.Join(goal.Builders, ", "), "builder: "+p.Builder)
}

// allowedSource looks at the repository. One that the builder did not look at is only claimed, whoever signed that.
func allowedSource(p *trust.Provenance, goal *ProvenanceGoal) outcome {
	if len(goal.Sources) == 0 {
		return met("")
	}
	if p.Source == nil {
		return failed("the provenance names no source", "build from the repository, and not from a local directory", "no source")
	}
	_, bare, _ := strings.Cut(p.Source.URI, "://")
	if allowed := patterns(goal.Sources); !allowed.match(p.Source.URI) && !allowed.match(bare) {
		return failed("the source "+p.Source.URI+" is not one of those allowed", "build from one of "+strings.Join(goal.Sources, ", "), "source: "+p.Source.URI)
	}
	if c := p.Claim("source"); p.Attested == trust.Verified && c != nil && c.Standing != trust.Proven && goal.Unverified != string(Pass) {
		return cannotTell("that the source is "+p.Source.URI+" is only claimed: "+c.Why, "let the builder fetch the repository itself", "source claimed")
	}
	return met("")
}

func allowedSigner(p *trust.Provenance, goal *ProvenanceGoal) outcome {
	by := p.SignedBy
	if by == nil && p.Signer != "" {
		by = &trust.Signer{Name: p.Signer}
	}
	switch {
	case len(goal.Signers) == 0 || p.Attested == trust.Verified && patterns(goal.Signers).matchSigner(by):
		return met("")
	case p.Attested != trust.Verified:
		return cannotTell("none of the allowed signers is known to have signed the provenance", "sign it as one of "+strings.Join(goal.Signers, ", "), "provenance not verified")
	}
	return failed("the provenance is signed by "+p.Signer+", who is not one of those allowed", "sign it as one of "+strings.Join(goal.Signers, ", "), "signer: "+p.Signer)
}

func fullMode(p *trust.Provenance, goal *ProvenanceGoal) outcome {
	if goal.Mode == "" || p.Mode == goal.Mode {
		return met("")
	}
	return failed("the provenance does not tell the steps of the build", "build with docker buildx build --provenance mode=max", "provenance without steps")
}

// vouchedInputs asks that what the goal wants to know of the steps and inputs is in a verified provenance, too.
func vouchedInputs(p *trust.Provenance, goal *ProvenanceGoal) outcome {
	if goal.Mode == "" && goal.Inputs == "" || p.InputsAttested == "" || p.InputsAttested == trust.Verified || goal.Unverified == string(Pass) {
		return met("")
	}
	reason, step := "the steps and inputs of the build are only claimed by another provenance, "+p.InputsAttested.Words(), "sign the provenance that tells the steps, too (mode=max)"
	if goal.Unverified == string(Fail) {
		return failed(reason, step, "inputs not verified")
	}
	return cannotTell(reason, step, "inputs not verified")
}

// pinnedInputs looks at each input but those that are allowed, and the tools that a builder brings along without being asked to.
func pinnedInputs(p *trust.Provenance, goal *ProvenanceGoal) outcome {
	if goal.Inputs == "" {
		return met("")
	}
	allowed := patterns(goal.Allow)
	var floating, unknown []offender
	for _, in := range p.Inputs {
		if allowed.match(in.Name) || allowed.match(in.Kind) || in.Kind == "tool" && in.DockerfileLine == 0 {
			continue
		}
		o := offender{key: in.Kind + " " + in.Name, shown: in.Name}
		if in.DockerfileLine > 0 {
			o.shown += fmt.Sprintf(" (Dockerfile:%d)", in.DockerfileLine)
		}
		switch in.Pin {
		case trust.Floating:
			floating = append(floating, o)
		case trust.PinUnknown:
			unknown = append(unknown, o)
		}
	}
	switch {
	case len(floating) > 0:
		return outcome{Fail, floating, func(counting []offender) (string, string) {
			return count(len(counting), "input") + " not pinned", "ask for images by digest, for repositories by commit, and for files with --checksum"
		}}
	case len(unknown) > 0:
		return outcome{Unknown, unknown, func(counting []offender) (string, string) {
			return count(len(counting), "input") + " not known to be pinned",
				"build from a repository and without the network (RUN --network=none), or list what may be unpinned under allow"
		}}
	case len(p.Inputs) == 0:
		return cannotTell("the provenance lists no inputs", "build with docker buildx build --provenance mode=max", "no inputs")
	}
	return met("")
}

// youngBuild looks at when the build was.
func (j *judging) youngBuild(p *trust.Provenance, goal *ProvenanceGoal) outcome {
	if goal.MaxAge == 0 {
		return met("")
	}
	at := p.Finished
	if at.IsZero() {
		at = p.Started
	}
	switch age := j.options.Now.Sub(at); {
	case at.IsZero() && p.SignedBy != nil && !p.SignedBy.SignedAt.IsZero(): // it was built before it was signed
		if age := j.options.Now.Sub(p.SignedBy.SignedAt); age > goal.MaxAge {
			return failed(fmt.Sprintf("it was signed %s ago, over %s", inDays(age), inDays(goal.MaxAge)), "build the image anew", "build too old")
		}
		return met("")
	case at.IsZero():
		return cannotTell("the provenance names no time of the build", "build with a builder that writes it", "no build time")
	case age > goal.MaxAge:
		return failed(fmt.Sprintf("it was built %s ago, over %s", inDays(age), inDays(goal.MaxAge)), "build the image anew", "build too old")
	case age < -24*time.Hour:
		return failed("the provenance says that it was built in the future, at "+at.UTC().Format("2006-01-02"), "find out whose provenance this is", "")
	}
	return met("")
}
