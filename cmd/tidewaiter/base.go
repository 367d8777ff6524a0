package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/inventory/bases"
)

func newBase(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "base",
		Short: "The base images that others are compared with",
		Long: `Base images are known by the digests of their layers. An image whose lowest layers are all those of a known base was
built on it, whatever it says of itself, and what its base brought is told apart from what the application did.`,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBaseAdd(s), newBaseList(s), newBaseRemove(s))
	return cmd
}

// addBasesFlag gives the flag by which a command finds the known bases.
func addBasesFlag(f *pflag.FlagSet, dir *string) {
	f.StringVar(dir, "bases", filepath.Join(xdg("XDG_DATA_HOME", ".local/share"), "bases"), "the directory of known base images")
}

// loadBases gives the known bases, and says on standard error which of their files are damaged.
func loadBases(s streams, dir string) ([]inventory.KnownBase, error) {
	known, damaged, err := bases.Load(dir)
	for _, line := range damaged {
		fmt.Fprintln(s.err, "tidewaiter: "+oneLine(line))
	}
	if err != nil {
		return nil, fmt.Errorf("--bases: %w", err)
	}
	return known, nil
}

func newBaseAdd(s streams) *cobra.Command {
	var as string
	var noPackages bool
	var o imageOptions
	cmd := &cobra.Command{
		Use:   "add IMAGE...",
		Short: "Make images known as bases, and what is aboard them",
		Long: `Makes images known as bases, of an index those of all platforms unless --platform names one. What is aboard is read for one platform,
that of --platform or of this machine, so that scan and advise can say what a move to that base would bring; with --no-packages
only manifests and configs are read. A name whose image has changed since is kept with both: images that were built on the old one
are still told.`,
		Example: `  tidewaiter base add debian:12 debian:12-slim
  tidewaiter base add --as debian:12 oci:build/debian`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return fmt.Errorf("IMAGE is missing: %s", cmd.UseLine())
			case len(args) > 1 && as != "":
				return fmt.Errorf("--as gives one name, and there are %d images: add them one by one", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, ref := range args {
				if err := baseAdd(cmd.Context(), s, ref, as, noPackages, &o); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&as, "as", "", "the name to know the image by, where it is not the one that it is read under")
	f.BoolVar(&noPackages, "no-packages", false, "read manifests and configs alone, and no layer")
	o.addReading(f)
	return cmd
}

// baseAdd makes an image known as a base, for each platform that it has.
func baseAdd(ctx context.Context, s streams, ref, as string, noPackages bool, o *imageOptions) error {
	as = cmp.Or(as, baseName(ref))
	aboard := ""
	if !noPackages {
		k, err := o.readAboard(ctx, s, ref, as, o.platform)
		if err != nil {
			return err
		}
		if err := addBase(s, o.bases, k); err != nil {
			return err
		}
		aboard = k.Platform
	}
	source := o.source()
	platforms := []string{source.Platform}
	if source.Platform == "" {
		var err error
		if platforms, err = image.Platforms(ctx, ref, source); err != nil {
			return err
		}
		if len(platforms) <= 1 { // also one that does not say its platform
			platforms = []string{""}
		}
	}
	for _, platform := range platforms {
		if !noPackages && (platform == aboard || len(platforms) == 1) {
			continue
		}
		source.Platform = platform
		k, err := o.readBase(ctx, ref, as, source)
		if err != nil {
			return err
		}
		if err := addBase(s, o.bases, k); err != nil {
			return err
		}
	}
	return nil
}

func addBase(s streams, dir string, k inventory.KnownBase) error {
	if err := bases.Add(dir, k); err != nil {
		return err
	}
	fmt.Fprintln(s.out, describeBase(k))
	return nil
}

// readAboard reads an image's layers, and describes it as a base with what is aboard.
func (o *imageOptions) readAboard(ctx context.Context, s streams, ref, as, platform string) (inventory.KnownBase, error) {
	source := o.source()
	source.Platform = platform
	if platform == allPlatforms {
		source.Platform = ""
	}
	im, err := image.Open(ctx, ref, source)
	if err == nil {
		_, err = o.redact(im)
	}
	if err != nil {
		return inventory.KnownBase{}, err
	}
	defer im.Close()
	if im.Root != nil { // has no layers to know it by
		return inventory.NewKnownBase(im, nil, as)
	}
	a, err := o.readLayers(ctx, s, im, false)
	if err != nil {
		return inventory.KnownBase{}, err
	}
	layers := a.layers
	for _, ix := range layers {
		if ix.TOC { // what was not read whole is known by the config's word, as a base whose layers are not read is
			layers = nil
			break
		}
	}
	k, err := inventory.NewKnownBase(im, layers, as)
	if err == nil {
		k.SetAboard(a.inventory)
	}
	return k, err
}

func (o *imageOptions) readBase(ctx context.Context, ref, as string, source image.Options) (inventory.KnownBase, error) {
	im, err := image.Open(ctx, ref, source)
	if err == nil {
		_, err = o.redact(im)
	}
	if err != nil {
		return inventory.KnownBase{}, err
	}
	defer im.Close()
	return inventory.NewKnownBase(im, nil, as)
}

// baseName is the name of a registry's or a daemon's image, as it stands in a FROM; other sources are named as they are.
func baseName(ref string) string {
	for _, scheme := range []string{"registry://", "registry:", "docker://", "docker:", "image://", "local://"} {
		if name, ok := strings.CutPrefix(ref, scheme); ok {
			return name
		}
	}
	return ref
}

// describeBase tells a known base in one line.
func describeBase(k inventory.KnownBase) string {
	line := fmt.Sprintf("%s %s, layers: %d, %s", k.Reference, cmp.Or(k.Platform, "(no platform)"), len(k.DiffIDs), cmp.Or(k.Digest, "no digest"))
	if k.Packages != nil {
		line += fmt.Sprintf(", packages: %d", len(k.Packages))
	}
	return oneLine(line)
}

func newBaseList(s streams) *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "The known base images",
		Args:  exactArgs(),
		RunE:  func(*cobra.Command, []string) error { return baseList(s, dir, format) },
	}
	addBasesFlag(cmd.Flags(), &dir)
	cmd.Flags().StringVarP(&format, "format", "f", "text", "text or json")
	offer(cmd, "format", "text", "json")
	return cmd
}

func baseList(s streams, dir, format string) error {
	known, err := loadBases(s, dir)
	if err != nil {
		return err
	}
	switch format {
	case "json":
		for i := range known {
			known[i].Packages = nil // sbom lists them
		}
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		return e.Encode(append([]inventory.KnownBase{}, known...)) // an empty list, not null
	case "text":
	default:
		return fmt.Errorf("unknown format %q: text or json", format)
	}
	if len(known) == 0 {
		fmt.Fprintln(s.err, "no base image is known: make one known with tidewaiter base add IMAGE")
		return nil
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "image\tplatform\tlayers\tpackages\tdigest")
	for _, k := range known {
		packages := "-"
		if k.Packages != nil {
			packages = strconv.Itoa(len(k.Packages))
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", oneLine(k.Reference), oneLine(k.Platform), len(k.DiffIDs), packages, oneLine(k.Digest))
	}
	return w.Flush()
}

func newBaseRemove(s streams) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "remove NAME|DIGEST",
		Short: "Forget the base images of a name, or of a manifest's or an index's digest",
		Args:  exactArgs("NAME|DIGEST"),
		RunE: func(_ *cobra.Command, args []string) error {
			removed, err := bases.Remove(dir, args[0])
			if err != nil {
				return err
			}
			if len(removed) == 0 {
				return fmt.Errorf("no known base is %q: tidewaiter base list shows them", args[0])
			}
			for _, k := range removed {
				fmt.Fprintln(s.out, "forgot "+describeBase(k))
			}
			return nil
		},
	}
	addBasesFlag(cmd.Flags(), &dir)
	return cmd
}
