package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is the version of a release build, set by the linker (see the Makefile); a build from source says "devel".
var release = "devel"

// build is what the program knows of its own making.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	// Time is that of the commit (RFC 3339), not of the build: builds of one commit say the same.
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func buildInfo() build {
	b := build{Version: release, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func newVersion(s streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the program's version and how it was built",
		Args:  exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			b := buildInfo()
			switch format {
			case "json":
				e := json.NewEncoder(s.out)
				e.SetIndent("", "  ")
				return e.Encode(b)
			case "text":
				_, err := fmt.Fprintln(s.out, b)
				return err
			}
			return fmt.Errorf("unknown format %q: text or json", format)
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "text", "text or json")
	offer(cmd, "format", "text", "json")
	return cmd
}

func (b build) String() string {
	line := "tidewaiter " + b.Version
	if b.Revision != "" {
		line += " (" + b.Revision[:min(12, len(b.Revision))]
		if b.Modified {
			line += ", modified"
		}
		if b.Time != "" {
			line += ", " + b.Time
		}
		line += ")"
	}
	return line + " " + b.Go + " " + b.Platform
}
