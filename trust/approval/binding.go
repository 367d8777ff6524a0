package approval

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/trust"
)

// Binding is the predicate of the statement that an image is meant for some environments alone ([trust.BindingV1]). Neither in-toto nor
// SLSA has one.
type Binding struct {
	// Environments are those that the image may run in; none: any.
	Environments []string `json:"environments,omitempty"`
	// Exposure is the widest that it may have, in SSVC's words: small, controlled, open; empty: any.
	Exposure string    `json:"exposure,omitempty"`
	Reason   string    `json:"reason"`
	Time     time.Time `json:"time"`
	// Until (YYYY-MM-DD, UTC) is the first day on which it does not hold any more; empty: it stays.
	Until string `json:"until,omitempty"`
}

// maxEnvironments bounds the environments of one binding.
const maxEnvironments = 200

// Check says in one line what is wrong with a binding. exposures are the words for it.
func (b *Binding) Check(exposures []string) error {
	switch {
	case len(b.Environments) > maxEnvironments:
		return fmt.Errorf("it names more than %d environments", maxEnvironments)
	case len(b.Environments) == 0 && b.Exposure == "":
		return errors.New("it binds to nothing: name environments or an exposure")
	case slices.ContainsFunc(b.Environments, func(name string) bool { return strings.TrimSpace(name) == "" }):
		return errors.New("it names an environment that has no name")
	case b.Exposure != "" && len(exposures) > 0 && !slices.Contains(exposures, b.Exposure):
		return fmt.Errorf("its exposure %q is none of %s", cut(b.Exposure), strings.Join(exposures, ", "))
	case strings.TrimSpace(b.Reason) == "":
		return errors.New("it gives no reason")
	case b.Until != "":
		if _, err := time.Parse(time.DateOnly, b.Until); err != nil {
			return fmt.Errorf("its end %q is no day: write 2027-01-31", cut(b.Until))
		}
	}
	return nil
}

// Bindings gives the bindings among an image's papers, sorted; what says nothing that can be understood is broken, whoever signed it.
func Bindings(papers []trust.Attestation, exposures []string) []trust.Binding {
	var list []trust.Binding
	seen := map[string]bool{}
	for i := range papers {
		p := &papers[i]
		key := cmp.Or(p.Found.Blob, p.Found.Manifest)
		if p.PredicateType != trust.BindingV1 || key != "" && seen[key] {
			continue
		}
		seen[key] = true
		list = append(list, binding(p, exposures))
	}
	slices.SortStableFunc(list, func(a, b trust.Binding) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Attestation, b.Attestation))
	})
	return list
}

func binding(p *trust.Attestation, exposures []string) trust.Binding {
	out := trust.Binding{Status: p.Status, Why: p.Why, Signer: p.Signer.Label(), Attestation: cmp.Or(p.Found.Blob, p.Found.Manifest)}
	if p.Statement == nil {
		return out
	}
	var b Binding
	err := json.Unmarshal(p.Statement.Predicate, &b)
	if err == nil {
		err = trust.Once(p.Statement.Predicate, "environments", "exposure", "reason", "time", "until")
	}
	if err == nil {
		err = b.Check(exposures)
	}
	if err != nil {
		out.Status, out.Why = trust.Broken, "it cannot be understood: "+strings.Join(strings.Fields(err.Error()), " ")
		return out
	}
	slices.Sort(b.Environments)
	out.Environments, out.Exposure, out.Reason = slices.Compact(b.Environments), b.Exposure, cut(b.Reason)
	out.Time, out.Until = b.Time.UTC(), b.Until
	return out
}
