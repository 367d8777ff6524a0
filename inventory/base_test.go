package inventory

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// sum is a digest out of one letter.
func sum(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

// stacked is an image of layers whose blobs and contents are named by letters, read and verified.
func stacked(letters string) (*image.Image, []*layer.Index) {
	im := &image.Image{Digest: sum("f"), Platform: image.Platform{OS: "linux", Architecture: "amd64"}}
	var indexes []*layer.Index
	for i, letter := range strings.Split(letters, "") {
		im.Layers = append(im.Layers, image.Layer{Index: i, Digest: "blob " + letter, DiffID: sum(letter)})
		indexes = append(indexes, &layer.Index{DiffID: sum(letter)})
	}
	return im, indexes
}

// knownBase is a base of the layers that letters name.
func knownBase(reference, digest, letters string) KnownBase {
	k := KnownBase{Reference: reference, Digest: digest, Platform: "linux/amd64"}
	for _, letter := range strings.Split(letters, "") {
		k.DiffIDs = append(k.DiffIDs, sum(letter))
	}
	return k
}

func TestFindBase(t *testing.T) {
	debian, node := imageName{"debian:12", sum("1")}, imageName{"node:18", sum("2")}
	named := func(n imageName) map[string]string {
		return map[string]string{baseNameKey: n.reference, baseDigestKey: n.digest}
	}
	knownDebian, knownNode := knownBase("debian:12", sum("1"), "a"), knownBase("node:18", sum("2"), "ab")
	const inherited = "an image inherits the labels of its base: what they name may be the base of the base"
	const noSteps = "the provenance does not tell the steps of the build: the image may have been copied from, and not built on"
	for name, test := range map[string]struct {
		layers              string
		annotations, labels map[string]string
		provenance          *Provenance
		known               []KnownBase
		want                *Base
	}{
		"nothing says": {layers: "abc"},
		"chain": {
			layers: "abc", known: []KnownBase{knownDebian, knownNode, knownBase("other", sum("3"), "abd")},
			want: &Base{Reference: "node:18", Digest: sum("2"), Layers: 2, Evidence: FromChain, Sure: Exact},
		},
		"chain: not an image of the same layers": {
			layers: "ab", known: []KnownBase{knownDebian, knownNode},
			want: &Base{Reference: "debian:12", Digest: sum("1"), Layers: 1, Evidence: FromChain, Sure: Exact},
		},
		"chain: of two names the first": {
			layers: "ab", known: []KnownBase{knownDebian, knownBase("a:1", sum("4"), "a")},
			want: &Base{Reference: "a:1", Digest: sum("4"), Layers: 1, Evidence: FromChain, Sure: Exact},
		},
		"annotations": {
			layers: "abc", annotations: named(debian),
			want: &Base{Reference: "debian:12", Digest: sum("1"), Evidence: FromAnnotations, Sure: Named},
		},
		"annotations, the base is known": {
			layers: "abc", annotations: named(node), known: []KnownBase{knownDebian, knownNode},
			want: &Base{Reference: "node:18", Digest: sum("2"), Layers: 2, Evidence: FromAnnotations, Sure: Exact},
		},
		"annotations, the base is known by its index": {
			layers: "abc", annotations: named(imageName{"docker.io/library/node:18", sum("9")}),
			known: []KnownBase{{Reference: "node:18", Digest: sum("2"), Index: sum("9"), Platform: "linux/amd64", DiffIDs: knownNode.DiffIDs}},
			want:  &Base{Reference: "node:18", Digest: sum("9"), Layers: 2, Evidence: FromAnnotations, Sure: Exact},
		},
		"annotations, only the configuration is new": {
			layers: "ab", annotations: named(node), known: []KnownBase{knownNode},
			want: &Base{Reference: "node:18", Digest: sum("2"), Layers: 2, Evidence: FromAnnotations, Sure: Exact},
		},
		"annotations that lie": {
			layers: "cba", annotations: named(node), known: []KnownBase{knownNode},
			want: &Base{Reference: "node:18", Digest: sum("2"), Evidence: FromAnnotations, Sure: Contradicted,
				Caveat: "by the annotations the base is node:18@" + sum("2") + ", but its layers are not the lowest ones of this image"},
		},
		"annotations that lie, and the chain": {
			layers: "acb", annotations: named(node), known: []KnownBase{knownNode, knownDebian},
			want: &Base{Reference: "debian:12", Digest: sum("1"), Layers: 1, Evidence: FromChain, Sure: Exact,
				Caveat: "by the annotations the base is node:18@" + sum("2") + ", but its layers are not the lowest ones of this image"},
		},
		"annotations of another platform's image are no lie": {
			layers: "cba", annotations: named(imageName{"node:18", sum("9")}),
			known: []KnownBase{{Reference: "node:18", Digest: sum("2"), Index: sum("9"), Platform: "linux/arm64", DiffIDs: knownNode.DiffIDs}},
			want:  &Base{Reference: "node:18", Digest: sum("9"), Evidence: FromAnnotations, Sure: Named},
		},
		"annotations with a digest that nobody knows, the chain": {
			layers: "abc", annotations: named(imageName{"localhost/node", sum("8")}), known: []KnownBase{knownNode},
			want: &Base{Reference: "node:18", Digest: sum("2"), Layers: 2, Evidence: FromChain, Sure: Exact,
				Caveat: "by the annotations the base is localhost/node@" + sum("8") + ", of which nothing tells the layers"},
		},
		"annotations of Buildah for an image from scratch": {layers: "abc", annotations: map[string]string{baseDigestKey: sum("8"), baseNameKey: ""}},
		"labels": {
			layers: "abc", labels: named(debian),
			want: &Base{Reference: "debian:12", Digest: sum("1"), Evidence: FromLabels, Sure: Named, Caveat: inherited},
		},
		"labels, the base is known": {
			layers: "abc", labels: named(debian), known: []KnownBase{knownDebian},
			want: &Base{Reference: "debian:12", Digest: sum("1"), Layers: 1, Evidence: FromLabels, Sure: Exact, Caveat: inherited},
		},
		"labels inherited from the base": {
			layers: "abc", labels: named(debian), known: []KnownBase{knownDebian, knownNode},
			want: &Base{Reference: "node:18", Digest: sum("2"), Layers: 2, Evidence: FromChain, Sure: Exact},
		},
		"labels by name alone": {
			layers: "abc", labels: map[string]string{baseNameKey: "docker.io/library/node:18"}, known: []KnownBase{knownNode},
			want: &Base{Reference: "node:18", Layers: 2, Evidence: FromLabels, Sure: Exact, Caveat: inherited},
		},
		"provenance with steps": {
			layers: "abc", provenance: &Provenance{base: &node, baseLayers: [][]string{{"blob x"}, {"blob a", "blob b"}}}, labels: named(debian), known: []KnownBase{knownDebian},
			want: &Base{Reference: "node:18", Digest: sum("2"), Layers: 2, Evidence: FromProvenance, Sure: Claimed},
		},
		"provenance with steps, of other layers": {
			layers: "abc", provenance: &Provenance{base: &node, baseLayers: [][]string{{"blob a", "blob x"}}},
			want: &Base{Reference: "node:18", Digest: sum("2"), Evidence: FromProvenance, Sure: Named},
		},
		"provenance with steps, the base is known": {
			layers: "abc", provenance: &Provenance{base: &node, baseLayers: [][]string{{"blob a", "blob b"}}}, known: []KnownBase{knownNode},
			want: &Base{Reference: "node:18", Digest: sum("2"), Layers: 2, Evidence: FromProvenance, Sure: Exact},
		},
		"provenance with steps, the layers are known by another name": {
			layers: "abc", provenance: &Provenance{base: &imageName{"mirror/node:18", sum("7")}, baseLayers: [][]string{{"blob a", "blob b"}}}, known: []KnownBase{knownNode},
			want: &Base{Reference: "mirror/node:18", Digest: sum("7"), Layers: 2, Evidence: FromProvenance, Sure: Exact},
		},
		"provenance, one image": {
			layers: "abc", provenance: &Provenance{images: []imageName{node}},
			want: &Base{Reference: "node:18", Digest: sum("2"), Evidence: FromProvenance, Sure: Named, Caveat: noSteps},
		},
		"provenance, one image that is known": {
			layers: "abc", provenance: &Provenance{images: []imageName{node}}, known: []KnownBase{knownNode},
			want: &Base{Reference: "node:18", Digest: sum("2"), Layers: 2, Evidence: FromProvenance, Sure: Exact},
		},
		"provenance, several images": {layers: "abc", provenance: &Provenance{images: []imageName{node, debian}}},
		"provenance, several images of which one is known": {
			layers: "abc", provenance: &Provenance{images: []imageName{{"golang:1", sum("7")}, node}}, known: []KnownBase{knownNode, knownBase("golang:1", sum("7"), "xy")},
			want: &Base{Reference: "node:18", Digest: sum("2"), Layers: 2, Evidence: FromProvenance, Sure: Exact},
		},
		"provenance, several images that are known: the uppermost": {
			layers: "abc", provenance: &Provenance{images: []imageName{debian, node}}, known: []KnownBase{knownDebian, knownNode},
			want: &Base{Reference: "node:18", Digest: sum("2"), Layers: 2, Evidence: FromProvenance, Sure: Exact},
		},
		"a label that is no name":  {layers: "abc", labels: map[string]string{baseNameKey: strings.Repeat("x", 1<<20)}},
		"provenance: from scratch": {layers: "abc", provenance: &Provenance{scratch: true, images: []imageName{node}}},
	} {
		t.Run(name, func(t *testing.T) {
			im, indexes := stacked(test.layers)
			im.Annotations, im.Labels = test.annotations, test.labels
			if diff := cmp.Diff(test.want, FindBase(im, indexes, test.provenance, test.known)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What the config claims of a layer counts for nothing: only what was read does.
func TestFindBaseGoesByWhatWasRead(t *testing.T) {
	im, indexes := stacked("abc")
	indexes[0].DiffID = sum("d")
	if b := FindBase(im, indexes, nil, []KnownBase{knownBase("node:18", sum("2"), "ab")}); b != nil {
		t.Errorf("got %+v", b)
	}
	// A layer that could not be read proves nothing, and disproves nothing.
	indexes[0].DiffID = ""
	im.Annotations = map[string]string{baseNameKey: "node:18", baseDigestKey: sum("2")}
	if b := FindBase(im, indexes, nil, []KnownBase{knownBase("node:18", sum("2"), "ab")}); b == nil || b.Sure != Named {
		t.Errorf("got %+v", b)
	}
}

func TestSetBase(t *testing.T) {
	at := func(n int) *int { return &n }
	inv := &Inventory{Packages: []Package{{Layer: at(0)}, {Layer: at(1)}, {Layer: at(2)}, {}, {Layer: at(0), LastLayer: at(1)}, {Layer: at(0), LastLayer: at(2)}}}
	origins := func() []Origin {
		var list []Origin
		for _, p := range inv.Packages {
			list = append(list, p.Origin)
		}
		return list
	}
	inv.SetBase(&Base{Layers: 2, Sure: Exact})
	if diff := cmp.Diff([]Origin{OfBase, OfBase, OfApp, "", OfBase, OfBoth}, origins()); diff != "" {
		t.Error(diff)
	}
	for _, b := range []*Base{{Sure: Named}, nil} {
		inv.SetBase(b)
		if diff := cmp.Diff(make([]Origin, len(inv.Packages)), origins()); diff != "" || inv.Base != b {
			t.Error(diff)
		}
	}
}

func TestSetDockerfileLines(t *testing.T) {
	im, _ := stacked("abc")
	im.History = []image.History{
		{Instruction: "ADD x in /"}, {Instruction: "RUN make", Layer: 1}, {Instruction: "USER a", Layer: -1}, {Instruction: "RUN make", Layer: 2},
	}
	base := &Base{Layers: 2}
	if err := SetDockerfileLines(im, base, []byte("ARG V\nFROM node:$V\nUSER a\nRUN make\n"), map[string]string{"V": "18"}); err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, h := range im.History {
		lines = append(lines, h.DockerfileLine)
	}
	for _, l := range im.Layers {
		lines = append(lines, l.DockerfileLine)
	}
	if diff := cmp.Diff([]int{0, 0, 3, 4, 0, 0, 4}, lines); diff != "" || base.DockerfileLine != 2 {
		t.Errorf("FROM at %d; %s", base.DockerfileLine, diff)
	}
	for source, text := range map[string]string{"FROM a\nRUN other\n": "does not fit", "junk": "no FROM"} {
		if err := SetDockerfileLines(im, nil, []byte(source), nil); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", source, err)
		}
	}
}

func TestNewKnownBase(t *testing.T) {
	im, indexes := stacked("ab")
	im.Index = sum("9")
	k, err := NewKnownBase(im, nil, "node:18")
	want := KnownBase{Reference: "node:18", Digest: sum("f"), Index: sum("9"), Platform: "linux/amd64", DiffIDs: []string{sum("a"), sum("b")}}
	if diff := cmp.Diff(want, k); diff != "" || err != nil {
		t.Error(err, diff)
	}
	indexes[1].DiffID = ""
	if _, err := NewKnownBase(im, indexes, "node:18"); err == nil || !strings.Contains(err.Error(), "layer 1 is not known") {
		t.Errorf("a layer that was not read: %v", err)
	}
	if _, err := NewKnownBase(&image.Image{}, nil, "dir:x"); err == nil || !strings.Contains(err.Error(), "no layers") {
		t.Errorf("no layers: %v", err)
	}
}
