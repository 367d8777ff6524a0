package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/assess/nearest"
	"tidewaiter/report"
)

// form writes what a command found in one of the forms that the command offers.
type form func(w io.Writer, o report.TextOptions) error

// outputs are where a report goes: one format to standard output, any number to files.
type outputs struct {
	format   string
	files    []string
	all      bool
	template string
	names    []string // of the forms that the command offers
	// steps is what the screen names as the command that lists all steps; empty means advise.
	steps string
	// parsed is what check made of template.
	parsed *report.Template
}

// templateForm is the form that needs --template.
const templateForm = "template"

// addFlags adds --format and --output; the first of the forms' names is what goes to standard output unless told otherwise.
func (o *outputs) addFlags(cmd *cobra.Command, names ...string) {
	o.add(cmd, "what goes to standard output: "+strings.Join(names, ", "), names)
}

// addReport adds what a command takes that writes a report in all its forms; formatHelp tells of them.
func (o *outputs) addReport(cmd *cobra.Command) {
	names := make([]string, 0, len(report.Forms()))
	for _, f := range report.Forms() {
		names = append(names, f.Name)
	}
	o.add(cmd, "what goes to standard output: one of the formats above", names)
	cmd.Flags().StringVar(&o.template, "template", "", "for the format template: a file with a Go template over the JSON report, or the template itself")
}

func (o *outputs) add(cmd *cobra.Command, usage string, names []string) {
	o.names = names
	f := cmd.Flags()
	f.StringVarP(&o.format, "format", "f", names[0], usage)
	f.StringArrayVarP(&o.files, "output", "o", nil, "write the report to a file too, as FORMAT=FILE; may repeat")
	offer(cmd, "format", names...)
}

func (o *outputs) addAll(f *pflag.FlagSet) {
	f.BoolVar(&o.all, "all", false, "list everything: no list is cut short")
}

// formatHelp lists the forms that a report can be written in.
func formatHelp() string {
	var b strings.Builder
	b.WriteString("Formats:")
	for _, f := range report.Forms() {
		fmt.Fprintf(&b, "\n  %-10s %s", f.Name, f.About)
	}
	return b.String()
}

// check finds mistakes before the work is done, so that none is found after it.
func (o *outputs) check() error {
	if err := o.known(o.format); err != nil {
		return err
	}
	written := map[string]string{}
	for _, spec := range o.files {
		format, file, err := o.split(spec)
		if err != nil {
			return fmt.Errorf("--output %s: %w", spec, err)
		}
		place := settle(file)
		if other := written[place]; other != "" {
			return fmt.Errorf("--output %s: %s goes to that file already", spec, other)
		}
		written[place] = format
		if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
			return fmt.Errorf("--output %s: no such directory: %s", spec, filepath.Dir(file))
		}
	}
	return o.parseTemplate()
}

// split takes FORMAT=FILE apart.
func (o *outputs) split(spec string) (format, file string, err error) {
	format, file, ok := strings.Cut(spec, "=")
	switch {
	case !ok && slices.Contains(o.names, spec):
		return "", "", fmt.Errorf("write it as FORMAT=FILE, for example %s=report.out; --format %s writes it to standard output", spec, spec)
	case !ok || file == "":
		return "", "", errors.New("write it as FORMAT=FILE, for example json=report.json")
	case file == "-":
		return "", "", fmt.Errorf("standard output is for --format %s", format)
	}
	return format, file, o.known(format)
}

func (o *outputs) known(format string) error {
	if slices.Contains(o.names, format) {
		return nil
	}
	hint := ""
	if near := nearest.Word(format, o.names); near != "" {
		hint = fmt.Sprintf(" (did you mean %s?)", near)
	}
	return fmt.Errorf("unknown format %q%s: one of %s", format, hint, strings.Join(o.names, ", "))
}

// wanted are the formats that were asked for, standard output's first.
func (o *outputs) wanted() []string {
	formats := []string{o.format}
	for _, spec := range o.files {
		format, _, _ := strings.Cut(spec, "=")
		formats = append(formats, format)
	}
	return formats
}

// limit refuses the formats that cannot show what was asked for.
func (o *outputs) limit(asked string, can ...string) error {
	for _, format := range o.wanted() {
		if !slices.Contains(can, format) {
			return fmt.Errorf("%s is written as %s, not as %s", asked, strings.Join(can, " or "), format)
		}
	}
	return nil
}

// parseTemplate reads and parses --template: a file, with or without the @ that Trivy demands, or the template itself.
func (o *outputs) parseTemplate() error {
	wants := slices.Contains(o.wanted(), templateForm)
	switch {
	case !wants && o.template == "":
		return nil
	case !wants:
		return errors.New("--template is for --format template or --output template=FILE")
	case o.template == "":
		return errors.New("the format template needs --template FILE, or --template '{{ ... }}'")
	}
	name, text := "--template", o.template
	if file, ok := strings.CutPrefix(o.template, "@"); ok || !strings.Contains(o.template, "{{") {
		raw, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("--template: %w", err)
		}
		name, text = file, string(raw)
	}
	var err error
	o.parsed, err = report.NewTemplate(name, text)
	return err
}

// reportForms are the forms that a report can be written in.
func (o *outputs) reportForms(s streams, r *report.Report, dockerfile string) map[string]form {
	if r.Data != nil && len(r.Findings) == 0 && slices.Contains(o.wanted(), "openvex") {
		fmt.Fprintln(s.err, "tidewaiter: openvex: nothing was found, so the document has no statement: strict readers refuse it, as the standard demands one")
	}
	forms := map[string]form{}
	for _, f := range report.Forms() {
		forms[f.Name] = func(w io.Writer, text report.TextOptions) error {
			return f.Write(w, r, report.Options{TextOptions: text, Dockerfile: inRepository(dockerfile), Now: s.now(), Template: o.parsed})
		}
	}
	return forms
}

// inRepository gives the path that a file most likely has in its repository: commands run at its root.
func inRepository(file string) string {
	switch {
	case file == "":
		return ""
	case filepath.IsLocal(file):
		return filepath.ToSlash(filepath.Clean(file))
	}
	return filepath.Base(file)
}

// write writes every form that was asked for. All are made before the first is written, so that what one of them fails of leaves
// none behind.
func (o *outputs) write(s streams, forms map[string]form) error {
	color := s.width > 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	var screen bytes.Buffer
	if err := forms[o.format](&screen, report.TextOptions{Width: s.width, Color: color, All: o.all, Steps: o.steps}); err != nil {
		return err
	}
	files := make([]bytes.Buffer, len(o.files))
	for i, spec := range o.files {
		format, _, _ := strings.Cut(spec, "=")
		if err := forms[format](&files[i], report.TextOptions{All: o.all}); err != nil {
			return err
		}
	}
	for i, spec := range o.files {
		_, file, _ := strings.Cut(spec, "=")
		if err := writeWhole(file, files[i].Bytes()); err != nil {
			return fmt.Errorf("cannot write the report: %w", err)
		}
	}
	_, err := s.out.Write(screen.Bytes())
	return err
}

// settle gives the one name of a file: through symbolic links, from the root.
func settle(file string) string {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	} else if dir, err := filepath.EvalSymlinks(filepath.Dir(file)); err == nil {
		file = filepath.Join(dir, filepath.Base(file))
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		return filepath.Clean(file)
	}
	return absolute
}

// writeWhole writes a file so that nobody ever sees a part of it. What is no regular file (a pipe, /dev/null) is written as it is.
func writeWhole(file string, content []byte) error {
	file = settle(file)
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(file); err == nil {
		if !info.Mode().IsRegular() {
			return os.WriteFile(file, content, mode)
		}
		mode = info.Mode().Perm()
	}
	temp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // does nothing once it has its name
	_, err = temp.Write(content)
	if err := cmp.Or(err, temp.Chmod(mode), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}
