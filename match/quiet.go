package match

import (
	"fmt"

	"tidewaiter/inventory"
)

// Standing gives the findings that nothing quieted.
func Standing(findings []Finding) []Finding {
	var standing []Finding
	for _, f := range findings {
		if f.Quieted == nil {
			standing = append(standing, f)
		}
	}
	return standing
}

// QuietOrigin quiets the standing findings of one origin, in place, on the word of by (a flag). Malware stands whoever
// brought it, and so does what both brought: who asks for the one is shown it.
func QuietOrigin(findings []Finding, origin inventory.Origin, by string) {
	whose := map[inventory.Origin]string{inventory.OfBase: "the base image", inventory.OfApp: "the application"}
	for i := range findings {
		if f := &findings[i]; f.Quieted == nil && f.Origin == origin && !f.Malicious {
			f.Quieted = &Quieted{By: by, Reason: fmt.Sprintf("it is of %s", whose[origin])}
		}
	}
}
