package report_test

import (
	"bytes"
	"strings"
	"testing"

	"tidewaiter/assess"
	"tidewaiter/report"
	"tidewaiter/trust"
)

// What differs comes first, with who did it; what was compared and what was not comes after.
func TestSBOMAgainstContent(t *testing.T) {
	layer := 4
	list := []trust.Drift{
		{
			Format: "SPDX 2.3", Tool: "syft 1.57", Where: "sha256:" + strings.Repeat("ab", 32), Attested: trust.Verified, Signer: "release",
			OtherImage: "sha256:" + strings.Repeat("cd", 32), Claimed: 1200, Same: 1197, FilesSame: 4682, Uncompared: 1,
			Differences: []trust.Difference{
				{Kind: trust.OtherContent, Package: "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64", Attested: "sha1:" + strings.Repeat("1", 40), Actual: "sha1:" + strings.Repeat("2", 40),
					Path: "usr/lib/libz.so.1", Layer: &layer, Instruction: "RUN cp /tmp/libz.so.1 /usr/lib/", DockerfileLine: 9},
				{Kind: trust.OtherVersion, Package: "pkg:npm/%40babel/core@7.2.0", Attested: "7.1.0", Actual: "7.2.0", Path: "app/node_modules/@babel/core/package.json"},
				{Kind: trust.NotAttested, Package: "pkg:golang/github.com/evil/evil@v1.0.0", Actual: "v1.0.0", Path: "usr/bin/evil\x1b[2J", Layer: &layer, Instruction: "COPY evil /usr/bin/"},
				{Kind: trust.NotAttested, Actual: "sha256:" + strings.Repeat("3", 64), Path: "usr/bin/nobody"},
				{Kind: trust.NotPresent, Package: "pkg:maven/org.acme/core@1.0", Attested: "1.0", Path: "app/core.jar"},
				{Kind: trust.NotPresent, Package: "pkg:gem/rack@2", Attested: "sha1:" + strings.Repeat("4", 40), Path: "gems/rack.rb"},
			},
			Notes: []string{"1 package aboard that the SBOM does not list: programs recognised by their content, of which each tool recognises others: zlib 1.2.13"},
		},
		{Format: "SPDX 2.3", Where: "sbom.json", Stage: "build", Claimed: 3, Differences: []trust.Difference{}, Notes: []string{"it is about stage build of the build, and not about the image: not compared"}},
	}
	v := report.NewVerification(report.Tool{}, assess.Image{Reference: "shop:2.1", Platform: "linux/amd64"}, trust.Verification{SBOMs: list,
		Checks: []trust.Check{{Name: "sbom", Verdict: trust.Fail, Reason: "as shown", Step: "look"}}}, nil)
	var b bytes.Buffer
	if err := report.VerificationText(&b, v, true, report.TextOptions{Width: 110}); err != nil {
		t.Fatal(err)
	}
	golden(t, "verifysbom.txt", b.Bytes())
}
