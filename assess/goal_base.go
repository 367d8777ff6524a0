package assess

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tidewaiter/inventory"
	"tidewaiter/match"
)

// baseGoal looks at the base image from all sides that the goal names. What the image only claims of its base can fail the goal, but not
// meet it.
func baseGoal(j *judging) outcome {
	b := j.subject.Image.Base
	switch {
	case b == nil:
		return cannotTell("nothing says which base the image was built on", "tidewaiter base add makes a base known; builders say it in annotations and provenance", "base not known")
	case b.Sure == inventory.Contradicted:
		return cannotTell("the base that the image names is not the one that it was built on", "tidewaiter base add makes the real one known", "base contradicted")
	}
	sides := []outcome{j.approvedBase(b), j.supportedBase(), j.currentBase(b), j.youngBase()}
	if b.Sure != inventory.Exact {
		sides = append(sides, cannotTell(fmt.Sprintf("that the base is %s is only claimed by the image's %s", cmp.Or(b.Reference, b.Digest), b.Evidence),
			"tidewaiter base add "+cmp.Or(b.Reference, "BASE")+" proves it", "base claimed"))
	}
	return together(sides, "the base is "+cmp.Or(b.Reference, b.Digest))
}

// together makes one outcome of several: what fails decides, then what is unknown.
func together(sides []outcome, reason string) outcome {
	for _, verdict := range []Verdict{Fail, Unknown} {
		var reasons []string
		var offenders []offender
		first := ""
		for _, s := range sides {
			if s.verdict == verdict {
				reason, step := s.describe(s.offenders)
				reasons, offenders, first = append(reasons, reason), append(offenders, s.offenders...), cmp.Or(first, step)
			}
		}
		if reasons != nil {
			return outcome{verdict, offenders, constant(strings.Join(reasons, "; "), first)}
		}
	}
	return met(reason)
}

func (j *judging) approvedBase(b *inventory.Base) outcome {
	allowed := j.env.Goals.Base.Approved
	if len(allowed) == 0 {
		return met("")
	}
	if b.Reference == "" {
		return cannotTell("the base has no known name", "tidewaiter base add makes it known by its name", "base without a name")
	}
	name := familiarName(b.Reference)
	repository, _, _ := splitReference(name)
	for _, pattern := range allowed {
		pattern = familiarName(pattern)
		if wildcard(pattern, name) || wildcard(pattern, repository) {
			return met("")
		}
	}
	return failed(fmt.Sprintf("the base %s is not one of those approved", b.Reference), "build on one of "+strings.Join(allowed, ", "), "base not approved: "+repository)
}

// familiarName writes the name of an image of Docker Hub as people do: without what it is a short form of.
func familiarName(reference string) string {
	reference = strings.TrimPrefix(strings.TrimPrefix(reference, "index."), "docker.io/")
	return strings.TrimPrefix(reference, "library/")
}

// supportedBase looks at the distribution, and at what else of some weight the base brought.
func (j *judging) supportedBase() outcome {
	if j.subject.Data == nil || !j.fed("eol") {
		return cannotTell("how long the base is supported is not known", "tidewaiter db update", "")
	}
	for _, f := range j.standing {
		if f.Kind != match.KindEndOfLife || f.Severity.Rank() > match.Medium.Rank() {
			continue
		}
		os := j.subject.Image.OS
		if f.Origin == inventory.OfBase || os != nil && f.Of.Type == "generic" && f.Of.Name == os.ID {
			return outcome{Fail, []offender{{key: "base without support: " + f.Of.Name, finding: f}}, constant(f.Title, "move the base to a supported release")}
		}
	}
	return met("")
}

// ownBase is what is known of the very build that the image was built on; nil where nothing is.
func (j *judging) ownBase() *BaseCandidate {
	for i := range j.options.Bases {
		if c := &j.options.Bases[i]; c.isBase(j.subject) {
			return c
		}
	}
	return nil
}

func (j *judging) currentBase(b *inventory.Base) outcome {
	switch {
	case !j.env.Goals.Base.UpToDate:
		return met("")
	case NewerBuild(j.subject, j.options.Bases) != nil:
		return failed("there is a newer build of "+b.Reference, "build again with the newest base: docker build --pull", "base not up to date")
	case j.ownBase() == nil:
		return cannotTell("nothing is known of newer builds of the base", "tidewaiter base add "+cmp.Or(b.Reference, "BASE")+" makes the newest build known", "builds of the base not known")
	}
	return met("")
}

// youngBase looks at when the base was made. It is no younger than the image that was built on it, nor than the newest build of its tag.
func (j *judging) youngBase() outcome {
	limit := j.env.Goals.Base.MaxAge
	if limit == 0 {
		return met("")
	}
	own := j.ownBase()
	youngest := j.subject.Image.Created
	if c := cmp.Or(own, NewerBuild(j.subject, j.options.Bases)); c != nil && wasWritten(c.Created) {
		youngest = c.Created
	}
	age := j.options.Now.Sub(youngest)
	switch {
	case wasWritten(youngest) && age > limit:
		return failed(fmt.Sprintf("the base is %s old or more, over %s", inDays(age), inDays(limit)), "build on a newer base", "base too old")
	case own == nil || !wasWritten(own.Created):
		return cannotTell("when the base was made is not known", "tidewaiter base add makes it known", "age of the base not known")
	}
	return met("")
}

// wasWritten says whether a time is one at which something was made: builders that write none write one of the first years.
func wasWritten(t time.Time) bool { return t.Year() > 1990 }
