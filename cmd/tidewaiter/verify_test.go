package main

import (
	"testing"

	"tidewaiter/image"
	"tidewaiter/trust"
)

// What holds of the layers that were read may be false of those that were not.
func TestChecksOfContentNeedAllOfIt(t *testing.T) {
	for _, tc := range []struct {
		was   trust.CheckVerdict
		spots []image.BlindSpotKind
		want  trust.CheckVerdict
	}{
		{trust.Pass, nil, trust.Pass},
		{trust.Pass, []image.BlindSpotKind{image.NoFeed}, trust.Pass},
		{trust.Pass, []image.BlindSpotKind{image.NoFeed, image.UnreadableLayer}, trust.Unknown},
		{trust.Pass, []image.BlindSpotKind{image.LimitReached}, trust.Unknown},
		{trust.Fail, []image.BlindSpotKind{image.UnreadableLayer}, trust.Fail},
	} {
		var spots []image.BlindSpot
		for _, k := range tc.spots {
			spots = append(spots, image.BlindSpot{Kind: k, Message: "a layer"})
		}
		if got := ofAllRead(trust.Check{Verdict: tc.was}, spots); got.Verdict != tc.want {
			t.Errorf("%s with %v: %s, not %s", tc.was, tc.spots, got.Verdict, tc.want)
		}
	}
}
