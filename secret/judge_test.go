package secret

import (
	"crypto/md5" //nolint:gosec // what dpkg's database has
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/match"
)

// detectToy knows two sorts of secret: tok_ and letters, wherever it stands, and what is assigned to a password.
func detectToy(_ string, content []byte) []Found {
	var out []Found
	for i, line := range strings.Split(string(content), "\n") {
		for _, m := range regexp.MustCompile(`tok_[a-z]{8,}`).FindAllString(line, -1) {
			f := Found{Rule: "toy-token", Title: "Toy token", Severity: match.Critical, Line: i + 1, Redacted: "tok_****", Raw: m}
			if strings.Contains(m, "example") {
				f.Known = "documentation-example"
			}
			out = append(out, f)
		}
		for _, m := range regexp.MustCompile(`(?i)password[=:"', ]+([a-z0-9]+)`).FindAllStringSubmatch(line, -1) {
			out = append(out, Found{Rule: "password", Title: "Password", Severity: match.High, Line: i + 1, Redacted: m[1][:min(2, len(m[1]))] + "****", Raw: m[1]})
		}
	}
	return out
}

// imageOf makes an image of a history; those of its steps that begin with COPY or RUN make the layers.
func imageOf(history ...string) *image.Image {
	im := &image.Image{Reference: "shop:1"}
	for _, h := range history {
		step := image.History{Instruction: h, Layer: -1}
		if strings.HasPrefix(h, "COPY") || strings.HasPrefix(h, "RUN") {
			step.Layer = len(im.Layers)
			im.Layers = append(im.Layers, image.Layer{Index: step.Layer, Instruction: h, Digest: "sha256:" + strings.Repeat("0123456789abcdef", 4)})
		}
		im.History = append(im.History, step)
	}
	return im
}

// read makes the indexes that reading layers of such files gives: a name that begins with "-" is a whiteout.
func read(layers ...map[string]string) []*layer.Index {
	var out []*layer.Index
	for _, files := range layers {
		ix := &layer.Index{Seen: map[string]*layer.Seen{Sink: {}}}
		for at, content := range files {
			if name, ok := strings.CutPrefix(at, "-"); ok {
				ix.Files = append(ix.Files, layer.File{Path: name, Type: layer.Whiteout})
				continue
			}
			ix.Files = append(ix.Files, layer.File{Path: at, Size: int64(len(content)), Body: &layer.Body{Content: []byte(content)}})
			if note := Encode(detectToy(at, []byte(content))); note != nil {
				ix.Seen[Sink].Notes = append(ix.Seen[Sink].Notes, layer.Note{File: len(ix.Files) - 1, Data: note})
			}
		}
		out = append(out, ix)
	}
	return out
}

func judge(im *image.Image, indexes []*layer.Index, inv *inventory.Inventory) (*Report, []image.BlindSpot) {
	r := NewRedactor(detectToy)
	r.Image(im)
	return Judge(r, im, indexes, inv, inventory.NewTrace(im, indexes, inv))
}

// lines tells each secret in one line, as a person would.
func lines(r *Report) []string {
	var out []string
	for _, s := range r.Found {
		line := strings.TrimSpace(strings.Join([]string{s.Rule, string(s.In), s.Path, s.Name, s.Redacted, s.Instruction}, " | "))
		if s.Hidden != nil {
			line += " | " + string(s.Hidden.How) + " by " + s.Hidden.Instruction
		}
		for _, a := range s.Also {
			line += " | also " + a.Instruction
		}
		if s.Quieted != nil {
			line += " | quiet: " + s.Quieted.By
		}
		out = append(out, line)
	}
	return out
}

func TestFilesOfEveryLayerAreTold(t *testing.T) {
	im := imageOf("COPY . /app", "RUN rm /app/.env", "COPY two /app")
	indexes := read(
		map[string]string{"app/.env": "x=tok_abcdefgh\npassword=hunter2", "app/a": "tok_replaced", "app/readme": "tok_exampleexample"},
		map[string]string{"-app/.env": ""},
		map[string]string{"app/a": "tok_anotherone"})
	got, spots := judge(im, indexes, &inventory.Inventory{})
	want := []string{
		"toy-token | file | app/.env |  | tok_**** | COPY . /app | deleted by RUN rm /app/.env",
		"toy-token | file | app/a |  | tok_**** | COPY . /app | replaced by COPY two /app",
		"toy-token | file | app/a |  | tok_**** | COPY two /app",
		"password | file | app/.env |  | hu**** | COPY . /app | deleted by RUN rm /app/.env",
		"toy-token | file | app/readme |  | tok_**** | COPY . /app | quiet: documentation-example",
	}
	if d := cmp.Diff(want, lines(got)); d != "" || len(spots) != 0 {
		t.Errorf("(-want +got)\n%s%v", d, spots)
	}
	hidden := got.Found[0]
	if !hidden.Extractable || hidden.Line != 1 || !strings.Contains(hidden.Extract, "layer 0") || !strings.Contains(hidden.Extract, "sha256:0123456789ab") {
		t.Errorf("a deleted file is still shipped, and it is told how it is got: %+v", hidden)
	}
}

// What an image says of itself is redacted where it is said, and each secret is told once for each way in which it is got.
func TestConfigurationIsRedactedAndTold(t *testing.T) {
	im := imageOf("ENV PASSWORD=hunter2 MODE=dev", "ENV MODE=prod", "ARG KEY", "RUN make", "RUN curl -H tok_commandline https://example.org", "LABEL key=tok_labellabel", `CMD ["serve" "--password" "swordfish"]`)
	im.Process = &image.Process{Env: []string{"PATH=/bin", "PASSWORD=hunter2", "MODE=prod"}, Cmd: []string{"serve", "--password", "swordfish"}}
	im.Labels = map[string]string{"key": "tok_labellabel"}
	im.Annotations = map[string]string{"note": "tok_annotation"}
	im.History[3].Args, im.History[4].Args = []string{"KEY=tok_buildarg"}, []string{"KEY=tok_buildarg"}
	im.Layers[0].Instruction, im.Layers[1].Instruction = im.History[3].Instruction, im.History[4].Instruction
	got, _ := judge(im, read(nil, nil), &inventory.Inventory{})
	want := []string{
		"toy-token | history |  | KEY | tok_**** | RUN make | also RUN curl -H tok_****(2) https://example.org",
		"toy-token | history |  |  | tok_**** | RUN curl -H tok_****(2) https://example.org",
		"toy-token | label |  | key | tok_**** | LABEL key=tok_****",
		"toy-token | label |  | note | tok_**** |",
		"password | env |  | PASSWORD | hu**** | ENV PASSWORD=hu**** MODE=dev",
		`password | history |  | Cmd | sw**** | CMD ["serve" "--password" "sw****"]`,
	}
	text := strings.Join(lines(got), "\n")
	for _, raw := range []string{"hunter2", "tok_buildarg", "tok_commandline", "tok_labellabel", "tok_annotation", "swordfish"} {
		if strings.Contains(text, raw) || strings.Contains(dump(im), raw) {
			t.Errorf("%s is shown", raw)
		}
	}
	if got.Found[0].Extract == "" || !got.Found[0].Extractable {
		t.Errorf("%+v", got.Found[0])
	}
	masked := regexp.MustCompile(`\(\d\)`)
	if d := cmp.Diff(masked.ReplaceAllString(strings.Join(sorted(want), "\n"), ""), masked.ReplaceAllString(strings.Join(sorted(lines(got)), "\n"), "")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Of an instruction that sets two variables, one may say what the other is: each is told as the variable that it is.
func TestWhatAnInstructionTellsOfAVariable(t *testing.T) {
	im := imageOf("ENV USER=shop KEY=tok_abcdefgh")
	im.Process = &image.Process{Env: []string{"USER=shop", "KEY=tok_abcdefgh"}}
	r := NewRedactor(func(as string, content []byte) []Found {
		if !strings.Contains(string(content), "USER=") {
			return nil // it is told by both together
		}
		return detectToy(as, content)
	})
	r.Image(im)
	got, _ := Judge(r, im, read(), &inventory.Inventory{}, &inventory.Trace{})
	if d := cmp.Diff([]string{"toy-token | env |  | KEY | tok_**** | ENV USER=shop KEY=tok_****"}, lines(got)); d != "" || im.Process.Env[1] != "KEY=tok_****" {
		t.Errorf("(-want +got)\n%s%q", d, im.Process.Env)
	}
}

// What a published package brought and nobody changed is everybody's already; the application's own package is not published, and a file that
// was changed is not the package's.
func TestWhatPackagesBroughtIsQuiet(t *testing.T) {
	sum := func(content string) string { return fmt.Sprintf("md5:%x", md5.Sum([]byte(content))) } //nolint:gosec // what dpkg's database has
	key, changed := "tok_abcdefgh", "tok_zyxwvuts"
	im := imageOf("COPY base /", "COPY . /app", "RUN upgrade")
	indexes := read(map[string]string{"var/lib/dpkg/status": "", "usr/share/doc/ssl/key": key, "etc/ssl/own": changed, "usr/lib/old": "tok_oldoldold"},
		map[string]string{"app/package.json": "", "app/key": key, "app/node_modules/left/package.json": "", "app/node_modules/left/test/key": key},
		map[string]string{"usr/lib/old": "tok_newnewnew"})
	for _, ix := range indexes {
		for i := range ix.Files {
			if content := ix.Files[i].Content(); content != nil {
				ix.Files[i].Body.Digests = &layer.Digests{MD5: md5.Sum(content), SHA256: sha256.Sum256(content)} //nolint:gosec // as above
			}
		}
	}
	zero := 0
	inv := &inventory.Inventory{Packages: []inventory.Package{
		{Type: "deb", Name: "openssl", Version: "3", Paths: []string{"var/lib/dpkg/status"}, Layer: &zero, Files: []inventory.OwnedFile{
			{Path: "usr/share/doc/ssl/key", Digest: sum(key)}, {Path: "etc/ssl/own", Digest: sum(key)}, {Path: "usr/lib/old", Digest: sum("tok_newnewnew")}}},
		{Type: "npm", Name: "left", Version: "1", Paths: []string{"app/node_modules/left/package.json"}},
		{Type: "npm", Name: "shop", Version: "1", Paths: []string{"app/package.json"}, Project: true},
	}}
	got, _ := judge(im, indexes, inv)
	want := []string{
		"toy-token | file | app/key |  | tok_**** | COPY . /app",
		"toy-token | file | etc/ssl/own |  | tok_**** | COPY base /",
		"toy-token | file | app/node_modules/left/test/key |  | tok_**** | COPY . /app | quiet: package-owned",
		"toy-token | file | usr/lib/old |  | tok_**** | COPY base / | replaced by RUN upgrade | quiet: package-owned",
		"toy-token | file | usr/lib/old |  | tok_**** | RUN upgrade | quiet: package-owned",
		"toy-token | file | usr/share/doc/ssl/key |  | tok_**** | COPY base / | quiet: package-owned",
	}
	if d := cmp.Diff(want, lines(got)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// What the detectors did not look at is told, and a note that cannot be read is not passed over.
func TestWhatWasNotSearchedIsABlindSpot(t *testing.T) {
	im := imageOf("COPY . /app")
	indexes := read(map[string]string{"app/a": "x"})
	seen := indexes[0].Seen[Sink]
	seen.BlindSpots = []image.BlindSpot{{Kind: image.Unsearched, Where: "app/dump", Message: "was not searched"}}
	seen.Failed, seen.Failure = 3, "out of order"
	seen.Notes = []layer.Note{{File: 0, Data: []byte("junk")}}
	got, spots := judge(im, indexes, &inventory.Inventory{})
	if len(spots) != 3 || len(got.Found) != 0 || !strings.Contains(fmt.Sprint(spots), "not searched for secrets: 3 files of 1 layer: out of order") {
		t.Errorf("%+v", spots)
	}
}
