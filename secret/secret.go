// Package secret says which secrets an image carries: in files of any layer, in its environment variables, labels and history.
//
// In go the notes that the detectors made of files as they passed in the one reading of the layers, the image's configuration, and
// the account of who brought which file; out comes a [Report]. The detectors are the inner room detect, which asks nobody; asking a
// service whether a secret is good is the inner room verify, which nothing calls unless the user asked for it.
//
// This package must never show, log or keep a secret: what leaves it is redacted.
package secret

import (
	"encoding/json"

	"tidewaiter/inventory"
	"tidewaiter/match"
)

// Sink is the name of the sink that searches files.
const Sink = "secrets"

// Report is what the search for secrets found.
type Report struct {
	// Detectors is the version of the detectors.
	Detectors string `json:"detectors,omitempty"`
	// Found are sorted: what nothing quiets first, then by severity, path, name, layer and rule.
	Found []Secret `json:"found"`
}

// In is where a secret was found.
type In string

// Where secrets are.
const (
	InFile    In = "file"
	InEnv     In = "env"     // a variable of the image's configuration
	InLabel   In = "label"   // a label or annotation
	InHistory In = "history" // an instruction's text: an argument of the build, a command line
)

// Secret is one that is aboard; it is never shown itself.
type Secret struct {
	// ID is what an exception calls it: "secret:" and the rule.
	ID string `json:"id"`
	// Rule names what sort of secret it is, Title says it in a few words.
	Rule     string      `json:"rule"`
	Title    string      `json:"title"`
	Severity match.Level `json:"severity"`
	In       In          `json:"in"`
	inventory.Place
	// Name is that of the variable, label or argument.
	Name string `json:"name,omitempty"`
	// Also are the other instructions that say the same secret.
	Also []inventory.Place `json:"also,omitempty"`
	// Inside is the path within the archive that Path is.
	Inside string `json:"inside,omitempty"`
	// Line is where in a text, from 1.
	Line int `json:"line,omitempty"`
	// Redacted is what may be shown of it.
	Redacted string `json:"redacted"`
	// Extractable says that everyone who has the image can read it, and Extract how.
	Extractable bool   `json:"extractable"`
	Extract     string `json:"extract,omitempty"`
	// Check is what a service said of it; empty where none was asked.
	Check Check  `json:"check,omitempty"`
	Why   string `json:"why,omitempty"`
	Mend  string `json:"mend,omitempty"`
	// Quieted is nil for one that stands.
	Quieted *match.Quieted `json:"quieted,omitempty"`
}

// Check is what the service that a secret is for said of it.
type Check string

// The results of asking.
const (
	Valid      Check = "valid"
	Invalid    Check = "invalid"
	Unchecked  Check = "unchecked"   // there is no way to ask for this sort of secret
	CheckError Check = "check-error" // the service could not be asked
)

// Found is what a note says of a file, once for each secret in it.
type Found struct {
	Rule     string      `json:"rule"`
	Title    string      `json:"title,omitempty"`
	Severity match.Level `json:"severity"`
	Inside   string      `json:"inside,omitempty"`
	Line     int         `json:"line,omitempty"`
	Redacted string      `json:"redacted"`
	// Known says what it is known for, where it is no secret: a test key, an example of a documentation.
	Known string `json:"known,omitempty"`
	// Raw is the secret itself. It is in memory alone: a note has it only where nothing is kept of what is read ([EncodeRaw]).
	Raw string `json:"-"`
}

// foundRaw is Found with the secret itself.
type foundRaw struct {
	Found
	Secret string `json:"secret,omitempty"`
}

// Encode gives the form in which a note has them; nil for none.
func Encode(found []Found) []byte {
	if len(found) == 0 {
		return nil
	}
	b, _ := json.Marshal(found) // of strings and numbers: it does not fail
	return b
}

// EncodeRaw is Encode with the secrets themselves, for a sink whose notes are not kept: its Version is empty.
func EncodeRaw(found []Found) []byte {
	if len(found) == 0 {
		return nil
	}
	list := make([]foundRaw, len(found))
	for i, f := range found {
		list[i] = foundRaw{f, f.Raw}
	}
	b, _ := json.Marshal(list) // of strings and numbers: it does not fail
	return b
}

// Decode reads a note.
func Decode(note []byte) ([]Found, error) {
	var list []foundRaw
	err := json.Unmarshal(note, &list)
	var found []Found
	for _, f := range list {
		f.Raw = f.Secret
		found = append(found, f.Found)
	}
	return found, err
}
