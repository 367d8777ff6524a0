package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/report"
	"tidewaiter/sbom"
)

// sbomOptions are what the user asked of an SBOM.
type sbomOptions struct {
	imageOptions
	outputs outputs
	files   bool
}

// filesUsage is what --files of an SBOM does.
const filesUsage = "list every file with its digests, too: tidewaiter verify then finds one that was swapped (some MB for a large image)"

func newSBOM(s streams) *cobra.Command {
	var o sbomOptions
	cmd := &cobra.Command{
		Use:   "sbom IMAGE",
		Short: "What is aboard an image, as SPDX, CycloneDX or JSON",
		Long: `Writes what is aboard IMAGE as an SBOM document: each package with the layer, the instruction and the files that
prove it. The same image gives the same bytes. tidewaiter scan sbom:FILE reads what this writes and finds what it finds in
the image.

IMAGE may also be sbom:FILE (or sbom:- for standard input), a document that was written here or by another tool: SPDX,
CycloneDX, Syft's JSON, also inside an in-toto statement. That converts it.

The formats are spdx (2.3, the default: it is an ISO standard, and what builders attest), cyclonedx (` + sbom.DefaultCycloneDX + `; others with @), and json
(the report of tidewaiter scan, with nothing matched). Other tools' spellings, spdx-json and cyclonedx-json@1.5, are understood.

What could not be read stands in the document, and is counted in one line on standard error.

Exit codes:
  0  done
  1  the tool or its input failed`,
		Example: `  tidewaiter sbom debian:12
  tidewaiter sbom --output spdx=shop.spdx.json --output cyclonedx=shop.cdx.json --format json oci:build/shop
  tidewaiter sbom --format cyclonedx@1.7 sbom:shop.spdx.json`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error { return sbomCommand(cmd.Context(), s, args[0], o) },
	}
	cmd.Flags().SortFlags = false
	o.outputs.addFlags(cmd, append(sbom.Formats(), "json")...)
	cmd.Flags().BoolVar(&o.files, "files", false, filesUsage)
	o.addFlags(cmd.Flags())
	return cmd
}

func sbomCommand(ctx context.Context, s streams, ref string, o sbomOptions) error {
	o.outputs.format = sbom.Canonical(o.outputs.format)
	for i, spec := range o.outputs.files {
		format, file, ok := strings.Cut(spec, "=")
		if ok {
			o.outputs.files[i] = sbom.Canonical(format) + "=" + file
		}
	}
	if err := o.outputs.check(); err != nil {
		return err
	}
	d, err := sbomOf(ctx, s, ref, o)
	if err != nil {
		return err
	}
	if err := o.outputs.write(s, sbomForms(d)); err != nil {
		return err
	}
	tellUnread(s, d)
	return nil
}

// tellUnread says that a document does not name all that is aboard.
func tellUnread(s streams, d *sbom.Document) {
	n := len(d.Inventory.BlindSpots)
	if n == 0 {
		return
	}
	count := "1 blind spot"
	if n > 1 {
		count = fmt.Sprintf("%d blind spots, the first", n)
	}
	fmt.Fprintf(s.err, "tidewaiter: not all could be read: %s: %s\n", count, oneLine(d.Inventory.BlindSpots[0].Message))
}

// sbomOf makes the document of an image, or reads one.
func sbomOf(ctx context.Context, s streams, ref string, o sbomOptions) (*sbom.Document, error) {
	if file, ok := sbomFile(ref); ok {
		d, err := readDocument(s, file, sbom.Read)
		if err != nil {
			return nil, err
		}
		d.Tool = thisTool()
		return dated(s, d), nil
	}
	im, err := o.open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer im.Close()
	a, err := o.read(ctx, s, im, o.files)
	if err != nil {
		return nil, err
	}
	return newDocument(s, a, o.files), nil
}

// newDocument makes the document of an image that was read; with its files, where it was read with digests.
func newDocument(s streams, a *aboard, files bool) *sbom.Document {
	d := sbom.New(thisTool(), a.image, a.layers, a.inventory)
	if files {
		d.Files = sbom.FilesOf(inventory.NewTrace(a.image, a.layers, a.inventory), a.inventory.Packages)
	}
	return dated(s, d)
}

// thisTool is this program as documents name it.
func thisTool() sbom.Tool { return sbom.Tool{Name: "tidewaiter", Version: release} }

// dated gives a document the time that the user's surroundings set; without one it has the image's own.
func dated(s streams, d *sbom.Document) *sbom.Document {
	if os.Getenv("SOURCE_DATE_EPOCH") != "" {
		d.Created = s.now()
	}
	return d
}

// sbomFile gives the file of a reference to a document: sbom:FILE, or sbom://FILE as others write it.
func sbomFile(ref string) (string, bool) {
	file, ok := strings.CutPrefix(ref, "sbom:")
	return strings.TrimPrefix(file, "//"), ok
}

// sbomForms are the forms that a document can be written in.
func sbomForms(d *sbom.Document) map[string]form {
	forms := map[string]form{
		"json": func(w io.Writer, _ report.TextOptions) error {
			tool := report.Tool{Name: d.Tool.Name, Version: d.Tool.Version}
			return report.JSON(w, report.New(tool, assess.NewSubject(d.Image, nil, d.Inventory, nil, nil, nil), nil))
		},
	}
	for _, format := range sbom.Formats() {
		forms[format] = func(w io.Writer, _ report.TextOptions) error { return sbom.Write(w, d, format) }
	}
	return forms
}
