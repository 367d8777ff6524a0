package declared

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image/imagetest"
	"tidewaiter/trust"
)

// shopSteps are the steps of the build, each with its line; the state after it holds so many layers.
func shopSteps() []struct {
	line, layers int
	input, from  string
} {
	return []struct {
		line, layers int
		input, from  string
	}{
		{0, 1, "", ""},                                                      // step0: the base
		{3, 0, "step0:0", ""}, {4, 0, "step1:0", ""}, {5, 0, "step2:0", ""}, // the stage build
		{11, 2, "step0:0", ""}, {15, 3, "step4:0", ""}, {16, 4, "step5:0", ""}, {17, 5, "step6:0", ""},
		{18, 6, "step7:0", "step3:0"}, {19, 7, "step8:0", ""}, {20, 8, "step9:0", ""}, {23, 9, "step10:0", ""},
	}
}

// predicate writes BuildKit's provenance of a build that made these blobs.
func predicate(t testing.TB, blobs []string, args map[string]string) []byte {
	t.Helper()
	type object = map[string]any
	var steps []object
	locations, layers := object{}, object{}
	for i, s := range shopSteps() {
		id := fmt.Sprintf("step%d", i)
		op := object{"source": object{"identifier": "docker-image://docker.io/library/debian:bookworm"}}
		if i > 0 {
			action := object{"input": 0, "secondaryInput": -1, "output": 0}
			inputs := []string{s.input}
			if s.from != "" {
				inputs, action["secondaryInput"] = append(inputs, s.from), 1
			}
			op = object{"file": object{"actions": []object{action}}}
			steps = append(steps, object{"id": id, "inputs": inputs, "op": object{"Op": op}})
		} else {
			steps = append(steps, object{"id": id, "op": object{"Op": op}})
		}
		if s.line > 0 {
			locations[id] = object{"locations": []object{{"ranges": []object{{"start": object{"line": s.line}}}}}}
		}
		if s.layers > 0 {
			var chain []object
			for _, b := range blobs[:s.layers] {
				chain = append(chain, object{"digest": b})
			}
			layers[id+":0"] = []any{chain}
		}
	}
	steps = append(steps, object{"id": "step12", "inputs": []string{"step11:0"}, "op": object{"Op": object{}}})
	raw, err := json.Marshal(object{
		"buildDefinition": object{
			"externalParameters": object{"request": object{"args": args}},
			"internalParameters": object{"buildConfig": object{"llbDefinition": steps}},
		},
		"runDetails": object{"metadata": object{"buildkit_metadata": object{
			"source": object{"locations": locations, "infos": []object{{"language": "Dockerfile", "data": []byte(shopDockerfile)}}}, "layers": layers,
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func attested(t testing.TB, s *ship, args map[string]string, status trust.Status) *Build {
	t.Helper()
	var blobs []string
	for _, files := range s.layers {
		blobs = append(blobs, imagetest.Digest(imagetest.Tar(t, files...)))
	}
	return ReadBuild([]trust.Attestation{
		{Status: trust.Broken, PredicateType: "https://slsa.dev/provenance/v1", Statement: &trust.Statement{Predicate: []byte(`{}`)}},
		{Status: status, PredicateType: "https://slsa.dev/provenance/v1", Statement: &trust.Statement{Predicate: predicate(t, blobs, args)}},
	})
}

// What the builder recorded tells which instruction made which layer, whatever the history says, and that a layer is none of its own.
func TestProvenance(t *testing.T) {
	in := aboard(t, shop())
	in.Build = attested(t, shop(), nil, trust.Verified)
	d := compared(t, in)
	if len(d.Differences) > 0 || len(verdicts(d)) > 0 || d.Attested != trust.Verified || d.Dockerfile != "provenance" {
		t.Errorf("the honest image: %+v", d)
	}
	if c := CheckOf(d); c.Verdict != trust.Pass {
		t.Errorf("the check says %+v", c)
	}
	notes := map[int]string{}
	for _, i := range d.Instructions {
		notes[i.Line] = i.Note
	}
	if !strings.Contains(notes[7], "the provenance names") || !strings.Contains(notes[18], "from stage build, where line 4 made it") {
		t.Errorf("notes: %v", notes)
	}

	swapped := shop()
	swapped.edit(5, "usr/local/bin/tool", func(f *imagetest.File) { f.Content = "#!/bin/sh\necho evil\n" })
	in = aboard(t, swapped)
	in.Build = attested(t, shop(), nil, trust.Verified)
	if diff := cmp.Diff([]string{"layer layer 5"}, differences(compared(t, in))); diff != "" {
		t.Errorf("content that only the blob tells: -want +got:\n%s", diff)
	}
	in.Build = attested(t, shop(), map[string]string{"build-arg:SOURCE_DATE_EPOCH": "0"}, trust.Verified)
	if diff := cmp.Diff([]string{}, differences(compared(t, in))); diff != "" {
		t.Errorf("a build that may write its layers anew: -want +got:\n%s", diff)
	}
}

func TestUnsignedProvenanceIsNoProof(t *testing.T) {
	in := aboard(t, shop())
	in.Build = attested(t, shop(), nil, trust.Unsigned)
	if c := CheckOf(compared(t, in)); c.Verdict != trust.Unknown || !strings.Contains(c.Reason, "unsigned") {
		t.Errorf("the check says %+v", c)
	}
}

// What the build was given is declared, too.
func TestWhatTheBuildWasGiven(t *testing.T) {
	s := shop()
	s.with("Env", []string{"PATH=" + defaultPath, "APP_VERSION=2.0", "NODE_ENV=production"})
	s.with("Labels", map[string]string{"revision": "1"})
	s.edit(7, "etc/app.conf", func(f *imagetest.File) { f.Content = "version=2.0\n" })
	for i, h := range s.history {
		s.history[i].by = strings.NewReplacer("VERSION=1.4", "VERSION=2.0").Replace(h.by)
	}
	in := aboard(t, s)
	in.Build = attested(t, s, map[string]string{"build-arg:VERSION": "2.0", "label:revision": "1", "context:debian": "docker-image://mirror.test/debian", "other": "x"}, trust.Verified)
	d := compared(t, in)
	if len(d.Differences) > 0 || len(d.Notes) > 0 {
		t.Errorf("got %v, %v", d.Differences, d.Notes)
	}
	in.Build = nil
	in.Dockerfile = []byte(shopDockerfile)
	if d := compared(t, in); len(d.Differences) > 0 {
		t.Errorf("by the history's word alone: %v", d.Differences)
	}
	in.Args = map[string]string{"VERSION": "1.4"}
	if diff := cmp.Diff([]string{"config ENV APP_VERSION", "copy /etc/app.conf"}, differences(compared(t, in))); diff != "" {
		t.Errorf("another argument: -want +got:\n%s", diff)
	}
}

func TestReadBuildChoosesWhatIsBelievedMost(t *testing.T) {
	list := []trust.Attestation{}
	for _, status := range []trust.Status{trust.Unsigned, trust.Stranger, trust.Verified} {
		list = append(list, trust.Attestation{Status: status, PredicateType: "https://slsa.dev/provenance/v0.2",
			Statement: &trust.Statement{Predicate: []byte(`{"invocation":{"parameters":{"args":{"target":"` + string(status) + `"}}},"buildConfig":{"llbDefinition":[{"id":"step0"}]}}`)}})
	}
	list = append(list, trust.Attestation{Status: trust.Verified, PredicateType: "https://spdx.dev/Document", Statement: &trust.Statement{}},
		trust.Attestation{Status: trust.Verified, PredicateType: "https://slsa.dev/provenance/v1", Statement: &trust.Statement{Predicate: []byte(`nonsense`)}})
	if b := ReadBuild(list); b == nil || b.Target != "verified" {
		t.Errorf("got %+v", b)
	}
	if b := ReadBuild(list[3:]); b != nil {
		t.Errorf("got %+v", b)
	}
}
