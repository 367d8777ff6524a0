package sbom

import (
	"bytes"
	"fmt"
	"strings"
)

// Limits of one document. The largest images have some ten thousand packages, and the largest documents of them some
// hundred thousand relationships and properties; more than this serves only to fill the reader's memory.
const (
	maxPackages = 100_000
	maxValues   = 4_000_000 // of JSON, as their separators count them
	maxLayers   = 10_000
	// maxText bounds one string, in bytes, but for the documents that stand in others as strings.
	maxText = 4 << 20
	// longestName is how much of a package's name is shown, in bytes.
	longestName = 100
	// maxPlaces bounds the places of one package that another tool's properties number.
	maxPlaces = 1000
)

var errPackages = fmt.Errorf("more than %d packages: no SBOM document that is read names as many", maxPackages)

// crowded says whether a JSON document would be too large once it is decoded. An empty object takes two bytes of a
// document, and hundreds in memory, so this must be known before: the values are counted, and the packages apart. What is
// not JSON it leaves to the parser.
func crowded(data []byte) error {
	var stack []listed // of each open bracket: what it lists
	values, count := 0, [listsFiles + 1]int{}
	var name []byte // the last string, which is the name of what follows
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			text := data[i+1:][:closing(data[i+1:])]
			if len(text) > maxText && !isEnvelope(name) {
				return fmt.Errorf("a text of more than %d MiB, which no SBOM document that is read has", maxText>>20)
			}
			name = text
			i += len(text) + 1
		case '{', '[':
			if n := len(stack); n > 0 && stack[n-1] != listsOther {
				count[stack[n-1]]++
			}
			lists := listsOther
			if data[i] == '[' {
				lists = listedUnder(name)
			}
			stack = append(stack, lists)
			name = nil
		case ',':
			values++
		case '}', ']':
			stack = stack[:max(len(stack)-1, 0)]
		}
		switch {
		case count[listsPackages] > maxPackages:
			return errPackages
		case count[listsFiles] > maxFiles:
			return errFiles
		case values > maxValues:
			return fmt.Errorf("more than %d JSON values: no SBOM document that is read has as many", maxValues)
		}
	}
	return nil
}

// listed is what a list holds.
type listed uint8

const (
	listsOther    listed = iota
	listsPackages        // or what takes as much memory as one
	listsFiles
)

// listedUnder tells by its name what a list may hold. Package json does not mind the case of names; of one with escapes it
// is not known what it is.
func listedUnder(name []byte) listed {
	switch strings.ToLower(string(name[:min(len(name), 32)])) {
	case "components", "packages", "artifacts", "ancestors", "descendants", "variants", "services", "vulnerabilities", "formulation", "workflows":
		return listsPackages
	case "files":
		return listsFiles
	}
	if bytes.IndexByte(name, '\\') >= 0 {
		return listsPackages
	}
	return listsOther
}

func isEnvelope(name []byte) bool {
	return string(name) == "payload" || string(name) == "predicate" || string(name) == "Data"
}

// closing gives the length of the string that data begins with, up to its closing quote.
func closing(data []byte) int {
	for at := 0; ; {
		quote := bytes.IndexByte(data[at:], '"')
		if quote < 0 {
			return len(data)
		}
		escapes := 0
		for p := at + quote; p > at && data[p-1] == '\\'; p-- {
			escapes++
		}
		if at += quote; escapes%2 == 0 {
			return at
		}
		at++
	}
}
