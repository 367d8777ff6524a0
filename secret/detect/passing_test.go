package detect

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"math/rand"
	"strings"
	"testing"

	"tidewaiter/layer"
)

const planted = "server.port=80\nspring.datasource.password=Zx81spectrum\n"

// noise is what does not get shorter when it is compressed.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(1)).Read(b)
	return b
}

// bigJar has libraries of more than is held, and settings after them. Without raw, sizes stand behind the members, as Java's tools write them.
func bigJar(t *testing.T, raw bool) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range []struct{ name, content string }{{"BOOT-INF/", ""}, {"BOOT-INF/lib/a.jar", string(noise(maxHeld))}, {"BOOT-INF/lib/empty.jar", ""}, {"BOOT-INF/classes/application.properties", planted}} {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		if strings.HasSuffix(m.name, ".jar") && raw {
			h.Method, h.UncompressedSize64, h.CompressedSize64 = zip.Store, uint64(len(m.content)), uint64(len(m.content))
		}
		create := z.CreateHeader
		if raw && h.Method == zip.Store {
			create = z.CreateRaw
		}
		w, err := create(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func bigTar(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	c := gzip.NewWriter(&b)
	w := tar.NewWriter(c)
	for _, m := range []struct{ name, content string }{{"data.bin", string(noise(maxHeld))}, {"BOOT-INF/classes/application.properties", planted}} {
		if err := w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.content)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestALongArchiveIsSearchedAsItPasses(t *testing.T) {
	for name, content := range map[string]string{"app/app.jar": bigJar(t, false), "app/fat.jar": bigJar(t, true), "app/app.tar.gz": bigTar(t)} {
		for _, piece := range []int{4099, 32 << 10, len(content)} {
			found, err := look(t, name, content, piece)
			if err != nil || len(found) != 1 || found[0].Inside != "BOOT-INF/classes/application.properties" || found[0].Line != 2 {
				t.Errorf("%s in pieces of %d: found %+v, %v", name, piece, found, err)
			}
		}
	}
}

func TestALongArchiveThatCannotBeFollowedIsABlindSpot(t *testing.T) {
	content := bigJar(t, false)
	broken := content[:maxHeld/2] + strings.Repeat("\xff", maxHeld/2+1)
	if _, err := look(t, "app/app.jar", broken, 32<<10); err == nil || !strings.Contains(err.Error(), "only in part") {
		t.Errorf("got %v", err)
	}
}

func TestATextThatLooksEverywhereLikeASecretIsABlindSpot(t *testing.T) {
	content := strings.Repeat("captcha eyJ eyJ secret_id hcp_client_secret telegram\n", 60<<10)
	found, err := look(t, "app/x.txt", content, layer.WholeSize)
	if err == nil || !strings.Contains(err.Error(), "only in part") {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestCredentialsInProgramsAreFoundByTheirForm(t *testing.T) {
	program := "\x7fELF\x02\x01\x01\x00" + strings.Repeat("\x00\x01", 3000)
	token := made("gh~~p_k2J4h5G6f7D8s9A0q1W2e3R4t5Y6u7I8o9P0")
	found, err := look(t, "app/server", program+"openstringreflect"+token+"duplicate", 1000)
	if err != nil || len(found) != 1 || found[0].Rule != "github-pat" || found[0].Line != 0 {
		t.Errorf("found %+v, %v", found, err)
	}
	if found, _ := look(t, "app/scanner", program+made("gl~~pat-ATATT3ATCTT3dnkey-fio-u-glcbt-"), 1000); found != nil {
		t.Errorf("in a scanner's list of words: found %+v", found)
	}
	if found, _ := look(t, "usr/bin/server", program+token, 1000); found != nil {
		t.Errorf("in a program of the system: found %+v", found)
	}
}
