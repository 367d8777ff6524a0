package version

import (
	"cmp"
	"strings"
)

// mavenVersion is ordered as the ComparableVersion of Maven 3 does:
// https://maven.apache.org/pom.html#version-order-specification. (Package semantic takes a qualifier after a dot for another
// than one after a hyphen: 2.0.a is older than 2-1 to Maven.)
type mavenVersion struct{ items []mavenItem }

// mavenItem is a number, a word, or a list of items.
type mavenItem struct {
	kind mavenKind
	text string // a number without zeros in front, so that "" is 0; a word in lower case
	list []mavenItem
}

type mavenKind int

const (
	mavenNumber mavenKind = iota
	mavenWord
	mavenList
)

// parseMaven takes what Maven does, which is any text, but for what cannot stand in a path and what means a range or an
// unresolved property.
func parseMaven(text string) (ordered, bool) {
	if text == "" || strings.ContainsAny(text, " \t\r\n\\/:\"<>|?*[](),${}\x00") {
		return nil, false
	}
	return readMaven(text), true
}

// readMaven splits at dots, hyphens, and between digits and letters. A hyphen opens a list in the list, and so does a change
// from digits to letters or back.
func readMaven(text string) mavenVersion {
	text = strings.ToLower(text)
	lists := [][]mavenItem{nil}
	add := func(i mavenItem) { lists[len(lists)-1] = append(lists[len(lists)-1], i) }
	open := func() { lists = append(lists, nil) }
	openUnlessEmpty := func() {
		if len(lists[len(lists)-1]) > 0 {
			open()
		}
	}
	start, digit := 0, false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '.' || c == '-':
			add(newMavenItem(text[start:i], digit, false))
			start = i + 1
			if c == '-' {
				open()
			}
		case c >= '0' && c <= '9':
			if !digit && i > start {
				openUnlessEmpty()
				add(newMavenItem(text[start:i], false, true))
				start = i
				open()
			}
			digit = true
		default:
			if digit && i > start {
				add(newMavenItem(text[start:i], true, false))
				start = i
				open()
			}
			digit = false
		}
	}
	if start < len(text) {
		if !digit {
			openUnlessEmpty()
		}
		add(newMavenItem(text[start:], digit, false))
	}
	return mavenVersion{closeMavenLists(lists)}
}

// closeMavenLists puts each list at the end of the one before it, from the innermost on.
func closeMavenLists(lists [][]mavenItem) []mavenItem {
	last := normalizeMaven(lists[len(lists)-1])
	for i := len(lists) - 2; i >= 0; i-- {
		last = normalizeMaven(append(lists[i], mavenItem{kind: mavenList, list: last}))
	}
	return last
}

func newMavenItem(text string, digit, numberFollows bool) mavenItem {
	if text == "" || digit {
		return mavenItem{kind: mavenNumber, text: strings.TrimLeft(text, "0")}
	}
	switch {
	case text == "ga", text == "final", text == "release":
		text = ""
	case text == "cr":
		text = "rc"
	case numberFollows && text == "a":
		text = "alpha"
	case numberFollows && text == "b":
		text = "beta"
	case numberFollows && text == "m":
		text = "milestone"
	}
	return mavenItem{kind: mavenWord, text: text}
}

// normalizeMaven drops zeros, empty words and empty lists from the end, and those before a list at the end.
func normalizeMaven(items []mavenItem) []mavenItem {
	for i := len(items) - 1; i >= 0; i-- {
		if items[i].text == "" && len(items[i].list) == 0 {
			items = append(items[:i], items[i+1:]...)
		} else if items[i].kind != mavenList {
			break
		}
	}
	return items
}

func (v mavenVersion) compare(other ordered) (int, error) {
	return compareMavenLists(v.items, other.(mavenVersion).items), nil
}

func compareMavenLists(a, b []mavenItem) int {
	for i := range max(len(a), len(b)) {
		var c int
		switch {
		case i >= len(b):
			c = a[i].compareNothing()
		case i >= len(a):
			c = -b[i].compareNothing()
		default:
			c = a[i].compare(b[i])
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// compareNothing compares an item with none: 1-rc is older than 1, 1-1 is newer.
func (i mavenItem) compareNothing() int {
	switch i.kind {
	case mavenNumber:
		return compareDigits(i.text, "")
	case mavenWord:
		return compareMavenWords(i.text, "")
	}
	for _, item := range i.list {
		if c := item.compareNothing(); c != 0 {
			return c
		}
	}
	return 0
}

// compare orders items of different kinds as 1-sp < 1-1 < 1.1: a word, a list, a number.
func (i mavenItem) compare(j mavenItem) int {
	switch {
	case i.kind == mavenNumber && j.kind == mavenNumber:
		return compareDigits(i.text, j.text)
	case i.kind == mavenWord && j.kind == mavenWord:
		return compareMavenWords(i.text, j.text)
	case i.kind == mavenList && j.kind == mavenList:
		return compareMavenLists(i.list, j.list)
	case i.kind == mavenNumber, j.kind == mavenWord:
		return 1
	}
	return -1
}

// compareMavenWords orders the known qualifiers and puts others after them, in the order of letters.
func compareMavenWords(a, b string) int {
	return cmp.Or(cmp.Compare(mavenRank(a), mavenRank(b)), strings.Compare(mavenUnknown(a), mavenUnknown(b)))
}

const mavenUnknownRank = 7

func mavenRank(word string) int {
	switch word {
	case "alpha":
		return 0
	case "beta":
		return 1
	case "milestone":
		return 2
	case "rc":
		return 3
	case "snapshot":
		return 4
	case "":
		return 5
	case "sp":
		return 6
	}
	return mavenUnknownRank
}

func mavenUnknown(word string) string {
	if mavenRank(word) < mavenUnknownRank {
		return ""
	}
	return word
}
