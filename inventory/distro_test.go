package inventory

import "testing"

func TestEcosystem(t *testing.T) {
	tests := []struct {
		os   OS
		want string
	}{
		{OS{ID: "debian", VersionID: "12"}, "Debian:12"},
		{OS{ID: "debian", Codename: "trixie"}, "Debian:13"},
		{OS{ID: "debian", Codename: "sid"}, "Debian:sid"},
		{OS{ID: "debian"}, ""},
		{OS{ID: "ubuntu", VersionID: "22.04"}, "Ubuntu:22.04:LTS"},
		{OS{ID: "ubuntu", VersionID: "23.04"}, "Ubuntu:23.04"},
		{OS{ID: "ubuntu", VersionID: "22.10"}, "Ubuntu:22.10"},
		{OS{ID: "alpine", VersionID: "3.18.4"}, "Alpine:v3.18"},
		{OS{ID: "alpine", VersionID: "3.21.0_alpha20240923", Name: "Alpine Linux edge"}, "Alpine:edge"},
		{OS{ID: "alpine", VersionID: "3"}, ""},
		{OS{ID: "wolfi", VersionID: "20230201"}, "Wolfi"},
		{OS{ID: "chainguard", VersionID: "20230214"}, "Chainguard"},
		{OS{ID: "almalinux", VersionID: "9.4"}, "AlmaLinux:9"},
		{OS{ID: "rocky", VersionID: "9.3"}, "Rocky Linux:9"},
		{OS{ID: "rhel", VersionID: "9.5", CPE: "cpe:/o:redhat:enterprise_linux:9::baseos"}, "Red Hat:enterprise_linux:9"},
		{OS{ID: "rhel", VersionID: "6"}, "Red Hat:enterprise_linux:6"},
		{OS{ID: "sles", VersionID: "15.5", Name: "SUSE Linux Enterprise Server 15 SP5"}, "SUSE:Linux Enterprise Server 15 SP5"},
		{OS{ID: "sles", VersionID: "15.3", Name: "SLES 15.3"}, "SUSE:Linux Enterprise Server 15 SP3"},
		{OS{ID: "sl-micro", VersionID: "6.0", Name: "SUSE Linux Micro 6.0"}, "SUSE:Linux Micro 6.0"},
		{OS{ID: "opensuse-leap", VersionID: "15.5", Name: "openSUSE Leap 15.5"}, "openSUSE:Leap 15.5"},
		{OS{ID: "opensuse-tumbleweed", VersionID: "20240101", Name: "openSUSE Tumbleweed"}, "openSUSE:Tumbleweed"},
		{OS{ID: "openeuler", VersionID: "22.03", Name: "openEuler 22.03 (LTS-SP1)"}, "openEuler:22.03-LTS-SP1"},
		{OS{ID: "mageia", VersionID: "9"}, "Mageia:9"},
		{OS{ID: "photon", VersionID: "3.0"}, "Photon OS:3.0"},
		{OS{ID: "mariner", VersionID: "2.0"}, "Azure Linux:2"},
		{OS{ID: "azurelinux", VersionID: "3.0"}, "Azure Linux:3"},
		{OS{ID: "amzn", VersionID: "2023"}, "Amazon Linux:2023"},
		{OS{ID: "amzn", VersionID: "2"}, "Amazon Linux:2"},
		{OS{ID: "amzn", VersionID: "2018.03"}, "Amazon Linux:1"},
		{OS{ID: "centos", VersionID: "7"}, "CentOS:7"},
		{OS{ID: "centos", VersionID: "9", Name: "CentOS Stream 9"}, "CentOS:Stream 9"},
		{OS{ID: "fedora", VersionID: "40"}, "Fedora:40"},
		{OS{ID: "ol", VersionID: "8.9"}, "Oracle Linux:8"},
		{OS{ID: "cleanstart"}, "CleanStart"},
		{OS{ID: "arch"}, ""},
		{OS{}, ""},
	}
	for _, tt := range tests {
		if got := tt.os.Ecosystem(); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.os, got, tt.want)
		}
	}
}

func TestDistributionPURL(t *testing.T) {
	tests := []struct {
		os   OS
		pkg  Package
		want string
	}{
		{OS{ID: "debian", VersionID: "12"}, Package{Type: "deb", Name: "bash", Version: "5.2.15-2+b2", Arch: "amd64"},
			"pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12"},
		{OS{ID: "debian", Codename: "trixie"}, Package{Type: "deb", Name: "attr", Version: "1:2.4.47-2", Arch: "all"},
			"pkg:deb/debian/attr@1:2.4.47-2?arch=all&distro=debian-trixie"},
		{OS{ID: "alpine", VersionID: "3.18.4"}, Package{Type: "apk", Name: "libcrypto3", Version: "3.1.3-r0", Arch: "x86_64"},
			"pkg:apk/alpine/libcrypto3@3.1.3-r0?arch=x86_64&distro=alpine-3.18.4"},
		{OS{ID: "rhel", VersionID: "9.5"}, Package{Type: "rpm", Name: "openssl-libs", Version: "1:3.0.7-27.el9", Arch: "x86_64"},
			"pkg:rpm/redhat/openssl-libs@3.0.7-27.el9?arch=x86_64&distro=rhel-9.5&epoch=1"},
		{OS{}, Package{Type: "deb", Name: "bash", Version: "5"}, "pkg:deb/debian/bash@5"},
		{OS{}, Package{Type: "rpm", Name: "bash", Version: "5-1"}, "pkg:rpm/bash@5-1"},
	}
	for _, tt := range tests {
		if got := distributionPURL(tt.os, tt.os, &tt.pkg); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
