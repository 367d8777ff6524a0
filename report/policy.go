package report

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"tidewaiter/assess"
)

// Trial is how a stored report comes out in an environment as it is described now.
type Trial struct {
	// Report is the file.
	Report      string         `json:"report"`
	Image       string         `json:"image"`
	Environment string         `json:"environment"`
	Verdict     assess.Verdict `json:"verdict"`
	// Was is the verdict before; absent where there was none.
	Was assess.Verdict `json:"was,omitempty"`
	// Expected is the verdict that was asked for; absent where none was.
	Expected assess.Verdict      `json:"expected,omitempty"`
	Goals    []assess.GoalResult `json:"goals"`
	// Before are the goals' results before, of which only the names and the verdicts count.
	Before []assess.GoalResult `json:"-"`
	// Changed are the goals that came out otherwise than before, in words: "exploited: pass -> fail".
	Changed []string `json:"changed,omitempty"`
}

// Compare fills in Changed.
func (t *Trial) Compare() {
	had := map[string]assess.Verdict{}
	for _, g := range t.Before {
		had[g.Name] = g.Verdict
	}
	for _, g := range t.Goals {
		if was := cmp.Or(had[g.Name], "not set"); t.Was != "" && was != g.Verdict {
			t.Changed = append(t.Changed, fmt.Sprintf("%s: %s -> %s", g.Name, was, g.Verdict))
		}
		delete(had, g.Name)
	}
	for _, g := range t.Before {
		if was, gone := had[g.Name]; gone {
			t.Changed = append(t.Changed, fmt.Sprintf("%s: %s -> not set", g.Name, was))
		}
	}
}

// TrialsJSON writes trials for programs.
func TrialsJSON(w io.Writer, trials []Trial) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{"schemaVersion": SchemaVersion, "trials": notNil(trials)})
}

// TrialsText writes trials under the report that each is of, with what came out otherwise than before under each.
func TrialsText(w io.Writer, trials []Trial, o TextOptions) error {
	b := bufio.NewWriter(w)
	s := newScreen(b, o)
	width := 0
	for _, t := range trials {
		width = max(width, visible(Clean(t.Environment)))
	}
	for i := range trials {
		t := &trials[i]
		if i == 0 || trials[i-1].Report != t.Report {
			s.line(s.bold(Clean(t.Report)), "  ", Clean(t.Image))
		}
		environment := Clean(t.Environment)
		indent := "  " + environment + strings.Repeat(" ", width-visible(environment)+2)
		s.wrapped(indent+s.verdict(t.Verdict)+strings.Repeat(" ", len("unknown")-len(t.Verdict)+2), s.trial(t))
		for _, c := range t.Changed {
			s.line(strings.Repeat(" ", visible(indent)), Clean(c))
		}
	}
	s.line()
	s.line("  ", trialSummary(trials))
	return b.Flush()
}

// trial says in a few words what is to be seen in a trial.
func (s *screen) trial(t *Trial) string {
	var parts []string
	if t.Expected != "" && t.Expected != t.Verdict {
		parts = append(parts, s.red("expected "+string(t.Expected)))
	}
	if t.Was != "" && t.Was != t.Verdict {
		parts = append(parts, "was "+string(t.Was))
	}
	if list := gateNames(t.Goals, assess.Fail); list != "" {
		parts = append(parts, "not met: "+list)
	}
	if list := gateNames(t.Goals, assess.Unknown); list != "" {
		parts = append(parts, "unknown: "+list)
	}
	return strings.Join(parts, "; ")
}

func gateNames(goals []assess.GoalResult, v assess.Verdict) string {
	var names []string
	for _, g := range goals {
		if g.Verdict == v {
			names = append(names, Clean(g.Name))
		}
	}
	return strings.Join(names, ", ")
}

func trialSummary(trials []Trial) string {
	count := map[assess.Verdict]int{}
	changed := 0
	for _, t := range trials {
		count[t.Verdict]++
		if t.Was != "" && t.Was != t.Verdict {
			changed++
		}
	}
	return fmt.Sprintf("%s: %d pass, %d fail, %d unknown; %d changed", plural(len(trials), "verdict"), count[assess.Pass], count[assess.Fail], count[assess.Unknown], changed)
}
