package advisory

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ecosystem is npm's part of OSV's export on a mirror: an archive that is worth not to be fetched, the list, and single records.
type ecosystem struct {
	m       *mirror
	t       *testing.T
	records map[string]string // id -> JSON
	list    []string          // the newest first
}

const filler = "filler"

func newEcosystem(t *testing.T, m *mirror) *ecosystem {
	e := &ecosystem{m: m, t: t, records: map[string]string{}}
	noise := make([]byte, minArchive)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(noise)
	e.records[filler] = `{"id": "filler", "affected": [{"package": {"ecosystem": "npm", "name": "filler"}, "versions": ["` + hex.EncodeToString(noise) + `"]}]}`
	return e
}

func (e *ecosystem) set(id, pkg string, modified time.Time) {
	stamp := modified.Format(time.RFC3339Nano)
	e.records[id] = fmt.Sprintf(`{"id": %q, "modified": %q, "affected": [{"package": {"ecosystem": "npm", "name": %q}}]}`, id, stamp, pkg)
	e.list = append([]string{stamp + "," + id}, e.list...)
}

// publish makes the archive, the list and the records; the archive's date is now.
func (e *ecosystem) publish(at time.Time, single bool) {
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	for name := range e.m.files {
		if strings.HasPrefix(name, "osv/npm/") {
			delete(e.m.files, name)
		}
	}
	var all []string
	for id, text := range e.records {
		all = append(all, id+".json", text)
		if single && id != filler {
			e.m.files["osv/npm/"+id+".json"] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	e.m.files["osv/npm/all.zip"] = &fstest.MapFile{Data: zipped(e.t, all...), ModTime: at}
	if single {
		e.m.files["osv/npm/"+listName] = &fstest.MapFile{Data: []byte(strings.Join(e.list, "\n") + "\n")}
	}
}

// names gives which of some packages the records name.
func names(t *testing.T, file string) string {
	t.Helper()
	db := open(t, file)
	var got []string
	for _, name := range []string{"a", "b", "c", "d", filler} {
		r, err := db.Records("npm", name)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range r {
			got = append(got, name+":"+one.ID)
		}
	}
	return strings.Join(got, " ")
}

// TestUpdateByRecords holds that of a large archive in which little has changed only that is fetched, and that what comes of it
// is what comes of the whole.
func TestUpdateByRecords(t *testing.T) {
	m, o := serve(t)
	e := newEcosystem(t, m)
	day := now().Add(-72 * time.Hour)
	e.set("X-1", "a", day.Add(-30*24*time.Hour))
	e.set("X-2", "b", day.Add(-48*time.Hour))
	e.set("X-3", "c", day)
	e.publish(day, true)
	update(t, o)
	if got := names(t, o.Out); got != "a:X-1 b:X-2 c:X-3 filler:filler" {
		t.Fatal(got)
	}

	// One record comes, one speaks of another package now, one is gone.
	e.set("X-4", "d", day.Add(time.Hour))
	e.set("X-1", "b", day.Add(2*time.Hour))
	delete(e.records, "X-3")
	e.publish(day.Add(24*time.Hour), true)
	m.answers()
	_, changes := update(t, o)
	if diff := cmp.Diff([]string{"osv/npm/all.zip"}, changes.Fetched); diff != "" {
		t.Errorf("fetched (-want +got):\n%s", diff)
	}
	if got := names(t, o.Out); got != "b:X-1 b:X-2 d:X-4 filler:filler" {
		t.Error(got)
	}
	if stat, err := os.Stat(filepath.Join(o.Mirror, "osv", "npm", changedName)); err != nil || stat.Size() > 2000 {
		t.Errorf("%s: %v, %v", changedName, stat, err)
	}

	// Nothing new, then one change more, then all over again from a mirror without single records: the same each time.
	if _, changes := update(t, o); len(changes.Fetched) > 0 || changes.Rebuilt {
		t.Errorf("again: %+v", changes)
	}
	e.set("X-5", "c", day.Add(30*time.Hour))
	e.publish(day.Add(48*time.Hour), true)
	byRecords, _ := update(t, o)
	if got := names(t, o.Out); got != "b:X-1 b:X-2 c:X-5 d:X-4 filler:filler" {
		t.Error(got)
	}
	e.set("X-6", "c", day.Add(31*time.Hour))
	e.publish(day.Add(49*time.Hour), false)
	update(t, o)
	delete(e.records, "X-6")
	e.publish(day.Add(50*time.Hour), false)
	whole, _ := update(t, o)
	if got := names(t, o.Out); got != "b:X-1 b:X-2 c:X-5 d:X-4 filler:filler" {
		t.Error(got)
	}
	for i, f := range byRecords.Feeds {
		if f.Name == "osv/npm" && (whole.Feeds[i].Records != f.Records || whole.Feeds[i].Source != f.Source) {
			t.Errorf("by records %+v, whole %+v", f, whole.Feeds[i])
		}
	}
	if _, err := os.Stat(filepath.Join(o.Mirror, "osv", "npm", changedName)); err == nil {
		t.Error("changes to another archive are still there")
	}
}

// TestTooMuchHasChanged holds that the whole archive is fetched where the records alone will not do.
func TestTooMuchHasChanged(t *testing.T) {
	day := now().Add(-72 * time.Hour)
	for name, change := range map[string]func(*ecosystem){
		"too many": func(e *ecosystem) {
			for i := range maxChanged + 1 {
				e.set(fmt.Sprint("Y-", i), "d", day.Add(time.Minute))
			}
		},
		"a list that is none": func(e *ecosystem) { e.list = []string{"<html>"} },
		"an id that is none":  func(e *ecosystem) { e.list = []string{day.Format(time.RFC3339Nano) + ",../../x"} },
	} {
		t.Run(name, func(t *testing.T) {
			m, o := serve(t)
			e := newEcosystem(t, m)
			e.set("X-1", "a", day)
			e.publish(day, true)
			update(t, o)
			change(e)
			e.set("X-2", "b", day.Add(time.Hour))
			if strings.HasPrefix(name, "a") {
				e.list = e.list[1:]
			}
			e.publish(day.Add(time.Hour), true)
			update(t, o)
			if got := names(t, o.Out); !strings.Contains(got, "b:X-2") {
				t.Error(got)
			}
			if _, err := os.Stat(filepath.Join(o.Mirror, "osv", "npm", changedName)); err == nil {
				t.Error("there are increments")
			}
		})
	}
}

// TestChangedAlone holds that changes without an archive are no feed.
func TestChangedAlone(t *testing.T) {
	feeds := smallFeeds(t)
	feeds["osv/Hex/"+changedName] = &fstest.MapFile{Data: zipped(t, "a.json", lodash)}
	_, info := build(t, feeds)
	for _, f := range info.Feeds {
		if strings.Contains(f.Name, "Hex") {
			t.Errorf("%+v", f)
		}
	}
	if _, err := Import(context.Background(), feeds, filepath.Join(t.TempDir(), "a.db"), ImportOptions{}); err != nil {
		t.Error(err)
	}
}
