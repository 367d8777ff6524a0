package hardening

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// SinkName is what the notes of a [Sink] are kept under.
const SinkName = "hardening"

// Sink takes from a handful of files what the checks want to know: who has an account and whether it has a password, whom sudo asks for
// none, what sshd allows. No password, and no hash of one, is kept. It implements [layer.Sink].
type Sink struct{}

// Name implements [layer.Sink].
func (Sink) Name() string { return SinkName }

// Version implements [layer.Sink].
func (Sink) Version() string { return "1" }

// Open implements [layer.Sink].
func (Sink) Open(_ context.Context, f *layer.File, _ []byte) layer.Eye {
	const largest = 1 << 20 // bytes: such files are written by people
	read := readerOf(f.Path)
	if read == nil || f.Size > largest {
		return nil
	}
	return &eye{read: read}
}

// eye holds one small file until it has passed.
type eye struct {
	content []byte
	read    func(lines []string) note
}

func (e *eye) Write(p []byte) (int, error) {
	e.content = append(e.content, p...)
	return len(p), nil
}

func (e *eye) Close() layer.Answer {
	n := e.read(strings.Split(string(e.content), "\n"))
	if n.empty() {
		return nil
	}
	return func() ([]byte, error) { return json.Marshal(n) }
}

// note is what one file says.
type note struct {
	Accounts []account `json:"accounts,omitempty"`
	// Lines are those that a check finds fault with, as they stand: of sudoers and sshd_config.
	Lines []string `json:"lines,omitempty"`
}

func (n *note) empty() bool { return len(n.Accounts) == 0 && len(n.Lines) == 0 }

// account is one of /etc/passwd or /etc/shadow; of the latter only those with a password or without need of one, with ID -1.
type account struct {
	Name string `json:"name"`
	ID   int    `json:"id"`
	Home string `json:"home,omitempty"`
	// Open says that no password is needed, and Hashed that one is set.
	Open   bool `json:"open,omitempty"`
	Hashed bool `json:"hashed,omitempty"`
}

// noted is a file with what it says.
type noted struct {
	note
	place inventory.Place
}

// mostNoted bounds the accounts and lines that are taken from one file.
const mostNoted = 1000

// readerOf gives what reads a file by its path; nil for others.
func readerOf(at string) func(lines []string) note {
	switch {
	case at == "etc/passwd":
		return readPasswd
	case at == "etc/shadow":
		return readShadow
	case at == "etc/sudoers", path.Dir(at) == "etc/sudoers.d", at == "etc/doas.conf", path.Dir(at) == "etc/doas.d":
		return readSudoers
	case at == "etc/ssh/sshd_config", path.Dir(at) == "etc/ssh/sshd_config.d":
		return readSSHD
	}
	return nil
}

// readPasswd reads passwd(5).
func readPasswd(lines []string) note {
	var n note
	for _, line := range lines {
		fields := strings.Split(line, ":")
		if len(fields) != 7 || fields[0] == "" || strings.HasPrefix(line, "#") || len(n.Accounts) == mostNoted {
			continue
		}
		if id, err := strconv.Atoi(fields[2]); err == nil {
			n.Accounts = append(n.Accounts, account{Name: fields[0], ID: id, Home: fields[5], Open: fields[1] == ""})
		}
	}
	return n
}

// readShadow reads shadow(5): who has a password, or an empty one. A field that no password can have says that none will do.
func readShadow(lines []string) note {
	var n note
	for _, line := range lines {
		fields := strings.Split(line, ":")
		if len(fields) < 8 || fields[0] == "" || strings.HasPrefix(line, "#") || len(n.Accounts) == mostNoted {
			continue
		}
		a := account{Name: fields[0], ID: -1, Open: fields[1] == "", Hashed: strings.HasPrefix(fields[1], "$") || len(fields[1]) == 13}
		if a.Open || a.Hashed {
			n.Accounts = append(n.Accounts, a)
		}
	}
	return n
}

// readSudoers reads sudoers(5) and doas.conf(5): who may become another without a password.
func readSudoers(lines []string) note {
	var n note
	for _, line := range lines {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		if strings.HasPrefix(line, "#") || len(words) == 0 || len(n.Lines) == mostNoted {
			continue
		}
		if strings.Contains(line, "NOPASSWD:") || words[0] == "permit" && slices.Contains(words, "nopass") {
			n.Lines = append(n.Lines, clipped(line))
		}
	}
	return n
}

// readSSHD reads sshd_config(5): who may come in as root by password, or without one.
func readSSHD(lines []string) note {
	var n note
	for _, line := range lines {
		words := strings.Fields(strings.ToLower(strings.ReplaceAll(line, "=", " ")))
		if len(words) >= 2 && words[1] == "yes" && (words[0] == "permitrootlogin" || words[0] == "permitemptypasswords") && len(n.Lines) < mostNoted {
			n.Lines = append(n.Lines, clipped(strings.TrimSpace(line)))
		}
	}
	return n
}

// clipped keeps a line short.
func clipped(line string) string {
	const longest = 160 // bytes
	if len(line) > longest {
		return strings.ToValidUTF8(line[:longest], "") + "..."
	}
	return line
}

// readNotes takes what the sink noted of files that stand in the end.
func (j *judging) readNotes() {
	for _, n := range inventory.NotedBy(SinkName, j.Image, j.Layers, j.Inventory, j.Trace) {
		var said note
		if n.Hidden != nil || json.Unmarshal(n.Note.Data, &said) != nil {
			continue
		}
		j.noted = append(j.noted, noted{said, n.Place})
		if n.Path == "etc/passwd" {
			j.accounts = said.Accounts
		}
	}
}
