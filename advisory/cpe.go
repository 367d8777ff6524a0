package advisory

import (
	"net/url"
	"strings"
)

// CPE is what tells programs apart in a name of the CPE dictionary, a formatted string of CPE 2.3 (NISTIR 7695, section 6.2), in
// lower case and with nothing escaped. A field that is "*" is any, one that is "-" has no value.
type CPE struct {
	Part     string // a: application, o: operating system, h: hardware
	Vendor   string
	Product  string
	Version  string
	Update   string
	Edition  string // sw_edition
	TargetSW string
}

// CPEEcosystem is the ecosystem of records that name programs as the CPE dictionary does; their names are those of [CPE.Name].
const CPEEcosystem = "CPE"

// Name is vendor and product: "nodejs:node.js".
func (c CPE) Name() string { return c.Vendor + ":" + c.Product }

// ParseCPE reads a formatted string, or a URI of CPE 2.2, which may end early; ok is false where it is neither, or names no
// vendor and product.
func ParseCPE(text string) (c CPE, ok bool) {
	if rest, old := strings.CutPrefix(text, "cpe:/"); old {
		return parseCPEURI(rest)
	}
	rest, ok := strings.CutPrefix(text, "cpe:2.3:")
	if !ok {
		return CPE{}, false
	}
	var fields [11]string
	n := 0
	var value strings.Builder
	for i := 0; i <= len(rest) && n < len(fields); i++ {
		switch {
		case i == len(rest) || rest[i] == ':':
			fields[n] = strings.ToLower(value.String())
			value.Reset()
			n++
		case rest[i] == '\\' && i+1 < len(rest):
			i++
			value.WriteByte(rest[i])
		default:
			value.WriteByte(rest[i])
		}
	}
	c = CPE{
		Part: fields[0], Vendor: fields[1], Product: fields[2], Version: fields[3], Update: fields[4],
		Edition: fields[7], TargetSW: fields[8],
	}
	return c, n == len(fields) && !isOpen(c.Vendor) && !isOpen(c.Product)
}

// parseCPEURI reads what comes after "cpe:/": part, vendor, product, version, update. What follows these no feed here uses.
func parseCPEURI(rest string) (CPE, bool) {
	var fields [5]string
	for i, field := range strings.SplitN(rest, ":", len(fields)+1) {
		if i < len(fields) {
			if plain, err := url.PathUnescape(field); err == nil {
				field = plain
			}
			fields[i] = strings.ToLower(field)
		}
	}
	c := CPE{Part: fields[0], Vendor: fields[1], Product: fields[2], Version: fields[3], Update: fields[4]}
	return c, !isOpen(c.Vendor) && !isOpen(c.Product)
}

// isOpen says whether a field has no value of its own.
func isOpen(field string) bool { return field == "" || field == "*" || field == "-" }
