package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
	"tidewaiter/report"
	"tidewaiter/trust"
	"tidewaiter/trust/approval"
	"tidewaiter/trust/signature"
)

// approving is a place with an image in a registry, a key, and a policy that believes in it.
type approving struct {
	*attesting
	config string
}

func newApproving(t *testing.T) *approving {
	t.Helper()
	a := &approving{attesting: newAttesting(t, true)}
	t.Chdir(a.dir)
	a.config = a.path("policy.yaml")
	a.writePolicy(lenient)
	return a
}

// What the policies here demand.
const (
	lenient = "malicious: on"
	strict  = "non-root: on"
)

// writePolicy believes in the key, and demands something.
func (a *approving) writePolicy(goals string) {
	a.t.Helper()
	a.write(a.config, []byte("default: shops\ntrust:\n  - {name: security, key: plain.pub}\nenvironments:\n  shops: {like: development, exposure: controlled, goals: {"+goals+"}}\n"))
}

// command runs the program with what all its commands here are asked, and gives what it said on standard output, on one line.
func (a *approving) command(want int, args ...string) string {
	a.t.Helper()
	var out, errs bytes.Buffer
	args = append(args, "--config", a.config)
	if code := run(a.t.Context(), args, streams{in: strings.NewReader(""), out: &out, err: &errs, now: now}); code != want {
		a.t.Errorf("tidewaiter %v: exit code %d, not %d: %s%s", args, code, want, out.String(), errs.String())
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// approve approves the image, and gives the bundle.
func (a *approving) approve(more ...string) []byte {
	a.t.Helper()
	bundle := a.path("approval.json")
	a.command(exitDone, append([]string{"attest", "approve", a.image, "--key", a.key, "--advisories", a.newer, "--bundle", bundle}, more...)...)
	raw, err := os.ReadFile(bundle)
	if err != nil {
		a.t.Fatal(err)
	}
	return raw
}

func (a *approving) required(want int, more ...string) string {
	a.t.Helper()
	return a.command(want, append([]string{"gate", a.image, "--require-approval", "--format", "json"}, more...)...)
}

// in is the same for a part of the test.
func (a *approving) in(t *testing.T) *approving {
	of, at := *a.shared, *a.attesting
	of.t, at.shared = t, &of
	return &approving{&at, a.config}
}

// onlyWith copies the image to another repository, where a bundle is all that is attached to it; nil is none.
func (a *approving) onlyWith(t *testing.T, repository string, bundle []byte) *approving {
	t.Helper()
	other := a.in(t)
	status := "Package: tea\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\n\n"
	other.image = other.push(imagetest.Index(t, imagetest.Build(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t,
		imagetest.File{Name: "etc/os-release", Content: "ID=debian\nVERSION_ID=12\n"}, imagetest.File{Name: "var/lib/dpkg/status", Content: status})}})), repository+"/shop:1")
	im, err := (&imageOptions{}).open(t.Context(), other.image)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	subjects, err := im.Subjects()
	if err != nil || bundle == nil {
		return other
	}
	if err := image.Attach(t.Context(), other.image, signature.NewReferrers(bundle, trust.VerificationSummaryV1, subjects), image.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	return other
}

// edited gives a bundle whose statement says something else, with the signature that it had.
func edited(t *testing.T, bundle []byte, old, now string) []byte {
	t.Helper()
	var b map[string]json.RawMessage
	var e signature.Envelope
	if err := json.Unmarshal(bundle, &b); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b["dsseEnvelope"], &e); err != nil {
		t.Fatal(err)
	}
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil || !bytes.Contains(payload, []byte(old)) {
		t.Fatalf("%v: no %q in %s", err, old, payload)
	}
	e.Payload = base64.StdEncoding.EncodeToString(bytes.ReplaceAll(payload, []byte(old), []byte(now)))
	if b["dsseEnvelope"], err = json.Marshal(e); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// An approval is asked for in place of a scan: no layer is fetched.
func TestAnApprovalStandsInForAScan(t *testing.T) {
	a := newApproving(t)
	a.says(a.required(exitUnknown), "no approval is attached to it")
	a.approve("--output", "json=report.json")
	var found report.Approval
	if err := json.Unmarshal([]byte(a.required(exitDone)), &found); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	by := found.Approval
	if by == nil || by.Signer != "security" || by.Environment != "shops" || by.Report != approval.DigestOf(raw) || by.Result != approval.Passed {
		t.Errorf("%+v: not by the report %s", by, approval.DigestOf(raw))
	}
	policy, err := os.ReadFile(a.config)
	if err != nil || by.PolicyDigest != approval.DigestOf(policy) {
		t.Errorf("%v: the policy %s is not the file's, %s", err, by.PolicyDigest, approval.DigestOf(policy))
	}
}

func TestAGateThatFailsApprovesNothing(t *testing.T) {
	a := newApproving(t)
	a.writePolicy(strict)
	a.command(exitNotMet, "attest", "approve", a.image, "--key", a.key, "--advisories", a.newer)
	a.command(exitUnknown, "attest", "approve", a.image, "--key", a.key, "--advisories", a.newer, "--env", "staging") // the base's feeds are not there
	a.says(a.required(exitUnknown), "no approval is attached to it")
}

func TestAnApprovalThatDoesNotCount(t *testing.T) {
	a := newApproving(t)
	good := a.approve()
	forged := a.path("forged.json")
	a.command(exitDone, "attest", "approve", a.image, "--key", a.path("acme.key"), "--advisories", a.newer, "--no-upload", "--bundle", forged)
	strangers, err := os.ReadFile(forged)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		bundle []byte
		more   []string
		want   string
	}{
		{name: "stripped", want: "no approval is attached to it"},
		{name: "by a stranger", bundle: strangers, want: "signed by a stranger"},
		{name: "edited", bundle: edited(t, good, `"environment":"shops"`, `"environment":"store"`), want: "broken"},
		{name: "of another image", bundle: edited(t, good, `"subject":[`, `"subject":[{"name":"x","digest":{"sha256":"00"}},`), want: "broken"},
		{name: "for another environment", bundle: good, more: []string{"--env", "production"}, want: "it is for shops, not for production"},
		{name: "too old", bundle: good, more: []string{"--approval-max-age", "1h"}, want: "older than 1h0m0s"},
		{name: "by another verifier", bundle: good, more: []string{"--approval-verifier", "https://acme.example/*"}, want: "--approval-verifier does not name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := a.onlyWith(t, strings.ReplaceAll(c.name, " ", "-"), c.bundle)
			if c.name == "too old" {
				t.Setenv("SOURCE_DATE_EPOCH", "1793584801") // two hours later
			}
			other.says(other.required(exitUnknown, append(c.more, "--approval-repository", "*/shop")...), c.want)
		})
	}
	// The same is approved where the image was copied to with its papers, if the user says that it may be.
	copied := a.onlyWith(t, "copied", good)
	copied.says(copied.required(exitUnknown), "it is for the image in")
	copied.required(exitDone, "--approval-repository", "*/shop")
	// By another policy nothing is approved, unless any will do.
	a.writePolicy("malicious: on, data-age: {max: 20d}")
	a.says(a.required(exitUnknown), "another policy than that of now: environment.goals.data-age.max")
	a.required(exitDone, "--any-policy")
}

func TestAnApprovalIsReplayed(t *testing.T) {
	a := newApproving(t)
	a.command(exitDone, "except", "add", "X-1", "--owner", "ada@example.com", "--reason", "known", "--until", "2026-12-31")
	if err := os.Mkdir("statements", 0o755); err != nil {
		t.Fatal(err)
	}
	a.write("statements/shop.openvex.json", []byte(`{"@context":"https://openvex.dev/ns/v0.2.0","@id":"urn:x","author":"a","timestamp":"2026-11-01T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:deb/debian/tea"}],"status":"not_affected","justification":"component_not_present"}]}`))
	a.approve("--vex", "./statements/", "--rule", "disputed=off")
	statements := "statements"
	replay := func(want int, more ...string) string {
		t.Helper()
		return a.command(want, append([]string{"verify", a.image, "--replay", "--advisories", a.newer, "--all", "--vex", statements}, more...)...)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1796169600") // a month later
	a.says(replay(exitDone), "comes out again, and its report to the byte", "same exceptions .openvex/X-1.openvex.json")
	a.command(exitDone, "record", a.image, "--env", "shops", "--advisories", a.newer)
	replay(exitDone) // what runs now is not what ran then
	if err := errors.Join(os.Rename(".openvex", "elsewhere"), os.Rename("statements", "others")); err != nil {
		t.Fatal(err)
	}
	statements = a.path("others")
	replay(exitDone, "--exceptions", "elsewhere")
	a.says(replay(exitUnknown), "missing exceptions", "by what is at hand it is PASSED")
	a.says(a.command(exitUnknown, "verify", a.image, "--replay", "--advisories", a.older, "--exceptions", "elsewhere", "--vex", statements), "differs advisories")
	a.writePolicy(strict)
	a.says(replay(exitUnknown, "--exceptions", "elsewhere"), "the policy differs in environment.goals.non-root", "by what is at hand it is FAILED")
	a.writePolicy(lenient)
	a.write(a.path("plain.pub"), []byte(readFile(t, a.path("acme.pub"))))
	a.says(replay(exitUnknown, "--exceptions", "elsewhere"), "signed by a stranger, so nothing was judged by it")
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestABindingIsHonoured(t *testing.T) {
	a := newApproving(t)
	bind := func(key string, more ...string) {
		t.Helper()
		a.command(exitDone, append([]string{"attest", "bind", a.image, "--key", key}, more...)...)
	}
	gate := func(want int, more ...string) string {
		t.Helper()
		return a.command(want, append([]string{"gate", a.image, "--advisories", a.newer, "--all"}, more...)...)
	}
	if strings.Contains(gate(exitDone), "binding") {
		t.Error("a goal that nobody asked for")
	}
	bind(a.path("acme.key"), "--env", "staging", "--reason", "eve's")
	a.says(gate(exitDone), "left aside: 1 binding to staging, signed by a stranger")
	a.approve()
	bind(a.key, "--env", "staging", "--reason", "not reviewed yet", "--until", "2026-12-01")
	a.says(gate(exitNotMet), "not met binding", "security has bound it to staging until 2026-12-01 (not reviewed yet)")
	a.says(a.required(exitNotMet), "security has bound it to staging")
	a.command(exitNotMet, "attest", "approve", a.image, "--key", a.key, "--advisories", a.newer)
	for _, wrong := range [][]string{{"--env", "stagin", "--reason", "x"}, {"--env", "staging"}, {"--reason", "x"}, {"--exposure", "wide", "--reason", "x"}, {"--env", "staging", "--reason", "x", "--until", "2026-01-01"}} {
		a.command(exitFailed, append([]string{"attest", "bind", a.image, "--key", a.key}, wrong...)...)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1796169600") // 2026-12-02
	a.says(gate(exitDone, "--max-data-age", "90d", "--rule", "disputed=off"), "no binding that holds keeps it from shops")
}

// What is approved here, cosign verifies.
func TestCosignVerifiesAnApproval(t *testing.T) {
	run := cosign(t)
	a := newApproving(t)
	a.approve()
	a.command(exitDone, "attest", "bind", a.image, "--key", a.key, "--env", "shops", "--reason", "internal")
	for _, kind := range []string{trust.VerificationSummaryV1, trust.BindingV1} {
		if said, err := run("verify-attestation", "--key", a.public, "--type", kind, "--insecure-ignore-tlog", a.image); err != nil {
			t.Errorf("%s: %v: %s", kind, err, said)
		}
	}
}
