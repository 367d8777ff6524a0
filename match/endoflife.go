package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
)

// Lifecycles answers how long products are supported, as https://endoflife.date says; [advisory.DB] is one.
type Lifecycles interface {
	// Cycles gives a product's release cycles, the newest first.
	Cycles(product string) ([]advisory.Cycle, error)
	// Products gives the products by what identifies their packages: see [advisory.Product].
	Products() (map[string]string, error)
}

// EndOfLife finds the distribution, the runtimes and the frameworks aboard that have had no support since before the time
// now. There is one finding for each release cycle of a product, about the first of its packages. What a distribution's package
// installed is the distribution's to support. The distribution's own end is a blind spot too: nobody reports new problems for
// it, so that few findings mean little.
//
// Such a finding is no hole that is known, but says that nobody will mend the next one: high for the distribution, on which
// all else stands; medium for a runtime or a server; low for a library, and wherever support can still be bought.
func EndOfLife(inv *inventory.Inventory, known Lifecycles, now time.Time) ([]Finding, []image.BlindSpot, error) {
	products, err := known.Products()
	if err != nil {
		return nil, nil, fmt.Errorf("end of life: %w", err)
	}
	l := lifecycles{known: known, today: now.Format(time.DateOnly), soon: now.AddDate(0, 6, 0).Format(time.DateOnly), found: map[string]*Finding{}}
	spots, err := l.distribution(inv.OS)
	if err != nil {
		return nil, nil, err
	}
	owners := map[string]*inventory.Package{}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.OfDistribution() {
			owners[p.PURL] = p
		}
	}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if p.OfDistribution() || p.Unpublished || p.Locked || owners[p.Owner] != nil && owners[p.Owner].SurelyBuilt() {
			continue
		}
		if err := l.look(p, productOf(p, products)); err != nil {
			return nil, nil, err
		}
	}
	var findings []Finding
	for _, f := range l.found {
		findings = append(findings, *f)
	}
	SortFindings(findings)
	return findings, spots, nil
}

// lifecycles gathers what has ended.
type lifecycles struct {
	known Lifecycles
	today string
	soon  string              // half a year later
	found map[string]*Finding // by id
}

// distribution looks at the distribution. Its extended support still reports problems, even where its fixes are for those who pay:
// that is a finding, and no blind spot.
func (l *lifecycles) distribution(os inventory.OS) ([]image.BlindSpot, error) {
	product := lifecycleProduct(os)
	if product == "" {
		return nil, nil
	}
	published, err := l.cycles(product)
	if err != nil {
		return nil, err
	}
	regular := slices.Clone(published)
	extended := slices.Clone(published)
	for i, c := range published {
		regular[i].Latest, extended[i].Latest = "", "" // a distribution is known by its release, not by the newest medium of it
		extended[i].EOL, extended[i].Extended = max(c.EOL, c.Extended), ""
	}
	if product == "debian" {
		regular = extended // Debian's is for everybody
	}
	pkg := &inventory.Package{PURL: "pkg:generic/" + os.ID + "@" + os.VersionID, Type: "generic", Name: os.ID, Version: os.VersionID, Paths: []string{"etc/os-release"}}
	c, ok := cycleOf(regular, os.VersionID)
	if !ok || !l.ended(c) {
		return nil, nil
	}
	last, _ := cycleOf(extended, os.VersionID)
	if !l.ended(last) {
		l.add(pkg, c, regular, Medium)
		return nil, nil
	}
	l.add(pkg, last, regular, High)
	return []image.BlindSpot{{Kind: image.EndOfLife, Where: strings.TrimSpace(os.ID + " " + os.VersionID),
		Message: fmt.Sprintf("%s %s has had no support%s: new problems are no longer reported for it; move to a supported release", os.ID, os.VersionID, supportUntil(last))}}, nil
}

// look looks at a package of a product.
func (l *lifecycles) look(p *inventory.Package, product string) error {
	if product == "" {
		return nil
	}
	cycles, err := l.cycles(product)
	if err != nil {
		return err
	}
	version := strings.TrimPrefix(p.Version, "v")
	if p.Name == "openjdk" {
		version = strings.TrimPrefix(version, "1.") // 1.8.0_392 is of Java 8
	}
	c, ok := cycleOf(cycles, version)
	if !ok || !l.ended(c) {
		return nil
	}
	severity := Medium
	if p.Ecosystem != "" && !isStdlib(p) || c.Extended > l.today {
		severity = Low
	}
	l.add(p, c, cycles, severity)
	return nil
}

func (l *lifecycles) cycles(product string) ([]advisory.Cycle, error) {
	cycles, err := l.known.Cycles(product)
	if err != nil {
		return nil, fmt.Errorf("end of life of %s: %w", product, err)
	}
	return cycles, nil
}

// ended says whether a cycle's regular support has ended.
func (l *lifecycles) ended(c advisory.Cycle) bool {
	if c.EOL == "" {
		return c.Ended
	}
	return c.EOL <= l.today
}

// endsSoon says whether a cycle's regular support ends within half a year.
func (l *lifecycles) endsSoon(c advisory.Cycle) bool {
	return c.EOL != "" && c.EOL <= l.soon
}

// supportUntil says when support ended, where that is known.
func supportUntil(c advisory.Cycle) string {
	if c.EOL == "" {
		return ""
	}
	return " since " + c.EOL
}

// add makes a finding of a package of an ended cycle, or adds the package to the finding that there is.
func (l *lifecycles) add(p *inventory.Package, c advisory.Cycle, cycles []advisory.Cycle, severity Level) {
	id := "EOL-" + c.Product + "-" + c.Cycle
	if f := l.found[id]; f != nil {
		if p.PURL != f.Package {
			f.Evidence.Facts = append(f.Evidence.Facts, "so is "+p.Name+" "+p.Version)
		}
		f.Paths = append(f.Paths, p.Paths...)
		return
	}
	name := cmp.Or(c.Title, c.Product) + " " + c.Cycle
	f := &Finding{
		ID: id, Package: p.PURL, Kind: KindEndOfLife, Severity: severity, SeveritySource: "Tidewaiter", Status: "affected",
		Origin: p.Origin, Layer: p.Layer, Instruction: p.Instruction, Paths: slices.Clone(p.Paths), Of: p,
		Published: c.EOL, Title: name + " has had no support" + supportUntil(c),
		Evidence: Evidence{Advisory: "endoflife.date/" + c.Product, Feed: "eol", Range: "cycle " + c.Cycle,
			Compared: fmt.Sprintf("%s %s is of cycle %s, which has had no support%s", p.Name, p.Version, c.Cycle, supportUntil(c))},
	}
	if c.Extended > l.today {
		f.Title += " without paying"
		f.Evidence.Facts = []string{"extended support ends on " + c.Extended}
	}
	newest := ""
	for _, other := range cycles {
		if other.Cycle == c.Cycle {
			break // what follows is older
		}
		if !l.ended(other) {
			newest = cmp.Or(newest, other.Cycle)
			if len(f.Fixed) > 0 && l.endsSoon(other) {
				continue // who moves there moves again at once
			}
			f.Fixed = append(f.Fixed, cmp.Or(other.Latest, other.Cycle))
		}
	}
	slices.Reverse(f.Fixed)
	if p.Type == "maven" && p.Name == "log4j:log4j" {
		f.Fixed = nil // its successors have another name, and other interfaces
	}
	if newest != "" {
		f.Title += "; the newest is " + newest
	}
	l.found[id] = f
}

// productOf is the id that endoflife.date has for a package's product; empty where it has none. It goes by the identifiers of
// the products' pages but for two: Go's standard library stands for the Go that built a program, and who built a Java runtime
// is in its release file.
func productOf(p *inventory.Package, products map[string]string) string {
	switch {
	case isStdlib(p):
		return "go"
	case p.Type == "golang" && p.Name == "toolchain":
		return ""
	case p.Type == "generic" && p.Name == "openjdk":
		return javaProduct(strings.Join(p.Evidence, "\n"))
	}
	cpe := p.CPE
	if p.Type != "generic" {
		cpe = "" // what a language's package is called there is often a product of the same name
	}
	return advisory.Product(products, p.PURL, cpe)
}

func isStdlib(p *inventory.Package) bool { return p.Type == "golang" && p.Name == "stdlib" }

// javaProduct knows the builds of OpenJDK by the IMPLEMENTOR in their release files.
func javaProduct(evidence string) string {
	for _, by := range [][2]string{
		{"Eclipse Adoptium", "eclipse-temurin"}, {"Amazon.com Inc.", "amazon-corretto"}, {"Azul Systems, Inc.", "azul-zulu"},
		{"Microsoft", "microsoft-build-of-openjdk"}, {"BellSoft", "bellsoft-liberica"}, {"SAP SE", "sapmachine"},
		{"IBM Corporation", "ibm-semeru"}, {"International Business Machines Corporation", "ibm-semeru"},
		{"Red Hat, Inc.", "red-hat-build-of-openjdk"}, {"Oracle Corporation", "openjdk-builds-from-oracle"},
	} {
		if strings.Contains(evidence, fmt.Sprintf("IMPLEMENTOR=%q", by[0])) {
			return by[1]
		}
	}
	return ""
}

// lifecycleProduct is the id that endoflife.date has for a distribution's os-release ID; empty where it has none.
func lifecycleProduct(os inventory.OS) string {
	switch os.ID {
	case "debian", "ubuntu", "rhel", "almalinux", "fedora", "sles", "mageia":
		return os.ID
	case "alpine":
		return "alpine-linux"
	case "rocky":
		return "rocky-linux"
	case "photon":
		return "vmware-photon"
	case "amzn":
		return "amazon-linux"
	case "ol":
		return "oracle-linux"
	case "opensuse-leap":
		return "opensuse"
	case "centos":
		if strings.Contains(os.Name, "Stream") {
			return "centos-stream"
		}
		return "centos"
	}
	return ""
}

// cycleOf gives the release cycle that a version belongs to, the most exact where several fit: "3.14" for 3.14.2, "1.1.1" for 1.1.1w.
func cycleOf(cycles []advisory.Cycle, version string) (best advisory.Cycle, ok bool) {
	for _, c := range cycles {
		rest, fits := strings.CutPrefix(version, c.Cycle)
		if c.Cycle != "" && fits && (rest == "" || rest[0] < '0' || rest[0] > '9') && len(c.Cycle) > len(best.Cycle) {
			best, ok = c, true
		}
	}
	return best, ok
}
