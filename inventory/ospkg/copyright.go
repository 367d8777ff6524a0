package ospkg

import (
	"bytes"
	"slices"
	"strings"
)

// copyrightLicenses reads the copyright file of a Debian package. One in the machine-readable form
// (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/) names the licence of each group of
// files; of any other form, only the common licences that it refers to are known. Sorted, each once.
func copyrightLicenses(file []byte) []string {
	const (
		most      = 100     // licences of one package
		fileLimit = 2 << 20 // bytes; the longest of Debian's are half as long
	)
	file = file[:min(len(file), fileLimit)]
	var found []string
	if isMachineReadable(file) {
		for s := range stanzas(file) {
			name, _, _ := strings.Cut(s.get("License"), "\n")
			if name = strings.TrimSpace(name); name != "" && len(name) < 256 {
				found = append(found, debLicense(name))
			}
		}
	} else {
		found = commonLicenses(file)
	}
	slices.Sort(found)
	found = slices.Compact(found)
	return found[:min(len(found), most)]
}

func isMachineReadable(file []byte) bool {
	first, _, _ := bytes.Cut(bytes.TrimSpace(file), []byte("\n"))
	name, value, _ := bytes.Cut(first, []byte(":"))
	return bytes.EqualFold(name, []byte("Format")) && bytes.Contains(value, []byte("copyright-format"))
}

// commonLicenses gives the licences whose texts a file refers to in /usr/share/common-licenses. Which version
// of a family applies, and whether later ones do, stands in prose: the name is kept as it is written.
func commonLicenses(file []byte) []string {
	var found []string
	const place = "/usr/share/common-licenses/"
	for {
		i := bytes.Index(file, []byte(place))
		if i < 0 {
			return found
		}
		file = file[i+len(place):]
		end := bytes.IndexFunc(file, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
		})
		if end < 0 {
			end = len(file)
		}
		name := strings.TrimRight(string(file[:end]), ".-")
		if name == "" || len(name) > 32 || slices.Contains(found, name) {
			continue
		}
		if !strings.HasPrefix(name, "GPL") && !strings.HasPrefix(name, "LGPL") && !strings.HasPrefix(name, "GFDL") {
			name = debLicense(name)
		}
		found = append(found, name)
	}
}

// debLicense translates a licence field's first line, "GPL-2+ or Artistic", to an SPDX expression. A line that
// cannot be read as one as a whole is kept as it is.
func debLicense(line string) string {
	words := strings.Fields(line)
	for i, word := range words {
		if i%2 == 1 {
			words[i] = strings.ToUpper(word)
			if words[i] != "AND" && words[i] != "OR" {
				return line
			}
			continue
		}
		id, ok := spdxID(word)
		if !ok {
			return line
		}
		words[i] = id
	}
	if len(words)%2 == 0 {
		return line
	}
	return strings.Join(words, " ")
}

// spdxID gives the SPDX identifier of one of Debian's short names. The GNU licences are written with a plus
// where later versions apply; the other names are those of the copyright format's own list and of SPDX.
func spdxID(name string) (string, bool) {
	for _, family := range [...]string{"LGPL-", "AGPL-", "GPL-", "GFDL-"} {
		version, ok := strings.CutPrefix(name, family)
		if !ok {
			continue
		}
		version, later := strings.CutSuffix(version, "+")
		if !later {
			version, later = strings.CutSuffix(version, "-or-later")
		}
		version = strings.TrimSuffix(version, "-only")
		if len(version) == 1 {
			version += ".0"
		}
		if !slices.Contains(gnuVersions(family), version) {
			return "", false
		}
		if later {
			return family + version + "-or-later", true
		}
		return family + version + "-only", true
	}
	switch name {
	case "Apache-1.0", "Apache-1.1", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause",
		"BSL-1.0", "CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CDDL-1.0", "curl", "EPL-1.0",
		"EPL-2.0", "FSFAP", "FSFUL", "FSFULLR", "HPND", "ICU", "ISC", "MIT", "MIT-0", "MPL-1.1", "MPL-2.0", "NTP",
		"OFL-1.1", "OpenSSL", "PSF-2.0", "Unlicense", "Vim", "W3C", "WTFPL", "X11", "Zlib", "0BSD", "OLDAP-2.8", "TCL":
		return name, true
	case "Expat":
		return "MIT", true
	case "Artistic", "Artistic-1":
		return "Artistic-1.0-Perl", true
	case "BSD-2-clause":
		return "BSD-2-Clause", true
	case "BSD-3-clause":
		return "BSD-3-Clause", true
	case "BSD-4-clause":
		return "BSD-4-Clause", true
	case "zlib":
		return "Zlib", true
	case "CC0":
		return "CC0-1.0", true
	case "Boost-1.0":
		return "BSL-1.0", true
	}
	return "", false
}

// gnuVersions are the versions that SPDX lists of a family of licences.
func gnuVersions(family string) []string {
	switch family {
	case "LGPL-":
		return []string{"2.0", "2.1", "3.0"}
	case "AGPL-":
		return []string{"1.0", "3.0"}
	case "GPL-":
		return []string{"1.0", "2.0", "3.0"}
	}
	return []string{"1.1", "1.2", "1.3"}
}
