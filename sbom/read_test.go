package sbom

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/inventory"
)

// The documents below are cut from what the tools write, field by field: Syft 1.x (its format/*/testdata snapshots), Trivy
// 0.5x (integration/testdata), Docker Scout, and the examples of the specifications.
const (
	syftCycloneDX = `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,
"metadata":{"tools":{"components":[{"type":"application","author":"anchore","name":"syft","version":"1.20.0"}]},
 "component":{"bom-ref":"1","type":"container","name":"rockylinux:9","version":"sha256:` + aaa + `"}},
"components":[
 {"bom-ref":"b","type":"library","name":"openssl-libs","version":"1:3.0.7-27.el9","purl":"pkg:rpm/rocky/openssl-libs@3.0.7-27.el9?arch=x86_64&distro=rocky-9.3&epoch=1&upstream=openssl-3.0.7-27.el9.src.rpm",
  "licenses":[{"license":{"id":"Apache-2.0"}}],
  "properties":[{"name":"syft:package:type","value":"rpm"},{"name":"syft:location:0:layerID","value":"sha256:x"},{"name":"syft:location:0:path","value":"/var/lib/rpm/rpmdb.sqlite"}]},
 {"bom-ref":"g","type":"library","name":"github.com/go-chi/chi/v5","version":"v5.0.0","purl":"pkg:golang/github.com/go-chi/chi@v5.0.0#v5"},
 {"bom-ref":"s","type":"library","name":"stdlib","version":"go1.22.1","purl":"pkg:golang/stdlib@1.22.1"},
 {"bom-ref":"f","type":"file","name":"/bin/x"},
 {"bom-ref":"os","type":"operating-system","name":"rocky","version":"9.3","properties":[{"name":"syft:distro:id","value":"rocky"},
  {"name":"syft:distro:prettyName","value":"Rocky Linux 9.3 (Blue Onyx)"},{"name":"syft:distro:versionID","value":"9.3"}]}]}`

	trivyCycloneDX = `{"$schema":"http://cyclonedx.org/schema/bom-1.6.schema.json","bomFormat":"CycloneDX","specVersion":"1.6","version":1,
"metadata":{"tools":{"components":[{"type":"application","group":"aquasecurity","name":"trivy","version":"0.60.0"}]},
 "component":{"bom-ref":"pkg:oci/shop@sha256%3A` + aaa + `?arch=amd64&repository_url=acme%2Fshop","type":"container","name":"acme/shop:1","purl":"pkg:oci/shop@sha256%3A` + aaa + `?arch=amd64&repository_url=acme%2Fshop",
  "properties":[{"name":"aquasecurity:trivy:ImageID","value":"sha256:` + aaa + `"},{"name":"aquasecurity:trivy:SchemaVersion","value":"2"}]}},
"components":[
 {"bom-ref":"1","type":"operating-system","name":"debian","version":"12.4","properties":[{"name":"aquasecurity:trivy:Class","value":"os-pkgs"},{"name":"aquasecurity:trivy:Type","value":"debian"}]},
 {"bom-ref":"2","type":"application","name":"app/package-lock.json","properties":[{"name":"aquasecurity:trivy:Class","value":"lang-pkgs"},{"name":"aquasecurity:trivy:Type","value":"npm"}]},
 {"bom-ref":"3","type":"library","name":"libssl3","version":"3.0.11-1~deb12u2","purl":"pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12.4",
  "licenses":[{"license":{"name":"GPL-1.0-or-later"}}],
  "properties":[{"name":"aquasecurity:trivy:LayerDiffID","value":"sha256:x"},{"name":"aquasecurity:trivy:PkgType","value":"debian"},{"name":"aquasecurity:trivy:SrcEpoch","value":"1"},
   {"name":"aquasecurity:trivy:SrcName","value":"openssl"},{"name":"aquasecurity:trivy:SrcRelease","value":"1~deb12u2"},{"name":"aquasecurity:trivy:SrcVersion","value":"3.0.11"}]},
 {"bom-ref":"4","type":"library","group":"@babel","name":"core","version":"7.0.0","purl":"pkg:npm/%40babel/core@7.0.0","properties":[{"name":"aquasecurity:trivy:FilePath","value":"app/node_modules/@babel/core/package.json"}]}],
"dependencies":[{"ref":"4","dependsOn":["4"]}]}`

	trivySPDX = `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"alpine:3.18","documentNamespace":"http://trivy.dev/x",
"creationInfo":{"creators":["Organization: aquasecurity","Tool: trivy-0.60.0"],"created":"2026-01-02T03:04:05Z"},
"packages":[
 {"name":"alpine:3.18","SPDXID":"SPDXRef-ContainerImage-1","downloadLocation":"NONE","filesAnalyzed":false,"primaryPackagePurpose":"CONTAINER",
  "externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:oci/alpine@sha256%3A` + aaa + `?arch=amd64"}],
  "annotations":[{"annotator":"Tool: trivy-0.60.0","annotationDate":"2026-01-02T03:04:05Z","annotationType":"OTHER","comment":"ImageID: sha256:` + aaa + `"}]},
 {"name":"alpine","SPDXID":"SPDXRef-OperatingSystem-2","versionInfo":"3.18.4","downloadLocation":"NONE","primaryPackagePurpose":"OPERATING-SYSTEM","annotations":[]},
 {"name":"libssl3","SPDXID":"SPDXRef-Package-3","versionInfo":"3.1.3-r0","downloadLocation":"NONE","sourceInfo":"built package from: openssl 3.1.3-r0","licenseConcluded":"Apache-2.0","licenseDeclared":"Apache-2.0",
  "externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:apk/alpine/libssl3@3.1.3-r0?arch=x86_64&distro=3.18.4"}],
  "annotations":[{"annotator":"Tool: trivy-0.60.0","annotationDate":"2026-01-02T03:04:05Z","annotationType":"OTHER","comment":"PkgType: alpine"}]},
 {"name":"node-pkg","SPDXID":"SPDXRef-Application-4","downloadLocation":"NONE","primaryPackagePurpose":"APPLICATION"}],
"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relatedSpdxElement":"SPDXRef-ContainerImage-1","relationshipType":"DESCRIBES"}]}`

	syftJSON = `{"artifacts":[
 {"id":"p","name":"python3-six","version":"1.16.0-4","type":"deb","foundBy":"dpkg-db-cataloger","locations":[{"path":"/var/lib/dpkg/status","layerID":"sha256:two"}],
  "licenses":[{"value":"MIT","spdxExpression":"MIT","type":"declared"}],"purl":"pkg:deb/debian/python3-six@1.16.0-4?arch=all&distro=debian-12&upstream=six",
  "metadataType":"dpkg-db-entry","metadata":{"package":"python3-six","source":"six","sourceVersion":"","files":[]}},
 {"id":"q","name":"six","version":"1.16.0","type":"python","locations":[{"path":"/usr/lib/python3/dist-packages/six.egg-info"}],"licenses":["MIT"],"purl":"pkg:pypi/six@1.16.0","metadata":{"files":[]}},
 {"id":"r","name":"odd","version":"1","type":"binary","purl":""}],
"artifactRelationships":[{"parent":"p","child":"q","type":"ownership-by-file-overlap"}],
"source":{"name":"shop","type":"image","metadata":{"userInput":"shop:1","manifestDigest":"sha256:` + aaa + `","os":"linux","architecture":"arm64",
 "layers":[{"digest":"sha256:one"},{"digest":"sha256:two"}],"config":"eyJoaXN0b3J5IjpbeyJjcmVhdGVkX2J5IjoiQUREIHggLyAjIGJ1aWxka2l0In0seyJjcmVhdGVkX2J5IjoiRU5WIHkiLCJlbXB0eV9sYXllciI6dHJ1ZX0seyJjcmVhdGVkX2J5IjoiUlVOIC9iaW4vc2ggLWMgYXB0LWdldCBpbnN0YWxsICMgYnVpbGRraXQifV19"}},
"distro":{"id":"debian","versionID":"12","prettyName":"Debian GNU/Linux 12 (bookworm)"},"descriptor":{"name":"syft","version":"1.20.0"},"schema":{"version":"16.0.24"}}`

	aaa = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// line shows what matters of a package in one line.
func line(p inventory.Package) string {
	s := fmt.Sprintf("%s %s %s [%s]", p.Type, p.Name, p.Version, p.Ecosystem)
	if p.Source != nil {
		s += fmt.Sprintf(" from %s %s", p.Source.Name, p.Source.Version)
	}
	for _, l := range p.Licenses {
		s += " " + l
	}
	for _, at := range p.Paths {
		s += " /" + at
	}
	if p.Layer != nil {
		s += fmt.Sprintf(" layer %d %s", *p.Layer, p.Instruction)
	}
	if p.Owner != "" {
		s += " of " + p.Owner
	}
	return s
}

func TestOtherToolsDocuments(t *testing.T) {
	const image = "sha256:" + aaa
	for _, c := range []struct {
		name, document, format, reference, digest, os string
		want, blind                                   []string
	}{
		{"Syft's CycloneDX", syftCycloneDX, "CycloneDX 1.6", "rockylinux:9", image, "rocky 9.3", []string{
			"golang github.com/go-chi/chi/v5 v5.0.0 [Go]",
			"golang stdlib 1.22.1 [Go]",
			"rpm openssl-libs 1:3.0.7-27.el9 [Rocky Linux:9] from openssl 1:3.0.7-27.el9 Apache-2.0 /var/lib/rpm/rpmdb.sqlite",
		}, nil},
		{"Trivy's CycloneDX", trivyCycloneDX, "CycloneDX 1.6", "acme/shop:1", image, "debian 12.4", []string{
			"deb libssl3 3.0.11-1~deb12u2 [Debian:12] from openssl 1:3.0.11-1~deb12u2 GPL-1.0-or-later",
			"npm @babel/core 7.0.0 [npm] /app/node_modules/@babel/core/package.json",
		}, nil},
		{"Trivy's SPDX", trivySPDX, "SPDX 2.3", "alpine:3.18", image, "alpine 3.18.4", []string{
			"apk libssl3 3.1.3-r0 [Alpine:v3.18] from openssl 3.1.3-r0 Apache-2.0",
		}, nil},
		{"Syft's own", syftJSON, "Syft 16.0.24", "shop:1", image, "debian 12", []string{
			"deb python3-six 1.16.0-4 [Debian:12] from six 1.16.0-4 MIT /var/lib/dpkg/status layer 1 RUN apt-get install",
			"pypi six 1.16.0 [PyPI] MIT /usr/lib/python3/dist-packages/six.egg-info of pkg:deb/debian/python3-six@1.16.0-4?arch=all&distro=debian-12&upstream=six",
		}, []string{"the document names 1 package without a package URL that can be read, so nothing is known of them: odd"}},
		{"XML", `<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.5" version="1"><components><component type="library"><name>lodash</name><version>4.17.15</version>
			<licenses><license><id>MIT</id></license></licenses><purl>pkg:npm/lodash@4.17.15</purl></component></components></bom>`,
			"CycloneDX 1.5", "", "", "", []string{"npm lodash 4.17.15 [npm] MIT"}, nil},
		{"nested components", `{"bomFormat":"CycloneDX","specVersion":"1.4","components":[{"type":"framework","name":"a","purl":"pkg:pypi/A_b@1","components":[{"type":"library","name":"b","version":"2","purl":"pkg:npm/b"}]}]}`,
			"CycloneDX 1.4", "", "", "", []string{"npm b 2 [npm]", "pypi a-b 1 [PyPI]"}, nil},
		{"tag-value", "SPDXVersion: SPDX-2.3\nDocumentName: redis\nRelationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-redis\nPackageName: redis\nSPDXID: SPDXRef-redis\nPackageVersion: 7.4.1-0\n" +
			"PackageLicenseDeclared: LicenseRef-1\nPackageComment: <text>two\nlines</text>\nExternalRef: PACKAGE-MANAGER purl pkg:bitnami/redis@7.4.1-0?arch=arm64&distro=debian-12\n\nLicenseID: LicenseRef-1\nLicenseName: RSALv2\n",
			"SPDX 2.3", "redis", "", "", []string{"bitnami redis 7.4.1-0 [Bitnami] RSALv2"}, nil},
		{"OSV-Scalibr's SPDX", `{"spdxVersion":"SPDX-2.3","name":"x","packages":[
			{"SPDXID":"SPDXRef-1","name":"libacl1","versionInfo":"2.3.1-3","sourceInfo":"Identified by the os/dpkg extractor from var/lib/dpkg/status",
			"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:deb/debian/libacl1@2.3.1-3?arch=amd64&distro=bookworm&source=acl&sourceversion=2.3.1"}]},
			{"SPDXID":"SPDXRef-2","name":"bash","versionInfo":"5.2","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:deb/debian/bash@5.2?distro=bookworm"}]}]}`,
			"SPDX 2.3", "x", "", "debian 12", []string{
				"deb bash 5.2 [Debian:12]",
				"deb libacl1 2.3.1-3 [Debian:12] from acl 2.3.1 /var/lib/dpkg/status",
			}, nil},
		{"melange's", `{"spdxVersion":"SPDX-2.3","name":"apk-unbound","documentDescribes":["SPDXRef-1"],"packages":[
			{"SPDXID":"SPDXRef-1","name":"unbound","versionInfo":"1.23.0-r0","externalRefs":[{"referenceCategory":"PACKAGE_MANAGER","referenceType":"purl","referenceLocator":"pkg:apk/wolfi/unbound@1.23.0-r0?arch=x86_64&origin=unbound"}]},
			{"SPDXID":"SPDXRef-2","name":"unbound.yaml","versionInfo":"23e8","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:github/wolfi-dev/os@23e8#unbound.yaml"}]},
			{"SPDXID":"SPDXRef-3","name":"unbound","versionInfo":"release-1.23.0","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:github/nlnetlabs/unbound@release-1.23.0"}]}],
			"relationships":[{"spdxElementId":"SPDXRef-1","relationshipType":"DESCRIBED_BY","relatedSpdxElement":"SPDXRef-2"},
			{"spdxElementId":"SPDXRef-1","relationshipType":"GENERATED_FROM","relatedSpdxElement":"SPDXRef-3"}]}`,
			"SPDX 2.3", "apk-unbound", "", "wolfi", []string{"apk unbound 1.23.0-r0 [Wolfi] from unbound 1.23.0-r0"}, nil},
		{"nothing", `{"spdxVersion":"SPDX-2.2","name":"x"}`, "SPDX 2.2", "x", "", "", nil, []string{"the document names no package"}},
		{"no version", `{"bomFormat":"CycloneDX","specVersion":"1.4","components":[{"type":"library","name":"a","purl":"pkg:npm/a"}]}`,
			"CycloneDX 1.4", "", "", "", []string{"npm a  [npm]"}, []string{"the document gives no version of 1 package, so nothing can be compared: a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := Read(strings.NewReader(c.document))
			if err != nil {
				t.Fatal(err)
			}
			var got, blind []string
			for _, p := range d.Inventory.Packages {
				got = append(got, line(p))
			}
			for _, s := range d.Inventory.BlindSpots {
				blind = append(blind, s.Message)
			}
			os := strings.TrimSpace(d.Inventory.OS.ID + " " + d.Inventory.OS.VersionID)
			if diff := cmp.Diff([]any{c.format, c.reference, c.digest, c.os, c.want, c.blind}, []any{d.Format, d.Image.Reference, d.Image.Digest, os, got, blind}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDistributionsOfPURLs(t *testing.T) {
	for purl, want := range map[string]string{
		"pkg:deb/debian/a@1?distro=debian-12":                                "Debian:12",
		"pkg:deb/debian/a@1?distro=bookworm":                                 "Debian:12",
		"pkg:deb/debian/a@1?distro=debian-trixie":                            "Debian:13",
		"pkg:deb/ubuntu/a@1?distro=jammy":                                    "Ubuntu:22.04:LTS",
		"pkg:deb/ubuntu/a@1?os_distro=noble&os_name=ubuntu&os_version=24.04": "Ubuntu:24.04:LTS",
		"pkg:apk/alpine/a@1?distro=3.18.4":                                   "Alpine:v3.18",
		"pkg:apk/alpine/a@1?distro=alpine-3.18.4":                            "Alpine:v3.18",
		"pkg:apk/wolfi/a@1?distro=wolfi":                                     "Wolfi",
		"pkg:apk/chainguard/a@1?distro=chainguard-20230214":                  "Chainguard",
		"pkg:rpm/redhat/a@1?distro=redhat-9.3":                               "Red Hat:enterprise_linux:9",
		"pkg:rpm/redhat/a@1?distro=rhel-9.3":                                 "Red Hat:enterprise_linux:9",
		"pkg:rpm/alma/a@1?distro=alma-9.3":                                   "AlmaLinux:9",
		"pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5":                     "openSUSE:Leap 15.5",
		"pkg:rpm/suse/a@1?distro=suse%20linux%20enterprise%20server-15.5":    "SUSE:Linux Enterprise Server 15 SP5",
		"pkg:rpm/fedora/a@1?distro=fedora-40":                                "Fedora:40",
		"pkg:deb/debian/a@1":                                                 "Debian:11", // the document's own
		"pkg:deb/ubuntu/a@1":                                                 "",          // of no known release
	} {
		p, ok := fromPURL(purl, inventory.OS{ID: "debian", VersionID: "11"})
		if !ok || p.Ecosystem != want {
			t.Errorf("%s: %q, want %q", purl, p.Ecosystem, want)
		}
	}
}

func zip(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

func TestEnvelopes(t *testing.T) {
	inner := trivyCycloneDX
	statement := `{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://cyclonedx.org/bom","subject":[{"name":"x","digest":{"sha256":"` + aaa + `"}}],"predicate":` + inner + `}`
	text, _ := json.Marshal(inner)
	dsse := `{"payloadType":"application/vnd.in-toto+json","payload":"` + base64.StdEncoding.EncodeToString([]byte(statement)) + `","signatures":[]}`
	for name, document := range map[string][]byte{
		"byte order mark": []byte("\xef\xbb\xbf\n" + inner),
		"gzip":            zip([]byte(inner)),
		"statement":       []byte(statement),
		"DSSE":            []byte(dsse),
		"sigstore bundle": []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":` + dsse + `}`),
		"cosign's custom": []byte(`{"predicateType":"https://cosign.sigstore.dev/attestation/v1","predicate":{"Data":` + string(text) + `}}`),
		"buildx":          []byte(`{"SPDX":` + trivySPDX + `}`),
		"buildx, index":   []byte(`{"linux/amd64":{"SPDX":` + trivySPDX + `}}`),
		"GitHub":          []byte(`{"sbom":` + trivySPDX + `}`),
	} {
		d, err := Read(bytes.NewReader(document))
		if err != nil || len(d.Inventory.Packages) == 0 || d.Image.Digest != "sha256:"+aaa {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsNotReadIsNamed(t *testing.T) {
	deep := `{"spdxVersion":"SPDX-2.3","packages":` + strings.Repeat("[", 20_000)
	wrapped := `{"payload":"` + base64.StdEncoding.EncodeToString([]byte(`{}`)) + `"}`
	for range maxWrapped + 1 {
		wrapped = `{"payload":"` + base64.StdEncoding.EncodeToString([]byte(wrapped)) + `"}`
	}
	for document, want := range map[string]string{
		"":      "empty",
		"hello": "not an SBOM document",
		"{}":    "not an SBOM document",
		"{":     "not JSON",
		`{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}`: "SPDX 3",
		`{"spdxVersion":"SPDX-2.1"}`:                        "SPDX-2.1 is not read",
		`{"spdxVersion":"SPDX-2.3","packages":{"a":1}}`:     "packages is a JSON object",
		"spdxVersion: SPDX-2.3\nname: x\n":                  "YAML",
		`<rdf:RDF xmlns:spdx="http://spdx.org/rdf/terms#">`: "RDF",
		"<html/>":                                               "not CycloneDX",
		`{"ArtifactName":"x","SchemaVersion":2}`:                "Trivy report",
		`{"bomFormat":"CycloneDX","specVersion":"9.9"}`:         "CycloneDX",
		"SPDXVersion: SPDX-2.3\nA: <text>no end":                "does not end",
		`{"linux/amd64":{"SPDX":{}},"linux/arm64":{"SPDX":{}}}`: "2 platforms",
		"\x1f\x8bnot gzip":                                      "gzip",
		deep:                                                    "depth",
		`{"bomFormat":"CycloneDX","components":[` + strings.Repeat("{},", maxPackages) + `{}]}`:                        "packages",
		`{"bomFormat":"CycloneDX","Comp\u006fnents":[` + strings.Repeat("{},", maxPackages) + `{}]}`:                   "packages",
		`{"spdxVersion":"SPDX-2.3","relationships":[` + strings.Repeat("{},", maxValues+1) + `{}]}`:                    "JSON values",
		`{"bomFormat":"CycloneDX","components":[{"name":"\\\"` + strings.Repeat("a", maxText) + `"}]}`:                 "MiB",
		"SPDXVersion: SPDX-2.3\n" + strings.Repeat("PackageName:\n", maxPackages+1):                                    "packages",
		`<bom xmlns="http://cyclonedx.org/schema/bom/1.5">` + strings.Repeat("<component/>", maxPackages+1) + "</bom>": "packages",
		wrapped: "envelopes",
	} {
		_, err := Read(strings.NewReader(document))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: %v, want %q", document, err, want)
		}
	}
}

// BuildKit attests what Syft found as SPDX in in-toto statements beside the image.
func TestBuildKitsAttestations(t *testing.T) {
	f, err := os.Open("../../shared/attestations/buildkit/app-provmax-v02-sbomsyft.oci.tar")
	if err != nil {
		t.Skip("needs the shared attestations")
	}
	defer f.Close()
	read := 0
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 400)
		n, _ := io.ReadFull(r, head)
		if !bytes.Contains(head[:n], []byte("https://spdx.dev/Document")) {
			continue
		}
		d, err := Read(io.MultiReader(bytes.NewReader(head[:n]), r))
		if err != nil {
			t.Errorf("%s: %v", h.Name, err)
			continue
		}
		read++
		if d.Image.Digest == "" || len(d.Inventory.Packages) == 0 {
			t.Errorf("%s: %+v, %d packages", h.Name, d.Image, len(d.Inventory.Packages))
		}
	}
	if read == 0 {
		t.Error("no attested document was found")
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{syftCycloneDX, trivyCycloneDX, trivySPDX, syftJSON, "SPDXVersion: SPDX-2.3\nPackageName: a\n", `<bom xmlns="http://cyclonedx.org/schema/bom/1.5"/>`} {
		f.Add([]byte(s))
	}
	for _, write := range writers() {
		var b bytes.Buffer
		if err := write(&b, small()); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Read(bytes.NewReader(data))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		// Whatever was read can be written, and is then read as the same packages.
		for _, format := range Formats() {
			var b bytes.Buffer
			if err := Write(&b, d, format); err != nil {
				t.Fatal(err)
			}
			again, err := Read(&b)
			if err != nil || len(again.Inventory.Packages) != len(d.Inventory.Packages) {
				t.Fatalf("%s: %v: %d packages, not %d", format, err, len(again.Inventory.Packages), len(d.Inventory.Packages))
			}
		}
	})
}

// large is a document of as many packages as a full desktop or a large application has.
func large() *Document {
	d := small()
	d.Inventory.Packages = nil
	for i := range 3000 {
		p := small().Inventory.Packages[0]
		p.Name = fmt.Sprintf("library%d", i)
		p.PURL = strings.Replace(p.PURL, "libexpat1", p.Name, 1)
		p.Depends = []string{fmt.Sprintf("library%d", i/2), fmt.Sprintf("library%d", i/3)}
		d.Inventory.Packages = append(d.Inventory.Packages, p)
	}
	return d
}

func BenchmarkWrite(b *testing.B) {
	d := large()
	for _, format := range []string{"spdx", "cyclonedx"} {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				if err := Write(io.Discard, d, format); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, format := range []string{"spdx", "cyclonedx"} {
		var doc bytes.Buffer
		if err := Write(&doc, large(), format); err != nil {
			b.Fatal(err)
		}
		b.Run(format, func(b *testing.B) {
			b.SetBytes(int64(doc.Len()))
			for b.Loop() {
				if _, err := Read(bytes.NewReader(doc.Bytes())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What other tools say of the source package stands in qualifiers of their own.
func TestSourcesOfPURLs(t *testing.T) {
	for purl, want := range map[string]*inventory.Source{
		"pkg:deb/debian/libc6@2.36-9?upstream=glibc":                                 {Name: "glibc", Version: "2.36-9"},
		"pkg:deb/debian/libc6@2.36-9%2Bb1?upstream=glibc%402.36-9":                   {Name: "glibc", Version: "2.36-9"},
		"pkg:deb/debian/bash@5.2-2%2Bb13?source=bash&sourceversion=5.2-2":            {Name: "bash", Version: "5.2-2"},
		"pkg:apk/alpine/musl-utils@1.2.4-r0?origin=musl":                             {Name: "musl", Version: "1.2.4-r0"},
		"pkg:rpm/rocky/glibc-common@2.34-83.el9?sourcerpm=glibc-2.34-83.el9.src.rpm": {Name: "glibc", Version: "2.34-83.el9"},
		"pkg:deb/debian/adduser@3.134?arch=all":                                      nil,
		"pkg:rpm/rocky/basesystem@11-13.el9":                                         nil,
	} {
		p, ok := fromPURL(purl, inventory.OS{})
		if diff := cmp.Diff(want, p.Source); !ok || diff != "" {
			t.Errorf("%s: %s", purl, diff)
		}
	}
}

// Licences and names of a hostile size cost no more than their reading.
func TestLongTextsStayOne(t *testing.T) {
	long := strings.Repeat("MIT AND ", longestExpression) + "MIT"
	if got := apart(long, nil); len(got) != 1 || got[0] != long {
		t.Errorf("a long expression has %d parts", len(got))
	}
	d, err := Read(strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"` + strings.Repeat("a", 1<<20) + `","version":"1"}]}`))
	if err != nil || len(d.Inventory.BlindSpots) != 1 || len(d.Inventory.BlindSpots[0].Message) > 300 {
		t.Errorf("%v, or too long a message", err)
	}
}
