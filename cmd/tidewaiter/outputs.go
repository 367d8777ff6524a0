package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"tidewaiter/report"
)

// writers are the forms that a report can be written in.
var writers = map[string]func(io.Writer, *report.Report, report.TextOptions) error{
	"text": report.Text,
	"json": func(w io.Writer, r *report.Report, _ report.TextOptions) error { return report.JSON(w, r) },
}

// formats gives the names of the forms.
func formats() []string { return slices.Sorted(maps.Keys(writers)) }

// outputs are where a report goes: one format to standard output, any number to files.
type outputs struct {
	format string
	files  []string
	all    bool
}

func (o *outputs) addFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.format, "format", "f", "text", "what goes to standard output: "+strings.Join(formats(), ", "))
	f.StringArrayVarP(&o.files, "output", "o", nil, "write the report to a file too, as FORMAT=FILE; may repeat")
	f.BoolVar(&o.all, "all", false, "list every finding, step and blind spot in the text report")
}

// check finds mistakes before the work is done, so that none is found after it.
func (o *outputs) check() error {
	if err := known(o.format); err != nil {
		return err
	}
	for _, spec := range o.files {
		format, file, ok := strings.Cut(spec, "=")
		if !ok || file == "" {
			return fmt.Errorf("--output %s: write it as FORMAT=FILE, for example json=report.json", spec)
		}
		if err := known(format); err != nil {
			return fmt.Errorf("--output %s: %w", spec, err)
		}
		if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
			return fmt.Errorf("--output %s: no such directory: %s", spec, filepath.Dir(file))
		}
	}
	return nil
}

func known(format string) error {
	if writers[format] == nil {
		return fmt.Errorf("unknown format %q: one of %s", format, strings.Join(formats(), ", "))
	}
	return nil
}

func (o *outputs) write(s streams, r *report.Report) error {
	for _, spec := range o.files {
		format, file, _ := strings.Cut(spec, "=")
		var b bytes.Buffer
		if err := writers[format](&b, r, report.TextOptions{All: o.all}); err != nil {
			return err
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("cannot write the report: %w", err)
		}
	}
	color := s.width > 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return writers[o.format](s.out, r, report.TextOptions{Width: s.width, Color: color, All: o.all})
}
