package sbom

import (
	"errors"
	"fmt"
	"strings"
)

// readTagValue reads the part of SPDX's tag-value form that packages need
// (https://spdx.github.io/spdx-spec/v2.3/conformance/#44-standard-data-format-requirements): "Tag: value" on each line, a
// text over several lines between <text> and </text>. Of files, names and checksums are read; snippets are passed over.
func readTagValue(data []byte) (*Document, error) {
	var s spdxDocument
	var current *spdxPackage // nil outside of packages
	inFile := false
	rest := string(data)
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		tag, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(tag, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		if text, found := strings.CutPrefix(value, "<text>"); found {
			if inner, _, closed := strings.Cut(text, "</text>"); closed {
				value = inner
			} else {
				more, after, closed := strings.Cut(rest, "</text>")
				if !closed {
					return nil, errors.New("an SPDX tag-value document with a <text> that does not end")
				}
				value, rest = text+"\n"+more, after
			}
		}
		switch tag {
		case "PackageName":
			if len(s.Packages) == maxPackages {
				return nil, errPackages
			}
			s.Packages = append(s.Packages, spdxPackage{Name: value})
			current, inFile = &s.Packages[len(s.Packages)-1], false
		case "FileName":
			if len(s.Files) == maxFiles {
				return nil, errFiles
			}
			s.Files = append(s.Files, spdxFile{Name: value})
			current, inFile = nil, true
		case "FileChecksum":
			if n := len(s.Files); n > 0 {
				s.Files[n-1].Checksums = append(s.Files[n-1].Checksums, tagChecksum(value))
			}
		case "SnippetSPDXID", "SnippetSPDXIdentifier":
			current, inFile = nil, false
		case "LicenseID":
			s.ExtractedLicensing = append(s.ExtractedLicensing, spdxLicence{ID: value})
			current, inFile = nil, false
		default:
			switch {
			case current != nil && current.tag(tag, value):
			case inFile && tag == "SPDXID":
				s.Files[len(s.Files)-1].SPDXID = value
			case !inFile || tag == "Relationship":
				s.tag(tag, value)
			}
		}
	}
	if s.SPDXVersion != "SPDX-2.2" && s.SPDXVersion != "SPDX-2.3" {
		return nil, fmt.Errorf("%q is not read, but SPDX 2.2 and 2.3 are", s.SPDXVersion)
	}
	return s.document(), nil
}

// tag takes a value of the document's own.
func (s *spdxDocument) tag(tag, value string) {
	switch tag {
	case "SPDXVersion":
		s.SPDXVersion = value
	case "DocumentName":
		s.Name = value
	case "Created":
		s.CreationInfo.Created = value
	case "Creator":
		s.CreationInfo.Creators = append(s.CreationInfo.Creators, value)
	case "Relationship":
		if words := strings.Fields(value); len(words) == 3 {
			s.Relationships = append(s.Relationships, spdxRelationship{Element: words[0], Type: words[1], Related: words[2]})
		}
	case "LicenseName", "ExtractedText":
		if n := len(s.ExtractedLicensing); n > 0 && tag == "LicenseName" {
			s.ExtractedLicensing[n-1].Name = value
		} else if n > 0 {
			s.ExtractedLicensing[n-1].Text = value
		}
	}
}

// tag takes a value of a package, and says whether it was one.
func (p *spdxPackage) tag(tag, value string) bool {
	switch tag {
	case "SPDXID":
		p.SPDXID = value
	case "PackageVersion":
		p.VersionInfo = value
	case "PrimaryPackagePurpose":
		p.PrimaryPackagePurpose = value
	case "PackageSourceInfo":
		p.SourceInfo = value
	case "PackageLicenseConcluded":
		p.LicenseConcluded = value
	case "PackageLicenseDeclared":
		p.LicenseDeclared = value
	case "PackageAttributionText":
		p.AttributionTexts = append(p.AttributionTexts, value)
	case "PackageChecksum":
		p.Checksums = append(p.Checksums, tagChecksum(value))
	case "ExternalRef":
		if words := strings.Fields(value); len(words) == 3 {
			p.ExternalRefs = append(p.ExternalRefs, spdxReference{words[0], words[1], words[2]})
		}
	default:
		return false
	}
	return true
}

// tagChecksum reads "SHA256: 4f1c...".
func tagChecksum(value string) spdxChecksum {
	algorithm, sum, _ := strings.Cut(value, ":")
	return spdxChecksum{algorithm, strings.TrimSpace(sum)}
}
