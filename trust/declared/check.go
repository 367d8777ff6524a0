package declared

import (
	"fmt"

	"tidewaiter/trust"
)

// CheckOf says in one sentence whether an image is what its Dockerfile says; nil stands for one of which no Dockerfile is known.
func CheckOf(d *trust.Declared) trust.Check {
	c := trust.Check{Name: "declared", Verdict: trust.Unknown}
	if d == nil {
		c.Reason = "no Dockerfile is known to compare the image with"
		c.Step = "name it with --declared=FILE, or build with provenance of mode=max, which carries it"
		return c
	}
	untold, compared := 0, 0
	for _, i := range d.Instructions {
		compared++
		if i.Verdict == trust.Untold {
			untold++
		}
	}
	switch {
	case len(d.Differences) > 0:
		c.Verdict = trust.Fail
		c.Reason = fmt.Sprintf("the image differs from its Dockerfile in %d things", len(d.Differences))
		if len(d.Differences) == 1 {
			c.Reason = "the image differs from its Dockerfile: " + d.Differences[0].Subject
		}
		c.Step = "build it anew from the Dockerfile, or declare there what it holds"
	case d.Attested != "" && d.Attested != trust.Verified:
		c.Reason = fmt.Sprintf("no difference, but the Dockerfile is that of a provenance that is %s: who can write the image could write that, too", d.Attested.Words())
		c.Step = "sign the provenance, or compare with a Dockerfile of your own: --declared=FILE"
	case untold > 0:
		c.Reason = fmt.Sprintf("no difference, but what %d of %d instructions do cannot be told from their text", untold, compared)
		c.Step = "make known what is not (tidewaiter base add BASE), and let a builder that you trust sign what scripts make"
		if d.Context == "" {
			c.Step = "compare the copied files with --context DIR; let a builder that you trust sign what scripts make"
		}
	default:
		c.Verdict = trust.Pass
		c.Reason = fmt.Sprintf("the image holds what its %d instructions say, and nothing else", compared)
	}
	return c
}
