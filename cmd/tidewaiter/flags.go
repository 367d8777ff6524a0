package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/image"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/vex"
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

// severities are the words of --exit-on for severities, each of which stands for the graver ones too.
func severities() []string {
	return []string{string(match.Critical), string(match.High), string(match.Medium), string(match.Low), string(match.Negligible)}
}

// conditions are the words that --exit-on takes.
func conditions() []string {
	return append(severities(), "kev", "malicious", "eol", string(vex.Malware), string(vex.Secret), string(vex.Hardening))
}

// condition is what --exit-on asks for.
type condition []string

func (c *condition) String() string { return strings.Join(*c, ",") }

func (c *condition) Type() string { return "list" }

func (c *condition) Set(text string) error {
	for word := range strings.SplitSeq(strings.ToLower(text), ",") {
		word = strings.TrimSpace(word)
		if !slices.Contains(conditions(), word) {
			return fmt.Errorf("unknown word %q: one of %s", word, strings.Join(conditions(), ", "))
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
		case "eol", string(vex.Secret), string(vex.Hardening):
		case "kev":
			holds = holds || f.KEV != nil
		case "malicious", string(vex.Malware):
			holds = holds || f.Malicious
		default:
			unrated = unrated || f.Severity == match.Unknown
			holds = holds || reaches(word, f.Severity)
		}
	}
	return holds, unrated
}

// count counts malware, secrets and weaknesses that were asked for by their kind, and malware and secrets by their severity too.
func (c condition) count(r *report.Report) int {
	n := 0
	add := func(quieted *match.Quieted, severity match.Level, words ...string) {
		asked := func(word string) bool {
			return slices.Contains(words, word) || severity != "" && reaches(word, severity)
		}
		if quieted == nil && slices.ContainsFunc(c, asked) {
			n++
		}
	}
	if r.Malware != nil {
		for _, h := range r.Malware.Hits {
			add(h.Quieted, h.Severity, string(vex.Malware), "malicious")
		}
	}
	if r.Secrets != nil {
		for _, f := range r.Secrets.Found {
			add(f.Quieted, f.Severity, string(vex.Secret))
		}
	}
	if r.Hardening != nil {
		for _, f := range r.Hardening.Findings {
			if !f.Usual {
				add(f.Quieted, "", string(vex.Hardening))
			}
		}
	}
	return n
}

// reaches says whether a severity is that of a word, or a graver one.
func reaches(word string, severity match.Level) bool {
	return slices.Contains(severities(), word) && severity != match.Unknown && severity.Rank() <= match.Level(word).Rank()
}

// ofPackages says whether some of the words speak of packages, and not of files or configuration alone.
func (c condition) ofPackages() bool {
	return slices.ContainsFunc(c, func(word string) bool {
		return word != string(vex.Malware) && word != string(vex.Secret) && word != string(vex.Hardening)
	})
}

// blindedBy says whether a blind spot may hide something that was asked for: what was not matched or judged hides no file.
func (c condition) blindedBy(b image.BlindSpot) bool {
	switch b.Kind {
	case image.Unsearched, image.UnreadableFile, image.UnreadableLayer, image.LimitReached:
		return true
	}
	return c.ofPackages() || slices.Contains(c, string(vex.Malware))
}

// unsearched names the kinds that were asked for and not looked for.
func (c condition) unsearched(r *report.Report) []string {
	var list []string
	for _, kind := range vex.Contrabands() {
		if slices.Contains(c, string(kind)) && !r.Searched(kind) {
			list = append(list, string(kind))
		}
	}
	return list
}

// judge gives the exit code that the contract has for a report; nil where nothing was asked or nothing found.
func (c condition) judge(r *report.Report) error {
	if len(c) == 0 {
		return nil
	}
	n, doubtful := c.count(r), 0
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
	case len(c.unsearched(r)) > 0:
		return verdict{exitUnknown, "--exit-on " + c.String() + ": not looked for: " + strings.Join(c.unsearched(r), ", ")}
	case doubtful > 0:
		return verdict{exitUnknown, fmt.Sprintf("nothing of the kind that --exit-on names was found, but nobody has rated the severity of %d findings", doubtful)}
	case slices.ContainsFunc(r.BlindSpots, c.blindedBy):
		return verdict{exitUnknown, "nothing of the kind that --exit-on names was found, but not all could be judged: see the blind spots"}
	case len(r.Packages) == 0 && c.ofPackages():
		return verdict{exitNothing, "no package was found in the image: there was nothing to evaluate"}
	}
	return nil
}
