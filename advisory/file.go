package advisory

// An advisory file is written once, front to back, and then only read:
//
//	header     24 bytes: magic, format version, line feed
//	tables     one after another: blocks, zstd frames; the pages of the index, zstd frames with the lengths of so many blocks
//	           each; a zstd frame with the lengths of the pages
//	contents   a zstd frame: JSON of type contents
//	trailer    16 bytes: where the contents begin, and their length, big-endian
//
// The tables are
//
//	ids        id in upper case -> what names it and which packages its record names, as problem.go writes it
//	packages   Key(ecosystem, name) -> records, as encode.go writes them
//	cves       CVE id -> type CVE, as cve.go writes it
//	products   endoflife.date product -> JSON, a list of Cycle; "*" -> JSON, what identifies products, as [DB.Products] gives it
//	malware    digest of a file -> what a list of malware says of it, as malware.go writes it; only where there are such lists
//
// A key's hash says in which block of its table the key and its value stand, if they stand anywhere. A lookup is one
// read of the file and one small decompression, and as much again the first time that a page of the index is needed; opening
// reads the trailer, the contents and the lists of pages. Small values compress far better together than alone.
//
// All that answers come from lies in zstd frames with checksums, and a block begins with its own name. So whatever is damaged,
// an answer is either the right one or an error, and never a package that has lost its advisories. An embedded
// database (bbolt was tried) does not promise that: it trusts its pages, and reads outside of its memory when a bit
// in one of them is wrong. Nor is there anything here that a database is for: nothing changes, nobody locks, nothing is mapped.
const (
	magic         = "tidewaiter advisories "
	formatVersion = "2"
	headerSize    = int64(len(magic) + len(formatVersion) + 1)
	trailerSize   = 16

	tableIDs      = "ids"
	tablePackages = "packages"
	tableCVEs     = "cves"
	tableProducts = "products"
	tableMalware  = "malware"
)

// tableNames are the tables that every file has, in the order in which they stand in it.
func tableNames() []string { return []string{tableIDs, tableCVEs, tablePackages, tableProducts} }

// tableNames are the tables of a file, in the order in which they stand in it.
func (c *contents) tableNames() []string {
	names := tableNames()
	if c.Tables[tableMalware] != nil {
		names = append(names, tableMalware)
	}
	return names
}

// dateOf gives the day of a feed; empty if it is not there.
func (c *contents) dateOf(feed string) string {
	for _, f := range c.Feeds {
		if f.Name == feed {
			return f.Date
		}
	}
	return ""
}

// contents says what an advisory file holds.
type contents struct {
	Info
	// Ecosystems are those that the records of their own feeds speak of, as they write them.
	Ecosystems []string `json:"ecosystems"`
	// Inputs is a digest of the files that the advisory file was built from.
	Inputs string            `json:"inputs,omitempty"`
	Tables map[string]*table `json:"tables"`
}
