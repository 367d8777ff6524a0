package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/report"
)

// traceOptions are what the user asked of a trace.
type traceOptions struct {
	imageOptions
	outputs outputs
	files   bool
}

func newTrace(s streams) *cobra.Command {
	var o traceOptions
	cmd := &cobra.Command{
		Use:   "trace IMAGE",
		Short: "Which instruction brought what: every file and package accounted for",
		Long: `Reads IMAGE with the digest of every file and shows, instruction by instruction, what each one did: the files and bytes,
the packages it brought, changed and removed, the programs that no package owns, the packages' files that it modified, and
the content that a later layer hides but the image still ships.

Every file of the final file system is in one of four classes: owned by a package, modified since its package installed it
(by the package database's own checksum), placed by an instruction with no package behind it, or generated (by a rule that
is named).

Marks:  + packages brought   ^ packages changed   - removed   ! look at this   ~ modified   . placed

Exit codes:
  0  done
  1  the tool or its input failed`,
		Example: `  tidewaiter trace shop:2.1
  tidewaiter trace --dockerfile Dockerfile shop:2.1
  tidewaiter trace --files --all ./shop.tar
  tidewaiter trace --format json shop:2.1`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return traceCommand(cmd.Context(), s, args[0], o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.outputs.addFlags(cmd, "text", "json")
	o.outputs.addAll(f)
	f.BoolVar(&o.files, "files", false, "list every file with its class, layer and owner")
	o.addFlags(f)
	return cmd
}

func traceCommand(ctx context.Context, s streams, ref string, o traceOptions) error {
	if err := o.outputs.check(); err != nil {
		return err
	}
	t, err := trace(ctx, s, ref, o)
	if err != nil {
		return err
	}
	return o.outputs.write(s, map[string]form{
		"text": func(w io.Writer, to report.TextOptions) error {
			return report.TraceText(w, t, report.TraceOptions{TextOptions: to, Files: o.files})
		},
		"json": func(w io.Writer, _ report.TextOptions) error { return report.TraceJSON(w, t) },
	})
}

func trace(ctx context.Context, s streams, ref string, o traceOptions) (*report.Trace, error) {
	im, err := o.open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer im.Close()
	a, err := o.read(ctx, s, im, true)
	if err != nil {
		return nil, err
	}
	tool := report.Tool{Name: "tidewaiter", Version: release}
	r := report.New(tool, assess.NewSubject(im, a.layers, a.inventory, nil, nil, nil), nil)
	return report.NewTrace(r, inventory.NewTrace(im, a.layers, a.inventory)), nil
}
