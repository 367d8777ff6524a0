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

// provenance is that of the shop: verified, with inputs of each pin and claims of each standing.
func provenance() *trust.Provenance {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return &trust.Provenance{
		PredicateType: "https://slsa.dev/provenance/v1", BuildType: "https://actions.github.io/buildtypes/workflow/v1", Attested: trust.Verified, Signer: "release",
		SignedBy: &trust.Signer{Name: "release", Identity: "https://github.com/acme/shop/.github/workflows/release.yml@refs/tags/v2.1",
			Issuer: "https://token.actions.githubusercontent.com", SignedAt: at},
		Builder: "https://github.com/acme/shop/.github/workflows/release.yml@refs/tags/v2.1", Platform: "linux/amd64",
		Source:     &trust.BuildSource{URI: "https://github.com/acme/shop", Commit: "9f3c1e2a5d4c3b2a19080706050403020100ffee", Ref: "refs/tags/v2.1", Entry: ".github/workflows/release.yml"},
		Invocation: "https://github.com/acme/shop/actions/runs/42", Started: at.Add(-90 * time.Second), Finished: at, Mode: "max", InputsAttested: trust.Unsigned,
		Inputs: []trust.Input{
			{Kind: "git", Name: "https://github.com/acme/shop.git", Digest: "sha1:9f3c1e2a5d4c3b2a19080706050403020100ffee", Pin: trust.Pinned, Why: "what the build was of: this commit"},
			{Kind: "http", Name: "https://example.test/tool.tgz\x1b[2J", Digest: digest('8'), Pin: trust.Floating, Why: "ADD without --checksum takes whatever is there that day", DockerfileLine: 7},
			{Kind: "image", Name: "debian:12-slim@" + digest('9'), Digest: digest('9'), Pin: trust.PinnedVerified, Why: "asked for by its digest; its 1 layer is the image's lowest, compared with the known base", DockerfileLine: 1},
			{Kind: "local", Name: "context", Pin: trust.PinUnknown, Why: "a directory of whoever built it: nothing says what was in it"},
			{Kind: "network", Name: "RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --cache /tmp/npm", Pin: trust.PinUnknown, Why: "it ran with the network, and only its command knows what it fetched", DockerfileLine: 4},
			{Kind: "network", Name: "RUN make a", Pin: trust.PinUnknown, Why: "it ran with the network, and only its command knows what it fetched", DockerfileLine: 5},
			{Kind: "network", Name: "RUN make b", Pin: trust.PinUnknown, Why: "it ran with the network, and only its command knows what it fetched", DockerfileLine: 6},
			{Kind: "network", Name: "RUN make c", Pin: trust.PinUnknown, Why: "it ran with the network, and only its command knows what it fetched", DockerfileLine: 8},
		},
		Claims: []trust.Claim{
			{Name: "builder", Value: "https://github.com/acme/shop/.github/workflows/release.yml@refs/tags/v2.1", Standing: trust.Proven, Why: "signed by release"},
			{Name: "source", Value: "https://github.com/acme/shop@9f3c1e2a5d4c3b2a19080706050403020100ffee", Standing: trust.Proven, Why: "signed by release"},
			{Name: "base", Value: "debian:12-slim@" + digest('9'), Standing: trust.Proven, Why: "its 1 layer is the image's lowest, compared with the known base"},
			{Name: "inputs", Value: "1 pinned and verified, 1 pinned, 1 floating, 5 unknown", Standing: trust.Absent, Why: "nothing says that the list is complete"},
			{Name: "platform", Value: "linux/amd64", Standing: trust.Proven, Why: "the image says the same"},
			{Name: "SLSA level", Value: "Build L2", Standing: trust.Claimed, Why: "signed with the identity that https://token.actions.githubusercontent.com gave the run"},
		},
		Notes: []string{"another provenance (unsigned) names another builder: https://ci.example.test/"},
	}
}

func TestTheProvenanceOnOneScreen(t *testing.T) {
	refuted := provenance()
	refuted.Attested, refuted.Signer, refuted.InputsAttested = trust.Stranger, "mallory@example.test", ""
	refuted.Claims[4] = trust.Claim{Name: "platform", Value: "linux/arm64", Standing: trust.Refuted, Why: "the image is for linux/amd64"}
	broken := &trust.Provenance{PredicateType: "https://slsa.dev/provenance/v1", Attested: trust.Broken, Notes: []string{"the provenance sha256:1111 is broken and was not gone by: its payload was changed"}}
	bare := &trust.Provenance{PredicateType: "https://slsa.dev/provenance/v1", BuildType: "https://mobyproject.org/buildkit@v1", Attested: trust.Unsigned, Mode: "min"}
	var all bytes.Buffer
	for _, p := range []*trust.Provenance{provenance(), refuted, broken, bare} {
		v := report.NewVerification(report.Tool{}, assess.Image{Reference: "shop:2.1"}, trust.Verification{Checks: []trust.Check{{Name: "provenance", Verdict: trust.Unknown, Reason: "as shown"}}, Provenance: p}, nil)
		if err := report.VerificationText(&all, v, false, report.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		all.WriteString("\n")
	}
	golden(t, "provenance.txt", all.Bytes())
	if strings.ContainsRune(all.String(), '\x1b') {
		t.Error("a control character came through")
	}
}
