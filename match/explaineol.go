package match

import (
	"fmt"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
)

const endOfLifePrefix = "EOL-"

// isEndOfLife says whether an id is that of an end of life: see [EndOfLife].
func isEndOfLife(id string) bool {
	return len(id) > len(endOfLifePrefix) && strings.EqualFold(id[:len(endOfLifePrefix)], endOfLifePrefix)
}

// notEnded answers for an end of life that nothing aboard has come to.
func (e *explainer) notEnded(lifecycles Lifecycles) error {
	cycle, newest, err := cycleOfID(lifecycles, e.ID)
	switch {
	case err != nil:
		return err
	case cycle.Product != "":
		name := cycle.Product + " " + cycle.Cycle
		if cycle.Title != "" {
			name = cycle.Title + " " + cycle.Cycle
		}
		e.ID, e.Answer = endOfLifePrefix+cycle.Product+"-"+cycle.Cycle, NotAffected
		e.Because = fmt.Sprintf("nothing aboard is of %s past the end of its support, %s", name, lastDay(cycle))
		if lifecycleProduct(inventory.OS{ID: strings.TrimSuffix(cycle.Product, "-linux")}) == "" {
			e.Because += "; what a distribution installed, it supports itself"
		}
		return nil
	case newest.Product != "":
		e.blind(image.NoFeed, "", fmt.Sprintf("endoflife.date knows no such release of %s; the newest is %s%s-%s", newest.Product, endOfLifePrefix, newest.Product, newest.Cycle))
	default:
		e.blind(image.NoFeed, "", "endoflife.date knows no such product: write it as in EOL-debian-12 or EOL-nodejs-20")
	}
	e.Answer, e.Because = CannotSay, e.BlindSpots[0].Message
	return nil
}

// lastDay is when a cycle's support ends or ended.
func lastDay(c advisory.Cycle) string {
	switch day := max(c.EOL, c.Extended); {
	case day != "":
		return day
	case c.Ended:
		return "which has come"
	}
	return "which has no date yet"
}

// cycleOfID finds the release cycle of an id, EOL-PRODUCT-CYCLE, of which both may have hyphens; else the newest cycle of the
// product, where that at least is known.
func cycleOfID(known Lifecycles, id string) (found, newest advisory.Cycle, err error) {
	name := strings.ToLower(id[len(endOfLifePrefix):])
	for i := strings.LastIndexByte(name, '-'); i > 0; i = strings.LastIndexByte(name[:i], '-') {
		cycles, err := known.Cycles(name[:i])
		if err != nil {
			return found, newest, fmt.Errorf("end of life of %s: %w", name[:i], err)
		}
		for _, c := range cycles {
			if strings.EqualFold(c.Cycle, name[i+1:]) {
				return c, newest, nil
			}
		}
		if len(cycles) > 0 && newest.Product == "" {
			newest = cycles[0]
		}
	}
	return found, newest, nil
}
