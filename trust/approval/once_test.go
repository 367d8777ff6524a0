package approval

import (
	"strings"
	"testing"

	"tidewaiter/trust"
)

// What says two things of one name is read by one program as the first and by another as the last: it approves and binds nothing.
func TestDecisionSaysEachThingOnce(t *testing.T) {
	const head = `{"verifier":{"id":"https://tidewaiter.dev/gate"},"policy":{},"verificationResult":"FAILED"`
	for _, tc := range []struct{ text, want string }{
		{head + `,"https://tidewaiter.dev/approval/v1":{"environment":"staging"}}`, ""},
		{head + `,"verificationResult":"PASSED"}`, "the field verificationResult"},
		{head + `,"VerificationResult":"PASSED"}`, "the field verificationResult"},
		{head + `,"https://tidewaiter.dev/approval/v1":{"environment":"staging","Environment":"production"}}`, "the field environment"},
		{head + `,"https://tidewaiter.dev/approval/v1":{},"https://tidewaiter.dev/approval/v1":{}}`, "approval/v1 more than once"},
	} {
		_, err := Parse([]byte(tc.text))
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, not %q", tc.text, err, tc.want)
		}
	}
	list := Bindings([]trust.Attestation{{
		PredicateType: trust.BindingV1, Status: trust.Verified,
		Statement: &trust.Statement{Predicate: []byte(`{"environments":["staging"],"Environments":["production"],"reason":"tests only"}`)},
	}}, nil)
	if len(list) != 1 || list[0].Status != trust.Broken || !strings.Contains(list[0].Why, "the field environments") {
		t.Errorf("%+v", list)
	}
}
