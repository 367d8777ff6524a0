package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/assess"
	"tidewaiter/assess/environments"
	"tidewaiter/assess/nearest"
	"tidewaiter/image"
)

// environmentOptions are the file that describes the environments, and which of them is asked about.
type environmentOptions struct {
	config configFile
	env    string
	// deafToLabels says that an image's own labels must not choose the environment: it would choose by which goals it is judged.
	deafToLabels bool
}

// addEnvironment adds --env and --config. The file is read before the command runs: see [configure].
func (o *environmentOptions) addEnvironment(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.env, "env", "", "the environment to judge for (default: the one that names the image, else "+environments.Name+"'s default, else production)")
	addConfigFlag(f, &o.config)
	err := cmd.RegisterFlagCompletionFunc("env", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		if fromEnvironment(cmd.Flags()) != nil || o.config.load() != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return o.settings().Names(), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // a mistake of ours: there is such a flag
	}
}

func addConfigFlag(f *pflag.FlagSet, c *configFile) {
	f.Var(c, "config", "the file with environments and settings (default: "+environments.Name+" in the working directory, if there is one)")
}

// settings are those of the file, or those that hold without one.
func (o *environmentOptions) settings() *environments.Settings { return o.config.settings() }

// environment gives the environment to judge an image for: the one that was asked for, else the one that names the image, else the default. An
// image is nil where it must have no say.
func (o *environmentOptions) environment(im *assess.Image) (assess.Environment, error) {
	s := o.settings()
	if o.env == "" && im != nil {
		if o.deafToLabels {
			im = unlabelled(im)
		}
		if env, ok := assess.EnvironmentOf(im, s.Environments); ok {
			return env, nil
		}
	}
	name := o.env
	if name == "" {
		name = s.Default
	}
	return environmentNamed(s, name)
}

func unlabelled(im *assess.Image) *assess.Image {
	out := *im
	out.Labels = nil
	return &out
}

// tellLabelled says which environment an image's labels would have chosen, where they have no say in it.
func (o *environmentOptions) tellLabelled(s streams, im *assess.Image) {
	env, err := o.environment(im)
	labelled, ok := assess.EnvironmentOf(im, o.settings().Environments)
	if err == nil && ok && o.env == "" && labelled.Name != env.Name {
		fmt.Fprintln(s.err, oneLine(fmt.Sprintf("tidewaiter: judged for %s: the image's labels say %s, and no image chooses its own gate: --env %s does", env.Name, labelled.Name, labelled.Name)))
	}
}

// environmentNamed gives an environment by its name, or an error with the names that there are.
func environmentNamed(s *environments.Settings, name string) (assess.Environment, error) {
	if env, ok := s.Environment(name); ok {
		return env, nil
	}
	return assess.Environment{}, fmt.Errorf("--env: %w", knownEnvironment(s, name))
}

// knownEnvironment gives an error, with the names that there are, for an environment that there is not.
func knownEnvironment(s *environments.Settings, name string) error {
	if slices.Contains(s.Names(), name) {
		return nil
	}
	hint := ""
	if near := nearest.Word(name, s.Names()); near != "" {
		hint = fmt.Sprintf(" (did you mean %s?)", near)
	}
	return fmt.Errorf("there is no environment %q%s: there are %s", name, hint, strings.Join(s.Names(), ", "))
}

// imageFacts are what decides for which environment an image is meant, before more is known of it.
func imageFacts(im *image.Image) *assess.Image {
	return &assess.Image{Reference: im.Reference, Repository: im.Repository, Digest: im.Digest, ID: im.ID, Labels: im.Labels, Layers: make([]assess.Layer, len(im.Layers))}
}

// configFile is the value of --config.
type configFile struct {
	file   string
	loaded *environments.Settings
	// rules are the names of those whose effects are the file's.
	rules []string
}

func (c *configFile) String() string { return c.file }

func (c *configFile) Type() string { return "file" }

func (c *configFile) Set(text string) error {
	c.file = text
	return nil
}

func (c *configFile) settings() *environments.Settings {
	if c.loaded == nil {
		return environments.Defaults()
	}
	return c.loaded
}

// load reads the file. Where none is named and none lies in the working directory, the built-in values hold.
func (c *configFile) load() error {
	var err error
	if c.file != "" {
		c.loaded, err = environments.Load(c.file)
	} else if c.loaded, err = environments.Load(environments.Name); errors.Is(err, fs.ErrNotExist) {
		c.loaded, err = environments.Defaults(), nil
	}
	var mistakes environments.Mistakes
	if errors.As(err, &mistakes) {
		lines := make([]string, len(mistakes))
		for i, m := range mistakes {
			lines[i] = oneLine(m.Error())
		}
		return verdict{exitFailed, strings.Join(lines, "\ntidewaiter: ")}
	}
	return err
}

// configure reads the file of a command that has --config, and gives the flags that neither the command line nor the environment
// sets their value from it. That the environment which was asked for exists is seen here, before any work is done.
func configure(flags *pflag.FlagSet) error {
	f := flags.Lookup("config")
	if f == nil {
		return nil
	}
	c, ok := f.Value.(*configFile)
	if !ok {
		return nil
	}
	if err := c.load(); c.file != "" && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--config: no such file: %s", c.file)
	} else if err != nil {
		return err
	}
	if env := flags.Lookup("env"); env != nil && env.Value.Type() == "string" {
		name := env.Value.String()
		if name == "" && env.Changed { // a script's variable that is not set must not choose another gate
			return errors.New("--env is empty: name an environment, or leave it out")
		}
		if name != "" {
			if _, err := environmentNamed(c.settings(), name); err != nil {
				return err
			}
		}
	}
	return c.setFlags(flags)
}

// setFlags gives flags the values of the file. Of rules the file's hold beside those that are set.
func (c *configFile) setFlags(flags *pflag.FlagSet) error {
	s := c.settings()
	for _, name := range environments.FlagNames() {
		f, values := flags.Lookup(name), s.Flags[name]
		if f == nil || f.Changed || values == nil {
			continue
		}
		var err error
		if list, ok := f.Value.(pflag.SliceValue); ok { // Set would split at commas
			err = list.Replace(values)
			f.Changed = true
		} else {
			err = flags.Set(name, values[0])
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", s.Origin(name), name, err)
		}
		comesFrom(f, s.Origin(name))
	}
	f := flags.Lookup("rule")
	if f == nil {
		return nil
	}
	if set, ok := f.Value.(rules); ok {
		for _, name := range slices.Sorted(maps.Keys(s.Rules)) {
			if _, given := set[name]; !given {
				set[name] = s.Rules[name]
				c.rules = append(c.rules, name)
			}
		}
	}
	return nil
}

// originNote is the annotation of a flag that says what set it, where that was not the command line.
const originNote = "tidewaiter_origin"

func comesFrom(f *pflag.Flag, origin string) {
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[originNote] = []string{origin}
}

// origin says what set a flag.
func origin(f *pflag.Flag) string {
	switch noted := f.Annotations[originNote]; {
	case len(noted) > 0:
		return noted[0]
	case f.Changed:
		return "--" + f.Name
	}
	return environments.BuiltIn
}
