package assess_test

import (
	"strings"
	"testing"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

// A gate with a baseline stops what got worse, and nothing else.
func TestBaseline(t *testing.T) {
	exploited := func(p *inventory.Package, id string) func(s *assess.Subject) {
		f := found(p, id, match.Critical, "9.0.0")
		f.KEV = &advisory.KEV{Added: "2026-01-01"}
		return with(f)
	}
	all := assess.Goals{
		Malicious: &assess.Plain{}, Exploited: &assess.Exploited{}, Fixable: &assess.Fixable{Grace: map[match.Level]time.Duration{match.Critical: 0}},
		Base: &assess.BaseGoal{Approved: []string{"debian"}}, Licenses: &assess.Licenses{Deny: []string{"AGPL-*"}}, NonRoot: &assess.Plain{},
		Executables: &assess.Executables{}, DataAge: &assess.DataAge{Max: 30 * day},
		Custom: []assess.Custom{{Name: "small", Expression: `packages.size() < 3`, Message: "use less"}},
	}
	old := func(s *assess.Subject) { s.Data.Feeds[0].Date = "2026-01-01" }
	label := func(s *assess.Subject) { s.Image.Labels = map[string]string{assess.ExposureLabel: "controlled"} }
	base := func(reference string) func(s *assess.Subject) {
		return func(s *assess.Subject) { s.Image.Base.Reference = reference }
	}
	many := func(s *assess.Subject) { s.Packages = append(s.Packages, s.Packages...) }
	wider := func(s *assess.Subject) {
		blind(image.NoFeed)(s)
		s.BlindSpots[0].Packages = 9
	}
	type changes []func(s *assess.Subject)
	for _, tt := range []struct {
		name        string
		goal        string
		image, runs changes
		want        assess.Verdict
		says        string
	}{
		{"what runs already", "exploited", changes{exploited(npm("lodash", "4"), "CVE-1")}, changes{exploited(npm("lodash", "4"), "CVE-1")}, assess.Pass, "no worse than the baseline: 1 known"},
		{"the same problem in another version", "exploited", changes{exploited(npm("lodash", "5"), "CVE-1")}, changes{exploited(npm("lodash", "4"), "CVE-1")}, assess.Pass, ""},
		{"a further problem", "exploited", changes{exploited(npm("lodash", "4"), "CVE-1"), exploited(npm("lodash", "4"), "CVE-2")}, changes{exploited(npm("lodash", "4"), "CVE-1")},
			assess.Fail, "1 exploited in the wild (besides 1 that the baseline has too): CVE-2 in lodash"},
		{"the same problem in another package", "exploited", changes{exploited(npm("underscore", "4"), "CVE-1")}, changes{exploited(npm("lodash", "4"), "CVE-1")}, assess.Fail, "bump underscore"},
		{"a problem that is gone", "exploited", nil, changes{exploited(npm("lodash", "4"), "CVE-1")}, assess.Pass, "nothing exploited"},
		{"a problem that was quieted there", "exploited", changes{exploited(npm("lodash", "4"), "CVE-1")}, changes{with(vulnerable(quieted))}, assess.Fail, ""},

		{"malware is never excused", "malicious", changes{with(vulnerable(func(f *match.Finding) { f.Malicious = true }))}, changes{with(vulnerable(func(f *match.Finding) { f.Malicious = true }))}, assess.Fail, "remove malware: lodash"},
		{"neither is old data", "data-age", changes{old}, changes{old}, assess.Fail, ""},
		{"nor exposure", "exposure", changes{label}, changes{label}, assess.Fail, ""},
		{"nor is that nothing was matched", "exploited", changes{noData}, changes{noData}, assess.Unknown, ""},

		{"root as before", "non-root", changes{user("")}, changes{user("root")}, assess.Pass, ""},
		{"root anew", "non-root", changes{user("")}, nil, assess.Fail, "add USER"},
		{"another build of a base that is not approved", "base", changes{base("alpine:3.19")}, changes{base("alpine:3.18")}, assess.Pass, ""},
		{"another base that is not approved", "base", changes{base("busybox:1")}, changes{base("alpine:3.18")}, assess.Fail, ""},
		{"a licence as before", "licenses", changes{licensed("AGPL-3.0-only")}, changes{licensed("AGPL-3.0-only")}, assess.Pass, ""},
		{"a licence that is new", "licenses", changes{licensed("AGPL-3.0-only")}, nil, assess.Fail, ""},
		{"a program as before", "executables", changes{unexplained}, changes{unexplained}, assess.Pass, ""},
		{"a program that is new", "executables", changes{unexplained}, nil, assess.Fail, "/usr/local/bin/tool"},
		{"a condition that did not hold before", "small", changes{many}, changes{many}, assess.Pass, ""},
		{"a condition that held", "small", changes{many}, nil, assess.Fail, "use less"},

		{"as unknown as before", "exploited", changes{blind(image.NoFeed)}, changes{blind(image.NoFeed)}, assess.Pass, "as far as can be seen, which is as far as in the baseline"},
		{"more unknown than before", "exploited", changes{wider}, changes{blind(image.NoFeed)}, assess.Unknown, ""},
		{"unknown anew", "exploited", changes{blind(image.NoFeed)}, nil, assess.Unknown, "3 packages were not judged"},
		{"known, and blind anew", "exploited", changes{exploited(npm("lodash", "4"), "CVE-1"), blind(image.NoFeed)}, changes{exploited(npm("lodash", "4"), "CVE-1")},
			assess.Unknown, "no worse than the baseline: 1 known as far as can be seen"},
		{"the base is as unknown as before", "base", changes{func(s *assess.Subject) { s.Image.Base = nil }}, changes{func(s *assess.Subject) { s.Image.Base = nil }}, assess.Pass, "no less is known than of the baseline"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := assess.Environment{Name: "production", Exposure: assess.Open, Goals: all}
			runs := shop(tt.runs...)
			baseline := &assess.Baseline{Name: "shop:2.0", Subject: runs, Assessment: assess.Assess(runs, env, assess.Options{Now: today})}
			s := shop(tt.image...)
			plain := assess.Assess(shop(tt.image...), env, assess.Options{Now: today})
			a := assess.Assess(s, env, assess.Options{Now: today, Baseline: baseline})
			r, without := result(a, tt.goal), result(plain, tt.goal)
			if r.Verdict != tt.want || !strings.Contains(r.Reason+"\n"+r.Step, tt.says) {
				t.Errorf("%+v, want %s, saying %q", r, tt.want, tt.says)
			}
			if (r.WithoutBaseline != "") != (r.Verdict != without.Verdict) || r.WithoutBaseline != "" && r.WithoutBaseline != without.Verdict {
				t.Errorf("without the baseline %q, is %q", r.WithoutBaseline, without.Verdict)
			}
			if a.Score != plain.Score || a.Baseline != "shop:2.0" {
				t.Errorf("the score goes from %v to %v, the baseline is %q", plain.Score, a.Score, a.Baseline)
			}
		})
	}
}

func TestAScoreMayNotFall(t *testing.T) {
	env := assess.Environment{Name: "production", Exposure: assess.Open, Goals: assess.Goals{Score: &assess.MinimumScore{Min: 101}}}
	bad, good := shop(with(listed("2020-01-01"))), shop()
	judge := func(s, runs *assess.Subject) assess.GoalResult {
		baseline := &assess.Baseline{Name: "shop:2.0", Subject: runs, Assessment: assess.Assess(runs, env, assess.Options{Now: today})}
		return result(assess.Assess(s, env, assess.Options{Now: today, Baseline: baseline}), "score")
	}
	if r := judge(bad, bad); r.Verdict != assess.Pass || r.WithoutBaseline != assess.Fail {
		t.Errorf("%+v", r)
	}
	if r := judge(good, bad); r.Verdict != assess.Pass {
		t.Errorf("%+v", r)
	}
	if r := judge(bad, good); r.Verdict != assess.Fail {
		t.Errorf("%+v", r)
	}
}

func result(a *assess.Assessment, name string) assess.GoalResult {
	for _, g := range a.Goals {
		if g.Name == name {
			return g
		}
	}
	return assess.GoalResult{}
}

// Whatever goals are set, nothing passes that is worse than what runs.
func TestARegressionNeverPasses(t *testing.T) {
	env := assess.Environment{Name: "production", Exposure: assess.Open, Impact: assess.HighImpact}
	scheduled := func(id string) func(s *assess.Subject) {
		return with(found(npm("lodash", "4"), id, match.High, "9.0.0"))
	}
	acute := func(id string) func(s *assess.Subject) {
		f := found(npm("lodash", "4"), id, match.Low, "9.0.0")
		f.KEV = &advisory.KEV{Added: "2026-01-01"}
		return with(f)
	}
	type changes []func(s *assess.Subject)
	for _, tt := range []struct {
		name        string
		image, runs changes
		want        assess.Verdict
		says        string
	}{
		{"what runs already", changes{acute("CVE-1"), scheduled("CVE-2")}, changes{acute("CVE-1"), scheduled("CVE-2")}, assess.Pass, "2 problems to deal with, where that has 2"},
		{"fewer problems", changes{scheduled("CVE-2")}, changes{scheduled("CVE-1"), scheduled("CVE-2")}, assess.Pass, ""},
		{"one for another", changes{scheduled("CVE-3")}, changes{scheduled("CVE-2")}, assess.Pass, ""},
		{"back to what was worse", changes{scheduled("CVE-1"), scheduled("CVE-2")}, changes{scheduled("CVE-2")}, assess.Fail, "1 more problem to deal with than in the baseline: CVE-1 in lodash"},
		{"fewer, but one to act on", changes{acute("CVE-9")}, changes{scheduled("CVE-1"), scheduled("CVE-2")}, assess.Fail, "must be acted on and is not so in the baseline: CVE-9"},
		{"more that is quieted", changes{with(vulnerable(quieted))}, nil, assess.Pass, ""},
		{"blind where the baseline is not", changes{blind(image.NoFeed)}, nil, assess.Unknown, "3 packages were not judged"},
		{"nothing matched", changes{noData}, nil, assess.Unknown, "tidewaiter db update"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runs := shop(tt.runs...)
			baseline := &assess.Baseline{Name: "shop:2.0", Subject: runs, Assessment: assess.Assess(runs, env, assess.Options{Now: today})}
			r := result(assess.Assess(shop(tt.image...), env, assess.Options{Now: today, Baseline: baseline}), "regression")
			if r.Verdict != tt.want || !strings.Contains(r.Reason+"\n"+r.Step, tt.says) {
				t.Errorf("%+v, want %s, saying %q", r, tt.want, tt.says)
			}
		})
	}
}
