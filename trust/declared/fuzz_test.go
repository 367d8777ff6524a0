package declared_test

import (
	"strings"
	"testing"
	"time"

	"tidewaiter/trust/declared"
)

// longest is what one comparison of a small image may take, whatever the Dockerfile holds.
const longest = 30 * time.Second

// hostileDockerfiles are written to make a reader fail or work without end.
func hostileDockerfiles() map[string]string {
	from := "FROM debian\n"
	return map[string]string{
		"loops in loops":              from + "RUN " + strings.Repeat("for i in 1 2 3 4 5 6 7 8 9 10; do ", 10) + "touch /$i" + strings.Repeat("; done", 10),
		"functions that call":         from + "RUN a() { b; b; b; }; b() { a; a; a; }; a",
		"braces":                      from + "RUN touch " + strings.Repeat("{a,b,c,d}", 30),
		"deep brackets":               from + "RUN " + strings.Repeat("{ ", 20_000) + "true" + strings.Repeat("; }", 20_000),
		"deep substitution":           from + "RUN echo " + strings.Repeat("$(echo ", 5_000) + strings.Repeat(")", 5_000),
		"arguments of arguments":      from + "ARG a=xxxxxxxxxx\n" + strings.Repeat("ARG a=$a$a$a$a$a$a$a$a\n", 50) + "COPY $a /$a\nRUN touch /$a\n",
		"environment of environment":  from + "ENV a=xxxxxxxxxx\n" + strings.Repeat("ENV a=$a$a$a$a$a$a$a$a b=$a c=$a\n", 50) + "WORKDIR $a\nLABEL $a=$a\n",
		"many stages":                 strings.Repeat("FROM debian\nRUN touch /a\n", 900),
		"stages of stages":            "FROM debian AS s\n" + strings.Repeat("FROM s AS s\nCOPY --from=s / /\n", 400),
		"copies of copies":            from + strings.Repeat("COPY . /\n", 1_500),
		"copies between stages":       "FROM debian\nCOPY . /\n" + strings.Repeat("FROM debian\nCOPY --from=0 / /\n", 300),
		"wildcards":                   from + strings.Repeat("COPY "+strings.Repeat("*a", 500)+" /x/\n", 200),
		"many commands":               from + strings.Repeat("RUN "+strings.Repeat("touch /a; ", 500)+"\n", 100),
		"many places":                 from + strings.Repeat("RUN touch /etc/*/a*b*c*d*e "+strings.Repeat("/*/x*/y*/z ", 100)+"\n", 100),
		"many packages":               from + "RUN apt-get install -y " + strings.Repeat("lib*-dev* ", 5_000),
		"stage that is its own":       "FROM a AS a\nFROM a AS a\nCOPY --from=a --from=1 --from=99999999999999999999 x y\n",
		"ONBUILD of ONBUILD":          from + "ONBUILD ONBUILD RUN x\nONBUILD COPY a b\nONBUILD\n",
		"words that are not there":    from + "COPY\nADD x\nENV\nENV a\nLABEL\nUSER\nWORKDIR\nEXPOSE\nVOLUME []\nCMD []\nENTRYPOINT []\nSHELL []\nHEALTHCHECK\nRUN []\nRUN [\"\"]\nRUN\n",
		"flags that are not":          from + "COPY --chmod=999999 --chown=: --from= --parents --exclude=[ a b\nRUN --mount --mount=type= true\nADD --checksum=x a b\n",
		"here-documents":              from + strings.Repeat("COPY <<a <<b <<c /\n1\na\n2\nb\n3\nc\n", 300),
		"no text":                     from + "RUN \xff\xfe\x00\x01\nCOPY \x00 \xff\nENV \xff=\x00\n",
		"ports":                       from + "EXPOSE 0-65535/tcp 1-65535/udp 99999-1 -1\n" + strings.Repeat("EXPOSE 1-65535\n", 200),
		"leads out":                   from + "COPY ../../etc/passwd /\nWORKDIR ../../..\nCOPY . ../../../../x\nRUN cd ../../../.. && touch ../x\n",
		"another sign for line's end": "# escape=`\n" + from + "RUN touch /a `\n  /b\nENV a=`$b\n",
	}
}

// No Dockerfile makes the comparison panic, or take longer than people wait.
func TestHostileDockerfilesEndSoon(t *testing.T) {
	in := honest().read(t, knownBase(t))
	for name, dockerfile := range hostileDockerfiles() {
		t.Run(name, func(t *testing.T) {
			in := in
			in.Dockerfile = []byte(dockerfile)
			begin := time.Now()
			if _, err := declared.Compare(in); err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %v", err)
			}
			if took := time.Since(begin); took > longest {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func FuzzCompare(f *testing.F) {
	f.Add([]byte(ordersDockerfile()))
	for _, dockerfile := range hostileDockerfiles() {
		if len(dockerfile) < 4<<10 {
			f.Add([]byte(dockerfile))
		}
	}
	in := honest().read(f, knownBase(f))
	f.Fuzz(func(t *testing.T, dockerfile []byte) {
		in := in
		in.Dockerfile = dockerfile
		begin := time.Now()
		hangs := time.AfterFunc(5*longest, func() { panic("the comparison does not end") })
		defer hangs.Stop()
		d, err := declared.Compare(in)
		if took := time.Since(begin); took > longest {
			t.Errorf("it took %v", took)
		}
		if err == nil {
			declared.CheckOf(d)
		}
	})
}
