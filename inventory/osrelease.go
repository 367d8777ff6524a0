package inventory

import (
	"bytes"
	"path"
	"strings"

	"tidewaiter/layer"
)

// releaseLimit bounds how much of a release file is read; real ones have under 2 KB.
const releaseLimit = 64 << 10

// releaseRules keep the files that [readOS] reads.
func releaseRules() []Rule {
	var rules []Rule
	for _, name := range []string{"os-release", "alpine-release", "debian_version", "redhat-release", "centos-release", "system-release"} {
		rules = append(rules, Rule{Name: name, CaptureOnly: true})
	}
	return rules
}

// readOS says which distribution the root file system at root ("" for the image's own) holds: what
// os-release says, or for systems older than that file their own release file. Zero when none says it.
func readOS(tree *layer.Tree, root string) OS {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		if os := parseOSRelease(readRelease(tree, root, name)); os.ID != "" {
			return os
		}
	}
	if v := firstLine(readRelease(tree, root, "etc/alpine-release")); v != "" {
		return OS{ID: "alpine", VersionID: v, Name: "Alpine Linux " + v}
	}
	for _, name := range []string{"etc/centos-release", "etc/redhat-release", "etc/system-release"} {
		if os := parseRedHatRelease(firstLine(readRelease(tree, root, name))); os.ID != "" {
			return os
		}
	}
	if v := firstLine(readRelease(tree, root, "etc/debian_version")); v != "" {
		return debianVersion(v)
	}
	return OS{}
}

// readRelease gives a captured release file, following links inside the image; nil where there is none.
func readRelease(tree *layer.Tree, root, name string) []byte {
	e, ok := tree.Lookup(path.Join(root, name))
	if !ok || e.File.Type != layer.Regular {
		return nil
	}
	content := e.File.Content()
	return content[:min(len(content), releaseLimit)]
}

func firstLine(b []byte) string {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return clean(string(line))
}

// parseOSRelease reads the format that os-release(5) describes: assignments as a shell reads them, without
// expansion. What is not an assignment is passed over, as systemd does.
func parseOSRelease(b []byte) OS {
	var os OS
	for line := range bytes.Lines(b) {
		key, value, ok := strings.Cut(strings.TrimSpace(string(line)), "=")
		if !ok {
			continue
		}
		value = clean(unquote(value))
		switch key {
		case "ID":
			os.ID = releaseID(value)
		case "VERSION_ID":
			os.VersionID = value
		case "PRETTY_NAME":
			os.Name = value
		case "VERSION_CODENAME":
			os.Codename = value
		case "CPE_NAME":
			os.CPE = value
		}
	}
	return os
}

// releaseID gives an ID that is of the form os-release(5) asks for, and nothing for any other.
func releaseID(s string) string {
	s = strings.ToLower(s)
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return ""
	}
	return s
}

// unquote undoes the quoting of a shell for one word.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return s[1 : len(s)-1]
	}
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// clean makes a value from an image fit for one line of a report: trimmed, without control characters,
// and not longer than any real one.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return -1
		}
		return r
	}, s[:min(len(s), 256)])
	return strings.TrimSpace(s)
}

// parseRedHatRelease reads the line that Red Hat's kin keep in etc/redhat-release, the only one up to
// release 6: "CentOS release 6.10 (Final)". CentOS' os-release gives the major number alone; so does this.
func parseRedHatRelease(line string) OS {
	product, rest, ok := strings.Cut(line, " release ")
	if !ok {
		return OS{}
	}
	version := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	for _, d := range [...]struct{ prefix, id string }{
		{"CentOS", "centos"}, {"Red Hat", "rhel"}, {"Fedora", "fedora"}, {"Oracle", "ol"},
		{"Amazon", "amzn"}, {"Rocky", "rocky"}, {"AlmaLinux", "almalinux"}, {"Scientific", "scientific"},
	} {
		if strings.HasPrefix(product, d.prefix) {
			return OS{ID: d.id, VersionID: version, Name: line}
		}
	}
	return OS{}
}

// debianVersion reads etc/debian_version: "12.4", or "trixie/sid" before a release.
func debianVersion(v string) OS {
	os := OS{ID: "debian", Name: "Debian GNU/Linux " + v}
	if v[0] >= '0' && v[0] <= '9' {
		os.VersionID, _, _ = strings.Cut(v, ".")
	} else {
		os.Codename, _, _ = strings.Cut(v, "/")
	}
	return os
}
