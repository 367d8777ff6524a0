package main

import (
	"strings"
	"testing"
	"time"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

func TestLimits(t *testing.T) {
	l := newLimits()
	if err := l.Set("layer=16GiB,entries=1000"); err != nil {
		t.Fatal(err)
	}
	if err := l.Set("file-time=2m,nesting=3,extract-time=5s,path=1KiB,sparse=1MiB,ratio=9"); err != nil {
		t.Fatal(err)
	}
	want := layer.DefaultLimits()
	want.Layer, want.Entries, want.DistilTime, want.Path, want.Sparse, want.Ratio = 16<<30, 1000, 2*time.Minute, 1<<10, 1<<20, 9
	if l.layer != want || l.inventory != (inventory.Limits{ExtractTime: 5 * time.Second, Nesting: 3}) {
		t.Errorf("%+v, %+v", l.layer, l.inventory)
	}
	for text, message := range map[string]string{
		"layer":              "write it as NAME=VALUE",
		"layers=1GiB":        "unknown limit \"layers\": one of entries",
		"layer=much":         "not a size",
		"layer=-1":           "not a size",
		"layer=9999999TiB":   "not a size",
		"entries=0":          "not a count",
		"entries=3000000000": "not a count",
		"file-time=30":       "not a duration",
	} {
		l := newLimits()
		if err := l.Set(text); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "4096B": 4096, "64KiB": 64 << 10, "20MB": 20e6, "2 GiB": 2 << 30, "1TiB": 1 << 40} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
}
