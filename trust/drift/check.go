package drift

import (
	"fmt"
	"strings"

	"tidewaiter/trust"
)

// CheckOf says whether an image's SBOMs are true: one that differs fails, and where nobody who is trusted vouches for any of them,
// or each leaves out what is aboard, it is not known.
func CheckOf(all []trust.Drift) trust.Check {
	check := trust.Check{Name: "sbom", Verdict: trust.Unknown}
	var about []trust.Drift
	for _, d := range all {
		if d.Stage == "" {
			about = append(about, d)
		}
	}
	if len(about) == 0 {
		check.Reason = "there is no SBOM of the image to compare with what is aboard"
		check.Step = "attach one with tidewaiter attest sbom, or name a file with --sbom"
		return check
	}
	for i := range about {
		d := &about[i]
		if verdict, reason, step := judge(d); verdict == trust.Fail {
			check.Verdict, check.Reason, check.Step = verdict, reason, step
			return check
		} else if check.Verdict == trust.Unknown { // the first that passes stands for all; until then the last reason does
			check.Verdict, check.Reason, check.Step = verdict, reason, step
		}
	}
	return check
}

// judge is the verdict on one SBOM.
func judge(d *trust.Drift) (verdict trust.CheckVerdict, reason, step string) {
	switch {
	case d.Attested == trust.Broken:
		return trust.Fail, "the SBOM cannot be believed: its attestation is broken", "look at it with tidewaiter attest list"
	case len(d.Differences) > 0:
		reason = "what is aboard is not what the SBOM says: " + Sum(d)
		if d.OtherImage != "" {
			reason = "the SBOM is about another image, " + short(d.OtherImage) + ", and " + reason
		}
		return trust.Fail, reason, "look at the first difference; make a new SBOM only when all of them are wanted"
	case d.OtherImage != "" && d.Attested != trust.Verified: // who signed it for this image may have made it before it was pushed
		return trust.Unknown, "the SBOM says that it is about another image, " + short(d.OtherImage) + ", though what it lists is what is aboard",
			"make the SBOM of the image as it was pushed"
	case d.Attested == trust.Stranger:
		return trust.Unknown, fmt.Sprintf("what is aboard is what the SBOM says, but it is %s", d.Attested.Words()),
			"if you know the signer, say so with --key or in tidewaiter.yaml"
	case d.Attested == trust.Unsigned:
		return trust.Unknown, fmt.Sprintf("what is aboard is what the SBOM says, but it is %s", d.Attested.Words()),
			"sign it, and say with --key or in tidewaiter.yaml whom to trust"
	case d.Claimed == 0:
		return trust.Unknown, "the SBOM lists no package", "make one with tidewaiter sbom or tidewaiter attest sbom"
	case d.Uncompared > 0:
		return trust.Unknown, fmt.Sprintf("what the SBOM lists is aboard, but it lists nothing that vouches for %s aboard", packages(d.Uncompared)),
			"make an SBOM that lists all packages with their versions, such as that of tidewaiter attest sbom"
	}
	reason = fmt.Sprintf("what is aboard is what the SBOM says: %s", packages(d.Same))
	if d.FilesSame > 0 {
		reason += fmt.Sprintf(" and the content of %d files", d.FilesSame)
	}
	return trust.Pass, reason, ""
}

// Sum says in a few words how an SBOM differs: "1 file with other content, 2 packages not listed".
func Sum(d *trust.Drift) string {
	count := map[trust.DifferenceKind]int{}
	for i := range d.Differences {
		count[d.Differences[i].Kind]++
	}
	var parts []string
	for _, k := range []struct {
		kind      trust.DifferenceKind
		one, many string
	}{
		{trust.OtherContent, "file with other content", "files with other content"},
		{trust.OtherVersion, "package in another version", "packages in other versions"},
		{trust.NotAttested, "package that it does not list", "packages that it does not list"},
		{trust.NotPresent, "thing that it lists and that is not there", "things that it lists and that are not there"},
	} {
		switch n := count[k.kind]; n {
		case 0:
		case 1:
			parts = append(parts, "1 "+k.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, k.many))
		}
	}
	return strings.Join(parts, ", ")
}

// short cuts a digest to what people compare.
func short(digest string) string { return digest[:min(len(digest), len("sha256:")+12)] }
