package match

import (
	"fmt"
	"strings"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
)

// EndOfLife says so when the distribution has had no support since before the time now: nobody reports new problems for
// it any more, so that few findings mean little. cycles gives a product's release cycles by its id at
// https://endoflife.date; its error is returned.
func EndOfLife(os inventory.OS, cycles func(product string) ([]advisory.Cycle, error), now time.Time) ([]image.BlindSpot, error) {
	product := lifecycleProduct(os)
	if product == "" {
		return nil, nil
	}
	known, err := cycles(product)
	if err != nil {
		return nil, fmt.Errorf("end of life of %s: %w", product, err)
	}
	cycle := cycleOf(known, os.VersionID)
	// Extended support still reports problems, even where its fixes are for those who pay.
	end := max(cycle.EOL, cycle.Extended)
	date, err := time.Parse(time.DateOnly, end)
	if err == nil && now.Before(date) || err != nil && !cycle.Ended {
		return nil, nil
	}
	since := ""
	if err == nil {
		since = " since " + end
	}
	return []image.BlindSpot{{Kind: image.EndOfLife, Where: strings.TrimSpace(os.ID + " " + os.VersionID),
		Message: fmt.Sprintf("%s %s has had no support%s: new problems are no longer reported for it; move to a supported release", os.ID, os.VersionID, since)}}, nil
}

// lifecycleProduct is the id that endoflife.date has for a distribution's os-release ID; empty where it has none.
func lifecycleProduct(os inventory.OS) string {
	switch os.ID {
	case "debian", "ubuntu", "rhel", "almalinux", "fedora", "sles", "mageia":
		return os.ID
	case "alpine":
		return "alpine-linux"
	case "rocky":
		return "rocky-linux"
	case "amzn":
		return "amazon-linux"
	case "ol":
		return "oracle-linux"
	case "opensuse-leap":
		return "opensuse"
	case "centos":
		if strings.Contains(os.Name, "Stream") {
			return "centos-stream"
		}
		return "centos"
	}
	return ""
}

// cycleOf gives the release cycle that a version belongs to, the most exact where several fit: "3.14" for 3.14.2.
func cycleOf(cycles []advisory.Cycle, version string) advisory.Cycle {
	var best advisory.Cycle
	for _, c := range cycles {
		if (version == c.Cycle || strings.HasPrefix(version, c.Cycle+".")) && len(c.Cycle) > len(best.Cycle) {
			best = c
		}
	}
	return best
}
