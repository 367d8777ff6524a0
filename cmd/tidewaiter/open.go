package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/spf13/pflag"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/layer"
	"tidewaiter/report"
	"tidewaiter/sbom"
	"tidewaiter/secret"
)

// imageOptions are the choices of every command that reads an image.
type imageOptions struct {
	platform  string
	plainHTTP bool
	caCerts   []string
	limits    limits
	quiet     bool
	fullRead  bool
	cache     cacheOptions
	// bases is the directory of known base images, dockerfile the file that the image was built from.
	bases, dockerfile string
	// guessed says that the Dockerfile was found and not named.
	guessed bool
	// registryFirst asks a name's registry before the Docker daemon, for those who want what is attached to the image.
	registryFirst bool
	redaction
	// sinks are shown the content of all files; none for a command that looks at packages alone.
	sinks []layer.Sink
	// sha256 asks for that digest of every file.
	sha256 bool
}

func (o *imageOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.dockerfile, "dockerfile", "", "the Dockerfile that the image was built from: instructions then name its lines")
	o.addReading(f)
}

// addPlace adds what is asked of finding an image.
func (o *imageOptions) addPlace(f *pflag.FlagSet) {
	f.StringVar(&o.platform, "platform", "", "os/arch[/variant] to pick from a multi-platform image")
	f.BoolVar(&o.plainHTTP, "plain-http", false, "speak to the registry without TLS (loopback hosts need no asking)")
	f.StringSliceVar(&o.caCerts, "ca-cert", nil, "PEM file with certificates of a registry's authority; may repeat")
}

// addReading adds what is asked of reading an image's layers.
func (o *imageOptions) addReading(f *pflag.FlagSet) {
	o.addPlace(f)
	addBasesFlag(f, &o.bases)
	f.BoolVar(&o.fullRead, "full-read", false, "read every layer whole, also where a table of contents (zstd:chunked, eStargz) would spare most of it")
	o.cache.addFlags(f)
	o.limits = newLimits()
	f.Var(&o.limits, "limit", "set a bound on what an image may cost; may repeat: tidewaiter help limits lists them")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
}

// aboard is an image that was read: what its layers hold, and what is aboard.
type aboard struct {
	image     *image.Image
	layers    []*layer.Index
	inventory *inventory.Inventory
	// known are the bases that it was compared with, and dockerfile what it was built from; nil where that is not known.
	known      []inventory.KnownBase
	dockerfile *assess.Dockerfile
	// recipe is the text of the Dockerfile that fits the image, and arguments those that were given to the build.
	recipe    []byte
	arguments map[string]string
	// unfit says why a Dockerfile that was found is not the image's.
	unfit      error
	provenance *inventory.Provenance
	// built are the statements beside the image that say how it was built.
	built []image.Statement
	// statements are what others say of its vulnerabilities; nil until they are read.
	statements *statements
	papers     *papers
	// redactor has the secrets that were taken out of what the image says of itself.
	redactor *secret.Redactor
	// search is what looked at the files as they passed; nil where nothing did.
	search *search
	trace  *inventory.Trace // nil until it is asked for
	// earlier is the stored report that all this was taken from; nil where an image or a document was read.
	earlier *report.Report
}

// traced accounts for the image's files: who brought which.
func (a *aboard) traced() *inventory.Trace {
	if a.trace == nil {
		a.trace = inventory.NewTrace(a.image, a.layers, a.inventory)
	}
	return a.trace
}

func (o *imageOptions) open(ctx context.Context, ref string) (*image.Image, error) {
	if o.platform == allPlatforms {
		return nil, errors.New("--platform all is for scan alone: name one, as in --platform linux/arm64")
	}
	im, err := image.Open(ctx, ref, o.source())
	if err != nil {
		return nil, err
	}
	o.redactor, err = o.redact(im)
	return im, err
}

func (o *imageOptions) source() image.Options {
	return image.Options{Platform: o.platform, PlainHTTP: o.plainHTTP, CACerts: o.caCerts, RegistryFirst: o.registryFirst, UserAgent: "tidewaiter/" + release}
}

// read reads an image's layers once and says what is aboard and who brought it. digests asks for the digest of every file.
func (o *imageOptions) read(ctx context.Context, s streams, im *image.Image, digests bool) (*aboard, error) {
	a, err := o.readLayers(ctx, s, im, digests)
	if err != nil {
		return nil, err
	}
	return a, o.attribute(ctx, s, a)
}

// readLayers says what is aboard.
func (o *imageOptions) readLayers(ctx context.Context, s streams, im *image.Image, digests bool) (*aboard, error) {
	boundMemory()
	all := o.extractors()
	progress := newProgress(s, o.quiet, "reading "+im.Reference)
	cache, err := o.cache.open()
	if err != nil {
		return nil, err
	}
	redact, err := o.captures()
	if err != nil {
		return nil, err
	}
	layers, err := layer.Read(ctx, im, inventory.NewRules(all), layer.Options{
		Limits: o.limits.layer, Progress: progress.show, Digests: digests, SHA256: o.sha256, FullRead: o.fullRead, Cache: cache, Sinks: o.sinks, Redact: redact,
	})
	progress.done()
	if err != nil {
		return nil, err
	}
	if cache != nil && cache.Err() != nil {
		fmt.Fprintln(s.err, "tidewaiter: what was read is not remembered: "+oneLine(cache.Err().Error()))
	}
	inv, err := inventory.Assemble(ctx, im, layers, all, o.limits.inventory)
	if err != nil {
		return nil, err
	}
	return &aboard{image: im, layers: layers, inventory: inv, redactor: o.redactor}, nil
}

// extractors are those that an inventory is made with.
func (o *imageOptions) extractors() []inventory.Extractor {
	return append(extractors.Default(o.limits.inventory), sbom.Claims())
}

// attribute tells what the base image brought from what the application did, and which lines of the Dockerfile made the
// layers. The builder's provenance, where the image has it, knows both.
func (o *imageOptions) attribute(ctx context.Context, s streams, a *aboard) error {
	statements, unread, err := a.image.Statements(ctx, inventory.IsProvenance)
	if err != nil {
		return err
	}
	for i := range statements { // all of them provenance
		statements[i].Predicate = a.redactor.Document(statements[i].Predicate)
	}
	a.built = statements
	provenance, odd := inventory.ReadProvenance(statements)
	a.inventory.BlindSpots = image.SortBlindSpots(slices.Concat(a.inventory.BlindSpots, unread, odd))
	if a.known, err = loadBases(s, o.bases); err != nil {
		return err
	}
	return o.findBase(a, provenance)
}

// findBase tells by the known bases which one the image was built on, and by the Dockerfile which lines made it.
func (o *imageOptions) findBase(a *aboard, provenance *inventory.Provenance) error {
	a.provenance = provenance
	a.inventory.SetBase(inventory.FindBase(a.image, a.layers, provenance, a.known))
	var args map[string]string
	if provenance != nil {
		args = provenance.Args
	}
	if o.dockerfile != "" {
		source, err := os.ReadFile(o.dockerfile)
		if err != nil {
			return fmt.Errorf("--dockerfile: %w", err)
		}
		source = a.redactor.Source(secret.AsDockerfile, source)
		switch err := inventory.SetDockerfileLines(a.image, a.inventory.Base, source, args); {
		case err != nil && o.guessed: // it lies where one is looked for, and may be another image's
			a.unfit = fmt.Errorf("%s is left aside: %w", o.dockerfile, err)
			return nil
		case err != nil:
			return fmt.Errorf("--dockerfile %s: %w", o.dockerfile, err)
		}
		if a.dockerfile, err = assess.ParseDockerfile(o.dockerfile, source, args); err != nil {
			return fmt.Errorf("--dockerfile: %w", err)
		}
		a.recipe, a.arguments = source, args
	} else if provenance != nil && provenance.Dockerfile != nil {
		// A document that does not fit the image names no lines; what else it says was judged above.
		if inventory.SetDockerfileLines(a.image, a.inventory.Base, provenance.Dockerfile, args) == nil {
			a.recipe, a.arguments = provenance.Dockerfile, args
		}
	}
	return nil
}

// How memory is kept under 200 MiB, unless GOGC and GOMEMLIMIT say otherwise. Far from the limit, garbage is collected
// seldom; near it, as often as it takes to stay there. Where what must be kept is larger than the limit, Go lets the
// collector take half of the time at most.
const (
	collectAt   = 200       // percent that the heap may grow between collections
	memoryLimit = 150 << 20 // bytes, of all that the Go runtime holds
)

func boundMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// xdg gives the program's directory of one kind: https://specifications.freedesktop.org/basedir-spec/latest/
func xdg(variable, fallback string) string {
	dir := os.Getenv(variable)
	if !filepath.IsAbs(dir) { // the specification says to ignore a relative one
		home, err := os.UserHomeDir()
		if err != nil {
			home = os.TempDir()
		}
		dir = filepath.Join(home, fallback)
	}
	return filepath.Join(dir, "tidewaiter")
}
