package trust

import (
	"strings"
	"testing"
)

func TestVerdictOfChecks(t *testing.T) {
	for _, tc := range []struct {
		checks string // p, f, u
		want   CheckVerdict
	}{
		{"", Unknown},
		{"p", Pass},
		{"pp", Pass},
		{"pu", Unknown},
		{"up", Unknown},
		{"ufp", Fail},
		{"pf", Fail},
	} {
		var v Verification
		for _, c := range tc.checks {
			v.Checks = append(v.Checks, Check{Verdict: map[rune]CheckVerdict{'p': Pass, 'f': Fail, 'u': Unknown}[c]})
		}
		if got := v.Verdict(); got != tc.want {
			t.Errorf("%q: %s, not %s", tc.checks, got, tc.want)
		}
	}
}

// A signer is called what the user calls him, then what a certificate proves, then by the key.
func TestLabelOfSigner(t *testing.T) {
	key := "sha256:" + strings.Repeat("ab", 32)
	for _, tc := range []struct {
		signer *Signer
		want   string
	}{
		{nil, ""},
		{&Signer{Name: "release", Identity: "a@example.com", Key: key}, "release"},
		{&Signer{Identity: "a@example.com", Key: key}, "a@example.com"},
		{&Signer{Key: key}, "key sha256:abababababab"},
		{&Signer{}, "an unknown key"},
	} {
		if got := tc.signer.Label(); got != tc.want {
			t.Errorf("%+v: %q, not %q", tc.signer, got, tc.want)
		}
	}
}

func TestRulesNameOneSigner(t *testing.T) {
	for _, tc := range []struct {
		rule Rule
		want string // in the error; empty: none
	}{
		{Rule{Key: "a.pub"}, ""},
		{Rule{Identity: "a@example.com", Issuer: "https://accounts.example.com"}, ""},
		{Rule{Identity: "a@example.com", Authority: "ca.pem"}, ""},
		{Rule{}, "names no signer"},
		{Rule{Issuer: "https://accounts.example.com"}, "names no signer"},
		{Rule{Key: "a.pub", Identity: "a@example.com"}, "two entries"},
		{Rule{Key: "a.pub", Authority: "ca.pem"}, "go with an identity"},
		{Rule{Identity: "*"}, "who vouches"},
	} {
		switch err := tc.rule.Check(); {
		case tc.want == "" && err != nil:
			t.Errorf("%+v: %v", tc.rule, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%+v: %v, not %q", tc.rule, err, tc.want)
		}
	}
}
