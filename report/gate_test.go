package report

import (
	"strings"
	"testing"

	"tidewaiter/assess"
)

// An environment may ask for all checks of hardening: those that are met take one line, unless all is asked for.
func TestGateFoldsChecksThatAreMet(t *testing.T) {
	r := &Report{Assessment: &assess.Assessment{Environment: "staging", Verdict: assess.Fail, Goals: []assess.GoalResult{
		{Name: "hardening/sudo", Verdict: assess.Pass, Reason: "nothing found"},
		{Name: "hardening/ssh-server", Verdict: assess.Pass, Reason: "nothing found"},
		{Name: "hardening/setuid", Verdict: assess.Fail, Reason: "one"},
		{Name: "hardening/chmod-777", Verdict: assess.Unknown, Reason: "no history"},
	}}}
	for _, test := range []struct {
		name         string
		all          bool
		want, absent []string
	}{
		{"folded", false, []string{"2 checks have found nothing", "hardening/setuid", "hardening/chmod-777", "1 not met, 1 unknown, 2 met"}, []string{"hardening/sudo", "hardening/ssh-server"}},
		{"all", true, []string{"hardening/sudo", "hardening/ssh-server", "hardening/setuid"}, []string{"checks have found nothing"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			if err := GateText(&b, r, assess.UnknownFails, TextOptions{All: test.all}); err != nil {
				t.Fatal(err)
			}
			for _, w := range test.want {
				if !strings.Contains(b.String(), w) {
					t.Errorf("%q is not in\n%s", w, &b)
				}
			}
			for _, w := range test.absent {
				if strings.Contains(b.String(), w) {
					t.Errorf("%q is in\n%s", w, &b)
				}
			}
		})
	}
}
