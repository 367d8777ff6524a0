package match

import (
	"slices"

	"tidewaiter/image"
	"tidewaiter/inventory"
)

// Rematch holds the packages of a stored report against advisories once more. Rules that look into the image cannot be asked again:
// of each finding that the report has, they answer as they did then, under the settings had; a finding that is new names them in
// Unasked. Statements are not applied.
func Rematch(inv *inventory.Inventory, adv Advisories, settings Settings, findings []Finding, had Settings) ([]Finding, []image.BlindSpot, error) {
	e := &answered{by: map[problemOf]*Finding{}, settings: had}
	for i := range findings {
		f := &findings[i]
		for _, id := range names(f) {
			if at := (problemOf{f.Package, id}); e.by[at] == nil || f.ID == id {
				e.by[at] = f
			}
		}
	}
	return matchAll(inv, adv, settings, e)
}

// problemOf is a problem of a package, by one of the names that the problem has.
type problemOf struct{ purl, id string }

// answered are the findings of a stored report.
type answered struct {
	by       map[problemOf]*Finding
	settings Settings
}

// answer gives what a rule said of a finding when the report was made; false where it was not asked.
func (e *answered) answer(rule Rule, f *Finding) (reason string, asked bool) {
	var was *Finding
	for _, id := range names(f) {
		if was = e.by[problemOf{f.Package, id}]; was != nil {
			break
		}
	}
	if was == nil || was.Malicious || was.KEV != nil || e.settings.effect(rule) == Off {
		return "", false
	}
	if q := was.Quieted; q != nil {
		if q.By == rule.Name {
			return q.Reason, true
		}
		rules := Rules()
		place := func(name string) int { return slices.IndexFunc(rules, func(r Rule) bool { return r.Name == name }) }
		if by := place(q.By); by >= 0 && by < place(rule.Name) { // what is quieted already is not asked about
			return "", false
		}
	}
	for _, l := range was.Lowered {
		if l.By == rule.Name {
			return l.Reason, true
		}
	}
	return "", true
}
