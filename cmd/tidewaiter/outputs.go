package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/report"
)

// form writes what a command found in one of the forms that the command offers.
type form func(w io.Writer, o report.TextOptions) error

// outputs are where a report goes: one format to standard output, any number to files.
type outputs struct {
	format string
	files  []string
	all    bool
	names  []string // of the forms that the command offers
}

// addFlags adds --format and --output; the first of the forms' names is what goes to standard output unless told otherwise.
func (o *outputs) addFlags(cmd *cobra.Command, names ...string) {
	o.names = names
	f := cmd.Flags()
	f.StringVarP(&o.format, "format", "f", names[0], "what goes to standard output: "+strings.Join(names, ", "))
	f.StringArrayVarP(&o.files, "output", "o", nil, "write the report to a file too, as FORMAT=FILE; may repeat")
	offer(cmd, "format", names...)
}

func (o *outputs) addAll(f *pflag.FlagSet) {
	f.BoolVar(&o.all, "all", false, "list everything in the text report: no list is cut short")
}

// check finds mistakes before the work is done, so that none is found after it.
func (o *outputs) check() error {
	if err := o.known(o.format); err != nil {
		return err
	}
	for _, spec := range o.files {
		format, file, ok := strings.Cut(spec, "=")
		if !ok || file == "" {
			return fmt.Errorf("--output %s: write it as FORMAT=FILE, for example json=report.json", spec)
		}
		if err := o.known(format); err != nil {
			return fmt.Errorf("--output %s: %w", spec, err)
		}
		if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
			return fmt.Errorf("--output %s: no such directory: %s", spec, filepath.Dir(file))
		}
	}
	return nil
}

func (o *outputs) known(format string) error {
	if !slices.Contains(o.names, format) {
		return fmt.Errorf("unknown format %q: one of %s", format, strings.Join(o.names, ", "))
	}
	return nil
}

// write writes every form that was asked for.
func (o *outputs) write(s streams, forms map[string]form) error {
	for _, spec := range o.files {
		format, file, _ := strings.Cut(spec, "=")
		var b bytes.Buffer
		if err := forms[format](&b, report.TextOptions{All: o.all}); err != nil {
			return err
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("cannot write the report: %w", err)
		}
	}
	color := s.width > 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return forms[o.format](s.out, report.TextOptions{Width: s.width, Color: color, All: o.all})
}
