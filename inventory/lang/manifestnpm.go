package lang

import (
	"bytes"
	"encoding/json"

	"tidewaiter/inventory"
)

// npmSections are the objects of a package.json that name packages. Of a name in several the first counts, as npm has it but for
// the order of the last two.
var npmSections = [...]struct {
	key  string
	kind inventory.RequirementKind
}{
	{"optionalDependencies", inventory.Optional},
	{"dependencies", ""},
	{"peerDependencies", inventory.Peer},
	{"devDependencies", inventory.Development},
}

// npmRequires gives what an installed package.json asks for; nobody installs what is for its own development.
func npmRequires(pj packageJSON) []inventory.Requirement {
	var out []inventory.Requirement
	seen := map[string]bool{}
	for _, raw := range [...]struct {
		json.RawMessage
		kind inventory.RequirementKind
	}{{pj.OptionalDependencies, inventory.Optional}, {pj.Dependencies, ""}, {pj.PeerDependencies, inventory.Peer}} {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw.RawMessage, &object) != nil {
			continue
		}
		for _, name := range sortedKeys(object) {
			if !seen[name] {
				seen[name] = true
				out = append(out, inventory.Requirement{Name: name, Range: jsonString(object[name]), Kind: raw.kind})
			}
		}
	}
	return out
}

// readPackageJSON reads the package.json of a project, with the line of each requirement.
func readPackageJSON(_ string, content []byte) (inventory.Manifest, bool) {
	var pj packageJSON
	if json.Unmarshal(content, &pj) != nil {
		return inventory.Manifest{}, false
	}
	m := newManifest("npm", content)
	m.Project = jsonString(pj.Name)
	sections := npmManifestSections(content)
	seen := map[string]bool{}
	for _, s := range npmSections {
		for _, d := range sections[s.key] {
			if !seen[d.Name] {
				seen[d.Name] = true
				d.Kind = s.kind
				m.Requires = append(m.Requires, d)
			}
		}
	}
	return m, true
}

// npmManifestSections gives the names with ranges of each of the text's sections, in their order.
func npmManifestSections(content []byte) map[string][]inventory.Declaration {
	sections := map[string][]inventory.Declaration{}
	dec := json.NewDecoder(bytes.NewReader(content))
	var open []bool // for each object (true) or list that the place lies in
	var section, key string
	isKey, line, counted := false, 1, 0
	for {
		token, err := dec.Token()
		if err != nil {
			return sections
		}
		switch t := token.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				if len(open) == 1 {
					section = key
				}
				open = append(open, t == '{')
			} else {
				open = open[:len(open)-1]
			}
		case string:
			if isKey {
				key, isKey = t, false
				continue
			}
			if len(open) == 2 && open[1] && len(sections[section]) < maxRequirements {
				at := int(dec.InputOffset())
				line, counted = line+bytes.Count(content[counted:at], []byte("\n")), at
				sections[section] = append(sections[section], declared(key, t, "", line))
			}
		}
		isKey = len(open) > 0 && open[len(open)-1]
	}
}

// maxRequirements bounds what one manifest or package may ask for.
const maxRequirements = 20_000
