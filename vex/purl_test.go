package vex

import "testing"

// One package may be written in several ways, and two packages must not be taken for one.
func TestParsePURL(t *testing.T) {
	for text, want := range map[string]string{
		"pkg:pypi/zope.interface@5":                                "pypi//zope-interface",
		"pkg:pypi/Zope_Interface":                                  "pypi//zope-interface",
		"pkg:npm/%40angular/core@1":                                "npm/@angular/core",
		"pkg:golang/github.com/acme/tool#cmd/x":                    "golang/github.com/acme/tool/cmd/x",
		"pkg:rpm/rhel/curl@7.76?arch=x86_64&epoch=0":               "rpm/redhat/curl",
		"pkg:rpm/opensuse/curl@7.76?distro=opensuse-leap-15.5":     "rpm/suse/curl",
		"pkg:deb/debian/curl@7.88.1-10%2Bdeb12u5?distro=debian-12": "deb/debian/curl",
		"pkg:deb/ubuntu/curl":                                      "deb/ubuntu/curl",
		"pkg:maven/org.apache.logging.log4j/log4j-core":            "maven/org.apache.logging.log4j/log4j-core",
		"pkg:npm/": "",
		"curl":     "",
	} {
		if got, ok := ParsePURL(text); got.Key != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", text, got.Key, ok, want)
		}
	}
}
