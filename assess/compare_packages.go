package assess

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/version"
)

// PackageChange is a package that one of the two images has and the other has not, or has in another version.
type PackageChange struct {
	Change PackageChangeKind `json:"change"`
	Type   string            `json:"type"`
	Name   string            `json:"name"`
	// From and To are the versions that only the one or the other has.
	From   []string         `json:"from,omitempty"`
	To     []string         `json:"to,omitempty"`
	Origin inventory.Origin `json:"origin,omitempty"`
}

// PackageChangeKind is what became of a package.
type PackageChangeKind string

// What became of packages.
const (
	Added      PackageChangeKind = "added"
	Removed    PackageChangeKind = "removed"
	Upgraded   PackageChangeKind = "upgraded"
	Downgraded PackageChangeKind = "downgraded"
	Changed    PackageChangeKind = "changed" // of several copies, or of versions that have no order
)

// packageName is what a package is called whatever its version.
type packageName struct{ purlType, name string }

// byName puts packages together that have one name. What a distribution's package installed is that package.
func byName(packages []inventory.Package) map[packageName][]*inventory.Package {
	out := map[packageName][]*inventory.Package{}
	for i := range packages {
		if p := &packages[i]; p.Owner == "" {
			key := packageName{p.Type, p.Name}
			out[key] = append(out[key], p)
		}
	}
	return out
}

func packageChanges(from, to *Subject) []PackageChange {
	a, b := byName(from.Packages), byName(to.Packages)
	all := maps.Clone(a)
	maps.Copy(all, b)
	changes := []PackageChange{}
	for key := range all {
		had, has := versionsOf(a[key]), versionsOf(b[key])
		c := PackageChange{Type: key.purlType, Name: key.name, From: without(had, has), To: without(has, had), Origin: all[key][0].Origin}
		switch {
		case len(had) == 0:
			c.Change = Added
		case len(has) == 0:
			c.Change = Removed
		case len(c.From) == 0 && len(c.To) == 0:
			continue
		default:
			c.Change = direction(&c, match.Order(all[key][0]))
		}
		changes = append(changes, c)
	}
	slices.SortFunc(changes, func(a, b PackageChange) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	return changes
}

// direction says which way a package moved, where one version took the place of another.
func direction(c *PackageChange, order string) PackageChangeKind {
	if len(c.From) == 1 && len(c.To) == 1 {
		switch n, err := version.Compare(order, c.From[0], c.To[0]); {
		case err != nil:
		case n < 0:
			return Upgraded
		case n > 0:
			return Downgraded
		}
	}
	return Changed
}

func versionsOf(packages []*inventory.Package) []string {
	var list []string
	for _, p := range packages {
		list = append(list, p.Version)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// without gives what of a sorted list is not in another.
func without(list, other []string) []string {
	var out []string
	for _, v := range list {
		if _, found := slices.BinarySearch(other, v); !found {
			out = append(out, v)
		}
	}
	return out
}

// LicenseChange is a licence that only one of the two images has, with the packages that bear it.
type LicenseChange struct {
	Change   PackageChangeKind `json:"change"` // added or removed
	License  string            `json:"license"`
	Packages []string          `json:"packages"`
}

func licenseChanges(from, to *Subject) []LicenseChange {
	a, b := bearers(from), bearers(to)
	changes := []LicenseChange{}
	only := func(change PackageChangeKind, have, other map[string][]string) {
		for license, packages := range have {
			if other[license] == nil {
				changes = append(changes, LicenseChange{change, license, packages})
			}
		}
	}
	only(Added, b, a)
	only(Removed, a, b)
	slices.SortFunc(changes, func(a, b LicenseChange) int {
		return cmp.Or(cmp.Compare(a.Change, b.Change), cmp.Compare(a.License, b.License))
	})
	return changes
}

// bearers are the names of the packages that bear each licence, sorted.
func bearers(s *Subject) map[string][]string {
	out := map[string][]string{}
	for i := range s.Packages {
		p := &s.Packages[i]
		for _, l := range p.Licenses {
			out[l] = append(out[l], p.Name)
		}
	}
	for l, names := range out {
		slices.Sort(names)
		out[l] = slices.Compact(names)
	}
	return out
}

// ConfigurationChange is something of an image's configuration, its base or its distribution that is not what it was.
type ConfigurationChange struct {
	// What is user, entrypoint, command, working-directory, variable, port, healthcheck, label, base, distribution or platform.
	What string `json:"what"`
	// Name is that of the variable, the port or the label; of a variable the values are not told.
	Name   string            `json:"name,omitempty"`
	Change PackageChangeKind `json:"change"` // added, removed or changed
	From   string            `json:"from,omitempty"`
	To     string            `json:"to,omitempty"`
}

// What of a configuration may change.
const (
	theUser         = "user"
	theVariable     = "variable"
	thePort         = "port"
	theBase         = "base"
	theDistribution = "distribution"
	theLabel        = "label"
)

func configurationChanges(from, to *Subject) []ConfigurationChange {
	changes := []ConfigurationChange{}
	tell := func(what, name, a, b string) {
		c := ConfigurationChange{What: what, Name: name, Change: Changed, From: a, To: b}
		switch {
		case a == b:
			return
		case a == "":
			c.Change = Added
		case b == "":
			c.Change = Removed
		}
		if what == theVariable || what == thePort {
			c.From, c.To = "", ""
		}
		changes = append(changes, c)
	}
	x, y := from.Image, to.Image
	tell(theBase, "", baseName(x.Base), baseName(y.Base))
	tell(theDistribution, "", osName(x.OS), osName(y.OS))
	tell("platform", "", x.Platform, y.Platform)
	if x.Config != nil && y.Config != nil {
		a, b := x.Config, y.Config
		tell(theUser, "", cmp.Or(a.User, "root (none is set)"), cmp.Or(b.User, "root (none is set)"))
		tell("entrypoint", "", strings.Join(a.Entrypoint, " "), strings.Join(b.Entrypoint, " "))
		tell("command", "", strings.Join(a.Cmd, " "), strings.Join(b.Cmd, " "))
		tell("working-directory", "", a.WorkingDir, b.WorkingDir)
		tell("healthcheck", "", strings.Join(a.Healthcheck, " "), strings.Join(b.Healthcheck, " "))
		tellEach(tell, theVariable, variables(a.Env), variables(b.Env))
		tellEach(tell, thePort, set(a.ExposedPorts), set(b.ExposedPorts))
	}
	tellEach(tell, theLabel, x.Labels, y.Labels)
	return changes
}

func tellEach(tell func(what, name, a, b string), what string, a, b map[string]string) {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, b)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		tell(what, name, a[name], b[name])
	}
}

// variables gives what was set by name; an empty value is one as well.
func variables(env []string) map[string]string {
	out := map[string]string{}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		out[name] = "=" + value
	}
	return out
}

func set(list []string) map[string]string {
	out := map[string]string{}
	for _, v := range list {
		out[v] = "declared"
	}
	return out
}

func baseName(b *inventory.Base) string {
	if b == nil {
		return ""
	}
	return strings.TrimPrefix(b.Reference+"@"+b.Digest, "@")
}

func osName(os *inventory.OS) string {
	if os == nil {
		return ""
	}
	return cmp.Or(os.Name, strings.TrimSpace(os.ID+" "+os.VersionID))
}
