package sbom

import (
	"io"
	"strings"
)

// Formats are the names of the formats that are written, the default first.
func Formats() []string {
	names := []string{"spdx", "cyclonedx"}
	for _, v := range CycloneDXVersions() {
		names = append(names, "cyclonedx@"+v)
	}
	return names
}

// Canonical gives a format's own name for the spellings of other tools: spdx-json, cyclonedx-json@1.5, spdx@2.3. What it
// does not know it gives back.
func Canonical(format string) string {
	name, version, hasVersion := strings.Cut(strings.ToLower(format), "@")
	switch strings.TrimSuffix(name, "-json") {
	case "spdx":
		if !hasVersion || version == "2.3" {
			return "spdx"
		}
	case "cyclonedx":
		if hasVersion {
			return "cyclonedx@" + version
		}
		return "cyclonedx"
	}
	return format
}

// Write writes a document in one of the [Formats].
func Write(w io.Writer, d *Document, format string) error {
	if version, ok := strings.CutPrefix(format, "cyclonedx"); ok {
		return CycloneDX(w, d, strings.TrimPrefix(version, "@"))
	}
	return SPDX(w, d)
}
