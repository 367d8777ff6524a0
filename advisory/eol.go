package advisory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// eolProduct is the head of a product's page:
// https://github.com/endoflife-date/endoflife.date/blob/master/CONTRIBUTING.md
type eolProduct struct {
	Releases []struct {
		Cycle    string    `yaml:"releaseCycle"`
		Codename string    `yaml:"codename"`
		EOL      yaml.Node `yaml:"eol"`
		EOES     yaml.Node `yaml:"eoes"`
		Latest   string    `yaml:"latest"`
	} `yaml:"releases"`
}

func (im *importer) readEOL(ctx context.Context) error {
	for _, name := range im.files.eol {
		if err := im.readProducts(ctx, name); err != nil {
			return &feedError{name, err}
		}
	}
	return nil
}

// readProducts reads one archive of pages. The pages carry no date of their own; the archive says when each changed.
func (im *importer) readProducts(ctx context.Context, name string) error {
	archive, closer, err := openZip(im.feeds, name)
	if err != nil {
		return err
	}
	defer closer.Close()
	feed := Feed{Name: "eol"}
	for _, f := range archive.File {
		im.advance(int64(f.CompressedSize64))
		if err := ctx.Err(); err != nil {
			return err
		}
		id, page := strings.CutSuffix(path.Base(f.Name), ".md")
		if !page || path.Base(path.Dir(f.Name)) != "products" {
			continue
		}
		feed.Date = im.newer(f.Modified.UTC().Format(time.DateOnly), feed.Date)
		data, err := readZipEntry(f, maxProduct)
		if err != nil && !errors.Is(err, errTooLarge) {
			return fmt.Errorf("%q: %w", f.Name, err)
		}
		var cycles []Cycle
		if err == nil {
			cycles, err = parseProduct(id, data)
		}
		if err != nil {
			feed.Skipped++
			continue
		}
		feed.Records++
		if err := im.addJSON(im.products, id, cycles); err != nil {
			return err
		}
	}
	im.addFeed(feed, name)
	return nil
}

// parseProduct reads the YAML at the front of a page, between two lines of three hyphens.
func parseProduct(id string, page []byte) ([]Cycle, error) {
	page = bytes.ReplaceAll(page, []byte("\r\n"), []byte("\n"))
	rest, ok := bytes.CutPrefix(page, []byte("---\n"))
	head, _, found := bytes.Cut(rest, []byte("\n---"))
	if !ok || !found {
		return nil, errors.New("no head")
	}
	var p eolProduct
	if err := yaml.Unmarshal(head, &p); err != nil {
		return nil, err
	}
	var cycles []Cycle
	for _, r := range p.Releases {
		cycles = append(cycles, Cycle{
			Product: id, Cycle: r.Cycle, Name: r.Codename, Latest: r.Latest,
			EOL: day(r.EOL.Value), Extended: day(r.EOES.Value), Ended: r.EOL.Value == "true",
		})
	}
	return cycles, nil
}
