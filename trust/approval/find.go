package approval

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/trust"
)

// Wanted is what an approval must be to count.
type Wanted struct {
	Environment string
	// Repository says whether an approval for a repository counts; nil: any does.
	Repository func(name string) bool
	// Policy is that of now, as a [Decision] has it; nil: any policy counts.
	Policy json.RawMessage
	// Policies are patterns of the policies, as URI or URI@DIGEST, by which summaries of other programs count, which say no environment.
	Policies []string
	// Verifiers are patterns of those who may decide; none: [VerifierID] alone.
	Verifiers []string
	// MaxAge is how old one may be; 0: any age.
	MaxAge time.Duration
	Now    time.Time
	// Like says whether a text is like a pattern.
	Like func(pattern, text string) bool
}

// skew is how far ahead of ours the clock of who approves may be.
const skew = 5 * time.Minute

// found is a summary among the papers.
type found struct {
	trust.Approval
	summary *Summary
	// heard says that somebody who is trusted says it of this image, this environment and this repository.
	heard bool
}

// Find says whether one of an image's papers approves it: the newest that is signed by somebody who is trusted, for the environment.
func Find(papers []trust.Attestation, w Wanted) *trust.Approvals {
	var list []found
	seen := map[string]bool{}
	for i := range papers {
		p := &papers[i]
		if p.PredicateType != trust.VerificationSummaryV1 && !p.Untold() {
			continue
		}
		// What is attached to the image and to its index is one document.
		if key := cmp.Or(p.Found.Blob, p.Found.Manifest); key == "" || !seen[key] {
			seen[key] = true
			list = append(list, w.look(p))
		}
	}
	slices.SortStableFunc(list, func(a, b found) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Result, b.Result), cmp.Compare(a.Attestation, b.Attestation)) // of one time FAILED is first
	})
	return w.conclude(list)
}

// conclude takes the newest that counts, unless a newer one says no.
func (w *Wanted) conclude(list []found) *trust.Approvals {
	out := &trust.Approvals{Environment: w.Environment, Verdict: trust.Unknown}
	by := slices.IndexFunc(list, func(f found) bool { return f.Refused == "" })
	heard := slices.IndexFunc(list, func(f found) bool { return f.heard })
	if heard >= 0 && list[heard].Result == Failed {
		by = heard
		list[by].Refused = ""
	}
	for i := range list {
		if f := &list[i]; i == by {
			out.By = &f.Approval
		} else {
			if f.Refused == "" {
				f.Refused = "a newer one decides"
			}
			out.Others = append(out.Others, f.Approval)
		}
	}
	out.Verdict, out.Reason, out.Step = w.words(out)
	return out
}

func (w *Wanted) words(a *trust.Approvals) (verdict trust.CheckVerdict, reason, step string) {
	switch by := a.By; {
	case by != nil && by.Result == Failed:
		return trust.Fail, fmt.Sprintf("%s says that it failed%s", by.Signer, on(by.Time)), "mend what failed, and have it approved again"
	case by != nil:
		return trust.Pass, fmt.Sprintf("approved for %s by %s%s", w.Environment, by.Signer, on(by.Time)), ""
	case len(a.Others) == 0:
		return trust.Unknown, "no approval is attached to it", w.approve()
	case len(a.Others) == 1:
		return trust.Unknown, "its approval does not count: " + a.Others[0].Refused, w.approve()
	}
	return trust.Unknown, fmt.Sprintf("none of its %d approvals counts; the newest: %s", len(a.Others), a.Others[0].Refused), w.approve()
}

func (w *Wanted) approve() string {
	return "tidewaiter attest approve IMAGE --env " + w.Environment + " --key FILE, by somebody who is trusted with it"
}

func on(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " on " + t.UTC().Format("2006-01-02 15:04 MST")
}

// look reads one summary, and says why it does not count.
func (w *Wanted) look(p *trust.Attestation) found {
	f := found{}
	var err error
	if p.Statement != nil {
		f.summary, err = Parse(p.Statement.Predicate)
	}
	f.Approval = Describe(p, f.summary)
	if f.Time.IsZero() && p.Signer != nil {
		f.Time = p.Signer.SignedAt.UTC() // the time of the signature stands in for one that it does not say
	}
	switch {
	case p.Status != trust.Verified:
		f.Refused = p.Status.Words() + ": " + p.Why
	case err != nil:
		f.Refused = err.Error()
	case f.summary == nil:
		f.Refused = "it holds no statement"
	default:
		f.Refused = w.scope(&f)
		f.heard = f.Refused == ""
	}
	if f.heard {
		f.Refused = w.holds(&f)
	}
	return f
}

// scope says why a summary by a trusted signer is not about what is asked for; empty where it is.
func (w *Wanted) scope(f *found) string {
	s := f.summary
	verifiers := w.Verifiers
	if len(verifiers) == 0 {
		verifiers = []string{VerifierID}
	}
	repository := s.repository()
	switch {
	case !slices.ContainsFunc(verifiers, func(v string) bool { return w.Like(v, s.Verifier.ID) }):
		return "it is a decision of the verifier " + cut(s.Verifier.ID) + ", which --approval-verifier does not name"
	case s.Decision == nil && !w.named(&s.Policy):
		return "it says no environment, and --approval-policy does not name its policy " + cut(strings.TrimSpace(s.Policy.URI+" "+s.Policy.DigestText()))
	case s.Decision != nil && s.Decision.Environment != w.Environment:
		return "it is for " + cut(s.Decision.Environment) + ", not for " + w.Environment
	case w.Repository != nil && !w.Repository(repository):
		return "it is for the image in " + cut(cmp.Or(repository, "no repository")) + ": --approval-repository says where else it may have been approved"
	case f.Time.After(w.Now.Add(skew)):
		return "it is of " + f.Time.Format(time.DateOnly) + ", which is yet to come"
	}
	return ""
}

// named says whether one of the patterns means a policy.
func (w *Wanted) named(policy *Resource) bool {
	digest := policy.DigestText()
	return slices.ContainsFunc(w.Policies, func(pattern string) bool {
		uri, want, pinned := strings.Cut(pattern, "@sha256:")
		return w.Like(uri, policy.URI) && (!pinned || "sha256:"+strings.ToLower(want) == digest)
	})
}

// holds says why a summary for this image and environment does not hold any more; empty where it does.
func (w *Wanted) holds(f *found) string {
	d := f.summary.Decision
	switch {
	case w.MaxAge > 0 && f.Time.IsZero():
		return "it does not say when, so its age is not known"
	case w.MaxAge > 0 && w.Now.Sub(f.Time) > w.MaxAge:
		return fmt.Sprintf("it is of %s: older than %s", f.Time.Format("2006-01-02 15:04"), days(w.MaxAge))
	case d != nil && w.Policy != nil && !samePolicy(d.Policy, w.Policy):
		return "it was decided by another policy than that of now: " + otherwise(d.Policy, w.Policy)
	case f.Result != Passed:
		return "it failed"
	}
	return ""
}

// otherwise names in what two policies differ.
func otherwise(a, b json.RawMessage) string {
	const most = 3
	at := PolicyDifferences(a, b)
	more := ""
	if len(at) > most {
		at, more = at[:most], " and more"
	}
	return strings.Join(at, ", ") + more
}

func days(d time.Duration) string {
	if d%(24*time.Hour) != 0 {
		return d.String()
	}
	if n := int(d / (24 * time.Hour)); n != 1 {
		return fmt.Sprintf("%d days", n)
	}
	return "a day"
}
