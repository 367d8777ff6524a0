package report_test

import (
	"bytes"
	"testing"

	"tidewaiter/assess"
	"tidewaiter/report"
	"tidewaiter/trust"
)

// What differs stands under its instruction, what belongs to none at the end; what is as declared is counted, and listed with --all.
func TestDeclaredText(t *testing.T) {
	layer := 3
	d := &trust.Declared{
		Dockerfile: "Dockerfile", Context: ".",
		Instructions: []trust.DeclaredInstruction{
			{Line: 1, Text: "FROM debian:12", Verdict: trust.AsDeclared, Note: "its layers are those of the known debian:12"},
			{Line: 3, Text: "RUN apt-get update && apt-get install -y --no-install-recommends curl ca-certificates && rm -rf /var/lib/apt/lists/*", Layer: &layer, Verdict: trust.Differs, Packages: 12, Files: 1230},
			{Line: 7, Text: "RUN make", Layer: &layer, Verdict: trust.Untold, Files: 14, Note: "what make makes cannot be told"},
			{Line: 9, Text: "COPY . .", Layer: &layer, Verdict: trust.Differs, Files: 1},
			{Line: 12, Text: "USER app", Verdict: trust.Differs},
		},
		Differences: []trust.Undeclared{
			{Kind: trust.UndeclaredPackage, Line: 3, Layer: &layer, Instruction: "RUN apt-get update && apt-get install -y --no-install-recommends curl ca-certificates && rm -rf /var/lib/apt/lists/*", Subject: "pkg:deb/debian/netcat@1.10", Actual: "1.10", Why: "no instruction names it, and nothing that one names needs it"},
			{Kind: trust.OtherCopy, Line: 9, Layer: &layer, Instruction: "COPY . .", Subject: "/app/server.js", Declared: digest('a'), Actual: digest('b'), Why: "its content is another one (server.js)"},
			{Kind: trust.OtherConfig, Line: 12, Instruction: "USER app", Subject: "USER", Declared: "app", Actual: "root", Why: "the image has another value than the instruction sets"},
			{Kind: trust.LayerWithout, Layer: &layer, Subject: "layer 3", Actual: "RUN \x1b[31mx", Why: "no instruction of the Dockerfile made this layer: it adds /opt/x"},
		},
		Notes: []string{"the history tells of another number of layers than the image has (4): instructions were laid beside the layers by what these hold"},
	}
	for i := range 8 {
		d.Differences = append(d.Differences, trust.Undeclared{Kind: trust.UnexplainedFile, Layer: &layer, Subject: "/opt/x/" + string(rune('a'+i)), Why: "it came with a layer that no instruction made"})
	}
	v := report.NewVerification(report.Tool{}, assess.Image{Reference: "shop:2.1", Platform: "linux/amd64"}, trust.Verification{Declared: d,
		Checks: []trust.Check{{Name: "declared", Verdict: trust.Fail, Reason: "the image differs from its Dockerfile in 12 things", Step: "build it anew"}}}, nil)
	var b bytes.Buffer
	for _, all := range []bool{false, true} {
		if err := report.VerificationText(&b, v, true, report.TextOptions{All: all}); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "verifydeclared.txt", b.Bytes())
}
