package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/assess"
	"tidewaiter/assess/nearest"
	"tidewaiter/hardening"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/vex"
)

// exceptionFlags are what the user says of exceptions that are written.
type exceptionFlags struct {
	scan                           scanOptions
	pkg, path, subject, image      string
	environments                   []string
	owner, approver, reason, until string
	status, justification          string
	replace                        bool
	on                             string
}

// addScope adds what add and import have in common.
func (o *exceptionFlags) addScope(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.owner, "owner", "", "who answers for it: a person or a team, best with an address")
	f.StringVar(&o.until, "until", "", "the day on which it ends (2027-01-31), fix (until there is one), or both (\"2027-01-31 or fix\")")
	f.StringVar(&o.image, "image", "", "pattern of the images that are meant: ghcr.io/acme/*, shop, shop:2.*, sha256:... (default: every image)")
	f.StringSliceVar(&o.environments, "env", nil, "an environment in which it holds; may repeat (default: all)")
	f.StringVar(&o.approver, "approver", "", "who approved, besides the owner")
	f.BoolVar(&o.replace, "replace", false, "write anew what is there already for the same scope")
	addExceptionsFlag(f, &o.scan.vex.exceptions)
	addConfigFlag(f, &o.scan.config)
}

func newExceptAdd(s streams) *cobra.Command {
	var o exceptionFlags
	cmd := &cobra.Command{
		Use:   "add CVE|malware:RULE|secret:RULE|hardening:CHECK",
		Short: "Write an exception",
		Long: `Writes an exception for one vulnerability, or for one rule of malware, secrets or hardening, as an OpenVEX file. With --status affected, as
is usual, the risk is accepted: others who read the file see "affected", and what was decided. With --status not_affected the finding does
not apply, and --justification says why:
` + strings.Join(vex.Justifications(), ", ") + `.
What an exception for a rule means, --path, --subject and --package narrow; no version fixes it, so it ends on a day.

Exit codes:
  0  written
  1  nothing was written: something is wrong or lacking`,
		Example: `  tidewaiter except add CVE-2021-23337 --package pkg:npm/lodash --image ghcr.io/acme/shop --env production \
      --owner shop@acme.example --reason "templates come from us alone" --until 2027-01-31
  tidewaiter except add CVE-2021-23337 --package pkg:npm/lodash@4.17.4 --owner Ann --reason "never called" --until fix \
      --status not_affected --justification vulnerable_code_not_in_execute_path --on shop.json
  tidewaiter except add secret:private-key --path '/app/test/fixtures/*' --owner Ann --reason "keys of tests" --until 2027-01-31
  tidewaiter except add hardening:setuid --path /usr/local/bin/ping --owner Ann --reason "it needs raw sockets" --until 2027-01-31`,
		Args: exactArgs("CVE|malware:RULE|secret:RULE|hardening:CHECK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return exceptAdd(cmd.Context(), s, args[0], &o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.pkg, "package", "", "package URL, with a version or without: pkg:npm/lodash, pkg:deb/debian/libssl3 (default: every package)")
	f.StringVar(&o.path, "path", "", "of a rule: the file that is meant, or a pattern with * (default: every file)")
	f.StringVar(&o.subject, "subject", "", "of a rule: the variable, label, port or user that is meant, as the report names it (default: every one)")
	f.StringVar(&o.reason, "reason", "", "why, in one sentence")
	o.addScope(cmd)
	f.StringVar(&o.status, "status", string(vex.Affected), "affected (the risk is accepted) or not_affected")
	f.StringVar(&o.justification, "justification", "", "for not_affected: why it is")
	f.StringVar(&o.on, "on", "", "show what it quiets on an image or a stored report")
	o.scan.addFlags(f)
	o.scan.addAdvisories(f)
	o.scan.maxAge, o.scan.rules = usualMaxAge, rules{}
	offer(cmd, "status", string(vex.Affected), string(vex.NotAffected))
	offer(cmd, "justification", vex.Justifications()...)
	return cmd
}

func exceptAdd(ctx context.Context, s streams, asked string, o *exceptionFlags) error {
	id, err := exceptableID(asked)
	if err != nil {
		return err
	}
	e, err := o.exception(s.now())
	if err != nil {
		return err
	}
	e.Vulnerabilities, e.Reason = []string{id}, strings.Join(strings.Fields(o.reason), " ")
	e.Status, e.Justification = vex.Status(o.status), o.justification
	if o.pkg != "" {
		if p, ok := vex.ParsePURL(o.pkg); !ok || p.IsImage() {
			return fmt.Errorf("--package: %q is no package URL: write it as pkg:npm/lodash, pkg:deb/debian/libssl3 or pkg:golang/golang.org/x/net@v0.10.0", o.pkg)
		}
		e.Product = vex.Product{{Names: []string{o.pkg}}}
	}
	e.Path, e.Subject = o.path, strings.TrimSpace(o.subject)
	if err := o.checkNew(&e); err != nil {
		return err
	}
	var on *report.Report
	if o.on != "" {
		if on, err = o.target(ctx, s); err != nil {
			return err
		}
	}
	there, err := o.there()
	if err != nil {
		return err
	}
	if err := o.write(&e, there); err != nil {
		return err
	}
	fmt.Fprintln(s.out, oneLine(e.File))
	fmt.Fprintln(s.out, "  "+exceptionLine(&e))
	for _, env := range o.scan.settings().Environments {
		if lapse, why := e.Lapsed(demands(&env), s.now()); e.For(env.Name) && lapse != "" {
			fmt.Fprintln(s.out, "  it does not hold yet: "+oneLine(why))
		}
	}
	if since := o.exploitedSince(id); since != "" {
		fmt.Fprintln(s.err, "tidewaiter: "+id+" is exploited in the wild: CISA lists it since "+oneLine(since))
	}
	if on != nil {
		return o.show(s, &e, on)
	}
	return nil
}

// exceptableID gives the id of what an exception may be for: a vulnerability, or a rule of malware, secrets or hardening.
func exceptableID(asked string) (string, error) {
	kind, rule := vex.ContrabandOf(strings.TrimSpace(asked))
	if kind == "" {
		return problemID(asked)
	}
	const longest = 256
	if rule == "" || len(rule) > longest || strings.ContainsFunc(rule, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '/' }) {
		return "", fmt.Errorf("%q names no rule: write it as the report has it, as in %s:RULE", asked, kind)
	}
	if kind == vex.Hardening {
		var names []string
		for _, c := range hardening.Checks() {
			names = append(names, c.Name)
		}
		if !slices.Contains(names, rule) {
			hint := ""
			if near := nearest.Word(rule, names); near != "" {
				hint = fmt.Sprintf(": did you mean %s:%s?", kind, near)
			}
			return "", fmt.Errorf("there is no check %q of hardening%s", rule, hint)
		}
	}
	return string(kind) + ":" + rule, nil
}

// exploitedSince is the day since which CISA lists a CVE as exploited; empty where it does not, and where there is no advisory file to ask.
func (o *exceptionFlags) exploitedSince(id string) string {
	db, err := openAdvisories(o.scan)
	if err != nil || db == nil {
		return ""
	}
	defer db.Close()
	cve, err := db.CVE(id)
	if err != nil || cve.KEV == nil {
		return ""
	}
	return cve.KEV.Added
}

// exception is what the flags say that add and import have in common.
func (o *exceptionFlags) exception(now time.Time) (vex.Exception, error) {
	e := vex.Exception{Image: o.image, Environments: o.environments, Owner: strings.TrimSpace(o.owner), Approver: strings.TrimSpace(o.approver), Time: now}
	if e.Owner == "" {
		return e, errors.New("--owner is missing: somebody must answer for an exception")
	}
	if o.scan.vex.exceptions == withoutExceptions {
		return e, errors.New("--exceptions none: name the directory to write to")
	}
	if strings.ContainsAny(o.image, " \t\n,;") {
		return e, fmt.Errorf("--image: %q is no pattern of images: write it as sha256:..., shop:2.* or ghcr.io/acme/*", o.image)
	}
	for _, env := range o.environments {
		if err := knownEnvironment(o.scan.settings(), env); err != nil {
			return e, fmt.Errorf("--env: %w", err)
		}
	}
	if o.until == "" {
		return e, nil
	}
	var err error
	if e.End, err = vex.ParseEnd(o.until); err != nil {
		return e, fmt.Errorf("--until: %w", err)
	}
	if today := now.UTC().Format(time.DateOnly); e.End.Day != "" && e.End.Day <= today {
		return e, fmt.Errorf("--until: %s is past, or today: an exception ends on a day to come", e.End.Day)
	}
	return e, nil
}

// checkNew finds what is lacking, in the words of the flags.
func (o *exceptionFlags) checkNew(e *vex.Exception) error {
	switch {
	case e.Status != vex.Affected && e.Status != vex.NotAffected:
		return fmt.Errorf("--status: %q is none of an exception: affected (the risk is accepted) or not_affected", e.Status)
	case e.Reason == "":
		return errors.New("--reason is missing: say in one sentence why")
	case e.End == vex.End{}:
		return errors.New("--until is missing: no exception is for ever; write a day (2027-01-31), or fix")
	case e.About() == "" && e.Path+e.Subject != "":
		return errors.New("--path and --subject are for malware:RULE, secret:RULE and hardening:CHECK: a vulnerability is of a --package")
	case e.Path != "" && !strings.HasPrefix(e.Path, "/"):
		return fmt.Errorf("--path: %q does not begin with a slash", e.Path)
	case e.About() != "" && e.End.Day == "":
		return errors.New("--until: no version fixes what this is for: write a day (2027-01-31)")
	case e.Status == vex.NotAffected && !slices.Contains(vex.Justifications(), e.Justification):
		hint := ""
		if near := nearest.Word(e.Justification, vex.Justifications()); near != "" && e.Justification != "" {
			hint = fmt.Sprintf(" (did you mean %s?)", near)
		}
		return fmt.Errorf("--justification: not_affected needs one%s: %s", hint, strings.Join(vex.Justifications(), ", "))
	}
	return e.Check()
}

// there makes the directory of exceptions, where it is not there yet, and gives those that are in it.
func (o *exceptionFlags) there() ([]vex.Exception, error) {
	dir := exceptionsDir(o.scan.vex.exceptions)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	list, err := vex.LoadExceptions(dir)
	if err != nil {
		return nil, fmt.Errorf("exceptions: %w", err)
	}
	return list, nil
}

// write writes an exception to a file, whose name it sets. What is there already for the same scope is written over only where asked.
func (o *exceptionFlags) write(e *vex.Exception, there []vex.Exception) error {
	version := 1
	for i := range there {
		if there[i].Key() != e.Key() {
			continue
		}
		switch alone := aloneIn(there, there[i].File); {
		case !o.replace:
			return &takenError{there[i]}
		case !alone:
			return fmt.Errorf("%s excepts this already, among others: change it there", there[i].File)
		}
		e.File = there[i].File
		had, err := vex.DocumentVersion(e.File)
		if err != nil {
			return err
		}
		version = had + 1
	}
	if e.File == "" {
		e.File = freeName(exceptionsDir(o.scan.vex.exceptions), e.FileName())
	}
	raw, err := e.Write(version)
	if err != nil {
		return err
	}
	return writeWhole(e.File, raw)
}

// takenError says that there is an exception of the same scope already.
type takenError struct{ by vex.Exception }

func (e *takenError) Error() string {
	return fmt.Sprintf("%s excepts %s there already, until %s: --replace writes it anew", e.by.File, e.by.Vulnerabilities[0], until(e.by.End))
}

func aloneIn(list []vex.Exception, file string) bool {
	n := 0
	for i := range list {
		if list[i].File == file {
			n++
		}
	}
	return n == 1
}

// freeName gives the name of a new file; another scope may have taken the one that it would have.
func freeName(dir, name string) string {
	file := filepath.Join(dir, name)
	for n := 2; isThere(file); n++ {
		file = filepath.Join(dir, strings.TrimSuffix(name, ".openvex.json")+fmt.Sprintf("-%d.openvex.json", n))
	}
	return file
}

// target is what --on names, as it stands without exceptions.
func (o *exceptionFlags) target(ctx context.Context, s streams) (*report.Report, error) {
	scan := o.scan
	scan.vex.exceptions = withoutExceptions
	return exceptionTarget(ctx, s, o.on, scan)
}

// show says what an exception quiets of what a report tells.
func (o *exceptionFlags) show(s streams, e *vex.Exception, r *report.Report) error {
	env, err := o.scan.environment(&r.Image)
	if err != nil {
		return err
	}
	if len(e.Environments) > 0 {
		if env, err = environmentNamed(o.scan.settings(), e.Environments[0]); err != nil {
			return err
		}
	}
	subject, unused := except(r, []vex.Exception{*e}, demands(&env), s.now())
	n := 0
	say := func(format string, args ...any) { fmt.Fprintln(s.out, "  "+oneLine(fmt.Sprintf(format, args...))) }
	for _, f := range subject.Findings {
		if f.Quieted.Excepted() {
			say("quiets %s %s in %s %s (%s)", f.Severity, f.ID, f.Of.Name, f.Of.Version, r.Image.Reference)
			n++
		}
	}
	for _, what := range subject.Excepted() {
		say("quiets %s (%s)", what, r.Image.Reference)
		n++
	}
	for _, u := range unused {
		say("quiets nothing: %s", u.Why)
	}
	if n == 0 && len(unused) == 0 {
		say("quiets nothing of %s for %s", r.Image.Reference, env.Name)
	}
	return nil
}

// exceptionTarget is the report of what exceptions are held against: a stored one, or that of an image which is read now.
func exceptionTarget(ctx context.Context, s streams, ref string, o scanOptions) (*report.Report, error) {
	if file, ok := reportFile(ref); ok {
		return readDocument(s, file, report.Read)
	}
	db, err := openAdvisories(o)
	if err != nil {
		return nil, err
	}
	if db == nil {
		return nil, errors.New("no advisory file: make one with tidewaiter db update, or give a stored report")
	}
	defer db.Close()
	return scan(ctx, s, ref, db, o)
}

// except holds exceptions against what stands in a report without any, and gives what they leave, and those that quiet nothing.
func except(r *report.Report, list []vex.Exception, d vex.Demands, now time.Time) (*assess.Subject, []match.UnusedStatement) {
	a := recalled(r)
	if a.image.Repository == "" {
		a.image.Repository = r.Image.Repository
	}
	own := match.Exceptions{List: list, Demands: d, Now: now}
	subject, aboard := r.Subject, match.NewAboard(vex.ImageOf(a.image), a.inventory)
	subject.Findings = match.Unexcepted(r.Findings)
	unused := aboard.State(subject.Findings, nil, own)
	return &subject, append(unused, subject.Except(aboard, own)...)
}
