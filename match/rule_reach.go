package match

import (
	"fmt"
	"strings"
)

// notReached lowers findings of packages that the image's own process does not come to. It dismisses nothing: an application
// can start a program, or load a library, under a name that stands only in its own text.
var notReached = Rule{
	Name: "not-reached", Effect: Lower, Looks: true,
	About: "nothing of the package is linked, loaded or started by what the image's entrypoint comes to, as far as loaders, scripts, plug-in " +
		"directories and the names in programs tell; what an application starts by itself at run time is not seen",
	holds: func(f *Finding, c *ruleContext) string {
		reach := c.matcher.inv.Reach
		if !f.Of.OfDistribution() || f.Of.Claimed || reach.Unknown() != "" {
			return ""
		}
		programs, through := reach.Package(f.Of)
		if len(programs) == 0 || through != "" {
			return ""
		}
		return fmt.Sprintf("nothing that %s comes to links, loads or starts %s", reach.Entrypoint(), few(programs))
	},
}

// few names some files, and counts the rest.
func few(files []string) string {
	const most = 2
	named := "/" + strings.Join(files[:min(len(files), most)], ", /")
	if more := len(files) - most; more > 0 {
		return fmt.Sprintf("%s or %d more", named, more)
	}
	return named
}
