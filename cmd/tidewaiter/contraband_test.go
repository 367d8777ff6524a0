package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
	"tidewaiter/report"
)

// plant is a file in a layer, and what must be said of it.
type plant struct {
	layer   int
	path    string
	content string
	// rule is an expression for the rules of which one must be met; empty: none may be.
	rule string
	// mode is 0o644 where it is not set.
	mode int64
}

// lab builds an image of files, some of which are planted. Its first layer is a Debian with packages; the last takes files away.
type lab struct {
	plants []plant
	// gone are the paths of files that the last layer removes.
	gone   []string
	labels map[string]string
	empty  []string // instructions without layers
	config map[string]any
	// instructions are those of layers, by number; every other layer has one of its own.
	instructions map[int]string
}

// labLayers is how many a lab has; the last one takes away.
const labLayers = 5

func (l *lab) instruction(layer int) string {
	if by, ok := l.instructions[layer]; ok {
		return by
	}
	return fmt.Sprintf("RUN make-layer %d", layer)
}

// build gives the reference of the image.
func (l *lab) build(t *testing.T) string {
	t.Helper()
	files := make([][]imagetest.File, labLayers)
	files[0] = debianFiles()
	for _, p := range l.plants {
		files[p.layer] = append(files[p.layer], imagetest.File{Name: p.path, Content: p.content, Mode: p.mode})
	}
	for _, name := range l.gone {
		at := strings.LastIndexByte(name, '/') + 1
		files[labLayers-1] = append(files[labLayers-1], imagetest.File{Name: name[:at] + ".wh." + name[at:]})
	}
	spec := imagetest.Spec{Labels: l.labels, Empty: l.empty, Config: l.config}
	for i, f := range files {
		spec.Layers = append(spec.Layers, imagetest.Tar(t, f...))
		by := l.instruction(i)
		if command, ok := strings.CutPrefix(by, "RUN make"); ok { // as BuildKit writes it
			by = "RUN /bin/sh -c make" + command + " # buildkit"
		}
		spec.CreatedBy = append(spec.CreatedBy, by)
	}
	return "oci:" + imagetest.Build(t, spec).Layout(t, "1")
}

// labNow is when the lab's images are scanned.
func labNow() time.Time { return time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC) }

// searched scans an image with data and cache of its own.
func searched(t *testing.T, ref string, more ...string) *report.Report {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	out, _ := told(t, labNow(), exitDone, append([]string{"scan", "--format", "json", ref}, more...)...)
	return reportOf(t, out)
}

// alarm is one thing that was found, of whichever kind.
type alarm struct {
	rule     string
	place    inventory.Place
	severity string
	quieted  string
	detail   string
}

func (a alarm) String() string {
	layer := "-"
	if a.place.Layer != nil {
		layer = fmt.Sprint(*a.place.Layer)
	}
	text := fmt.Sprintf("%s %s layer %s %q: %s", a.severity, a.rule, layer, a.place.Path, a.detail)
	if a.quieted != "" {
		text += " (quieted: " + a.quieted + ")"
	}
	return text
}

func malwareAlarms(r *report.Report) []alarm {
	var list []alarm
	if r.Malware == nil {
		return nil
	}
	for _, h := range r.Malware.Hits {
		a := alarm{h.Rule, h.Place, string(h.Severity), "", strings.TrimSpace(h.Inside + " " + h.Evidence)}
		if h.Quieted != nil {
			a.quieted = h.Quieted.By
		}
		list = append(list, a)
	}
	return list
}

func secretAlarms(r *report.Report) []alarm {
	var list []alarm
	if r.Secrets == nil {
		return nil
	}
	for _, s := range r.Secrets.Found {
		a := alarm{s.Rule, s.Place, string(s.Severity), "", strings.TrimSpace(string(s.In) + " " + s.Name + " " + s.Inside + " " + s.Redacted)}
		if s.Quieted != nil {
			a.quieted = s.Quieted.By
		}
		list = append(list, a)
	}
	return list
}

func hardeningAlarms(r *report.Report) []alarm {
	var list []alarm
	if r.Hardening == nil {
		return nil
	}
	for _, f := range r.Hardening.Findings {
		a := alarm{f.Check, f.Place, string(f.Severity), "", f.Subject}
		if f.Quieted != nil {
			a.quieted = f.Quieted.By
		} else if f.Usual {
			a.quieted = "usual"
		}
		list = append(list, a)
	}
	return list
}

// expect holds what stands against the plants of a lab: each is found, in its layer, by its instruction, hidden where it is gone, and
// nothing else is.
func (l *lab) expect(t *testing.T, alarms []alarm) {
	t.Helper()
	met := make([]bool, len(l.plants))
	for _, a := range alarms {
		i := slices.IndexFunc(l.plants, func(p plant) bool {
			return a.place.Layer != nil && *a.place.Layer == p.layer && "/"+a.place.Path == "/"+strings.TrimPrefix(p.path, "/")
		})
		if i < 0 || l.plants[i].rule == "" {
			if a.quieted == "" {
				t.Errorf("false alarm: %s", a)
			}
			continue
		}
		p := l.plants[i]
		if a.quieted != "" || !regexp.MustCompile(p.rule).MatchString(a.rule) {
			continue
		}
		met[i] = true
		if want := l.instruction(p.layer); a.place.Instruction != want {
			t.Errorf("%s is by %q, not %q", a, a.place.Instruction, want)
		}
		gone := slices.Contains(l.gone, p.path)
		if (a.place.Hidden != nil) != gone {
			t.Errorf("%s: hidden is %+v, want %v", a, a.place.Hidden, gone)
		}
		if gone && a.place.Hidden != nil && (a.place.Hidden.Layer != labLayers-1 || a.place.Hidden.How == "") {
			t.Errorf("%s is hidden by %+v", a, a.place.Hidden)
		}
	}
	for i, p := range l.plants {
		if p.rule != "" && !met[i] {
			var said []string
			for _, a := range alarms {
				if a.place.Path == p.path {
					said = append(said, a.String())
				}
			}
			t.Errorf("missed: %q (layer %d) as %s; what was said of it: %q", p.path, p.layer, p.rule, said)
		}
	}
}

// loud are the alarms that nothing quiets.
func loud(alarms []alarm) []alarm {
	return slices.DeleteFunc(slices.Clone(alarms), func(a alarm) bool { return a.quieted != "" })
}

// noAlarm fails for each alarm that stands.
func noAlarm(t *testing.T, kind string, alarms []alarm) {
	t.Helper()
	for _, a := range loud(alarms) {
		t.Errorf("false %s: %s", kind, a)
	}
}
