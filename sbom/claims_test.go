package sbom

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/layer"
)

const (
	bitnamiSPDX = `{"SPDXID":"SPDXRef-DOCUMENT","spdxVersion":"SPDX-2.3","name":"SPDX document for nginx","documentDescribes":["SPDXRef-nginx"],"packages":[
 {"SPDXID":"SPDXRef-nginx","name":"nginx","versionInfo":"1.25.0-8","licenseDeclared":"BSD-2-Clause","externalRefs":[
  {"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:*:nginx:nginx:1.25.0:*:*:*:*:*:*:*"},
  {"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:bitnami/nginx@1.25.0-8?arch=arm64&distro=debian-12"}]}]}`

	// As apko and melange write for each package: the package itself, and what it was built from.
	apkoSPDX = `{"SPDXID":"SPDXRef-DOCUMENT","spdxVersion":"SPDX-2.3","name":"apk-zlib","documentDescribes":["SPDXRef-Package-zlib"],"packages":[
 {"SPDXID":"SPDXRef-Package-zlib","name":"zlib","versionInfo":"1.3-r0","licenseDeclared":"MPL-2.0 AND MIT","externalRefs":[
  {"referenceCategory":"PACKAGE_MANAGER","referenceType":"purl","referenceLocator":"pkg:apk/wolfi/zlib@1.3-r0?arch=x86_64&distro=wolfi"}]},
 {"SPDXID":"SPDXRef-Package-source","name":"zlib.git","versionInfo":"v1.3","externalRefs":[
  {"referenceCategory":"PACKAGE_MANAGER","referenceType":"purl","referenceLocator":"pkg:github/madler/zlib@v1.3"}]}],
"relationships":[{"spdxElementId":"SPDXRef-Package-zlib","relationshipType":"GENERATED_FROM","relatedSpdxElement":"SPDXRef-Package-source"}]}`

	wheelCDX = `{"bomFormat":"CycloneDX","specVersion":"1.4","metadata":{"component":{"type":"library","name":"pillow","version":"10.0.0","purl":"pkg:pypi/pillow@10.0.0"}},
"components":[{"type":"library","name":"libjpeg-turbo","version":"2.1.5-3.el9","purl":"pkg:rpm/almalinux/libjpeg-turbo@2.1.5-3.el9"},{"type":"library","name":"nobody"}]}`
)

// assembled gives what is aboard an image of one layer.
func assembled(t *testing.T, files ...imagetest.File) *inventory.Inventory {
	t.Helper()
	dir := imagetest.Build(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t, files...)}, CreatedBy: []string{"COPY . /"}}).Layout(t, "x")
	im, err := image.Open(t.Context(), "oci:"+dir, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	all := append(extractors.Default(inventory.DefaultLimits()), Claims())
	layers, err := layer.Read(t.Context(), im, inventory.NewRules(all), layer.Options{Limits: layer.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Assemble(t.Context(), im, layers, all, inventory.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestDocumentsInAnImageAreClaims(t *testing.T) {
	inv := assembled(t,
		imagetest.File{Name: "etc/os-release", Content: "ID=wolfi\nVERSION_ID=20230201\nPRETTY_NAME=Wolfi\n"},
		imagetest.File{Name: "usr/lib/apk/db/installed", Content: "P:zlib\nV:1.3-r0\nA:x86_64\no:zlib\n\n"},
		imagetest.File{Name: "var/lib/db/sbom/zlib-1.3-r0.spdx.json", Content: apkoSPDX},
		imagetest.File{Name: "opt/bitnami/nginx/.spdx-nginx.spdx", Content: bitnamiSPDX},
		imagetest.File{Name: "usr/lib/python3/site-packages/pillow-10.0.0.dist-info/sboms/auditwheel.cdx.json", Content: wheelCDX},
		imagetest.File{Name: "app/node_modules/x/bom.json", Content: wheelCDX},
		imagetest.File{Name: "app/test/data.cdx.json", Content: wheelCDX},
		imagetest.File{Name: "app/sbom.json", Content: `{"not":"an SBOM"}`},
		imagetest.File{Name: "app/package-lock.json", Content: `{"lockfileVersion":2,"packages":{"node_modules/a":{"version":"1.0.0"}}}`},
		imagetest.File{Name: "usr/share/sbom/broken.spdx.json", Content: `{"spdxVersion":`},
	)
	type seen struct {
		Type, Name, Version, Ecosystem, PURL string
		Claimed                              bool
		Licenses, Paths                      []string
		Instruction                          string
	}
	var got []seen
	for _, p := range inv.Packages {
		got = append(got, seen{p.Type, p.Name, p.Version, p.Ecosystem, p.PURL, p.Claimed, p.Licenses, p.Paths, p.Instruction})
	}
	const wheel = "usr/lib/python3/site-packages/pillow-10.0.0.dist-info/sboms/auditwheel.cdx.json"
	want := []seen{
		{"apk", "zlib", "1.3-r0", "Wolfi", "pkg:apk/wolfi/zlib@1.3-r0?arch=x86_64&distro=wolfi-20230201", false,
			[]string{"MPL-2.0", "MIT"}, []string{"usr/lib/apk/db/installed", "var/lib/db/sbom/zlib-1.3-r0.spdx.json"}, "COPY . /"},
		{"bitnami", "nginx", "1.25.0-8", "Bitnami", "pkg:bitnami/nginx@1.25.0-8?arch=arm64&distro=debian-12", true,
			[]string{"BSD-2-Clause"}, []string{"opt/bitnami/nginx/.spdx-nginx.spdx"}, "COPY . /"},
		{"npm", "a", "1.0.0", "npm", "pkg:npm/a@1.0.0", false, nil, []string{"app/package-lock.json"}, "COPY . /"},
		{"pypi", "pillow", "10.0.0", "PyPI", "pkg:pypi/pillow@10.0.0", true, nil, []string{wheel}, "COPY . /"},
		{"rpm", "libjpeg-turbo", "2.1.5-3.el9", "", "pkg:rpm/almalinux/libjpeg-turbo@2.1.5-3.el9", true, nil, []string{wheel}, "COPY . /"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var blind []string
	for _, s := range inv.BlindSpots {
		blind = append(blind, s.Where+": "+s.Message)
	}
	wantBlind := []string{
		wheel + ": sbom-claim: the document names 1 package without a package URL that can be read, so nothing is known of them: nobody",
		"usr/share/sbom/broken.spdx.json: sbom-claim: not JSON that can be read: unexpected end of JSON input",
	}
	if diff := cmp.Diff(wantBlind, blind); diff != "" {
		t.Error(diff)
	}
}
