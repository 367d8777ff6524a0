package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tidewaiter/image"
	"tidewaiter/sbom"
	"tidewaiter/secret"
	"tidewaiter/trust"
	"tidewaiter/trust/declared"
	"tidewaiter/trust/drift"
	"tidewaiter/trust/integrity"
	"tidewaiter/trust/provenance"
)

// askProvenance says who built the image.
func (v *verifying) askProvenance() {
	p, spots := provenance.Read(v.result.Attestations, v.aboard.image, v.aboard.layers, v.aboard.known)
	v.spots, v.result.Provenance = append(v.spots, spots...), p
	v.add(provenance.CheckOf(p))
}

// askSBOM holds the SBOMs that are attached, or a file, against what is aboard.
func (v *verifying) askSBOM() error {
	aboard := drift.Aboard{Image: v.aboard.image, Inventory: v.aboard.inventory, Trace: v.trace, Release: release}
	if file := v.checks.sbom; file != "" && file != attachedSBOM {
		doc, err := readSBOM(file)
		if err != nil {
			return err
		}
		d := drift.Compare(doc, aboard)
		d.Where = file
		v.result.SBOMs = []trust.Drift{d}
	} else {
		var spots []image.BlindSpot
		v.result.SBOMs, spots = drift.OfAttestations(v.result.Attestations, aboard)
		v.spots = append(v.spots, spots...)
		if v.checks.all() && len(v.result.SBOMs) == 0 {
			return nil
		}
	}
	v.addOfContent(drift.CheckOf(v.result.SBOMs))
	return nil
}

func readSBOM(file string) (*sbom.Document, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("--sbom: %w", err)
	}
	defer f.Close()
	doc, err := sbom.Read(f)
	if err != nil {
		return nil, fmt.Errorf("--sbom %s: %w", file, err)
	}
	return doc, nil
}

// askFiles holds the files of packages against what installed them.
func (v *verifying) askFiles(ctx context.Context) error {
	var metadata *integrity.Metadata // nil: the databases are then taken at their word
	if v.distribution != "" || len(v.distributionKeys) > 0 {
		var err error
		if metadata, err = integrity.Open(v.distribution, v.distributionKeys); err != nil {
			return err
		}
	}
	a := v.aboard
	found, spots, err := integrity.Check(ctx, a.image, a.layers, a.inventory, integrity.Options{Extractors: v.extractors(), Metadata: metadata, Trace: v.trace})
	if err != nil {
		return err
	}
	v.spots = append(v.spots, spots...)
	if v.checks.all() && len(found.Databases) == 0 { // an image without packages: nothing to ask
		return nil
	}
	v.result.Integrity = found
	v.addOfContent(integrity.CheckOf(found))
	return nil
}

// askDeclared holds the image against its Dockerfile.
func (v *verifying) askDeclared() error {
	a := v.aboard
	in := declared.Input{
		Build: declared.ReadBuild(v.result.Attestations), Target: v.target, Args: v.buildArgs,
		Image: a.image, Layers: a.layers, Inventory: a.inventory, Trace: v.trace, Known: a.known,
	}
	if file := v.checks.declared; file != "" && file != provenanceDockerfile {
		var err error
		if in.Dockerfile, err = os.ReadFile(file); err != nil {
			return fmt.Errorf("--declared: %w", err)
		}
		in.Dockerfile = v.redactor.Source(secret.AsDockerfile, in.Dockerfile)
		in.Name = file
		if in.Ignore, err = os.ReadFile(file + ".dockerignore"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if v.context != "" {
		root, err := os.OpenRoot(v.context)
		if err != nil {
			return fmt.Errorf("--context: %w", err)
		}
		defer root.Close()
		in.Context, in.ContextName = root.FS(), v.context
	}
	found, err := declared.Compare(in)
	if errors.Is(err, declared.ErrNoDockerfile) || err != nil && v.checks.all() {
		if v.checks.declared != "" {
			v.add(declared.CheckOf(nil))
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("--declared: %w", err)
	}
	v.result.Declared = found
	v.addOfContent(declared.CheckOf(found))
	return nil
}
