package lang

import (
	"strings"

	"tidewaiter/inventory"
)

// readGoMod reads what a go.mod asks for: https://go.dev/ref/mod#go-mod-file. The line of a module that is replaced by another version
// is that of the replacement.
func readGoMod(_ string, content []byte) (inventory.Manifest, bool) {
	m := newManifest("golang", content)
	at := map[string]int{} // the place of each module in m.Requires
	block := ""
	for i, line := range m.Lines {
		text, comment, _ := strings.Cut(line, "//")
		words := strings.Fields(text)
		switch {
		case len(words) == 0:
			continue
		case block == "" && len(words) == 2 && words[1] == "(":
			block = words[0]
			continue
		case words[0] == ")":
			block = ""
			continue
		}
		verb := block
		if block == "" {
			verb, words = words[0], words[1:]
		}
		switch {
		case verb == "module" && len(words) == 1:
			m.Project = strings.Trim(words[0], `"`)
		case verb == "require" && len(words) == 2 && len(m.Requires) < maxRequirements:
			kind := inventory.RequirementKind("")
			if strings.HasPrefix(strings.TrimSpace(comment), "indirect") {
				kind = inventory.Indirect
			}
			at[words[0]] = len(m.Requires)
			m.Requires = append(m.Requires, declared(words[0], words[1], kind, i+1))
		case verb == "replace":
			replaceGoModule(&m, words, at, i+1)
		}
	}
	return m, m.Project != ""
}

// replaceGoModule reads "path [version] => other version". A directory in a module's place has no version, and leaves it as it is.
func replaceGoModule(m *inventory.Manifest, words []string, at map[string]int, line int) {
	n := len(words)
	if n < 4 || words[n-3] != "=>" {
		return
	}
	if i, ok := at[words[0]]; ok {
		m.Requires[i].Name, m.Requires[i].Written, m.Requires[i].Line = words[n-2], words[n-1], line
	}
}
