package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tidewaiter/advisory"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/vex"
)

// flaw is something that lint finds.
type flaw struct {
	Kind          string `json:"kind"`
	File          string `json:"file"`
	Vulnerability string `json:"vulnerability"`
	Message       string `json:"message"`
}

// flawKinds are what lint looks for, besides the lapses. The first four need an image or a report.
func flawKinds() []string {
	return []string{"unused", "needless", string(vex.FixExists), "malware", string(vex.Incomplete), string(vex.Expired), string(vex.Unapproved), string(vex.TooLong),
		"ending", "broad", "environment", "kev", "duplicate", "shadowed"}
}

// linter looks for flaws in exceptions.
type linter struct {
	list  []vex.Exception
	state []standing
	flaws []flaw
}

func (l *linter) add(kind string, e *vex.Exception, format string, args ...any) {
	l.flaws = append(l.flaws, flaw{Kind: kind, File: e.File, Vulnerability: e.Vulnerabilities[0], Message: fmt.Sprintf(format, args...)})
}

func newExceptLint(s streams) *cobra.Command {
	var o scanOptions
	var exitOn []string
	cmd := &cobra.Command{
		Use:   "lint [IMAGE|REPORT...]",
		Short: "Exceptions that are expired, too broad, not used, or hide what is exploited",
		Long: `Looks for exceptions that do not hold (incomplete, expired, unapproved, too-long), end within ` + fmt.Sprint(soon) + ` days (ending), are meant for nearly
everything (broad) or for an environment that there is not (environment), hide what CISA knows to be exploited (kev), or say what
another one says (duplicate, shadowed). Held against images or stored reports it finds those that quiet nothing (unused), that
are not needed since something else quiets the finding (needless), that are meant for malware (malware), and those of findings that
have a fix by now (fix-exists).

Exit codes:
  0  done; nothing of what --exit-on names was found
  1  the tool or its input failed
  2  --exit-on: it was found`,
		Example: `  tidewaiter except lint
  tidewaiter except lint shop.json oci:build/api
  tidewaiter except lint --exit-on expired,kev`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return exceptLint(cmd.Context(), s, args, exitOn, o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.outputs.addFlags(cmd, "text", "json")
	f.StringSliceVar(&exitOn, "exit-on", nil, "exit with 2 when found: any, or a comma-separated list of "+strings.Join(flawKinds(), ", "))
	o.addJudging(cmd)
	offer(cmd, "exit-on", append([]string{"any"}, flawKinds()...)...)
	return cmd
}

func exceptLint(ctx context.Context, s streams, refs, exitOn []string, o scanOptions) error {
	for _, word := range exitOn {
		if word != "any" && !slices.Contains(flawKinds(), word) {
			return fmt.Errorf("--exit-on: unknown word %q: any, or one of %s", word, strings.Join(flawKinds(), ", "))
		}
	}
	if err := o.outputs.check(); err != nil {
		return err
	}
	list, err := loadExceptions(o.vex.exceptions)
	if err != nil {
		return err
	}
	environments, err := o.asked()
	if err != nil {
		return err
	}
	l := &linter{list: list}
	for i := range list {
		l.state = append(l.state, standingOf(&list[i], environments, s.now()))
	}
	l.look(func(name string) error { return knownEnvironment(o.settings(), name) })
	if err := l.exploited(s, &o); err != nil {
		return err
	}
	if err := l.holdAgainst(ctx, s, refs, o); err != nil {
		return err
	}
	return l.conclude(s, exitOn, &o.outputs)
}

// look finds what needs nothing but the exceptions.
func (l *linter) look(known func(string) error) {
	for i := range l.list {
		e, st := &l.list[i], &l.state[i]
		switch {
		case st.Lapse != "":
			l.add(string(st.Lapse), e, "%s", st.State)
		case st.days >= 0 && st.days <= soon:
			l.add("ending", e, "%s", st.State)
		}
		if wide := broad(e); wide != "" && st.Lapse != vex.Incomplete {
			l.add("broad", e, "%s", wide)
		}
		for _, name := range e.Environments {
			if err := known(name); err != nil {
				l.add("environment", e, "%v", err)
			}
		}
		l.overlap(i)
	}
}

// broad says for how much an exception is meant where that is more than its author may have meant.
func broad(e *vex.Exception) string {
	everyImage := strings.Trim(e.Image, "*?/:.@") == ""
	everywhere := strings.Trim(e.Path, "/*?") == "" && e.Subject == "" && len(e.Product) == 0
	switch {
	case e.About() == vex.Malware && everywhere, e.About() == vex.Secret && everywhere:
		return "it is meant for every file of the image: name a path"
	case e.About() != "" && !everywhere:
		return "" // the file or the variable is scope enough
	case e.About() != "" && everyImage:
		return "it is meant for every place in every image: name an image, a path or a subject"
	case len(e.Product) == 0 && everyImage:
		return "it is meant for every package in every image: name a package or an image"
	case everyImage && e.Image != "":
		return "its image pattern means every image: name images, or leave it out"
	case everyImage && len(e.Environments) == 0:
		return "it is meant for every image in every environment: name an image or an environment"
	}
	return ""
}

// overlap finds an exception that says what the one at i says.
func (l *linter) overlap(i int) {
	e := &l.list[i]
	for j := range l.list {
		other := &l.list[j]
		same := slices.ContainsFunc(e.Vulnerabilities, func(id string) bool {
			return slices.ContainsFunc(other.Vulnerabilities, func(name string) bool { return strings.EqualFold(id, name) })
		})
		switch {
		case i == j || !same || l.state[i].Lapse != "" || l.state[j].Lapse != "":
		case e.Key() == other.Key():
			if j < i {
				l.add("duplicate", e, "%s is for the same", other.File)
				return
			}
		case other.Covers(e) && !endsBefore(other, e):
			l.add("shadowed", e, "%s is for more, and holds as long", other.File)
			return
		}
	}
}

func endsBefore(a, b *vex.Exception) bool {
	const never = "9999"
	return a.End.Fix && !b.End.Fix || cmp.Or(a.End.Day, never) < cmp.Or(b.End.Day, never)
}

// exploited finds the exceptions that hide what is known to be exploited.
func (l *linter) exploited(s streams, o *scanOptions) error {
	if len(l.list) == 0 {
		return nil
	}
	db, err := openAdvisories(*o)
	if err != nil {
		return err
	}
	if db == nil {
		fmt.Fprintln(s.err, "tidewaiter: no advisory file, so it is not known which exceptions hide what is exploited: make one with tidewaiter db update")
		return nil
	}
	defer db.Close()
	for i := range l.list {
		if lapse := l.state[i].Lapse; lapse == vex.Expired || lapse == vex.Incomplete {
			continue // it hides nothing
		}
		kev, err := knownExploited(db, l.list[i].Vulnerabilities)
		if err != nil {
			return err
		}
		if kev != nil {
			l.add("kev", &l.list[i], "it hides what is exploited in the wild: in CISA's catalog since %s", kev.Added)
		}
	}
	return nil
}

// knownExploited looks the CVEs of a vulnerability up, by whatever name it goes.
func knownExploited(db *advisory.DB, ids []string) (*advisory.KEV, error) {
	for _, id := range ids {
		names := []string{strings.ToUpper(id)}
		if advisory.CVEOf(names[0]) == "" {
			p, err := db.Problem(id)
			if err != nil {
				return nil, err
			}
			names = slices.Concat(p.IDs, p.Mends)
		}
		for _, name := range names {
			if advisory.CVEOf(name) != name {
				continue
			}
			cve, err := db.CVE(name)
			if err != nil || cve.KEV != nil {
				return cve.KEV, err
			}
		}
	}
	return nil, nil
}

// holdAgainst finds what only images and reports can tell.
func (l *linter) holdAgainst(ctx context.Context, s streams, refs []string, o scanOptions) error {
	if len(refs) == 0 {
		return nil
	}
	var inForce []vex.Exception
	var at []int // the place of each in l.list
	for i, e := range l.list {
		if l.state[i].Lapse == "" {
			e.Environments = nil // wherever it is meant to hold
			inForce, at = append(inForce, e), append(at, i)
		}
	}
	used, why := map[string]bool{}, map[string]string{}
	o.vex.exceptions = withoutExceptions
	for _, ref := range refs {
		r, err := exceptionTarget(ctx, s, ref, o)
		if err != nil {
			return err
		}
		subject, unused := except(r, inForce, vex.Demands{}, s.now())
		idle, held := map[string]bool{}, vex.ImageOf(recalledImage(r.Image))
		for _, u := range unused {
			key := u.Source + "\x00" + u.Vulnerability + "\x00" + u.Product
			why[key], idle[key] = u.Why, true
		}
		l.used(subject.Findings, used)
		for i := range inForce {
			e := &inForce[i]
			l.mended(e, subject.Findings)
			if key := exceptionKey(e); subject.Searched(e.About()) && held.Like(e.Image) && !idle[key] {
				used[key] = true
			}
		}
	}
	for i := range inForce {
		if key := exceptionKey(&inForce[i]); !used[key] {
			l.idle(&l.list[at[i]], why[key], len(refs))
		}
	}
	return nil
}

// exceptionKey is how a finding names an exception that speaks of it.
func exceptionKey(e *vex.Exception) string {
	return e.File + "\x00" + e.Vulnerabilities[0] + "\x00" + e.Scope()
}

// speaks are the exceptions that quiet a finding.
func speaks(f *match.Finding) []string {
	var keys []string
	for _, st := range f.Statements {
		if st.Decided && f.Quieted.Excepted() {
			keys = append(keys, st.Source+"\x00"+st.Vulnerability+"\x00"+st.Product)
		}
	}
	return keys
}

func (l *linter) used(findings []match.Finding, used map[string]bool) {
	for i := range findings {
		for _, key := range speaks(&findings[i]) {
			used[key] = true
		}
	}
}

// mended notes an accepted risk that an upgrade would end.
func (l *linter) mended(e *vex.Exception, findings []match.Finding) {
	if e.Status != vex.Affected {
		return
	}
	for i := range findings {
		if f := &findings[i]; len(f.Fixed) > 0 && slices.Contains(speaks(f), exceptionKey(e)) {
			l.add(string(vex.FixExists), e, "there is a fix by now: %s %s -> %s", f.Of.Name, f.Of.Version, f.Fixed[0])
			return
		}
	}
}

// idle notes an exception that quiets nothing of what it was held against.
func (l *linter) idle(e *vex.Exception, why string, among int) {
	kind := "unused"
	switch {
	case strings.HasPrefix(why, "it held until there is a fix"):
		kind = string(vex.FixExists)
	case strings.HasPrefix(why, "malware"):
		kind = "malware"
	case strings.HasPrefix(why, "the finding is quieted"):
		kind = "needless"
	case strings.HasSuffix(why, "says the same for longer"):
		kind = "shadowed"
	case why == "":
		why = fmt.Sprintf("nothing that it is meant for is in what was looked at (%d)", among)
	}
	l.add(kind, e, "%s", why)
}

// conclude writes what was found.
func (l *linter) conclude(s streams, exitOn []string, out *outputs) error {
	slices.SortStableFunc(l.flaws, func(a, b flaw) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Vulnerability, b.Vulnerability), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Message, b.Message))
	})
	l.flaws = slices.Compact(l.flaws)
	text := func(w io.Writer, _ report.TextOptions) error {
		for _, f := range l.flaws {
			if _, err := fmt.Fprintln(w, oneLine(fmt.Sprintf("%s: %s: %s: %s", f.File, f.Vulnerability, f.Kind, f.Message))); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(w, "exceptions: %d, remarks: %d\n", len(l.list), len(l.flaws))
		return err
	}
	err := out.write(s, map[string]form{"text": text, "json": func(w io.Writer, _ report.TextOptions) error {
		return encodeIndented(w, append([]flaw{}, l.flaws...))
	}})
	if err != nil {
		return err
	}
	for _, f := range l.flaws {
		if slices.Contains(exitOn, "any") || slices.Contains(exitOn, f.Kind) {
			return verdict{code: exitNotMet}
		}
	}
	return nil
}
