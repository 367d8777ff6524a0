package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every alarm that real images raise is said; in honest ones none may stand. CONTRABAND_IMAGES is a list of directories of OCI
// layouts; an image in whose name "malware" is may raise alarms. make contraband sets it.
func TestRealImagesRaiseNoAlarm(t *testing.T) {
	dirs := os.Getenv("CONTRABAND_IMAGES")
	if dirs == "" {
		t.Skip("CONTRABAND_IMAGES is not set")
	}
	for _, dir := range filepath.SplitList(dirs) {
		layouts, err := filepath.Glob(filepath.Join(dir, "*", "index.json"))
		if err != nil || layouts == nil {
			t.Fatalf("no OCI layouts in %s", dir)
		}
		for _, layout := range layouts {
			layout = filepath.Dir(layout)
			if strings.HasPrefix(filepath.Base(layout), "evil-") { // many cannot be read at all
				continue
			}
			t.Run(filepath.Base(layout), func(t *testing.T) { realImage(t, layout) })
		}
	}
}

func realImage(t *testing.T, layout string) {
	r := searched(t, "oci:"+layout, "--platform", "linux/amd64")
	say := t.Errorf
	if strings.Contains(layout, "malware") {
		say = t.Logf
	}
	for kind, alarms := range map[string][]alarm{"malware": malwareAlarms(r), "secret": secretAlarms(r)} {
		for _, a := range alarms {
			if a.quieted == "" {
				say("%s: %s", kind, a)
			} else {
				t.Logf("%s: %s", kind, a)
			}
		}
	}
	for _, a := range loud(hardeningAlarms(r)) {
		t.Logf("hardening: %s", a)
	}
	for _, b := range r.BlindSpots {
		if b.Kind == "unsearched" {
			t.Errorf("blind spot: %s %s", b.Where, b.Message)
		}
	}
}
