package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// standIn is a daemon that talks as ClamAV's does. It finds the word "plague".
type standIn struct {
	net.Listener
	version string
	files   atomic.Int64
}

// startClamd starts a stand-in for ClamAV's daemon on a port of its own, for which $CLAMD stands: clamd VERSION. The file
// "asked" has how many files it was shown.
func startClamd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: clamd VERSION")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	d := &standIn{Listener: l, version: args[0]}
	ts.Defer(func() { l.Close() })
	ts.Setenv("CLAMD", "tcp://"+l.Addr().String())
	name := ts.MkAbs("asked")
	ts.Check(os.WriteFile(name, []byte("0\n"), 0o600))
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go d.serve(conn, name)
		}
	}()
}

// serve answers one command. How many files it was shown is in a file that scripts can read.
func (d *standIn) serve(conn net.Conn, asked string) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	answer := "PONG"
	switch command, _ := r.ReadString(0); command {
	case "zVERSION\x00":
		answer = d.version
	case "zINSTREAM\x00":
		answer = "stream: OK"
		if bytes.Contains(readChunks(r), []byte("plague")) {
			answer = "stream: Unix.Trojan.Plague-1 FOUND"
		}
		_ = os.WriteFile(asked, []byte(strconv.FormatInt(d.files.Add(1), 10)+"\n"), 0o600)
	}
	_, _ = io.WriteString(conn, answer+"\x00")
}

func readChunks(r io.Reader) []byte {
	var content bytes.Buffer
	for {
		var length [4]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return nil
		}
		n := binary.BigEndian.Uint32(length[:])
		if n == 0 {
			return content.Bytes()
		}
		if _, err := io.CopyN(&content, r, int64(n)); err != nil {
			return nil
		}
	}
}
