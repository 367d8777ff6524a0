package match

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
)

// answer decides what can be said. A finding is an answer whatever else could not be seen; that there is none is one only where
// nothing stands in the way.
func (e *explainer) answer(inv *inventory.Inventory, spots []image.BlindSpot) error {
	standing := Standing(e.Findings)
	switch {
	case len(standing) > 0 && standing[0].Kind == KindEndOfLife:
		e.Answer, e.Because = IsAffected, standing[0].Evidence.Compared
		return nil
	case len(standing) > 0 && standing[0].Malicious:
		e.Answer, e.Because = IsAffected, whose(standing)+" malicious"
		return nil
	case len(standing) > 0:
		e.Answer, e.Because = IsAffected, whose(standing)+" affected"
		return nil
	case len(e.Findings) > 0:
		e.Answer, e.Because = IsQuieted, fmt.Sprintf("%s affected, but %s quiets that", whose(e.Findings), e.Findings[0].Quieted.By)
		return nil
	}
	if lifecycles, ok := e.cat.(Lifecycles); ok && isEndOfLife(e.ID) {
		return e.notEnded(lifecycles)
	}
	known, err := e.obstacles(inv, spots)
	if err != nil {
		return err
	}
	switch {
	case len(e.BlindSpots) == 0:
		e.Answer, e.Because = NotAffected, e.negative()
	case known && slices.Contains(spots, e.BlindSpots[0]): // all that is known of the problem says no
		e.Answer, e.Because = CannotSay, e.negative()+", but: "+e.BlindSpots[0].Message
	default:
		e.Answer, e.Because = CannotSay, e.BlindSpots[0].Message
	}
	return nil
}

// negative says that what is known of the problem affects nothing aboard.
func (e *explainer) negative() string {
	switch len(e.Considered) {
	case 0:
		return "no package that it names is aboard"
	case 1:
		return "the one package aboard that it names is not affected"
	}
	return fmt.Sprintf("none of the %d packages aboard that it names is affected", len(e.Considered))
}

// whose is the subject of a sentence on findings, with its verb.
func whose(findings []Finding) string {
	return subjectOf(findings[0].Of.Name+" "+findings[0].Of.Version, len(findings)-1)
}

// those is the same for packages that were considered.
func those(list []Considered) string {
	return subjectOf(list[0].Name+" "+list[0].Version, len(list)-1)
}

func subjectOf(first string, others int) string {
	if others == 0 {
		return first + " is"
	}
	return fmt.Sprintf("%s and %s are", first, count(others, "other package", "other packages"))
}

// obstacles gathers what stands in the way of saying that the image is not affected. known says that there are advisories.
func (e *explainer) obstacles(inv *inventory.Inventory, spots []image.BlindSpot) (known bool, err error) {
	nothing := func(s image.BlindSpot) bool { return s.Kind == image.NoFeed && s.Where == "" }
	if i := slices.IndexFunc(spots, nothing); i >= 0 { // there is no advisory file: no more can be said
		e.BlindSpots = []image.BlindSpot{spots[i]}
		return false, nil
	}
	if err := e.unheard(); err != nil {
		return false, err
	}
	if len(inv.Packages) == 0 {
		e.blind(image.Unjudged, "", "no package was found in the image: there is nothing to judge")
	}
	spared, silent := e.unruled()
	for _, spot := range spots {
		stands := false
		switch spot.Kind {
		case image.UnreadableFile, image.NoDatabase, image.UnreadableLayer, image.LimitReached:
			stands = true // what could not be read may hold the package
		case image.NoFeed:
			stands = slices.ContainsFunc(inv.Packages, func(p inventory.Package) bool {
				return p.OfDistribution() && origin(&p) == spot.Where
			})
		case image.EndOfLife:
			stands = silent
		case image.StaleFeed:
			stands = !spared // that a version has the fix stays true; that nobody reports the problem may not
			if stands {
				settled, err := e.settled(inv)
				if err != nil {
					return false, err
				}
				stands = !settled
			}
		}
		if stands {
			e.BlindSpots = append(e.BlindSpots, spot)
		}
	}
	return true, nil
}

// season is how long after a problem was published feeds still begin to name packages for it, as a rule.
const season = 90 * 24 * time.Hour

// settled says whether the feeds of all that is aboard are of well after the problem was published. That such a feed
// says nothing of it stays an answer when the feed is no longer fresh.
func (e *explainer) settled(inv *inventory.Inventory) (bool, error) {
	published, err := e.published()
	if err != nil || published.IsZero() {
		return false, err
	}
	needed := neededFeeds(inv)
	for _, feed := range e.cat.Info().Feeds {
		date, _ := time.Parse(time.DateOnly, feed.Date) // one that has no date is of no day after that
		if needed[feed.Name] && date.Before(published.Add(season)) {
			return false, nil
		}
	}
	return true, nil
}

// published is when the problem became known, by the records of some of its packages; zero where they do not tell.
func (e *explainer) published() (first time.Time, err error) {
	const most = 8 // packages to look into: that it was known later than it was hides nothing
	for _, p := range e.problem.Packages[:min(most, len(e.problem.Packages))] {
		records, err := e.adv.Records(p.Ecosystem, p.Name)
		if err != nil {
			return first, fmt.Errorf("advisories for %s %s: %w", p.Ecosystem, p.Name, err)
		}
		for i := range records {
			r := &records[i]
			if e.records[r.ID] && !r.Published.IsZero() && (first.IsZero() || r.Published.Before(first)) {
				first = r.Published
			}
		}
	}
	return first, nil
}

// unruled gathers the packages that were considered and not judged. It says whether some package is known to be spared, and
// whether a distribution says nothing of its release of another.
func (e *explainer) unruled() (spared, silent bool) {
	var unnamed, unfed []Considered
	for _, c := range e.Considered {
		by := func(o Outcome) int { return slices.IndexFunc(c.Rulings, func(r Ruling) bool { return r.Outcome == o }) }
		switch {
		case by(Spares) >= 0, by(Unnamed) >= 0 && listsUnmended(c.Ecosystem):
			spared = true
		case by(Unjudgeable) >= 0:
			r := c.Rulings[by(Unjudgeable)]
			e.blind(image.Unjudged, c.Ecosystem, fmt.Sprintf("%s cannot be held against %s %s: %s", r.Advisory, c.Name, c.Version, r.Reason))
		case by(Unnamed) >= 0:
			unnamed = append(unnamed, c)
		case by(Unfed) >= 0:
			unfed = append(unfed, c)
		default:
			silent = silent || c.Of.OfDistribution()
		}
	}
	if len(unnamed) > 0 {
		e.blind(image.Unjudged, unnamed[0].Ecosystem, fmt.Sprintf("%s aboard, and %s: its feed lists what was mended, so that does not tell whether it is affected",
			those(unnamed), unnamed[0].Rulings[0].Reason))
	}
	if len(unfed) > 0 {
		e.blind(image.NoFeed, unfed[0].Ecosystem, fmt.Sprintf("%s aboard, and %s", those(unfed), unfed[0].Rulings[0].Reason))
	}
	return spared, silent
}

// listsUnmended says whether a distribution's feed has problems before they are mended, and so says something by its silence.
// Errata, and the security databases of Alpine's kind, are lists of what was mended.
func listsUnmended(ecosystem string) bool {
	base, _, _ := strings.Cut(ecosystem, ":")
	return base == "Debian" || base == "Ubuntu" || base == "Echo"
}

// unheard says so when no record of the problem names a package.
func (e *explainer) unheard() error {
	if slices.ContainsFunc(e.problem.Packages, func(p advisory.PackageName) bool { return p.Ecosystem != advisory.CPEEcosystem }) || len(e.Considered) > 0 {
		return nil
	}
	cve, err := e.adv.CVE(e.ID)
	switch {
	case err != nil:
		return fmt.Errorf("what is known of %s: %w", e.ID, err)
	case len(e.problem.Packages) > 0:
		e.blind(image.NoFeed, "", "only NVD names programs that "+e.ID+" affects, and packages may have other names")
	case len(e.problem.IDs) > 0:
		e.blind(image.NoFeed, "", e.ID+" is known, but its records name no package")
	case cve.KEV != nil || cve.EPSS != nil || len(cve.CVSS) > 0:
		e.blind(image.NoFeed, "", e.ID+" is known, but no feed here says which packages it affects")
	default:
		e.blind(image.NoFeed, "", "no feed here knows "+e.ID+": is it written as its publisher writes it?")
	}
	return nil
}

func (e *explainer) blind(kind image.BlindSpotKind, where, message string) {
	e.BlindSpots = append(e.BlindSpots, image.BlindSpot{Kind: kind, Where: where, Message: message})
}
