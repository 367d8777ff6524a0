package assess

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// nonRoot reads the image's user as a container runtime does: name or number, with a group behind a colon that counts for nothing here.
func nonRoot(j *judging) outcome {
	const step = "add USER 65532 to the Dockerfile"
	c := j.subject.Image.Config
	if c == nil {
		return cannotTell("the image has no configuration that says who runs it", "scan the image itself, and not a list of its packages", "no configuration")
	}
	user, _, _ := strings.Cut(c.User, ":")
	user = strings.TrimSpace(user)
	id, err := strconv.ParseInt(user, 10, 32) // runtimes refuse what is larger
	switch {
	case user == "":
		return failed("the image sets no user, so it runs as root", step, "runs as root")
	case user == "root" || err == nil && id == 0:
		return failed(fmt.Sprintf("the image sets its user to %s", c.User), step, "runs as root")
	case err == nil && id < 0, errors.Is(err, strconv.ErrRange):
		return cannotTell(fmt.Sprintf("the image's user is no valid one: %s", c.User), step, "invalid user")
	}
	return met("runs as " + c.User)
}

// executables looks for programs that nobody answers for: no package owns them, no rule and no manifest knows them, the base did not
// bring them, and the image's configuration does not start them. What is held to be malware nothing explains.
func executables(j *judging) outcome {
	files := j.subject.Files
	if files == nil {
		return cannotTell("the files were not traced to who brought them", "scan the image itself for this environment", "no trace of files")
	}
	allowed, suspected := patterns(j.env.Goals.Executables.Allow), j.subject.suspected()
	var list []offender
	for _, p := range files.Placed {
		if p.Unexplained && (suspected[p.Path] || !allowed.match("/"+p.Path)) {
			list = append(list, offender{key: "/" + p.Path, shown: fmt.Sprintf("/%s (layer %d)", p.Path, p.Layer)})
		}
	}
	if len(list) == 0 {
		return met("every program is explained")
	}
	return outcome{Fail, list, func(counting []offender) (reason, step string) {
		return count(len(counting), "program") + " that no package owns and nothing explains",
			"install it with a package manager, or list its path under allow; tidewaiter trace shows who brought it"
	}}
}

// dataAge looks at the oldest of the feeds that speak of what is aboard.
func dataAge(j *judging) outcome {
	if j.subject.Data == nil {
		return unmatched()
	}
	oldest, name := "", ""
	aboard := map[string]bool{}
	for i := range j.subject.Packages {
		ecosystem, _, _ := strings.Cut(j.subject.Packages[i].Ecosystem, ":")
		aboard["osv/"+ecosystem], aboard["secdb/"+ecosystem] = true, true
	}
	for _, f := range j.subject.Data.Feeds {
		if aboard[f.Name] && (name == "" || f.Date < oldest) {
			oldest, name = f.Date, f.Name
		}
	}
	if name == "" {
		return cannotTell("no feed speaks of what is aboard", "tidewaiter db update", "no feed")
	}
	limit := j.env.Goals.DataAge.Max
	date, err := time.Parse(time.DateOnly, oldest)
	age := j.options.Now.Sub(date)
	switch {
	case err != nil:
		return cannotTell(name+" is of no known date", "tidewaiter db update", name)
	case age > limit:
		return failed(fmt.Sprintf("%s is %s old, over %s", name, inDays(age), inDays(limit)), "tidewaiter db update", name)
	}
	return met("the advisory data is of " + oldest)
}

// inDays writes a time in full days, where it is some.
func inDays(d time.Duration) string {
	const day = 24 * time.Hour
	if d < day {
		return d.Round(time.Minute).String()
	}
	return count(int(d/day), "day")
}

// score holds the score against the least that is demanded; the other goals are part of it.
func (j *judging) score(others []GoalResult) GoalResult {
	least := j.env.Goals.Score.Min
	score := Score(costs(j.subject, j.standing, others, j.options.Now))
	g := &goal{name: "score", sight: ofReported}
	switch {
	case j.subject.Data == nil:
		return j.result(g, unmatched())
	case score >= least:
		return j.result(g, met(fmt.Sprintf("the score is %.1f", score)))
	case j.baseline != nil && score >= j.baseline.Assessment.Score:
		r := j.result(g, met(fmt.Sprintf("the score is %.1f, no lower than the baseline's %.1f", score, j.baseline.Assessment.Score)))
		r.WithoutBaseline = Fail
		return r
	}
	return j.result(g, failed(fmt.Sprintf("the score is %.1f, under %.0f", score, least), "take the first steps of tidewaiter advise", ""))
}
