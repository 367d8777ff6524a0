package assess_test

import (
	"strings"
	"testing"

	"tidewaiter/assess"
	"tidewaiter/hardening"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/secret"
)

// hardened gives the image a report of its construction.
func hardened(findings ...hardening.Finding) func(s *assess.Subject) {
	return func(s *assess.Subject) { s.Hardening = &hardening.Report{Findings: findings} }
}

func setuidFile(path string) hardening.Finding {
	return hardening.Finding{ID: "hardening:setuid", Check: "setuid", Usual: true, Place: inventory.Place{Path: path}, Mend: "RUN chmod a-s /" + path}
}

func TestHardeningGoals(t *testing.T) {
	su, mount := setuidFile("usr/bin/su"), setuidFile("usr/bin/mount")
	port := hardening.Finding{ID: "hardening:privileged-port", Check: "privileged-port", Subject: "80/tcp", Usual: true, Mend: "listen above 1023"}
	little := hardening.Finding{ID: "hardening:package-cache", Check: "package-cache", Usual: true, Place: inventory.Place{Path: "var/cache/apt"}, Mend: "apt-get clean"}
	much := little
	much.Usual = false
	excepted := su
	excepted.Quieted = &match.Quieted{By: "exception", Reason: "it must"}
	uncheckable := func(s *assess.Subject) {
		s.Hardening = &hardening.Report{Unchecked: []hardening.Unchecked{{Check: "base-unpinned", Reason: "the Dockerfile is not known"}}}
	}
	for name, tc := range map[string]struct {
		check   string
		allow   []string
		subject *assess.Subject
		want    assess.Verdict
		// says is in the reason.
		says string
	}{
		"nothing found":                         {"setuid", nil, shop(hardened()), assess.Pass, ""},
		"found, and usual":                      {"setuid", nil, shop(hardened(su, mount)), assess.Fail, "/usr/bin/su, /usr/bin/mount"},
		"one is allowed":                        {"setuid", []string{"/usr/bin/su"}, shop(hardened(su, mount)), assess.Fail, "/usr/bin/mount"},
		"all are allowed":                       {"setuid", []string{"/usr/bin/*"}, shop(hardened(su, mount)), assess.Pass, ""},
		"excepted":                              {"setuid", nil, shop(hardened(excepted)), assess.Pass, ""},
		"a port is allowed by its name":         {"privileged-port", []string{"80/tcp"}, shop(hardened(port)), assess.Pass, ""},
		"a port is not":                         {"privileged-port", []string{"443/tcp"}, shop(hardened(port)), assess.Fail, "80/tcp"},
		"little, in a check of what is unusual": {"package-cache", nil, shop(hardened(little)), assess.Pass, ""},
		"much":                                  {"package-cache", nil, shop(hardened(much)), assess.Fail, "/var/cache/apt"},
		"another check":                         {"shell", nil, shop(hardened(su)), assess.Pass, ""},
		"not checked":                           {"base-unpinned", nil, shop(uncheckable), assess.Unknown, "the Dockerfile is not known"},
		"nothing was checked":                   {"setuid", nil, shop(), assess.Unknown, "not checked"},
		"a layer was not read":                  {"setuid", nil, shop(hardened(), blind(image.UnreadableLayer)), assess.Unknown, "as far as can be seen"},
		"files were passed over":                {"setuid", nil, shop(hardened(), unsearched(hardening.SinkName)), assess.Unknown, "as far as can be seen"},
		"for secrets alone":                     {"setuid", nil, shop(hardened(), unsearched(secret.Sink)), assess.Pass, ""},
		"which the configuration does not mind": {"privileged-port", nil, shop(hardened(), blind(image.UnreadableLayer)), assess.Pass, ""},
	} {
		t.Run(name, func(t *testing.T) {
			goals := assess.Goals{Hardening: assess.Hardening{tc.check: {Allow: tc.allow}}}
			got := judged(t, "hardening/"+tc.check, goals, tc.subject, assess.Options{Now: today})
			if got.Verdict != tc.want || !strings.Contains(got.Reason, tc.says) || tc.want == assess.Fail && tc.check == "setuid" && !strings.HasPrefix(got.Step, "RUN chmod") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestHardeningIsNoWorseThanTheBaseline(t *testing.T) {
	su, mount := setuidFile("usr/bin/su"), setuidFile("usr/bin/mount")
	env := assess.Environment{Name: "production", Exposure: assess.Open, Goals: assess.Goals{Hardening: assess.Hardening{"setuid": {}}}}
	before := shop(hardened(su))
	o := assess.Options{Now: today}
	o.Baseline = &assess.Baseline{Name: "before", Subject: before, Assessment: assess.Assess(before, env, o)}
	for name, tc := range map[string]struct {
		now  *assess.Subject
		want assess.Verdict
	}{"the same": {shop(hardened(su)), assess.Pass}, "one more": {shop(hardened(su, mount)), assess.Fail}} {
		for _, g := range assess.Assess(tc.now, env, o).Goals {
			if g.Name == "hardening/setuid" && (g.Verdict != tc.want || tc.want == assess.Pass && g.WithoutBaseline != assess.Fail) {
				t.Errorf("%s: %+v", name, g)
			}
		}
	}
}

func TestUsualHardeningLeavesOutWhatMostImagesDo(t *testing.T) {
	usual := assess.UsualHardening()
	for check, want := range map[string]bool{"setuid": false, "setuid-added": true, "shell": false, "user-unset": false, "user-root": true, "healthcheck": false, "ssh-server": true} {
		if _, ok := usual[check]; ok != want {
			t.Error(check)
		}
	}
}
