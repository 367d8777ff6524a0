package vex

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// openVEX is a document of OpenVEX 0.2.0 (https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md), or of 0.0.1, in which
// vulnerabilities and products are plain strings.
type openVEX[V, P any] struct {
	Context     string                   `json:"@context"`
	ID          string                   `json:"@id"`
	Author      string                   `json:"author"`
	Role        string                   `json:"role"`
	Timestamp   string                   `json:"timestamp"`
	LastUpdated string                   `json:"last_updated"`
	Version     any                      `json:"version"` // a number, but a string in documents of 0.0.1
	Statements  []openVEXStatement[V, P] `json:"statements"`
}

type openVEXStatement[V, P any] struct {
	Vulnerability   V      `json:"vulnerability"`
	Timestamp       string `json:"timestamp"`
	LastUpdated     string `json:"last_updated"`
	Products        []P    `json:"products"`
	Subcomponents   []P    `json:"subcomponents"` // of 0.0.1
	Status          Status `json:"status"`
	StatusNotes     string `json:"status_notes"`
	Justification   string `json:"justification"`
	ImpactStatement string `json:"impact_statement"`
	ActionStatement string `json:"action_statement"`
}

type openVEXVulnerability struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
}

type openVEXProduct struct {
	ID            string            `json:"@id"`
	Identifiers   map[string]string `json:"identifiers"`
	Hashes        map[string]string `json:"hashes"`
	Subcomponents []openVEXProduct  `json:"subcomponents"`
}

// readOpenVEX decodes a document of either version.
func readOpenVEX(raw []byte) (*openVEX[openVEXVulnerability, openVEXProduct], error) {
	var d openVEX[openVEXVulnerability, openVEXProduct]
	err := json.Unmarshal(raw, &d)
	var other *json.UnmarshalTypeError
	if !errors.As(err, &other) {
		return &d, err
	}
	var old openVEX[string, string]
	if json.Unmarshal(raw, &old) != nil {
		return nil, err
	}
	d = openVEX[openVEXVulnerability, openVEXProduct]{
		Context: old.Context, ID: old.ID, Author: old.Author, Role: old.Role, Timestamp: old.Timestamp, LastUpdated: old.LastUpdated, Version: old.Version,
	}
	named := func(ids []string) (products []openVEXProduct) {
		for _, id := range ids {
			products = append(products, openVEXProduct{ID: id})
		}
		return products
	}
	for _, s := range old.Statements {
		d.Statements = append(d.Statements, openVEXStatement[openVEXVulnerability, openVEXProduct]{
			Vulnerability: openVEXVulnerability{Name: s.Vulnerability}, Timestamp: s.Timestamp, LastUpdated: s.LastUpdated,
			Products: named(s.Products), Subcomponents: named(s.Subcomponents), Status: s.Status, StatusNotes: s.StatusNotes,
			Justification: s.Justification, ImpactStatement: s.ImpactStatement, ActionStatement: s.ActionStatement,
		})
	}
	return &d, nil
}

func (p *openVEXProduct) component() Component {
	var c Component
	c.add(p.ID, p.Identifiers["purl"], p.Identifiers["cpe23"], p.Identifiers["cpe22"])
	for _, h := range [][2]string{{"sha-256", "sha256:"}, {"sha-512", "sha512:"}} { // the algorithms of images' digests
		if digest := p.Hashes[h[0]]; digest != "" {
			c.add(h[1] + strings.ToLower(digest))
		}
	}
	return c
}

// products gives a product with each of its subcomponents, or alone where it has none.
func (p *openVEXProduct) products(more []openVEXProduct) []Product {
	outer := p.component()
	if len(p.Subcomponents)+len(more) == 0 {
		return []Product{{outer}}
	}
	var products []Product
	for _, subcomponents := range [][]openVEXProduct{p.Subcomponents, more} {
		for i := range subcomponents {
			products = append(products, Product{outer, subcomponents[i].component()})
		}
	}
	return products
}

// maxProducts bounds the products that a document's statements name, each with each of its subcomponents: a short document can
// name very many.
const maxProducts = 200_000

// productsOf gives products with their subcomponents, and with more that all of them have; of more than most, the first.
func productsOf(list, more []openVEXProduct, most int) []Product {
	var products []Product
	for i := range list {
		if products = append(products, list[i].products(more[:min(len(more), most+1)])...); len(products) > most {
			break
		}
	}
	return products
}

// parseOpenVEX reads a document. What a statement does not say it inherits: its time from the document, its products from
// the attestation that the document is in, whose subjects these are.
func parseOpenVEX(raw []byte, subjects []string) ([]Statement, error) {
	d, err := readOpenVEX(raw)
	if err != nil {
		return nil, fmt.Errorf("OpenVEX: %w", err)
	}
	if !strings.HasPrefix(d.Context, "https://openvex.dev/ns") {
		return nil, errNotVEX
	}
	var inherited []Product
	for _, digest := range subjects {
		inherited = append(inherited, Product{{Names: []string{digest}}})
	}
	var statements []Statement
	left := maxProducts
	for i := range d.Statements {
		in := &d.Statements[i]
		out := Statement{
			Status: in.Status, Justification: in.Justification, Impact: in.ImpactStatement, Action: in.ActionStatement, Notes: in.StatusNotes,
			Author: d.Author, Role: d.Role, Document: d.ID, Version: number(d.Version),
			Time:       parseTime(in.LastUpdated, in.Timestamp, d.LastUpdated, d.Timestamp),
			Unreasoned: in.Status == NotAffected && in.Justification == "" && in.ImpactStatement == "",
			Products:   inherited,
		}
		switch in.Status {
		case NotAffected, Affected, Fixed, UnderInvestigation:
		default:
			return nil, fmt.Errorf("OpenVEX: statement %d has no status that OpenVEX knows: %.40q", i+1, in.Status)
		}
		out.name(append([]string{in.Vulnerability.Name}, in.Vulnerability.Aliases...))
		if len(out.Vulnerabilities) == 0 {
			return nil, fmt.Errorf("OpenVEX: statement %d names no vulnerability", i+1)
		}
		if len(in.Products) > 0 {
			out.Products = productsOf(in.Products, in.Subcomponents, left)
		}
		if left -= len(out.Products); left < 0 {
			return nil, fmt.Errorf("OpenVEX: its statements name more than %d products, which is not read", maxProducts)
		}
		statements = append(statements, out)
	}
	return statements, nil
}

// name sets the names of the vulnerability, each once, without the addresses that some authors list as aliases.
func (s *Statement) name(names []string) {
	var c Component
	for _, name := range names {
		if name = strings.TrimSpace(name); !strings.Contains(name, "://") {
			c.add(name)
		}
	}
	s.Vulnerabilities = c.Names
}

func number(version any) string {
	switch v := version.(type) {
	case float64:
		return fmt.Sprintf("%.0f", v)
	case string:
		return v
	}
	return ""
}
