package vex

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// csaf is what is read of a document of CSAF 2.0 (https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html): the VEX
// profile, and security advisories, which say the same of fewer products.
type csaf struct {
	Document struct {
		Category    string `json:"category"`
		CSAFVersion string `json:"csaf_version"`
		Publisher   struct {
			Name     string `json:"name"`
			Category string `json:"category"`
		} `json:"publisher"`
		Tracking struct {
			ID      string `json:"id"`
			Version string `json:"version"`
			Current string `json:"current_release_date"`
		} `json:"tracking"`
	} `json:"document"`
	Tree struct {
		Branches      []csafBranch  `json:"branches"`
		Names         []csafProduct `json:"full_product_names"`
		Relationships []struct {
			Category  string      `json:"category"`
			Product   csafProduct `json:"full_product_name"`
			Reference string      `json:"product_reference"`
			RelatesTo string      `json:"relates_to_product_reference"`
		} `json:"relationships"`
		Groups []struct {
			ID       string   `json:"group_id"`
			Products []string `json:"product_ids"`
		} `json:"product_groups"`
	} `json:"product_tree"`
	Vulnerabilities []csafVulnerability `json:"vulnerabilities"`
}

type csafBranch struct {
	Category string       `json:"category"`
	Name     string       `json:"name"`
	Product  *csafProduct `json:"product"`
	Branches []csafBranch `json:"branches"`
}

type csafProduct struct {
	ID     string `json:"product_id"`
	Name   string `json:"name"`
	Helper struct {
		PURL  string   `json:"purl"`
		PURLs []string `json:"purls"` // of CSAF 2.1
		CPE   string   `json:"cpe"`
	} `json:"product_identification_helper"`
}

type csafVulnerability struct {
	CVE string `json:"cve"`
	IDs []struct {
		Text string `json:"text"`
	} `json:"ids"`
	Status       map[string][]string `json:"product_status"`
	Flags        []csafWord          `json:"flags"`
	Threats      []csafWord          `json:"threats"`
	Remediations []csafWord          `json:"remediations"`
}

// csafWord is a flag, a threat or a remediation: something said of some of the products.
type csafWord struct {
	Label    string   `json:"label"`
	Category string   `json:"category"`
	Details  string   `json:"details"`
	Products []string `json:"product_ids"`
	Groups   []string `json:"group_ids"`
}

// csafStatuses are the lists of product_status that say which status, in the order in which they are read. What is
// recommended is not said to be anything.
var csafStatuses = [...]struct {
	list   string
	status Status
}{
	{"known_affected", Affected}, {"first_affected", Affected}, {"last_affected", Affected},
	{"known_not_affected", NotAffected}, {"fixed", Fixed}, {"first_fixed", Fixed}, {"under_investigation", UnderInvestigation},
}

// csafReader holds the products of one document by their ids.
type csafReader struct {
	doc    csaf
	chains map[string]Product
	groups map[string][]string
}

// Bounds on relationships of relationships, and on how often a document's vulnerabilities name products.
const (
	maxNesting    = 8
	maxReferences = 2_000_000
)

func parseCSAF(raw []byte) ([]Statement, error) {
	r := csafReader{chains: map[string]Product{}, groups: map[string][]string{}}
	if err := json.Unmarshal(raw, &r.doc); err != nil {
		return nil, fmt.Errorf("CSAF: %w", err)
	}
	if r.doc.Document.CSAFVersion == "" {
		return nil, errNotVEX
	}
	for i := range r.doc.Tree.Names {
		r.product(&r.doc.Tree.Names[i], "")
	}
	r.walk(r.doc.Tree.Branches)
	for _, g := range r.doc.Tree.Groups {
		r.groups[g.ID] = g.Products
	}
	// A relationship may speak of a product that another one makes, whatever their order.
	for range maxNesting {
		if !r.relate() {
			break
		}
	}
	var statements []Statement
	references := 0
	for i := range r.doc.Vulnerabilities {
		if references += r.references(&r.doc.Vulnerabilities[i]); references > maxReferences {
			return nil, fmt.Errorf("CSAF: its vulnerabilities name products more than %d times, which is not read", maxReferences)
		}
		statements = append(statements, r.statements(&r.doc.Vulnerabilities[i])...)
	}
	return statements, nil
}

// references counts how often a vulnerability names a product, groups taken apart: a short document can name a large group
// very often.
func (r *csafReader) references(v *csafVulnerability) int {
	n := 0
	for _, words := range [][]csafWord{v.Flags, v.Threats, v.Remediations} {
		for _, w := range words {
			n += len(w.Products)
			for _, group := range w.Groups {
				n += len(r.groups[group])
			}
		}
	}
	return n
}

func (r *csafReader) walk(branches []csafBranch) {
	for i := range branches {
		b := &branches[i]
		if b.Product != nil {
			versions := ""
			if b.Category == "product_version_range" {
				versions = b.Name
			}
			r.product(b.Product, versions)
		}
		r.walk(b.Branches)
	}
}

func (r *csafReader) product(p *csafProduct, versions string) {
	c := Component{Range: versions}
	c.add(p.Helper.PURL)
	c.add(p.Helper.PURLs...)
	c.add(p.Helper.CPE)
	if len(c.Names) == 0 {
		c.add(p.Name) // which shows what was meant, and may be an image's name
	}
	r.chains[p.ID] = Product{c}
}

// relate makes the products of relationships whose parts are known, and says whether it made any.
func (r *csafReader) relate() bool {
	made := false
	for i := range r.doc.Tree.Relationships {
		rel := &r.doc.Tree.Relationships[i]
		outer, inner := r.chains[rel.RelatesTo], r.chains[rel.Reference]
		if r.chains[rel.Product.ID] != nil || outer == nil || inner == nil || len(outer)+len(inner) > maxNesting {
			continue
		}
		chain := slices.Concat(outer, inner)
		switch rel.Category {
		case "default_component_of", "optional_component_of", "installed_on", "installed_with", "external_component_of":
		default:
			continue
		}
		r.chains[rel.Product.ID] = chain
		made = true
	}
	return made
}

// statements gives one statement for the products of which one vulnerability's document says the same.
func (r *csafReader) statements(v *csafVulnerability) []Statement {
	base := r.base(v)
	if len(base.Vulnerabilities) == 0 {
		return nil // a title alone is nothing that a finding could be known by
	}
	flags, impacts, actions := r.words(v.Flags), r.words(v.Threats), r.words(v.Remediations)
	var statements []Statement
	type words struct{ flag, impact, action string }
	for _, s := range csafStatuses {
		index := map[words]int{}
		for _, id := range r.distinct(v.Status[s.list]) {
			w := words{flag: flags[id].label}
			switch s.status {
			case NotAffected:
				w.impact = impacts[id].impact
			case Affected:
				w.action = actions[id].details
			}
			at, ok := index[w]
			if !ok {
				at = len(statements)
				index[w] = at
				statements = append(statements, base)
				statements[at].say(s.status, w.flag, w.impact, w.action)
			}
			statements[at].Products = append(statements[at].Products, r.chains[id])
		}
	}
	return statements
}

// base is what all statements on one vulnerability share.
func (r *csafReader) base(v *csafVulnerability) Statement {
	d := &r.doc.Document
	s := Statement{
		Author: d.Publisher.Name, Role: d.Publisher.Category, Time: parseTime(d.Tracking.Current), Document: d.Tracking.ID, Version: d.Tracking.Version,
		// The VEX profile demands a reason (section 4.5, mandatory test 6.1.27.9); advisories need not give any.
		Unreasoned: d.Category == "csaf_vex",
	}
	names := []string{v.CVE}
	for _, id := range v.IDs {
		names = append(names, id.Text)
	}
	s.name(names)
	return s
}

func (s *Statement) say(status Status, flag, impact, action string) {
	s.Status, s.Justification, s.Impact, s.Action = status, flag, impact, action
	s.Unreasoned = s.Unreasoned && status == NotAffected && flag == "" && impact == ""
}

// distinct gives each of the ids of known products once.
func (r *csafReader) distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	var out []string
	for _, id := range ids {
		if !seen[id] && r.chains[id] != nil {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// said is what flags, threats or remediations say of one product.
type said struct{ label, impact, details string }

// words puts together by product what was said; of several words the first one counts. A threat that names an impact only
// as a severity ("Important") gives no reason.
func (r *csafReader) words(words []csafWord) map[string]said {
	of := map[string]said{}
	for _, w := range words {
		word := said{label: w.Label, details: oneLine(w.Details)}
		if w.Category == "impact" && strings.Contains(word.details, " ") {
			word.impact = word.details
		}
		note := func(ids []string) {
			for _, id := range ids {
				known := of[id]
				if known.label == "" {
					known.label = word.label
				}
				if known.impact == "" {
					known.impact = word.impact
				}
				if known.details == "" {
					known.details = word.details
				}
				of[id] = known
			}
		}
		note(w.Products)
		for _, group := range w.Groups {
			note(r.groups[group])
		}
	}
	return of
}
