package report

import (
	"bufio"
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/trust"
)

// ApprovalSchema is the JSON schema of what [ApprovalJSON] writes.
//
//go:embed schema-approval.json
var ApprovalSchema []byte

// Approval is what a gate says that asks for an approval in place of a scan, in the shape of the JSON contract.
type Approval struct {
	SchemaVersion int                 `json:"schemaVersion"`
	Tool          Tool                `json:"tool"`
	Image         assess.Image        `json:"image"`
	Environment   string              `json:"environment"`
	Exposure      assess.Exposure     `json:"exposure,omitempty"`
	Verdict       assess.Verdict      `json:"verdict"`
	Goals         []assess.GoalResult `json:"goals"`
	// Approval is the one that decided; nil where none counts. Others are the rest, the newest first.
	Approval   *trust.Approval   `json:"approval,omitempty"`
	Others     []trust.Approval  `json:"otherApprovals,omitempty"`
	Bindings   []trust.Binding   `json:"bindings,omitempty"`
	BlindSpots []image.BlindSpot `json:"blindSpots"`
}

// NewApproval puts together what was found out about an image's approvals.
func NewApproval(tool Tool, s *assess.Subject, env assess.Environment, goals []assess.GoalResult, verdict assess.Verdict, found *trust.Approvals) *Approval {
	return &Approval{SchemaVersion: SchemaVersion, Tool: tool, Image: s.Image, Environment: env.Name, Exposure: env.Exposure, Verdict: verdict, Goals: goals,
		Approval: found.By, Others: found.Others, Bindings: s.Bindings, BlindSpots: notNil(s.BlindSpots)}
}

// ApprovalJSON writes it as the contract says.
func ApprovalJSON(w io.Writer, a *Approval) error { return writeJSON(w, a) }

// ApprovalText writes it for people: whether the image may go there, who approved it, when and by what, and why other approvals do not count.
func ApprovalText(w io.Writer, a *Approval, o TextOptions) error {
	b := bufio.NewWriter(w)
	s := newScreen(b, o)
	s.line(strings.Join(nonEmpty(s.bold(Clean(a.Image.Reference)), short(cmp.Or(a.Image.Digest, a.Image.ID)), Clean(a.Image.Platform)), "  "))
	where := Clean(a.Environment)
	if a.Exposure != "" {
		where += ", " + string(a.Exposure) + " exposure"
	}
	s.wrapped("  "+s.verdict(a.Verdict)+"  ", where+"   by its approval: nothing was scanned")
	s.line()
	s.goals(a.Goals, o.All)
	if a.Approval != nil {
		s.section("Approval", "")
		s.approval(a.Approval)
	}
	s.refused(a.Others, o.All)
	blindSpots(s, &Report{Subject: assess.Subject{BlindSpots: a.BlindSpots}}, o.All)
	return b.Flush()
}

// approval writes who decided, when and by what.
func (s *screen) approval(a *trust.Approval) {
	fact := func(word, text string) {
		if text != "" {
			s.wrapped("    "+word+strings.Repeat(" ", 10-len(word)), Clean(text))
		}
	}
	fact("signed by", a.Signer)
	fact("verifier", together(a.Verifier, a.Tool))
	fact("on", moment(a.Time))
	fact("result", a.Result)
	fact("policy", together(a.Policy, a.PolicyDigest))
	fact("data", a.Data)
	fact("report", a.Report)
	fact("document", a.Attestation)
}

func together(parts ...string) string { return strings.Join(nonEmpty(parts...), "  ") }

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}

// refused writes the approvals that do not count, each with why.
func (s *screen) refused(list []trust.Approval, all bool) {
	const shown = 5
	if len(list) == 0 {
		return
	}
	s.section("Approvals that do not count", "")
	for i, a := range list {
		if i == shown && !all {
			s.more(len(list)-shown, "approval")
			return
		}
		s.wrapped("    ", Clean(together(short(a.Attestation), day(a.Time), a.Environment, a.Signer, a.Refused)))
	}
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// replayPart writes what a decision rested on, what is different now, and what comes out.
func (s *screen) replayPart(r *trust.Replay, all bool) {
	if r.Approval.Status != trust.Verified {
		s.section("Approval", "not decided again")
		s.approval(&r.Approval)
		return
	}
	s.section("Approval", "decided again by the inputs at hand, at the time of then")
	s.approval(&r.Approval)
	s.replayedInputs(r.Inputs, all)
	s.replayed("verdict", r.Approval.Result, r.Result)
	s.replayed("report", r.Approval.Report, r.Report)
	for _, n := range r.Notes {
		s.wrapped("    - ", Clean(n))
	}
}

// replayedInputs lists the inputs that are others now; with all, the others too.
func (s *screen) replayedInputs(inputs []trust.ReplayedInput, all bool) {
	const shown = 30
	same := 0
	rows := [][]string{}
	for i := range inputs {
		in := &inputs[i]
		if in.Same() {
			same++
		}
		if all || !in.Same() {
			rows = append(rows, []string{s.state(in), Clean(in.Kind), Clean(in.Name), Clean(between(in))})
		}
	}
	s.line()
	s.line("    ", fmt.Sprintf("%d of %s as recorded", same, plural(len(inputs), "input")))
	if len(rows) > shown && !all {
		s.table(rows[:shown], 2, 3)
		s.more(len(rows)-shown, "input")
		return
	}
	s.table(rows, 2, 3)
}

// replayed writes what came out then and what does now.
func (s *screen) replayed(word, then, now string) {
	text := "the same: " + now
	switch {
	case now == "":
		text = "not known now; recorded: " + then
	case now != then:
		text = "recorded " + then + ", now " + now
	}
	s.wrapped("    "+word+strings.Repeat(" ", 10-len(word)), Clean(text))
}

func (s *screen) state(in *trust.ReplayedInput) string {
	switch {
	case in.Same():
		return "same"
	case in.Now == "":
		return s.paint(ansiYellow, "missing")
	case in.Recorded == "":
		return s.paint(ansiYellow, "new")
	}
	return s.red("differs")
}

// between shows both sides of an input, shortly.
func between(in *trust.ReplayedInput) string {
	if in.Same() || in.Now == "" {
		return shortInput(in.Recorded)
	}
	if in.Recorded == "" {
		return shortInput(in.Now)
	}
	return shortInput(in.Recorded) + " -> " + shortInput(in.Now)
}

func shortInput(text string) string {
	if strings.HasPrefix(text, "sha256:") {
		return short(text)
	}
	return text
}
