package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tidewaiter/assess"
	"tidewaiter/report"
	"tidewaiter/trust"
)

func approved() *report.Approval {
	s := &assess.Subject{Image: assess.Image{Reference: "shop:2.1", Digest: "sha256:" + strings.Repeat("a", 64)},
		Bindings: []trust.Binding{{Status: trust.Verified, Why: "signed", Signer: "security", Environments: []string{"production"}}}}
	found := &trust.Approvals{By: &trust.Approval{Status: trust.Verified, Signer: "security", Verifier: "https://tidewaiter.dev/gate", Tool: "tidewaiter 1.2",
		Environment: "production", Time: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), Result: "PASSED", Policy: "tidewaiter.yaml", PolicyDigest: "sha256:bb", Report: "sha256:cc"},
		Others: []trust.Approval{{Status: trust.Stranger, Attestation: "sha256:" + strings.Repeat("d", 64), Environment: "pro\x1b[31mduction", Refused: "signed by a stranger"}}}
	goals := []assess.GoalResult{{Name: "exposure", Verdict: assess.Pass, Reason: "nothing keeps it from open exposure"}, {Name: "approval", Verdict: assess.Fail, Reason: "it failed", Step: "mend it"}}
	return report.NewApproval(report.Tool{Name: "tidewaiter", Version: "1.2"}, s, assess.BuiltIn()[0], goals, assess.Fail, found)
}

func TestApprovalText(t *testing.T) {
	var b bytes.Buffer
	if err := report.ApprovalText(&b, approved(), report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"shop:2.1  sha256:aaaaaaaaaaaa", "production, open exposure   by its approval: nothing was scanned", "signed by security",
		"on        2026-11-01 12:00:00 UTC", "Approvals that do not count", `pro\x1b[31mduction`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Index(text, "not met  approval") > strings.Index(text, "met      exposure") || strings.Contains(text, "\x1b") {
		t.Errorf("what is not met comes first, and nothing is painted:\n%s", text)
	}
}

func TestApprovalJSONIsAsItsSchemaSays(t *testing.T) {
	var b bytes.Buffer
	if err := report.ApprovalJSON(&b, approved()); err != nil {
		t.Fatal(err)
	}
	if err := validateAs(b.Bytes(), "https://tidewaiter.dev/schema/approval-1.json"); err != nil {
		t.Error(err)
	}
}
