package assess_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/malware"
	"tidewaiter/match"
	"tidewaiter/secret"
)

// today is the day on which the goals of these tests are judged.
var today = time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// shop is an image about which all is known and nothing wrong.
func shop(change ...func(s *assess.Subject)) *assess.Subject {
	s := &assess.Subject{
		Data: &assess.Data{Revision: "1", Feeds: []advisory.Feed{{Name: "osv/npm", Date: "2026-08-21"}, {Name: "kev", Date: "2026-08-21"}, {Name: "eol", Date: "2026-08-21"}}},
		Image: assess.Image{Reference: "shop:2.1", Created: today.Add(-2 * day), Config: &assess.Config{User: "65532"},
			OS:   &inventory.OS{ID: "debian", VersionID: "12"},
			Base: &inventory.Base{Reference: "debian:12-slim", Digest: "sha256:aa", Layers: 1, Evidence: inventory.FromProvenance, Sure: inventory.Exact}},
		Packages:     []inventory.Package{*npm("lodash", "4.17.15"), *npm("left-pad", "1.0.0")},
		Files:        &assess.Files{Owned: 10, Placed: []assess.PlacedFile{{Path: "app/shop", Layer: 1, Program: true}}},
		Malware:      &malware.Report{},
		Secrets:      &secret.Report{},
		Attestations: &assess.Attestations{Verified: []assess.VerifiedAttestation{{Predicate: "https://slsa.dev/provenance/v1", Identity: "https://github.com/acme/shop/release.yml"}}},
	}
	for i := range s.Packages {
		s.Packages[i].Licenses = []string{"MIT"}
	}
	for _, c := range change {
		c(s)
	}
	return s
}

// with gives the image a finding.
func with(f match.Finding) func(s *assess.Subject) {
	return func(s *assess.Subject) { s.Findings = append(s.Findings, f) }
}

// blind gives the image a blind spot.
func blind(kind image.BlindSpotKind) func(s *assess.Subject) {
	return func(s *assess.Subject) {
		s.BlindSpots = append(s.BlindSpots, image.BlindSpot{Kind: kind, Where: "somewhere", Packages: 3, Message: "3 packages were not judged"})
	}
}

func noData(s *assess.Subject) { s.Data = nil }

func without(feed string) func(s *assess.Subject) {
	return func(s *assess.Subject) {
		s.Data.Feeds = slices.DeleteFunc(s.Data.Feeds, func(f advisory.Feed) bool { return f.Name == feed })
	}
}

func licensed(words ...string) func(s *assess.Subject) {
	return func(s *assess.Subject) { s.Packages[0].Licenses = words }
}

func user(name string) func(s *assess.Subject) {
	return func(s *assess.Subject) { s.Image.Config.User = name }
}

// vulnerable is a finding of lodash that was published and fixed long ago.
func vulnerable(change func(f *match.Finding)) match.Finding {
	f := found(npm("lodash", "4.17.15"), "CVE-2019-10744", match.Critical, "4.17.21")
	f.Aliases, f.Published, f.FixPublished = []string{"GHSA-jf85-cpcp-j695"}, "2019-07-26", "2019-07-26"
	if change != nil {
		change(&f)
	}
	return f
}

func listed(added string) match.Finding {
	return vulnerable(func(f *match.Finding) { f.KEV = &advisory.KEV{Added: added, Due: "2026-08-20"} })
}

func unfixed(f *match.Finding) { f.Fixed, f.FixPublished = nil, "" }

func quieted(f *match.Finding) { f.Quieted = &match.Quieted{By: "somebody", Reason: "not used"} }

func ended(p *inventory.Package, severity match.Level) match.Finding {
	return match.Finding{ID: "EOL-debian-12", Kind: match.KindEndOfLife, Severity: severity, Package: p.PURL, Of: p, Title: "Debian 12 has had no support since 2026-06-10", Fixed: []string{"13"}}
}

var debian = &inventory.Package{PURL: "pkg:generic/debian@12", Type: "generic", Name: "debian", Version: "12"}

// judged gives how one goal came out for an image.
func judged(t *testing.T, name string, goals assess.Goals, s *assess.Subject, o assess.Options) assess.GoalResult {
	t.Helper()
	o.Now = today
	env := assess.BuiltIn()[0]
	env.Exposure, env.Goals = assess.Open, goals
	results, _ := assess.Judge(s, env, o)
	for _, r := range results {
		if r.Name == name {
			if (r.Verdict == assess.Pass) != (r.Step == "") || r.Reason == "" || strings.Contains(r.Reason+r.Step, "\n") {
				t.Errorf("%s: %+v: what is not met has a step, and all have a reason", name, r)
			}
			return r
		}
	}
	t.Fatalf("%s was not judged: %+v", name, results)
	return assess.GoalResult{}
}

func TestGoals(t *testing.T) {
	fixable := assess.Goals{Fixable: &assess.Fixable{Grace: map[match.Level]time.Duration{match.Critical: 7 * day, match.High: 30 * day}}}
	approved := assess.Goals{Base: &assess.BaseGoal{Approved: []string{"debian:12*", "gcr.io/distroless/*"}}}
	current := []assess.BaseCandidate{{Reference: "debian:12-slim", Digest: "sha256:aa", Created: today.Add(-5 * day)}}
	newer := []assess.BaseCandidate{current[0], {Reference: "docker.io/library/debian:12-slim", Digest: "sha256:bb", Created: today.Add(-day)}}
	provenance := assess.Goals{Attestations: []assess.Attestation{{Predicate: "slsaprovenance", Identities: []string{"https://github.com/acme/*"}}}}
	shown := map[string]map[assess.Verdict]bool{}
	for _, tt := range []struct {
		name  string
		goal  string
		goals assess.Goals
		image *assess.Subject
		bases []assess.BaseCandidate
		want  assess.Verdict
		says  string // is in the reason, or in the step
	}{
		{"no malware", "malicious", assess.Goals{Malicious: &assess.Plain{}}, shop(with(vulnerable(nil))), nil, assess.Pass, "nothing malicious"},
		{"malware", "malicious", assess.Goals{Malicious: &assess.Plain{}}, shop(with(vulnerable(func(f *match.Finding) { f.ID, f.Malicious = "MAL-1", true }))), nil, assess.Fail, "remove lodash 4.17.15 /app/node_modules/lodash"},
		{"packages that were not judged", "malicious", assess.Goals{Malicious: &assess.Plain{}}, shop(blind(image.NoFeed)), nil, assess.Unknown, "as far as can be seen: somewhere: 3 packages were not judged"},
		{"malware besides what was not judged", "malicious", assess.Goals{Malicious: &assess.Plain{}}, shop(blind(image.NoFeed), with(vulnerable(func(f *match.Finding) { f.Malicious = true }))), nil, assess.Fail, "1 malicious: CVE-2019-10744 in lodash"},

		{"nothing exploited", "exploited", assess.Goals{Exploited: &assess.Exploited{}}, shop(with(vulnerable(nil))), nil, assess.Pass, "nothing exploited"},
		{"exploited", "exploited", assess.Goals{Exploited: &assess.Exploited{}}, shop(with(listed("2026-08-21"))), nil, assess.Fail, "upgrade lodash 4.17.15 to 4.17.21"},
		{"exploited, in its grace", "exploited", assess.Goals{Exploited: &assess.Exploited{Grace: 3 * day}}, shop(with(listed("2026-08-21"))), nil, assess.Pass, ""},
		{"exploited, on the last day of its grace", "exploited", assess.Goals{Exploited: &assess.Exploited{Grace: 3 * day}}, shop(with(listed("2026-08-19"))), nil, assess.Pass, ""},
		{"exploited, after its grace", "exploited", assess.Goals{Exploited: &assess.Exploited{Grace: 3 * day}}, shop(with(listed("2026-08-18"))), nil, assess.Fail, ""},
		{"exploited and of no known day", "exploited", assess.Goals{Exploited: &assess.Exploited{Grace: 3 * day}}, shop(with(listed(""))), nil, assess.Fail, ""},
		{"exploited without a fix", "exploited", assess.Goals{Exploited: &assess.Exploited{}}, shop(with(vulnerable(func(f *match.Finding) { f.KEV = &advisory.KEV{}; unfixed(f) }))), nil, assess.Fail, "tidewaiter except add"},
		{"exploited without a fix, where only fixable counts", "exploited", assess.Goals{Exploited: &assess.Exploited{FixableOnly: true}}, shop(with(vulnerable(func(f *match.Finding) { f.KEV = &advisory.KEV{}; unfixed(f) }))), nil, assess.Pass, ""},
		{"exploited but quieted", "exploited", assess.Goals{Exploited: &assess.Exploited{}}, shop(with(vulnerable(func(f *match.Finding) { f.KEV = &advisory.KEV{}; quieted(f) }))), nil, assess.Pass, ""},
		{"no catalog", "exploited", assess.Goals{Exploited: &assess.Exploited{}}, shop(without("kev")), nil, assess.Unknown, "tidewaiter db update"},
		{"no data", "exploited", assess.Goals{Exploited: &assess.Exploited{}}, shop(noData), nil, assess.Unknown, "nothing was matched"},
		{"a distribution of which nothing is reported", "exploited", assess.Goals{Exploited: &assess.Exploited{}}, shop(blind(image.EndOfLife)), nil, assess.Unknown, "move to a supported release"},
		{"old data", "exploited", assess.Goals{Exploited: &assess.Exploited{}}, shop(blind(image.StaleFeed)), nil, assess.Unknown, "tidewaiter db update"},
		{"an unread paper hides nothing that is aboard", "exploited", assess.Goals{Exploited: &assess.Exploited{}}, shop(blind(image.UnreadablePaper)), nil, assess.Pass, ""},

		{"none of those named", "high-profile", assess.Goals{HighProfile: &assess.HighProfile{IDs: []string{"CVE-2021-44228"}}}, shop(with(vulnerable(nil))), nil, assess.Pass, ""},
		{"one of those named", "high-profile", assess.Goals{HighProfile: &assess.HighProfile{IDs: []string{"cve-2019-10744"}}}, shop(with(vulnerable(nil))), nil, assess.Fail, "CVE-2019-10744 in lodash"},
		{"one of those named, by its other name", "high-profile", assess.Goals{HighProfile: &assess.HighProfile{IDs: []string{"GHSA-jf85-cpcp-j695"}}}, shop(with(vulnerable(nil))), nil, assess.Fail, ""},
		{"an unreadable file", "high-profile", assess.Goals{HighProfile: &assess.HighProfile{IDs: []string{"CVE-2021-44228"}}}, shop(blind(image.UnreadableFile)), nil, assess.Unknown, ""},

		{"nothing of a priority", "priority", assess.Goals{Priority: &assess.AtPriority{Priority: match.Immediate}}, shop(), nil, assess.Pass, "nothing of priority immediate"},
		{"something of it", "priority", assess.Goals{Priority: &assess.AtPriority{Priority: match.Defer}}, shop(with(vulnerable(nil))), nil, assess.Fail, "1 of priority defer or graver"},
		{"a limit was reached", "priority", assess.Goals{Priority: &assess.AtPriority{Priority: match.Immediate}}, shop(blind(image.LimitReached)), nil, assess.Unknown, ""},

		{"nothing overdue", "overdue", assess.Goals{Overdue: &assess.AtPriority{Priority: match.Scheduled}}, shop(with(vulnerable(unfixed))), nil, assess.Pass, "nothing overdue"},
		{"overdue", "overdue", assess.Goals{Overdue: &assess.AtPriority{Priority: match.Defer}}, shop(with(listed("2020-01-01"))), nil, assess.Fail, "1 overdue: CVE-2019-10744 in lodash"},
		{"overdue cannot be said", "overdue", assess.Goals{Overdue: &assess.AtPriority{Priority: match.Defer}}, shop(blind(image.Unjudged)), nil, assess.Unknown, ""},

		{"nothing fixable", "fixable", fixable, shop(with(vulnerable(unfixed))), nil, assess.Pass, ""},
		{"fixable for long", "fixable", fixable, shop(with(vulnerable(nil))), nil, assess.Fail, "1 fixable for longer than allowed"},
		{"fixable since the day before", "fixable", fixable, shop(with(vulnerable(func(f *match.Finding) { f.FixPublished = "2026-08-21" }))), nil, assess.Pass, ""},
		{"of a severity that is not judged", "fixable", fixable, shop(with(vulnerable(func(f *match.Finding) { f.Severity = match.Low }))), nil, assess.Pass, ""},
		{"of a severity that nobody rated", "fixable", fixable, shop(with(vulnerable(func(f *match.Finding) { f.Severity = match.Unknown }))), nil, assess.Unknown, "1 fixable that nobody has rated: CVE-2019-10744 in lodash"},

		{"all supported", "end-of-life", assess.Goals{EndOfLife: &assess.EndOfLife{}}, shop(), nil, assess.Pass, ""},
		{"out of support", "end-of-life", assess.Goals{EndOfLife: &assess.EndOfLife{}}, shop(with(ended(debian, match.High))), nil, assess.Fail, "move from debian 12 to 13"},
		{"a library out of support, where a distribution counts", "end-of-life", assess.Goals{EndOfLife: &assess.EndOfLife{Severity: match.High}}, shop(with(ended(npm("lodash", "1"), match.Low))), nil, assess.Pass, "no distribution without support; 1 of severity under high"},
		{"support is not known", "end-of-life", assess.Goals{EndOfLife: &assess.EndOfLife{}}, shop(without("eol")), nil, assess.Unknown, ""},

		{"an approved base", "base", approved, shop(), nil, assess.Pass, "the base is debian:12-slim"},
		{"approved by its long name", "base", approved, shop(func(s *assess.Subject) { s.Image.Base.Reference = "docker.io/library/debian:12.9" }), nil, assess.Pass, ""},
		{"another base", "base", approved, shop(func(s *assess.Subject) { s.Image.Base.Reference = "evil.example/debian:12" }), nil, assess.Fail, "build on one of debian:12*, gcr.io/distroless/*"},
		{"approved, but only claimed", "base", approved, shop(func(s *assess.Subject) { s.Image.Base.Sure = inventory.Named }), nil, assess.Unknown, "only claimed by the image's provenance"},
		{"another base, by its own claim", "base", approved, shop(func(s *assess.Subject) { s.Image.Base.Sure, s.Image.Base.Reference = inventory.Named, "alpine:3" }), nil, assess.Fail, ""},
		{"a base that it is not built on", "base", approved, shop(func(s *assess.Subject) { s.Image.Base.Sure = inventory.Contradicted }), nil, assess.Unknown, ""},
		{"no base known", "base", approved, shop(func(s *assess.Subject) { s.Image.Base = nil }), nil, assess.Unknown, "tidewaiter base add"},
		{"a base without support", "base", assess.Goals{Base: &assess.BaseGoal{}}, shop(with(ended(debian, match.High))), nil, assess.Fail, "Debian 12 has had no support"},
		{"the newest build", "base", assess.Goals{Base: &assess.BaseGoal{UpToDate: true}}, shop(), current, assess.Pass, ""},
		{"an older build", "base", assess.Goals{Base: &assess.BaseGoal{UpToDate: true}}, shop(), newer, assess.Fail, "docker build --pull"},
		{"builds are not known", "base", assess.Goals{Base: &assess.BaseGoal{UpToDate: true}}, shop(), nil, assess.Unknown, "nothing is known of newer builds"},
		{"a young base", "base", assess.Goals{Base: &assess.BaseGoal{MaxAge: 30 * day}}, shop(), current, assess.Pass, ""},
		{"an old base", "base", assess.Goals{Base: &assess.BaseGoal{MaxAge: 4 * day}}, shop(), current, assess.Fail, "the base is 5 days old or more, over 4 days"},
		{"the image itself is older", "base", assess.Goals{Base: &assess.BaseGoal{MaxAge: day}}, shop(), nil, assess.Fail, "2 days old or more"},
		{"the age of the base is not known", "base", assess.Goals{Base: &assess.BaseGoal{MaxAge: 30 * day}}, shop(), nil, assess.Unknown, "when the base was made"},

		{"allowed licences", "licenses", assess.Goals{Licenses: &assess.Licenses{Allow: []string{"MIT", "Apache-*"}}}, shop(licensed("Apache-2.0")), nil, assess.Pass, ""},
		{"a denied licence", "licenses", assess.Goals{Licenses: &assess.Licenses{Deny: []string{"AGPL-*"}}}, shop(licensed("AGPL-3.0-only")), nil, assess.Fail, "1 package under a licence that is not allowed: lodash (AGPL-3.0-only)"},
		{"no known licence", "licenses", assess.Goals{Licenses: &assess.Licenses{Deny: []string{"AGPL-*"}}}, shop(licensed()), nil, assess.Unknown, "the licence of 1 package is not known: lodash"},
		{"no known licence, where that passes", "licenses", assess.Goals{Licenses: &assess.Licenses{Deny: []string{"AGPL-*"}, Unknown: "pass"}}, shop(licensed()), nil, assess.Pass, ""},
		{"no known licence, where that fails", "licenses", assess.Goals{Licenses: &assess.Licenses{Deny: []string{"AGPL-*"}, Unknown: "fail"}}, shop(licensed()), nil, assess.Fail, ""},
		{"a package that is excepted", "licenses", assess.Goals{Licenses: &assess.Licenses{Allow: []string{"MIT"}, Except: []string{"pkg:npm/lodash"}}}, shop(licensed("AGPL-3.0-only")), nil, assess.Pass, ""},
		{"another origin", "licenses", assess.Goals{Licenses: &assess.Licenses{Allow: []string{"MIT"}, Origin: "app"}}, shop(licensed("AGPL-3.0-only"), func(s *assess.Subject) { s.Packages[0].Origin = inventory.OfBase }), nil, assess.Pass, ""},

		{"a denied licence of nobody knows whom", "licenses", assess.Goals{Licenses: &assess.Licenses{Allow: []string{"MIT"}, Origin: "app"}}, shop(licensed("AGPL-3.0-only")), nil, assess.Unknown, "the base may have brought it: lodash (AGPL-3.0-only)"},

		{"a number that is not root's", "non-root", assess.Goals{NonRoot: &assess.Plain{}}, shop(user("65532:0")), nil, assess.Pass, "runs as 65532:0"},
		{"a name", "non-root", assess.Goals{NonRoot: &assess.Plain{}}, shop(user("node")), nil, assess.Pass, ""},
		{"no user", "non-root", assess.Goals{NonRoot: &assess.Plain{}}, shop(user("")), nil, assess.Fail, "the image sets no user, so it runs as root"},
		{"root by name", "non-root", assess.Goals{NonRoot: &assess.Plain{}}, shop(user("root:app")), nil, assess.Fail, "sets its user to root:app"},
		{"root by number", "non-root", assess.Goals{NonRoot: &assess.Plain{}}, shop(user("00")), nil, assess.Fail, "add USER 65532 to the Dockerfile"},
		{"a number that no runtime takes", "non-root", assess.Goals{NonRoot: &assess.Plain{}}, shop(user("4294967296")), nil, assess.Unknown, ""},
		{"a group alone", "non-root", assess.Goals{NonRoot: &assess.Plain{}}, shop(user(":1000")), nil, assess.Fail, ""},
		{"no configuration", "non-root", assess.Goals{NonRoot: &assess.Plain{}}, shop(func(s *assess.Subject) { s.Image.Config = nil }), nil, assess.Unknown, ""},
		{"blind spots do not bear on it", "non-root", assess.Goals{NonRoot: &assess.Plain{}}, shop(blind(image.NoFeed)), nil, assess.Pass, ""},

		{"every program explained", "executables", assess.Goals{Executables: &assess.Executables{}}, shop(), nil, assess.Pass, ""},
		{"a program that nothing explains", "executables", assess.Goals{Executables: &assess.Executables{}}, shop(unexplained), nil, assess.Fail, "/usr/local/bin/tool (layer 1)"},
		{"one that is expected", "executables", assess.Goals{Executables: &assess.Executables{Allow: []string{"/usr/local/bin/*"}}}, shop(unexplained), nil, assess.Pass, ""},
		{"files that were not traced", "executables", assess.Goals{Executables: &assess.Executables{}}, shop(func(s *assess.Subject) { s.Files = nil }), nil, assess.Unknown, ""},

		{"no secret", "secrets", assess.Goals{Secrets: &assess.SecretsGoal{}}, shop(), nil, assess.Pass, ""},
		{"a secret", "secrets", assess.Goals{Secrets: &assess.SecretsGoal{}}, shop(func(s *assess.Subject) {
			s.Secrets.Found = []secret.Secret{{ID: "secret:npm-token", Rule: "npm-token", Severity: match.High, In: secret.InFile, Place: inventory.Place{Path: "root/.npmrc"}}}
		}), nil, assess.Fail, "1 secret: npm-token in /root/.npmrc"},
		{"nobody looked for secrets", "secrets", assess.Goals{Secrets: &assess.SecretsGoal{}}, shop(func(s *assess.Subject) { s.Secrets = nil }), nil, assess.Unknown, ""},

		{"attested", "attestations", provenance, shop(), nil, assess.Pass, ""},
		{"attested by another", "attestations", assess.Goals{Attestations: []assess.Attestation{{Predicate: "https://slsa.dev/provenance/v1", Identities: []string{"https://github.com/other/*"}}}}, shop(), nil, assess.Fail, "by one of the identities: https://slsa.dev/provenance/v1"},
		{"attestations were not looked at", "attestations", provenance, shop(func(s *assess.Subject) { s.Attestations = nil }), nil, assess.Unknown, "nobody is named whose signatures are trusted"},

		{"young data", "data-age", assess.Goals{DataAge: &assess.DataAge{Max: 2 * day}}, shop(), nil, assess.Pass, "2026-08-21"},
		{"old advisory data", "data-age", assess.Goals{DataAge: &assess.DataAge{Max: day}}, shop(), nil, assess.Fail, "tidewaiter db update"},
		{"data of no known date", "data-age", assess.Goals{DataAge: &assess.DataAge{Max: day}}, shop(func(s *assess.Subject) { s.Data.Feeds[0].Date = "" }), nil, assess.Unknown, ""},

		{"a good score", "score", assess.Goals{Score: &assess.MinimumScore{Min: 80}}, shop(), nil, assess.Pass, "the score is 100.0"},
		{"a bad score", "score", assess.Goals{Score: &assess.MinimumScore{Min: 90}}, shop(with(listed("2020-01-01"))), nil, assess.Fail, "under 90"},
		{"a score of what was not judged", "score", assess.Goals{Score: &assess.MinimumScore{Min: 80}}, shop(blind(image.NoFeed)), nil, assess.Unknown, ""},
	} {
		t.Run(tt.goal+": "+tt.name, func(t *testing.T) {
			r := judged(t, tt.goal, tt.goals, tt.image, assess.Options{Bases: tt.bases})
			if shown[tt.goal] == nil {
				shown[tt.goal] = map[assess.Verdict]bool{}
			}
			shown[tt.goal][r.Verdict] = true
			if r.Verdict != tt.want || !strings.Contains(r.Reason+"\n"+r.Step, tt.says) {
				t.Errorf("%+v, want %s, saying %q", r, tt.want, tt.says)
			}
		})
	}
	for name, verdicts := range shown {
		if len(verdicts) != 3 {
			t.Errorf("%s was not shown passing, failing and unknown: %v", name, verdicts)
		}
	}
	if want := reflect.TypeFor[assess.Goals]().NumField() - len([]string{"Custom", "Hardening", "Provenance"}); len(shown) != want {
		t.Errorf("%d of %d goals were shown", len(shown), want)
	}
}

func unexplained(s *assess.Subject) {
	s.Files.Placed = append(s.Files.Placed, assess.PlacedFile{Path: "usr/local/bin/tool", Layer: 1, Program: true, Unexplained: true})
}

// Whether an image may be exposed so far is asked always, and first.
func TestExposureIsAlwaysAsked(t *testing.T) {
	s := shop(func(s *assess.Subject) { s.Image.Labels = map[string]string{assess.ExposureLabel: "controlled"} })
	env := assess.Environment{Name: "production", Exposure: assess.Open}
	results, verdict := assess.Judge(s, env, assess.Options{Now: today})
	if len(results) != 1 || results[0].Name != "exposure" || verdict != assess.Fail {
		t.Errorf("%+v", results)
	}
	env.Exposure = assess.Controlled
	if _, verdict := assess.Judge(s, env, assess.Options{Now: today}); verdict != assess.Pass {
		t.Error(verdict)
	}
}

func TestTheReasonNamesTheWorstFirst(t *testing.T) {
	s := shop(with(vulnerable(nil)))
	for i := range 9 {
		s.Findings = append(s.Findings, found(npm("left-pad", "1.0.0"), fmt.Sprintf("CVE-2026-%04d", i), match.High, "2.0.0"))
	}
	s.Findings = append(s.Findings, vulnerable(nil)) // the same problem of another copy is no further one
	goals := assess.Goals{Fixable: &assess.Fixable{Grace: map[match.Level]time.Duration{match.Critical: 0, match.High: 0}}}
	for i := range s.Findings {
		s.Findings[i].Published, s.Findings[i].FixPublished = "2026-01-01", "2026-01-01"
	}
	r := judged(t, "fixable", goals, s, assess.Options{})
	want := "10 fixable for longer than allowed: CVE-2019-10744 in lodash, CVE-2026-0000 in left-pad, CVE-2026-0001 in left-pad and 7 more"
	if r.Reason != want || len(r.Findings) != 10 || len(r.Offenders) != 10 {
		t.Errorf("%+v", r)
	}
	if d := cmp.Diff("CVE-2019-10744 npm/lodash", r.Offenders[0]); d != "" {
		t.Error(d)
	}
}

func TestLicenceExpressions(t *testing.T) {
	for _, tt := range []struct {
		allow, deny []string
		licenses    []string
		want        assess.Verdict
	}{
		{[]string{"MIT"}, nil, []string{"MIT OR GPL-3.0-only"}, assess.Pass},
		{[]string{"MIT"}, nil, []string{"MIT AND GPL-3.0-only"}, assess.Fail},
		{[]string{"MIT"}, nil, []string{"MIT", "GPL-3.0-only"}, assess.Fail},
		{[]string{"MIT", "Apache-2.0"}, nil, []string{"MIT AND (GPL-2.0-only OR Apache-2.0)"}, assess.Pass},
		{[]string{"MIT"}, nil, []string{"mit or GPL-2.0-only and Apache-2.0"}, assess.Pass}, // AND binds closer
		{nil, []string{"GPL-*"}, []string{"MIT OR GPL-3.0-only"}, assess.Pass},
		{nil, []string{"GPL-*"}, []string{"GPL-2.0-only WITH Classpath-exception-2.0"}, assess.Fail},
		{[]string{"*", "GPL-2.0* WITH Classpath-exception-*"}, []string{"GPL-*"}, []string{"GPL-2.0-only WITH Classpath-exception-2.0"}, assess.Pass},
		{[]string{"*", "GPL-2.0* WITH Classpath-exception-*"}, []string{"GPL-*"}, []string{"GPL-2.0-only"}, assess.Fail},
		{[]string{"GPL-2.0-only"}, nil, []string{"GPL-2.0"}, assess.Pass},          // the old name
		{[]string{"GPL-2.0+"}, nil, []string{"GPL-2.0-or-later"}, assess.Pass},     // the old name in the goal
		{[]string{"GPL-2.0-only"}, nil, []string{"GPL-2.0-or-later"}, assess.Fail}, // another licence
		{[]string{"MIT"}, []string{"MIT"}, []string{"MIT"}, assess.Fail},
		{[]string{"MIT"}, nil, []string{"Bespoke, see file"}, assess.Unknown}, // words, and no licence of SPDX's
		{nil, []string{"GPL-*"}, []string{"LicenseRef-ours"}, assess.Unknown},
		{[]string{"LicenseRef-ours"}, nil, []string{"LicenseRef-ours"}, assess.Pass},
		{[]string{"MIT"}, nil, []string{"(MIT"}, assess.Unknown},
		{[]string{"MIT"}, nil, []string{strings.Repeat("(", 3000) + "MIT" + strings.Repeat(")", 1000)}, assess.Unknown},
		{[]string{"MIT"}, nil, []string{strings.Repeat("(MIT OR X) AND ", 250) + "MIT"}, assess.Pass},
		{[]string{"MIT"}, nil, []string{"AND"}, assess.Unknown},
		{[]string{"MIT"}, nil, []string{"MIT WITH"}, assess.Unknown},
		{[]string{"MIT"}, nil, []string{"+"}, assess.Unknown},
		{[]string{"MIT"}, nil, []string{"licenseref-"}, assess.Unknown},
		{[]string{"MIT"}, nil, []string{"\x00 OR \xff"}, assess.Unknown},
	} {
		s := shop(licensed(tt.licenses...))
		s.Packages = s.Packages[:1]
		r := judged(t, "licenses", assess.Goals{Licenses: &assess.Licenses{Allow: tt.allow, Deny: tt.deny}}, s, assess.Options{})
		if r.Verdict != tt.want {
			t.Errorf("allow %v, deny %v: %.60v: %+v, want %s", tt.allow, tt.deny, tt.licenses, r, tt.want)
		}
	}
}

func TestCustomGoals(t *testing.T) {
	for _, tt := range []struct {
		expression string
		image      *assess.Subject
		want       assess.Verdict
		says       string
	}{
		{`packages.size() < 10`, shop(), assess.Pass, ""},
		{`!findings.exists(f, f.severity == "critical" && f.fixed.size() > 0)`, shop(with(vulnerable(nil))), assess.Fail, "ask the platform team"},
		{`findings.all(f, !has(f.kev))`, shop(with(vulnerable(nil))), assess.Pass, ""},
		{`findings.all(f, f.epss.score < 0.5)`, shop(with(vulnerable(nil))), assess.Pass, ""},
		{`findings.all(f, f.priority != "immediate" || f.due > string(now))`, shop(), assess.Pass, ""},
		{`config.user != "" && environment.name == "production" && environment.exposure == "open"`, shop(), assess.Pass, ""},
		{`image.labels["team"] == "shop"`, shop(), assess.Unknown, "no such key: team"},
		{`"team" in image.labels`, shop(), assess.Fail, ""},
		{`data.feeds.exists(f, f.name == "kev") && now > timestamp("2026-01-01T00:00:00Z")`, shop(), assess.Pass, ""},
		{`files.placed.all(f, !f.setuid)`, shop(), assess.Pass, ""},
		{`findings.size() == 0`, shop(blind(image.NoFeed)), assess.Unknown, "as far as can be seen"},
		{`findings.size() == 0`, shop(noData), assess.Unknown, "nothing was matched"},
		{`findings.size() == 0 && blindSpots.size() < 5`, shop(blind(image.NoFeed)), assess.Pass, ""}, // it looks at them itself
		{`packages.size() > 0`, shop(blind(image.NoFeed)), assess.Pass, ""},
		{`packages.size() > 0`, shop(blind(image.NoDatabase)), assess.Unknown, ""},
		{`image.reference.startsWith("shop")`, shop(blind(image.NoDatabase)), assess.Pass, ""},
		{`findings.all(f, f.sverity == "low")`, shop(), assess.Unknown, `line 1, column 18: there is no field "sverity": did you mean "severity"?`},
	} {
		goals := assess.Goals{Custom: []assess.Custom{{Name: "ours", Expression: tt.expression, Message: "ask the platform team"}}}
		r := judged(t, "ours", goals, tt.image, assess.Options{})
		if r.Verdict != tt.want || !strings.Contains(r.Reason+"\n"+r.Step, tt.says) {
			t.Errorf("%s: %+v, want %s, saying %q", tt.expression, r, tt.want, tt.says)
		}
	}
	for expression, want := range map[string]string{
		`findings.size() == 0`:           "",
		`finding.size() == 0`:            `did you mean "findings"?`,
		`findings.all(f, f.due > now)`:   "line 1, column 23: found no matching overload",
		`packages.map(p, p.name)`:        "a condition is true or false",
		`blindSpots.all(b, b.knd == "")`: `did you mean "kind"?`,
	} {
		err := assess.CheckExpression(expression)
		if got := fmt.Sprint(err); (err == nil) != (want == "") || !strings.Contains(got, want) && want != "" {
			t.Errorf("%s: %v, want %q", expression, err, want)
		}
	}
}

// Judging is done again for each step's effect: it has to be quick.
func BenchmarkJudge(b *testing.B) {
	s := shop()
	for i := range 1000 {
		p := npm(fmt.Sprintf("package-%d", i), "1.0.0")
		p.Licenses = []string{"MIT OR Apache-2.0"}
		s.Packages = append(s.Packages, *p)
		f := found(p, fmt.Sprintf("CVE-2026-%04d", i), []match.Level{match.Critical, match.High, match.Low}[i%3], "2.0.0")
		f.Published = "2026-01-01"
		s.Findings = append(s.Findings, f)
	}
	env := assess.BuiltIn()[0]
	env.Goals.Licenses = &assess.Licenses{Allow: []string{"MIT"}}
	env.Goals.Fixable = &assess.Fixable{Grace: map[match.Level]time.Duration{match.Critical: 0}}
	env.Goals.NonRoot, env.Goals.EndOfLife = &assess.Plain{}, &assess.EndOfLife{}
	for b.Loop() {
		assess.Judge(s, env, assess.Options{Now: today})
	}
}
