package detect

import (
	"archive/zip"
	"bytes"
	"context"
	"strings"
	"testing"

	"tidewaiter/layer"
	"tidewaiter/secret"
)

// look has the sink see a file in pieces of a size.
func look(t *testing.T, path, content string, piece int) ([]secret.Found, error) {
	t.Helper()
	f := &layer.File{Path: path, Size: int64(len(content))}
	e := detector(t).Open(context.Background(), f, []byte(content[:min(len(content), layer.HeadSize)]))
	if e == nil {
		return nil, nil
	}
	for rest := content; rest != ""; {
		n := min(piece, len(rest))
		if _, err := e.Write([]byte(rest[:n])); err != nil {
			break
		}
		rest = rest[n:]
	}
	answer := e.Close()
	if answer == nil {
		return nil, nil
	}
	note, err := answer()
	if err != nil {
		return nil, err
	}
	found, err := secret.Decode(note)
	if err != nil {
		t.Fatal(err)
	}
	return found, nil
}

func TestALongTextIsSearchedPieceByPiece(t *testing.T) {
	const line = "password = Zx81spectrum\n"
	filler := strings.Repeat("nothing is said in this line\n", 1<<16)
	content := line + filler + line + filler + line
	for _, piece := range []int{1000, layer.WholeSize, len(content)} {
		found, err := look(t, "app/settings.ini", content, piece)
		if err != nil {
			t.Fatal(err)
		}
		var lines []int
		for _, f := range found {
			lines = append(lines, f.Line)
		}
		if len(lines) != 3 || lines[0] != 1 || lines[1] != 1<<16+2 || lines[2] != 2<<16+3 {
			t.Errorf("in pieces of %d bytes it was found in lines %v", piece, lines)
		}
	}
}

func TestANoteHoldsNoSecret(t *testing.T) {
	d := detector(t)
	found := d.Detect("app/.env", []byte("DB_PASSWORD=Zx81spectrum\n"))
	if len(found) != 1 || found[0].Raw != "Zx81spectrum" {
		t.Fatalf("found %+v", found)
	}
	if bytes.Contains(secret.Encode(found), []byte("spectrum")) {
		t.Error("the note has the secret")
	}
}

func TestProgramsAreNotTexts(t *testing.T) {
	if found, _ := look(t, "app/server", "\x7fELF\x02\x01\x01\x00password = Zx81spectrum\n", 1<<20); found != nil {
		t.Errorf("found %v", found)
	}
	if found, _ := look(t, "app/.env", "\xff\xfe"+strings.Join(strings.Split("DB_PASSWORD=Zx81spectrum\n", ""), "\x00")+"\x00", 1<<20); len(found) != 1 {
		t.Errorf("in UTF-16: found %v", found)
	}
}

func TestSettingsInsideAnArchiveAreFound(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("BOOT-INF/classes/application.properties")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("server.port=80\nspring.datasource.password=Zx81spectrum\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := look(t, "app/app.jar", b.String(), 1000)
	if err != nil || len(found) != 1 || found[0].Inside != "BOOT-INF/classes/application.properties" || found[0].Line != 2 {
		t.Errorf("found %+v, %v", found, err)
	}
}

func FuzzDetect(f *testing.F) {
	f.Add("app/.env", "PASSWORD=\\\"\n-----BEGIN PRIVATE KEY-----\n")
	d, err := New()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, text string) {
		for _, s := range d.Detect(path, []byte(text)) {
			if s.Line < 1 || s.Line > strings.Count(text, "\n")+1 {
				t.Errorf("line %d of %q", s.Line, text)
			}
		}
	})
}
