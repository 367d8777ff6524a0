package signature

import (
	"fmt"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/trust"
)

// CheckOf says whether the papers of an image can be believed: a false one fails, and where nobody who is trusted vouches for any of
// them, that is unknown.
//
// What could not be read of what is attached may be false or take something back: what was read does not answer for it.
func CheckOf(list []trust.Attestation, unread ...image.BlindSpot) trust.Check {
	c := trust.Check{Name: "signatures", Verdict: trust.Unknown}
	of := map[trust.Status][]trust.Attestation{}
	for _, a := range list {
		of[a.Status] = append(of[a.Status], a)
	}
	verified, broken, strangers := of[trust.Verified], of[trust.Broken], of[trust.Stranger]
	switch {
	case len(broken) > 0:
		c.Verdict = trust.Fail
		c.Reason = fmt.Sprintf("%s false: %s", counted(len(broken), len(list)), broken[0].Why)
		c.Step = "find out who put it there, and do not run the image before that"
	case len(unread) > 0:
		c.Reason = fmt.Sprintf("not all that is attached could be read: %s: %s", unread[0].Where, unread[0].Message)
		c.Step = "see the blind spots: have the registry answer, or what does not belong there removed"
		if len(verified) > 0 {
			c.Reason = counted(len(verified), len(list)) + " verified, but " + c.Reason
		}
	case len(list) == 0:
		c.Reason = "nobody signed the image, and no paper is attached to it"
		c.Step = "have its builder sign it: tidewaiter attest, or cosign sign"
	case len(verified) > 0:
		c.Verdict = trust.Pass
		c.Reason = counted(len(verified), len(list)) + " verified: signed by " + labels(verified)
	case len(strangers) > 0:
		c.Reason = fmt.Sprintf("%s signed, by nobody who is trusted (they say to be %s)", counted(len(strangers), len(list)), labels(strangers))
		c.Step = "if you know the signer, name the key with --key, or the identity with --certificate-identity and --certificate-oidc-issuer"
	default:
		c.Reason = fmt.Sprintf("%s there, and nobody signed any", papers(len(list)))
		c.Step = "have its builder sign it: tidewaiter attest, or cosign sign"
	}
	return c
}

func counted(n, all int) string {
	switch {
	case all == 1:
		return "the only paper is"
	case n == all:
		return fmt.Sprintf("all %d papers are", n)
	case n == 1:
		return fmt.Sprintf("1 of %d papers is", all)
	}
	return fmt.Sprintf("%d of %d papers are", n, all)
}

func papers(n int) string {
	if n == 1 {
		return "1 paper is"
	}
	return fmt.Sprintf("%d papers are", n)
}

// labels names the signers of some papers.
func labels(list []trust.Attestation) string {
	var names []string
	for _, a := range list {
		if label := a.Signer.Label(); label != "" && !slices.Contains(names, label) {
			names = append(names, label)
		}
	}
	slices.Sort(names)
	if len(names) > 3 {
		names = append(names[:3], fmt.Sprintf("%d more", len(names)-3))
	}
	return strings.Join(names, ", ")
}
