package sbom

import (
	"github.com/package-url/packageurl-go"

	"tidewaiter/inventory"
)

// ReleaseOf gives OSV's ecosystem of the distribution's release that a package URL's qualifiers name, in whichever of the
// spellings in use ("Debian:12" for distro=debian-12, 12, or bookworm); empty where they name none that OSV knows.
func ReleaseOf(u *packageurl.PackageURL) string {
	qualifiers := u.Qualifiers.Map()
	if qualifiers["distro"] == "" && qualifiers["os_name"] == "" {
		return ""
	}
	return distribution(u, qualifiers, inventory.OS{}).Ecosystem()
}
