package advisory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// eolProduct is the head of a product's page:
// https://github.com/endoflife-date/endoflife.date/blob/master/CONTRIBUTING.md
type eolProduct struct {
	Title       string `yaml:"title"`
	Identifiers []struct {
		PURL string `yaml:"purl"`
		CPE  string `yaml:"cpe"`
	} `yaml:"identifiers"`
	Releases []struct {
		Cycle    string    `yaml:"releaseCycle"`
		Codename string    `yaml:"codename"`
		EOL      yaml.Node `yaml:"eol"`
		EOES     yaml.Node `yaml:"eoes"`
		Latest   string    `yaml:"latest"`
	} `yaml:"releases"`
}

// identifiersKey is the key in the table of products under which all products' identifiers stand; no product is called so.
const identifiersKey = "*"

func (im *importer) readEOL(ctx context.Context) error {
	identifiers := map[string]string{}
	for _, name := range im.files.eol {
		if err := im.readProducts(ctx, name, identifiers); err != nil {
			return &feedError{name, err}
		}
	}
	if len(identifiers) == 0 {
		return nil
	}
	return im.addJSON(im.products, identifiersKey, identifiers)
}

// readProducts reads one archive of pages. The pages carry no date of their own; the archive says when each changed.
func (im *importer) readProducts(ctx context.Context, name string, identifiers map[string]string) error {
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
		var product *eolProduct
		if err == nil {
			product, err = parseProduct(data)
		}
		if err != nil {
			feed.Skipped++
			continue
		}
		feed.Records++
		product.identify(id, identifiers)
		if err := im.addJSON(im.products, id, product.cycles(id)); err != nil {
			return err
		}
	}
	im.addFeed(feed, name)
	return nil
}

// parseProduct reads the YAML at the front of a page, between two lines of three hyphens.
func parseProduct(page []byte) (*eolProduct, error) {
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
	return &p, nil
}

func (p *eolProduct) cycles(id string) []Cycle {
	var cycles []Cycle
	for _, r := range p.Releases {
		cycles = append(cycles, Cycle{
			Product: id, Title: p.Title, Cycle: r.Cycle, Name: r.Codename, Latest: r.Latest,
			EOL: day(r.EOL.Value), Extended: day(r.EOES.Value), Ended: r.EOL.Value == "true",
		})
	}
	return cycles
}

// identify notes by which packages and programs of images the product is known. Distributions' packages are left out, as
// they are the distribution's to support.
func (p *eolProduct) identify(id string, identifiers map[string]string) {
	for _, i := range p.Identifiers {
		if key := purlIdentifier(i.PURL); key != "" {
			identifiers[key] = id
		}
		if key := cpeIdentifier(i.CPE); key != "" {
			identifiers[key] = id
		}
	}
}

// purlIdentifier gives a package URL of a language's package or a program without version and qualifiers, its percent
// signs decoded; empty for any other.
func purlIdentifier(purl string) string {
	purl, _, _ = strings.Cut(purl, "?")
	at := strings.LastIndexByte(purl, '/')
	if version := strings.LastIndexByte(purl, '@'); version > at {
		purl = purl[:version]
	}
	kind, name, ok := strings.Cut(strings.TrimPrefix(purl, "pkg:"), "/")
	name, err := url.PathUnescape(name)
	if !ok || err != nil || !slices.Contains([]string{"cargo", "composer", "gem", "generic", "golang", "hex", "maven", "npm", "nuget", "pub", "pypi"}, kind) {
		return ""
	}
	return "pkg:" + kind + "/" + name
}

// cpeIdentifier gives "cpe:vendor:product" of the CPE name of an application; empty for any other. endoflife.date ends
// formatted strings after the product.
func cpeIdentifier(text string) string {
	const colons = 12
	if strings.HasPrefix(text, "cpe:2.3:") {
		text += strings.Repeat(":*", max(0, colons-strings.Count(text, ":")))
	}
	c, ok := ParseCPE(text)
	if !ok || c.Part != "a" {
		return ""
	}
	return "cpe:" + c.Name()
}

// Products gives the products of endoflife.date by what identifies them among an image's packages: package URLs without version and
// percent signs ("pkg:npm/@angular/core"), and names of CPE ("cpe:nodejs:node.js").
func (db *DB) Products() (map[string]string, error) {
	text, found, err := db.find(tableProducts, identifiersKey)
	if err != nil || !found {
		return nil, err
	}
	var identifiers map[string]string
	if err := json.Unmarshal([]byte(text), &identifiers); err != nil {
		return nil, db.damaged(err)
	}
	return identifiers, nil
}

// Product gives what [DB.Products] knows of a package by its package URL, or else by its CPE, either of which may be empty.
func Product(products map[string]string, purl, cpe string) string {
	if id := products[purlIdentifier(purl)]; id != "" {
		return id
	}
	return products[cpeIdentifier(cpe)]
}
