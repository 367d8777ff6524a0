package assess

import (
	"cmp"
	"slices"

	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/vex"
)

// ContrabandChange is malware, a secret, or a weakness of the construction that only one of two images has, or that only one of them quiets.
type ContrabandChange struct {
	ID       string         `json:"id"`
	Kind     vex.Contraband `json:"kind"`
	Title    string         `json:"title"`
	Severity match.Level    `json:"severity"`
	// Place is that of the second image; of the first for what is gone.
	inventory.Place
	// Subject is what it is about where that is no file.
	Subject string `json:"subject,omitempty"`
	// Change is closed, new, quieted or unquieted.
	Change ChangeKind `json:"change"`
	// Cause is the image, the rules where exceptions made the difference, and the advisories where the same layer was searched with other results.
	Cause Cause `json:"cause"`
	// By is the rule or exception that quiets it.
	By string `json:"by,omitempty"`
}

// contrabandChanges finds what changed, of those kinds that were looked for in both. What is usual is left out.
func contrabandChanges(from, to *Subject) []ContrabandChange {
	changes := []ContrabandChange{}
	had, have := from.contrabandByThing(to), to.contrabandByThing(from)
	for t, c := range have {
		before, both := had[t]
		switch {
		case !both && c.stands():
			changes = append(changes, newChange(&c, Opened, searchedAnew(&c, to, from)))
		case both && before.stands() && !c.stands():
			changes = append(changes, newChange(&c, Hushed, quieting(*c.quieted)))
		case both && !before.stands() && c.stands():
			changes = append(changes, newChange(&c, Unhushed, quieting(*before.quieted)))
		}
	}
	for t, c := range had {
		if _, both := have[t]; !both && c.stands() {
			changes = append(changes, newChange(&c, Closed, searchedAnew(&c, from, to)))
		}
	}
	slices.SortFunc(changes, func(a, b ContrabandChange) int {
		kinds, order := vex.Contrabands(), []ChangeKind{Opened, Unhushed, Closed, Hushed}
		return cmp.Or(cmp.Compare(slices.Index(order, a.Change), slices.Index(order, b.Change)),
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Severity.Rank(), b.Severity.Rank()),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Instruction, b.Instruction), cmp.Compare(a.ID, b.ID))
	})
	return changes
}

// contrabandByThing has what is not usual by what it is called in another image, the first that stands of each.
func (s *Subject) contrabandByThing(other *Subject) map[thing]contraband {
	kinds := other.searched()
	out := map[thing]contraband{}
	for _, c := range s.contraband() {
		t := c.thing()
		t.layer = 0 // a layer has another number in another image
		if _, there := out[t]; !there && !c.usual && slices.Contains(kinds, c.kind) {
			out[t] = c
		}
	}
	return out
}

func newChange(c *contraband, kind ChangeKind, cause Cause) ContrabandChange {
	out := ContrabandChange{ID: c.id, Kind: c.kind, Title: c.title, Severity: c.severity, Place: c.Place, Subject: c.subject, Change: kind, Cause: cause}
	if q := *c.quieted; q != nil {
		out.By = q.By
	}
	return out
}

// quieting is the cause of a change of what quiets something.
func quieting(q *match.Quieted) Cause {
	if q.Excepted() {
		return ByRules
	}
	return ByImage
}

// searchedAnew is the cause of what was found in one of two images alone: what is in a layer that both have was there all along.
func searchedAnew(c *contraband, in, other *Subject) Cause {
	at := c.LayerIndex()
	if at < 0 || at >= len(in.Image.Layers) || in.Image.Layers[at].DiffID == "" {
		return ByImage
	}
	same := func(l Layer) bool { return l.DiffID == in.Image.Layers[at].DiffID }
	if slices.ContainsFunc(other.Image.Layers, same) {
		return ByAdvisories
	}
	return ByImage
}

// contrabandNews counts malware, secrets and weaknesses that are new, or gone.
type contrabandNews struct{ opened, gone map[vex.Contraband]int }

func (c *Comparison) contrabandNews() contrabandNews {
	n := contrabandNews{map[vex.Contraband]int{}, map[vex.Contraband]int{}}
	for i := range c.Contraband {
		switch change := &c.Contraband[i]; change.Change {
		case Opened, Unhushed:
			n.opened[change.Kind]++
		case Closed:
			n.gone[change.Kind]++
		}
	}
	return n
}

// Asks says whether the change brings malware, or a secret, that asks somebody to act at once.
func (c *ContrabandChange) Asks() bool {
	return (c.Change == Opened || c.Change == Unhushed) && Grave(c.Kind, c.Severity)
}

func (n *contrabandNews) good() []string {
	return []string{
		counted(n.gone[vex.Malware], "malicious file gone", "malicious files gone"), counted(n.gone[vex.Secret], "secret gone", "secrets gone"),
		counted(n.gone[vex.Hardening], "weakness mended", "weaknesses mended"),
	}
}

func (n *contrabandNews) bad() []string {
	return []string{
		counted(n.opened[vex.Malware], "new malicious file", "new malicious files"), counted(n.opened[vex.Secret], "new secret", "new secrets"),
		counted(n.opened[vex.Hardening], "new weakness", "new weaknesses"),
	}
}
