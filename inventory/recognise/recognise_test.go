package recognise

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// part is content as it stands in a file, behind and before other constants.
func part(content string) *io.SectionReader {
	s := "\x00\x01\x02Usage: %s\x00" + content + "\x00%s: error\x00"
	return io.NewSectionReader(strings.NewReader(s), 0, int64(len(s)))
}

// The strings are those of real builds: upstream's own, Debian's, and those that npm packages ship.
func TestSearchFindsWhatBuildsWrite(t *testing.T) {
	tests := []struct{ name, content, product, version, text string }{
		{"node", "node.js/v18.20.4", "node", "18.20.4", `"node.js/v18.20.4"`},
		{"libnode.so.108", "/json\x00node.js/v18.20.4", "node", "18.20.4", ""},
		{"node", "node.js/v23.0.0-nightly2024041", "node", "23.0.0-nightly2024041", ""},
		{"python3.11", "pymalloc_debug\x003.11.2\x00strict", "python", "3.11.2", `"3.11.2"`},
		{"python3.11", "3.7.0\x003.11.2\x003.3.0", "python", "3.11.2", ""},
		{"python3", "\x003.12.0rc2", "python", "3.12.0rc2", ""},
		{"libpython3.6m.so.1.0", "/opt/3.6.15\x00/usr/src/Python-3.6.15\x00GLIBC_3.6.1", "python", "3.6.15", ""},
		{"libpython2.7.so.1.0", "GLIBC_2.2.5\x00/src/Python-2.7.18", "python", "2.7.18", ""},
		{"libjvm.so", "OpenJDK 64-Bit Server VM (17.0.15+6-Debian-1deb12u1) for linux-amd64 JRE (17.0.15+6-Debian-1deb12u1), built", "openjdk", "17.0.15", ""},
		{"libjvm.so", "OpenJDK 64-Bit Server VM (25.392-b08) for linux-amd64 JRE (1.8.0_392-b08), built", "openjdk", "1.8.0_392", ""},
		{"libjvm.so", "Java HotSpot(TM) 64-Bit Server VM (21.0.1+12-LTS-29) for linux-amd64 JRE (21.0.1+12-LTS-29), built", "oracle-jdk", "21.0.1", ""},
		{"librustc_driver-6108105cd7e839cf.so", "rustc version 1.95.0 (59807616e 2026-04-14)", "rust", "1.95.0", ""},
		{"ruby", "ruby 3.4.1 (2024-12-25 revision 48d4efcb85) +PRISM", "ruby", "3.4.1", ""},
		{"libruby-3.1.so.3.1.7", "for ruby 1.8)\x00ruby 3.1.7p261 (2025-03-26 revision 0a37", "ruby", "3.1.7", ""},
		{"php8.2", "X-Powered-By: PHP/8.2.36", "php", "8.2.36", ""},
		{"perl5.36.0", "below v5.11 is deprecated\x00PERL_INTERNAL_RAND_SEED\x00v5.36.0", "perl", "5.36.0", ""},
		{"deno", "OTLP-Exporter-Deno/0.80.0grpc2.9.6+e518fbdDeno/2.9.6Deno/2.9.6+e518fbd", "deno", "2.9.6", `"Deno/2.9.6"`},
		{"bun", "----- bun meta -----\nBun v1.1.0 (5903a614) Linux x64", "bun", "1.1.0", ""},
		{"nginx", "nginx version: nginx/1.22.1\n", "nginx", "1.22.1", ""},
		{"nginx-debug", "nginx version: nginx/1.30.6\n", "nginx", "1.30.6", ""},
		{"nginx", "nginx version: openresty/1.25.3.1\n", "openresty", "1.25.3.1", ""},
		{"apache2", "Apache/2.4\x00Apache/2.4.71 (Debian)", "apache", "2.4.71", ""},
		{"haproxy", "since HAProxy version 2.5.\n\x00 version 2.8.3-86e043a, released 2023/09/07", "haproxy", "2.8.3", ""},
		{"redis-server", "1.2.0\x007.0.0\x00\xdfA7.0.151790282056000000000", "redis", "7.0.15", ""},
		{"redis-server", "\x007.2.4buildkitsandbox-1704823435000000000", "redis", "7.2.4", ""},
		{"redis-cli", "TLS Error: %s\n\x007.0.15\x00 (git:%s", "redis", "7.0.15", ""},
		{"valkey-check-rdb", "\x00valkey9.1.21789267002000000000", "valkey", "9.1.2", ""},
		{"memcached", "memcached 1.6.18", "memcached", "1.6.18", ""},
		{"postgres", "upgrading to PostgreSQL 9.1.\x00PostgreSQL 15.4 on x86_64-pc-linux-gnu, compiled by gcc", "postgresql", "15.4", ""},
		{"psql", "psql (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", "postgresql", "15.20", ""},
		{"mariadbd", "-0+deb12u1\x0010.11.19-MariaDB\x00x86_64", "mariadb", "10.11.19", ""},
		{"mysqld", ".empty()\x00MySQL 9.7.4\x00log_before", "mysql", "9.7.4", ""},
		{"sshd", "OpenSSH_2.*,OpenSSH_3.0*\x00OpenSSH_9.2p1 Debian-2+deb12u10", "openssh", "9.2p1", ""},
		{"exim4", "eximcnumber>>\x004.96\x00<<eximversion>>", "exim", "4.96", ""},
		{"busybox", "BusyBox v1.36.1 (2023-11-07", "busybox", "1.36.1", ""},
		{"[", "BusyBox v1.36.1 (2023-11-07", "busybox", "1.36.1", ""},
		{"bash", "@(#)Bash version 5.2.15(1) release GNU", "bash", "5.2.15", ""},
		{"curl", "curl/7.88.1", "curl", "7.88.1", ""},
		{"libcurl.so.4.8.0", "CLIENT libcurl 7.88.1\x00libcurl/7.88.1", "curl", "7.88.1", ""},
		{"git", "git/2.39.5", "git", "2.39.5", ""},
		{"gpg", "agent-awareness=2.1.0\x002.4.9\x00GNU/Linux", "gnupg", "2.4.9", ""},
		{"openssl", "OpenSSL 3.0.22 25 Aug 2026", "openssl", "3.0.22", ""},
		{"libcrypto-b8e77b9c.so.1.1", "OpenSSL 1.1.1w  11 Sep 2023", "openssl", "1.1.1w", ""},
		{"libcrypto.so.1.1", "OpenSSL 1.0.2k-fips  26 Jan 2017", "openssl", "1.0.2k", ""},
		{"libcrypto.so.52", "LibreSSL 3.8.2", "libressl", "3.8.2", ""},
		{"ffmpeg", "%s version 5.1.9-0+deb12u1", "ffmpeg", "5.1.9", ""},
		{"libMagickCore-6.Q16.so.6.0.0", "ImageMagick 6.9.11-60 Q16 x86_64 2021-01-25", "imagemagick", "6.9.11-60", ""},
		{"libsqlite3.so.0.8.6", "\xe8\x03\x00\x003.40.1", "sqlite", "3.40.1", ""},
		{"libz.so.1.2.13", " deflate 1.2.13 Copyright 1995-2022", "zlib", "1.2.13", ""},
		{"libnghttp2.so.14.24.1", "\xff\xff\xff1.52.0", "nghttp2", "1.52.0", ""},
	}
	for _, tt := range tests {
		f, ok, err := Search(t.Context(), tt.name, part(tt.content))
		if err != nil || !ok || f.Product != tt.product || f.Version != tt.version || tt.text != "" && f.Text != tt.text {
			t.Errorf("%s with %q: %+v, %v, %v, want %s %s", tt.name, tt.content, f, ok, err, tt.product, tt.version)
		}
	}
}

func TestSearchClaimsNothingWithoutProof(t *testing.T) {
	for _, tt := range []struct{ name, content, why string }{
		{"mynode", "node.js/v18.20.4", "the name is not in the table"},
		{"openssl.so", "OpenSSL 3.0.22 25 Aug 2026", "an extension only has the version it was built for"},
		{"nginx", "OpenSSL 3.0.22 25 Aug 2026", "a program only linked with a library is not the library"},
		{"libsqlite3.so.0", "3.40.1\x003.41.0", "two versions"},
		{"python3.11", "3.10.1\x00GLIBC_3.11.1", "another version than the name's"},
		{"ffmpeg", "FFmpeg version N-47683-g0e8eb07980-static", "a commit is no version"},
		{"libssl.so.3", "libssl.so.3\x00OPENSSL_3.0.0\x00OPENSSL_3.0.3", "a symbol's version is not the library's"},
	} {
		if f, ok, err := Search(t.Context(), tt.name, part(tt.content)); ok || err != nil {
			t.Errorf("%s with %q is %+v, %v: %s", tt.name, tt.content, f, err, tt.why)
		}
	}
}

func TestSearchSeesPastTheEndsOfChunks(t *testing.T) {
	text := "node.js/v18.20.4"
	for at := chunk - before - after - 40; at < chunk+40; at++ {
		content := bytes.Repeat([]byte{'x'}, 2*chunk)
		copy(content[at:], text+"\x00")
		f, ok, err := Search(t.Context(), "node", io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content))))
		if err != nil || !ok || f.Version != "18.20.4" {
			t.Fatalf("at %d: %+v, %v, %v", at, f, ok, err)
		}
	}
}

func TestSearchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Search(ctx, "node", part("node.js/v18.20.4")); err == nil {
		t.Error("no error")
	}
}

func TestNamesOfFiles(t *testing.T) {
	for name, want := range map[string][2]string{
		"python3.11": {"python", "3.11"}, "python3.6m": {"python", "3.6"}, "libpython3.11.so.1.0": {"libpython", "3.11"},
		"libssl.so.3": {"libssl", ""}, "libssl-3e69114b.so.1.1.1k": {"libssl", ""}, "libcrypto-1_1.so": {"libcrypto", "1"},
		"libruby-3.1.so.3.1.7": {"libruby", "3.1"}, "php-fpm8.2": {"php-fpm", "8.2"}, "redis-server": {"redis-server", ""},
		"apache2": {"apache", "2"}, "7z": {"", "7"}, "_ssl.cpython-311-x86_64-linux-gnu.so": {"", ""}, "": {"", ""},
	} {
		if stem, version := split(name); stem != want[0] || version != want[1] {
			t.Errorf("%q is %q, %q, want %q", name, stem, version, want)
		}
	}
}

func TestEveryPatternHasANeedleAndAVersion(t *testing.T) {
	for _, p := range products() {
		if vendor, product, ok := strings.Cut(p.cpe, ":"); !ok || vendor == "" || product == "" {
			t.Errorf("%s: CPE %q", p.name, p.cpe)
		}
		for _, x := range p.patterns {
			if len(x.needle) < 2 || !x.sole && len(x.needle) < 3 || x.exp.NumSubexp() != 1 || x.back > before {
				t.Errorf("%s: %v has needle %q", p.name, x.exp, x.needle)
			}
		}
	}
}

func FuzzSearch(f *testing.F) {
	f.Add("python3.11", []byte("\x003.11.2\x00"))
	f.Add("redis-server", []byte("\x007.2.4h-1704823435000000000\x00"))
	f.Add("libcrypto.so.3", []byte("OpenSSL 3.0.22 25 Aug 2026"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		found, ok, err := Search(t.Context(), name, io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content))))
		if err != nil {
			t.Fatal(err)
		}
		if ok && (found.Version == "" || !bytes.Contains(content, []byte(found.Version)) || len(found.Text) > 4*(before+after)+2) {
			t.Errorf("%q in %q: %+v", name, content, found)
		}
	})
}

// BenchmarkSearch reads this machine's executables that have a known name, as if each were all that is searched.
func BenchmarkSearch(b *testing.B) {
	files, _ := filepath.Glob("/usr/bin/*")
	var size int64
	var known []string
	for _, name := range files {
		if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && Known(filepath.Base(name)) {
			size += info.Size()
			known = append(known, name)
		}
	}
	if len(known) == 0 {
		b.Skip("no known program in /usr/bin")
	}
	b.SetBytes(size)
	for b.Loop() {
		for _, name := range known {
			f, err := os.Open(name)
			if err != nil {
				b.Fatal(err)
			}
			info, _ := f.Stat()
			if _, _, err := Search(b.Context(), filepath.Base(name), io.NewSectionReader(f, 0, info.Size())); err != nil {
				b.Fatal(err)
			}
			f.Close()
		}
	}
}
