package vex_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/vex"
)

// What an exception for malware, a secret or a weakness says is the same after it was written and read.
func TestExceptionsForContrabandAreKept(t *testing.T) {
	for _, e := range []vex.Exception{
		{Vulnerabilities: []string{"malware:eicar"}},
		{Vulnerabilities: []string{"malware:Win.Test.EICAR_HDB-1"}, Path: "/opt/samples/*"},
		{Vulnerabilities: []string{"secret:private-key"}, Path: "/srv/ü, x?/a b.pem", Image: "ghcr.io/acme/*"},
		{Vulnerabilities: []string{"secret:npm-token"}, Subject: "NPM_TOKEN", Environments: []string{"production"}, Approver: "Ben"},
		{Vulnerabilities: []string{"hardening:setuid"}, Path: "/usr/bin/su", Product: vex.Product{{Names: []string{"pkg:deb/debian/util-linux"}}}},
	} {
		t.Run(e.Vulnerabilities[0], func(t *testing.T) {
			e.Status, e.Owner, e.Reason, e.End, e.Time = vex.Affected, "Ann", "known", vex.End{Day: "2027-01-31"}, time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
			raw, err := e.Write(1)
			if err != nil {
				t.Fatal(err)
			}
			got, err := vex.ParseExceptions(raw, "")
			if err != nil || len(got) != 1 {
				t.Fatalf("%v, %v\n%s", got, err, raw)
			}
			if d := cmp.Diff(e.Scope(), got[0].Scope()); d != "" || got[0].Wrong != "" || got[0].Key() != e.Key() {
				t.Errorf("%s%s\n%s", d, got[0].Wrong, raw)
			}
		})
	}
}

func TestExceptionsForContrabandThatAreWrong(t *testing.T) {
	for _, tt := range []struct {
		change func(e *vex.Exception)
		want   string
	}{
		{func(e *vex.Exception) { e.End = vex.End{Fix: true} }, "it has no day on which it ends"},
		{func(e *vex.Exception) { e.Path = "opt/x" }, "its path does not begin with a slash"},
		{func(e *vex.Exception) { e.Vulnerabilities = []string{"malware:"} }, "it names no rule"},
		{func(e *vex.Exception) { e.Vulnerabilities = append(e.Vulnerabilities, "CVE-2024-1") }, "it names things of different kinds"},
		{func(e *vex.Exception) { e.Vulnerabilities, e.Path = []string{"CVE-2024-1"}, "/x" }, "only what is named malware:"},
		{func(e *vex.Exception) { e.Subject = "A; until: 2099-01-01" }, "without semicolons"},
	} {
		e := vex.Exception{Vulnerabilities: []string{"malware:eicar"}, Status: vex.Affected, Owner: "Ann", Reason: "known", End: vex.End{Day: "2027-01-31"}}
		tt.change(&e)
		if _, err := e.Write(1); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}

func TestWhatAnExceptionForContrabandMeans(t *testing.T) {
	owned := vex.Product{{Names: []string{"pkg:deb/debian/sudo@1.9"}}}
	for _, tt := range []struct {
		e                   vex.Exception
		path, subject, purl string
		want                bool
	}{
		{vex.Exception{}, "opt/x", "", "", true},
		{vex.Exception{Path: "/opt/*"}, "opt/a/b", "", "", true},
		{vex.Exception{Path: "/opt/*"}, "optical", "", "", false},
		{vex.Exception{Path: "*"}, "", "TOKEN", "", false}, // a path does not mean what is no file
		{vex.Exception{Subject: "*_TOKEN"}, "", "NPM_TOKEN", "", true},
		{vex.Exception{Subject: "NPM_TOKEN"}, "root/.npmrc", "", "", false},
		{vex.Exception{Product: owned}, "usr/bin/sudo", "", "pkg:deb/debian/sudo@1.9?arch=amd64", true},
		{vex.Exception{Product: owned}, "usr/bin/sudo", "", "pkg:deb/debian/sudo@2.0?arch=amd64", false},
		{vex.Exception{Product: owned}, "usr/bin/sudo", "", "", false},
	} {
		if got := tt.e.Means(tt.path, tt.subject, tt.purl); got != tt.want {
			t.Errorf("%+v of %q, %q, %q: %v", tt.e, tt.path, tt.subject, tt.purl, got)
		}
	}
}
