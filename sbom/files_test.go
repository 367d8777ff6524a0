package sbom

import (
	"fmt"
	"strings"
	"testing"
)

const (
	sum1   = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
	sum256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Each maker has a form of its own for the files, and for the package that a file is part of. Zeros stand for no digest.
func TestFilesOfDocuments(t *testing.T) {
	zeros := strings.Repeat("0", 40)
	for name, text := range map[string]string{
		"SPDX": `{"spdxVersion":"SPDX-2.3","packages":[{"SPDXID":"SPDXRef-p","name":"p","versionInfo":"1","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/p@1"}]}],
			"files":[{"SPDXID":"SPDXRef-f","fileName":"./lib/a","checksums":[{"algorithm":"SHA1","checksumValue":"` + sum1 + `"},{"algorithm":"SHA256","checksumValue":"` + strings.ToUpper(sum256) + `"}]},
			{"SPDXID":"SPDXRef-g","fileName":"b","checksums":[{"algorithm":"SHA1","checksumValue":"` + zeros + `"}]}],
			"relationships":[{"spdxElementId":"SPDXRef-p","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-f"},{"spdxElementId":"SPDXRef-root","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-f"}]}`,
		"SPDX, tag-value": "SPDXVersion: SPDX-2.3\nPackageName: p\nSPDXID: SPDXRef-p\nPackageVersion: 1\nExternalRef: PACKAGE-MANAGER purl pkg:npm/p@1\n" +
			"FileName: ./lib/a\nSPDXID: SPDXRef-f\nFileChecksum: SHA1: " + sum1 + "\nFileChecksum: SHA256: " + sum256 + "\nFileName: b\nFileChecksum: SHA1: " + zeros +
			"\nRelationship: SPDXRef-p CONTAINS SPDXRef-f\n",
		"CycloneDX": `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"p","version":"1","purl":"pkg:npm/p@1"},
			{"type":"file","name":"/lib/a","hashes":[{"alg":"SHA-1","content":"` + sum1 + `"},{"alg":"SHA-256","content":"` + sum256 + `"}]},
			{"type":"file","name":"only-a-name","hashes":[{"alg":"SHA-1","content":"` + sum1 + `"}]},{"type":"file","name":"/b"}]}`,
		"CycloneDX, by evidence": `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
			{"type":"file","name":"a","hashes":[{"alg":"SHA-1","content":"` + sum1 + `"},{"alg":"SHA-256","content":"` + sum256 + `"}],"evidence":{"occurrences":[{"location":"/lib/a"}]}}]}`,
		"Syft": `{"artifacts":[{"id":"p","name":"p","version":"1","purl":"pkg:npm/p@1"}],"schema":{"version":"16.0.0"},
			"files":[{"id":"f","location":{"path":"/lib/a"},"digests":[{"algorithm":"sha1","value":"` + sum1 + `"},{"algorithm":"sha256","value":"` + sum256 + `"}]},{"id":"g","location":{"path":"/b"}}],
			"artifactRelationships":[{"parent":"p","child":"f","type":"contains"}]}`,
	} {
		d, err := Read(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		owner := "pkg:npm/p@1"
		if strings.HasPrefix(name, "CycloneDX") {
			owner = "" // it has no relation for that
		}
		diffFiles(t, name, []File{{Path: "lib/a", Digests: []string{"sha1:" + sum1, "sha256:" + sum256}, Owner: owner}}, d.Files)
	}
}

func diffFiles(t *testing.T, name string, want, got []File) {
	t.Helper()
	if fmt.Sprintf("%q", want) != fmt.Sprintf("%q", got) {
		t.Errorf("%s: %q, not %q", name, got, want)
	}
}

func TestDigestsOfPackages(t *testing.T) {
	for name, text := range map[string]string{
		"SPDX": `{"spdxVersion":"SPDX-2.3","packages":[{"name":"p","versionInfo":"1","checksums":[{"algorithm":"SHA1","checksumValue":"` + sum1 + `"}],
			"externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:maven/g/p@1"}]}]}`,
		"CycloneDX": `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"p","version":"1","purl":"pkg:maven/g/p@1","hashes":[{"alg":"SHA-1","content":"` + sum1 + `"}]}]}`,
		"Syft":      `{"artifacts":[{"name":"p","version":"1","purl":"pkg:maven/g/p@1","metadata":{"digest":[{"algorithm":"sha1","value":"` + sum1 + `"}]}}],"schema":{"version":"16.0.0"}}`,
	} {
		d, err := Read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Inventory.Packages[0].Digests; len(got) != 1 || got[0] != "sha1:"+sum1 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestFilesThatAreWrittenAreReadAgain(t *testing.T) {
	d := small()
	d.Files = []File{
		{Path: "app/a b", Digests: []string{"sha1:" + sum1, "sha256:" + sum256}, Owner: d.Inventory.Packages[0].PURL},
		{Path: "usr/lib/x", Digests: []string{"sha1:" + sum1, "sha256:" + sum256}},
	}
	for name, write := range writers() {
		raw := written(t, write, d)
		again, err := Read(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		want := []File{d.Files[0], d.Files[1]}
		if name != "spdx" {
			want[0].Owner = ""
		}
		diffFiles(t, name, want, again.Files)
		if n := len(again.Inventory.Packages); n != len(d.Inventory.Packages) {
			t.Errorf("%s: %d packages", name, n)
		}
	}
}

func TestFilesAreBounded(t *testing.T) {
	many := strings.Repeat(`{},`, maxFiles+1)
	if _, err := Read(strings.NewReader(`{"spdxVersion":"SPDX-2.3","files":[` + many + `{}]}`)); err == nil || !strings.Contains(err.Error(), "files") {
		t.Errorf("%v", err)
	}
	if _, err := Read(strings.NewReader("SPDXVersion: SPDX-2.3\n" + strings.Repeat("FileName: a\n", maxFiles+1))); err == nil || !strings.Contains(err.Error(), "files") {
		t.Errorf("%v", err)
	}
	long := strings.Repeat("a/", maxPath)
	d, err := Read(strings.NewReader(`{"spdxVersion":"SPDX-2.3","files":[{"fileName":"` + long + `","checksums":[{"algorithm":"SHA1","checksumValue":"` + sum1 + `"}]}]}`))
	if err != nil || len(d.Files) > 0 {
		t.Errorf("%v %d", err, len(d.Files))
	}
}
