package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/assess"
	"tidewaiter/assess/environments"
	"tidewaiter/report"
)

func newConfig(s streams) *cobra.Command {
	var o environmentOptions
	var out outputs
	cmd := &cobra.Command{
		Use:   "config",
		Short: "The environments and settings that hold, and where each value is from",
		Long: `Shows every value of every environment, and of the settings that ` + environments.Name + ` can have, with its origin: built-in, a line of the
file, an environment variable, a flag. Flags go before environment variables, these before the file, and that before what is built in.

Exit codes:
  0  done
  1  the file has mistakes, or cannot be read`,
		Example: `  tidewaiter config
  tidewaiter config --env production --format json
  tidewaiter config init`,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			e := newEffectiveConfig(&o, cmd.Flags())
			return out.write(s, map[string]form{
				"text": e.text,
				"json": func(w io.Writer, _ report.TextOptions) error { return e.json(w) },
			})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	out.addFlags(cmd, "text", "json")
	o.addEnvironment(cmd)
	addSettings(cmd)
	cmd.AddCommand(newConfigCheck(s), newConfigInit(s), newConfigSchema(s))
	return cmd
}

// addSettings adds the flags that a file may set, so that what holds of them can be shown.
func addSettings(cmd *cobra.Command) {
	f := cmd.Flags()
	var o scanOptions
	addAdvisoryFlag(f, &o.advisories)
	addBasesFlag(f, &o.bases)
	f.StringVar(new(string), "deployments", filepath.Join(".tidewaiter", "deployments"), "the directory of recorded deployments")
	o.maxAge = usualMaxAge
	f.Var((*age)(&o.maxAge), "max-data-age", "advisory data older than this is a blind spot (7d, 36h; 0: any age)")
	o.vex.addFlags(f)
	addTrustedRootFlag(f, new([]string))
	new(searchOptions).addEngineFlags(f)
	addRuleFlag(cmd, f, &o.rules)
}

// effectiveConfig is what holds, flags included.
type effectiveConfig struct {
	settings *environments.Settings
	// asked are the environments to show, and values all others that hold.
	asked  []assess.Environment
	values []environments.Value
}

func newEffectiveConfig(o *environmentOptions, flags *pflag.FlagSet) *effectiveConfig {
	e := &effectiveConfig{settings: o.settings(), asked: o.settings().Environments}
	add := func(name string, value any, from string) {
		e.values = append(e.values, environments.Value{Name: name, Value: value, From: from})
	}
	if env, ok := e.settings.Environment(o.env); ok {
		e.asked = []assess.Environment{env}
		add("default", o.env, origin(flags.Lookup("env")))
	} else {
		add("default", e.settings.Default, e.settings.Origin("default"))
	}
	for _, name := range environments.FlagNames() {
		f := flags.Lookup(name)
		if list, ok := f.Value.(pflag.SliceValue); ok {
			if values := list.GetSlice(); len(values) > 0 {
				add(name, values, origin(f))
			}
		} else if text := f.Value.String(); text != "" {
			add(name, text, origin(f))
		}
	}
	rule := flags.Lookup("rule")
	set, _ := rule.Value.(rules)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		from := origin(rule)
		if slices.Contains(o.config.rules, name) {
			from = e.settings.Origin("rules." + name)
		}
		add("rules."+name, string(set[name]), from)
	}
	if len(e.settings.Bindings) > 0 {
		add("bindings", len(e.settings.Bindings), e.settings.Origin("bindings"))
	}
	if len(e.settings.Trust) > 0 {
		add("trust", len(e.settings.Trust), e.settings.Origin("trust"))
	}
	return e
}

// text shows the values, one a line.
func (e *effectiveConfig) text(w io.Writer, _ report.TextOptions) error {
	title := report.Clean(e.settings.File)
	if title == "" {
		title = "no " + environments.Name + ": tidewaiter config init writes one"
	}
	if err := showValues(w, title, e.values); err != nil {
		return err
	}
	for _, env := range e.asked {
		values, unset := set(e.settings.Effective(env))
		if err := showValues(w, "\n"+env.Name, values); err != nil {
			return err
		}
		if unset != "" {
			fmt.Fprintln(w, indented("goals that are not set: "+unset, 2, 100))
		}
	}
	return nil
}

func showValues(w io.Writer, title string, values []environments.Value) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, title)
	for _, v := range values {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", report.Clean(v.Name), cutTo(oneLine(v.String()), 100), report.Clean(v.From))
	}
	return t.Flush()
}

// set takes out the goals that are off without anybody having said so, and gives their names.
func set(all []environments.Value) (values []environments.Value, unset string) {
	var names []string
	for _, v := range all {
		goal, isGoal := strings.CutPrefix(v.Name, "goals.")
		if isGoal && v.Value == "off" && strings.HasPrefix(v.From, environments.BuiltIn) {
			names = append(names, goal)
		} else {
			values = append(values, v)
		}
	}
	return values, strings.Join(names, ", ")
}

// json gives the values in the form of the file, and beside it their origins by their paths.
func (e *effectiveConfig) json(w io.Writer) error {
	doc := struct {
		SchemaVersion int               `json:"schemaVersion"`
		File          string            `json:"file,omitempty"`
		Config        map[string]any    `json:"config"`
		Origins       map[string]string `json:"origins"`
	}{1, e.settings.File, environments.Tree(e.values), map[string]string{}}
	for _, v := range e.values {
		doc.Origins[v.Name] = v.From
	}
	if len(e.settings.Bindings) > 0 {
		doc.Config["bindings"] = e.settings.Bindings
	}
	if len(e.settings.Trust) > 0 {
		doc.Config["trust"] = e.settings.Trust
	}
	all := map[string]any{}
	for _, env := range e.asked {
		values := e.settings.Effective(env)
		all[env.Name] = environments.Tree(values)
		for _, v := range values {
			doc.Origins["environments."+env.Name+"."+v.Name] = v.From
		}
	}
	doc.Config["environments"] = all
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(doc)
}

// oneFile allows one argument or none.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%q is one argument too many: %s", args[1], cmd.UseLine())
	}
	return nil
}

func newConfigCheck(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Find the mistakes in " + environments.Name,
		Long: `Reads ` + environments.Name + ` of the working directory, or FILE, and names each mistake with its line.

Exit codes:
  0  there is none
  1  there are mistakes, or the file cannot be read`,
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			c := configFile{file: environments.Name}
			if len(args) > 0 {
				c.file = args[0]
			}
			if err := c.load(); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("no such file: %s: tidewaiter config init writes one", c.file)
			} else if err != nil {
				return err
			}
			_, err := fmt.Fprintf(s.out, "%s: no mistake; environments: %s\n", report.Clean(c.file), strings.Join(c.settings().Names(), ", "))
			return err
		},
	}
}

func newConfigInit(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a " + environments.Name + " with comments to begin with",
		Long:  "Writes " + environments.Name + " into the working directory, or FILE. A file that is there already is left alone.",
		Args:  oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			file := environments.Name
			if len(args) > 0 {
				file = args[0]
			}
			f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s is there already, and is left as it is: tidewaiter config check looks for mistakes in it", file)
			}
			if err != nil {
				return fmt.Errorf("cannot write the file: %w", err)
			}
			_, err = f.Write(environments.Example())
			if err := errors.Join(err, f.Close()); err != nil {
				return fmt.Errorf("cannot write the file: %w", err)
			}
			_, err = fmt.Fprintf(s.out, "wrote %s: tidewaiter config shows what holds\n", file)
			return err
		},
	}
}

func newConfigSchema(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of " + environments.Name + ", for editors",
		Args:  exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			_, err := s.out.Write(environments.Schema())
			return err
		},
	}
}
