package approval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/trust"
)

// AtHand are the inputs of a decision as they are now, and what comes out by them.
type AtHand struct {
	// Digest is the image's, and Tool this program's version.
	Digest, Tool string
	Policy       []byte
	// Inputs are as in a [Decision], and Attestations as in a [Summary].
	Inputs       []Input
	Attestations []Resource
	// Result and Report are empty where nothing could be judged, and Why says why.
	Result, Report, Why string
}

// Newest gives the newest summary among an image's papers that this program made for an environment (empty: any), the verified before all
// others; nil where there is none.
func Newest(papers []trust.Attestation, environment string) (*trust.Attestation, *Summary) {
	var best *trust.Attestation
	var of *Summary
	for i := range papers {
		p := &papers[i]
		if p.PredicateType != trust.VerificationSummaryV1 || p.Statement == nil || p.Status == trust.Broken {
			continue
		}
		s, err := Parse(p.Statement.Predicate)
		if err != nil || s.Decision == nil || environment != "" && s.Decision.Environment != environment {
			continue
		}
		if best == nil || newer(p, s, best, of) {
			best, of = p, s
		}
	}
	return best, of
}

func newer(p *trust.Attestation, s *Summary, than *trust.Attestation, of *Summary) bool {
	trusted, before := p.Status == trust.Verified, than.Status == trust.Verified
	if trusted != before {
		return trusted
	}
	return s.TimeVerified.After(of.TimeVerified)
}

// NewReplay puts what was recorded beside what is at hand.
func NewReplay(a *trust.Attestation, s *Summary, now AtHand) *trust.Replay {
	out := &trust.Replay{Approval: Describe(a, s), Result: now.Result, Report: now.Report}
	if now.Why != "" {
		out.Notes = append(out.Notes, now.Why)
	}
	out.Inputs = append(out.Inputs,
		trust.ReplayedInput{Kind: Tool, Name: "tidewaiter", Recorded: s.Verifier.Version["tidewaiter"], Now: now.Tool},
		trust.ReplayedInput{Kind: Image, Name: s.Decision.Image.Reference, Recorded: now.Digest, Now: now.Digest}) // the paper is about this image
	demanded := trust.ReplayedInput{Kind: Policy, Name: s.Decision.Environment, Recorded: DigestOf(plain(s.Decision.Policy))}
	if now.Policy != nil {
		demanded.Now = DigestOf(plain(now.Policy))
		for _, at := range PolicyDifferences(s.Decision.Policy, now.Policy) {
			out.Notes = append(out.Notes, "the policy differs in "+at)
		}
	}
	out.Inputs = append(out.Inputs, demanded)
	recorded := slices.Concat(s.Decision.Inputs, asInputs(s.InputAttestations))
	out.Inputs = append(out.Inputs, beside(recorded, slices.Concat(now.Inputs, asInputs(now.Attestations)))...)
	return out
}

func asInputs(list []Resource) []Input {
	out := make([]Input, len(list))
	for i, r := range list {
		out[i] = Input{Kind: Attestations, Resource: r}
	}
	return out
}

// beside pairs the inputs that were recorded with those at hand: by what they hold, whatever they are called now, and else by their names.
func beside(recorded, now []Input) []trust.ReplayedInput {
	taken := make([]bool, len(now))
	take := func(same func(n *Input) bool) int {
		for i := range now {
			if !taken[i] && same(&now[i]) {
				taken[i] = true
				return i
			}
		}
		return -1
	}
	recorded = slices.Clone(recorded)
	SortInputs(recorded)
	pairs := make([]int, len(recorded))
	for i := range recorded {
		r := &recorded[i]
		pairs[i] = take(func(n *Input) bool { return n.Kind == r.Kind && n.DigestText() == r.DigestText() })
	}
	var out []trust.ReplayedInput
	for i := range recorded {
		r := &recorded[i]
		if pairs[i] < 0 { // the names of attestations are their types, of which there may be several
			pairs[i] = take(func(n *Input) bool {
				return n.Kind == r.Kind && (only(r.Kind) || r.Kind != Attestations && n.Name == r.Name)
			})
		}
		line := trust.ReplayedInput{Kind: r.Kind, Name: cmp.Or(r.Name, r.URI), Recorded: r.DigestText()}
		if pairs[i] >= 0 {
			line.Now = now[pairs[i]].DigestText()
		}
		out = append(out, line)
	}
	for i := range now {
		if n := &now[i]; !taken[i] {
			out = append(out, trust.ReplayedInput{Kind: n.Kind, Name: cmp.Or(n.Name, n.URI), Now: n.DigestText()})
		}
	}
	slices.SortStableFunc(out, func(a, b trust.ReplayedInput) int { return compareKinds(a.Kind, b.Kind) })
	return out
}

// only says whether a decision rests on one input of a kind at most, whatever it is called.
func only(kind string) bool {
	return slices.Contains([]string{Configuration, Advisories, Bases, Running, Baseline, Dockerfile}, kind)
}

// CheckOf says what a replay comes to; nil is that of an image without an approval. A decision that comes out otherwise by the same inputs is
// false, and one whose inputs are others now is not known.
func CheckOf(r *trust.Replay) trust.Check {
	c := trust.Check{Name: "approval", Verdict: trust.Unknown}
	if r == nil {
		c.Reason, c.Step = "no approval of this program is attached to it", "tidewaiter attest approve IMAGE --env E --key FILE"
		return c
	}
	a := &r.Approval
	var other []string
	for i := range r.Inputs {
		if in := &r.Inputs[i]; !in.Same() && !slices.Contains(other, in.Kind) {
			other = append(other, in.Kind)
		}
	}
	decided := fmt.Sprintf("the decision for %s%s", a.Environment, on(a.Time))
	switch {
	case a.Status != trust.Verified:
		c.Reason = decided + " is " + a.Status.Words() + ", so nothing was judged by it"
		c.Step = "name the key or the identity of who may approve"
	case r.Result == "":
		c.Reason = decided + " could not be taken again: " + strings.Join(r.Notes, "; ")
	case len(other) == 0 && r.Result != a.Result:
		c.Verdict = trust.Fail
		c.Reason = fmt.Sprintf("%s was %s, and by the same inputs it is %s", decided, a.Result, r.Result)
		c.Step = "trust no approval of " + a.Signer + " until it is known how that came about"
	case len(other) == 0 && r.Report != a.Report:
		c.Reason = decided + " comes out again by the same inputs, and its report does not: how the image was read was another, or something plays a part that was not recorded"
	case len(other) == 0:
		c.Verdict = trust.Pass
		c.Reason = decided + " comes out again, and its report to the byte"
	case r.Report == a.Report && r.Result == a.Result:
		c.Verdict = trust.Pass
		c.Reason = decided + " comes out again, and its report to the byte, though other than recorded: " + strings.Join(other, ", ")
	default:
		c.Reason = fmt.Sprintf("%s cannot be taken again, since other than recorded: %s%s", decided, strings.Join(other, ", "), outcomeNow(r))
		c.Step = "bring the inputs that were recorded: --config, --advisories, --exceptions, ..."
	}
	return c
}

func outcomeNow(r *trust.Replay) string {
	if r.Result == "" {
		return ""
	}
	return "; by what is at hand it is " + r.Result
}
