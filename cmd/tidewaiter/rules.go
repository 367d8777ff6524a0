package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/match"
)

// rules is what --rule says of the rules that quiet and lower findings.
type rules match.Settings

func (r rules) String() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(r)) {
		list = append(list, name+"="+string(r[name]))
	}
	return strings.Join(list, ",")
}

func (r rules) Type() string { return "name=effect" }

func (r rules) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if err := match.Settings(r).Set(strings.TrimSpace(part)); err != nil {
			return err
		}
	}
	return nil
}

func addRuleFlag(cmd *cobra.Command, f *pflag.FlagSet, r *rules) {
	*r = rules{}
	f.Var(*r, "rule", "what a rule does to findings: NAME=off, lower or quiet; may repeat (tidewaiter help rules)")
	var names []string
	for _, rule := range match.Rules() {
		names = append(names, rule.Name+"="+string(match.Off))
	}
	offer(cmd, "rule", names...)
}

// newRulesHelp is the help topic that lists the rules.
func newRulesHelp() *cobra.Command {
	var list strings.Builder
	for _, r := range match.Rules() {
		fmt.Fprintf(&list, "  %s  (%s)\n%s\n", r.Name, r.Effect, indented(r.About, 4, 100))
	}
	return &cobra.Command{
		Use:   "rules",
		Short: "What quiets and lowers findings, and how to switch it off",
		Long: `Most of what a scanner finds does not matter where it is found. A rule is a fact that says so, with the evidence for it.
A finding that a rule quiets asks for nothing, and is still counted and listed (--all, tidewaiter explain). One that a rule
lowers stands, after those that nothing lowers. No rule is ever applied to malware, nor to what is known to be exploited.

--rule NAME=off switches one off, NAME=lower and NAME=quiet change what it does:

` + list.String(),
	}
}

// indented breaks text into lines of at most width columns, each behind so many spaces.
func indented(text string, spaces, width int) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
			b.WriteString(strings.Repeat(" ", spaces))
			column = spaces
		case column+1+len(word) > width:
			b.WriteString("\n" + strings.Repeat(" ", spaces))
			column = spaces
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
