package drift

import (
	"flag"
	"testing"
)

var layoutTo = flag.String("layout", "", "write the test image to this directory, to make the documents in testdata anew")

// The documents in testdata are made with
//
//	go test ./trust/drift -run TestWriteTestImage -layout /tmp/shop
//	syft scan oci-dir:/tmp/shop -o spdx-json=shop.spdx.json -o cyclonedx-json=shop.cdx.json -o syft-json=shop.syft.json
func TestWriteTestImage(t *testing.T) {
	if *layoutTo == "" {
		t.Skip("no directory was named with -layout")
	}
	writeLayout(t, *layoutTo, []tree{shop()})
}
