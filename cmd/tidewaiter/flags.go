package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/assess"
	"tidewaiter/match"
	"tidewaiter/report"
)

// offer gives the shell the words that a flag takes. That there is no such flag is a mistake of ours, not of a user.
func offer(cmd *cobra.Command, flag string, words ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}

// age is a duration that may be given in days: 7d.
type age time.Duration

func (a *age) String() string {
	d := time.Duration(*a)
	if d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	return d.String()
}

func (a *age) Type() string { return "age" }

func (a *age) Set(text string) error {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return fmt.Errorf("not a number of days: %q", text)
		}
		*a = age(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("not an age: %q (write 7d or 36h)", text)
	}
	*a = age(d)
	return nil
}

// conditions are the words that --exit-on takes: severities, each of which stands for the graver ones too, and more.
var conditions = []string{string(match.Critical), string(match.High), string(match.Medium), string(match.Low), string(match.Negligible), "kev", "malicious", "eol"}

// condition is what --exit-on asks for.
type condition []string

func (c *condition) String() string { return strings.Join(*c, ",") }

func (c *condition) Type() string { return "list" }

func (c *condition) Set(text string) error {
	for word := range strings.SplitSeq(strings.ToLower(text), ",") {
		word = strings.TrimSpace(word)
		if !slices.Contains(conditions, word) {
			return fmt.Errorf("unknown word %q: one of %s", word, strings.Join(conditions, ", "))
		}
		*c = append(*c, word)
	}
	return nil
}

// holds says whether a finding is one that was asked for. A severity that nobody has rated may be one: unrated says so.
func (c condition) holds(f match.Finding) (holds, unrated bool) {
	if f.Kind == match.KindEndOfLife { // no severity asks for it: nothing is known to be wrong yet
		return slices.Contains(c, "eol"), false
	}
	for _, word := range c {
		switch word {
		case "eol":
		case "kev":
			holds = holds || f.KEV != nil
		case "malicious":
			holds = holds || f.Malicious
		default:
			unrated = unrated || f.Severity == match.Unknown
			holds = holds || f.Severity != match.Unknown && assess.Rank(f.Severity) <= assess.Rank(match.Level(word))
		}
	}
	return holds, unrated
}

// judge gives the exit code that the contract has for a report; nil where nothing was asked or nothing found.
func (c condition) judge(r *report.Report) error {
	if len(c) == 0 {
		return nil
	}
	n, doubtful := 0, 0
	for _, f := range match.Standing(r.Findings) {
		switch holds, unrated := c.holds(f); {
		case holds:
			n++
		case unrated:
			doubtful++
		}
	}
	switch {
	case n == 1:
		return verdict{exitNotMet, "1 finding is of the kind that --exit-on names: " + c.String()}
	case n > 1:
		return verdict{exitNotMet, fmt.Sprintf("%d findings are of the kind that --exit-on names: %s", n, c.String())}
	case doubtful > 0:
		return verdict{exitUnknown, fmt.Sprintf("nothing of the kind that --exit-on names was found, but nobody has rated the severity of %d findings", doubtful)}
	case len(r.BlindSpots) > 0:
		return verdict{exitUnknown, "nothing of the kind that --exit-on names was found, but not all could be judged: see the blind spots"}
	case len(r.Packages) == 0:
		return verdict{exitNothing, "no package was found in the image: there was nothing to evaluate"}
	}
	return nil
}
