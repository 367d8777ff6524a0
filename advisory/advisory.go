// Package advisory keeps what is known to be wrong with the world's packages in one read-only file.
//
// In go feeds: OSV exports, CISA KEV, FIRST EPSS, CVSS by CVE, end-of-life dates and hashes of malware. Out comes one
// advisory file, replaced atomically, and answers from it: the records that name a package, what is known
// of a CVE, which ecosystems and releases the file covers. Whether a record applies to a version is not
// decided here (that is package match's).
package advisory

import "time"

// Record is one OSV record, as much of it as concerns one package: https://ossf.github.io/osv-schema/
//
// Records from a [DB] share slices and maps with each other: read them, do not change them.
type Record struct {
	ID        string     `json:"id"`
	Aliases   []string   `json:"aliases,omitempty"`
	Related   []string   `json:"related,omitempty"`
	Upstream  []string   `json:"upstream,omitempty"`
	Summary   string     `json:"summary,omitempty"`
	Published time.Time  `json:"published,omitzero"`
	Modified  time.Time  `json:"modified,omitzero"`
	Withdrawn time.Time  `json:"withdrawn,omitzero"`
	Severity  []Severity `json:"severity,omitempty"`
	// Rating is the record's severity in a word (database_specific.severity), as the feed writes it.
	Rating     string      `json:"rating,omitempty"`
	References []Reference `json:"references,omitempty"`
	// Disputed says that somebody, mostly the vendor, denies that it is a vulnerability: the record has the tag or the note
	// that the CVE program has for that.
	Disputed bool `json:"disputed,omitempty"`
	// Affected are the entries that name the package that was asked for, in the record's order.
	Affected []Affected `json:"affected"`
	// Feed is the name of the feed that the record came from: "osv/Debian".
	Feed string `json:"feed"`
}

// Affected is one entry of a record's affected list.
type Affected struct {
	// Ecosystem is as the record writes it, with its suffix: "Debian:12".
	Ecosystem string     `json:"ecosystem"`
	Ranges    []Range    `json:"ranges,omitempty"`
	Versions  []string   `json:"versions,omitempty"`
	Severity  []Severity `json:"severity,omitempty"`
	// Urgency is the distribution's own word (ecosystem_specific.urgency, Debian; ...severity, Ubuntu and others).
	Urgency string `json:"urgency,omitempty"`
	// Informational says that the entry is no vulnerability: RustSec's "unmaintained", "unsound" or "notice".
	Informational string `json:"informational,omitempty"`
	// Remark is the distribution's own line on the entry (database_specific.tracker): "[bookworm] - curl <no-dsa> (Minor issue)".
	Remark string `json:"remark,omitempty"`
	// LastKnown says up to where versions are known to be affected, where no range says where that ends
	// (database_specific.last_known_affected_version_range, GitHub): "<= 1.4.2".
	LastKnown string `json:"lastKnown,omitempty"`
	// Specific is ecosystem_specific as it stands in the record, for what has no field of its own; Ubuntu's lists of
	// binary packages are left out for their size.
	Specific map[string]any `json:"specific,omitempty"`
}

// Range is a range of versions: https://ossf.github.io/osv-schema/#affectedranges-field
type Range struct {
	Type   string  `json:"type"` // SEMVER, ECOSYSTEM or GIT
	Repo   string  `json:"repo,omitempty"`
	Events []Event `json:"events"`
}

// Event is one event of a range; exactly one field is set.
type Event struct {
	Introduced   string `json:"introduced,omitempty"`
	Fixed        string `json:"fixed,omitempty"`
	LastAffected string `json:"last_affected,omitempty"`
	Limit        string `json:"limit,omitempty"`
}

// Severity is one score of a record: a CVSS vector, or a distribution's word.
type Severity struct {
	Type  string `json:"type"` // CVSS_V2, CVSS_V3, CVSS_V4, Ubuntu
	Score string `json:"score"`
}

// Reference is a link of a record that says more than where it was published.
type Reference struct {
	Type string `json:"type"` // ADVISORY, FIX, EVIDENCE, REPORT, ...
	URL  string `json:"url"`
}

// CVE is what is known of one CVE besides the records that name it.
type CVE struct {
	KEV  *KEV   `json:"kev,omitempty"`
	EPSS *EPSS  `json:"epss,omitempty"`
	CVSS []CVSS `json:"cvss,omitempty"`
	// Disputed is as in [Record].
	Disputed bool `json:"disputed,omitempty"`
	// Exploitation, Automatable and TechnicalImpact are CISA's SSVC decision points, where it published them.
	Exploitation    string `json:"exploitation,omitempty"`
	Automatable     string `json:"automatable,omitempty"`
	TechnicalImpact string `json:"technicalImpact,omitempty"`
}

// KEV is an entry of CISA's catalog of known exploited vulnerabilities; dates are YYYY-MM-DD.
type KEV struct {
	Added      string `json:"added"`
	Due        string `json:"due"`
	Ransomware bool   `json:"ransomware,omitempty"`
}

// EPSS is FIRST's estimate that a CVE will be exploited in the next 30 days; score and percentile are 0 to 1.
type EPSS struct {
	Score      float64 `json:"score"`
	Percentile float64 `json:"percentile"`
	Date       string  `json:"date"` // YYYY-MM-DD
}

// CVSS is a vector for a CVE and who gave it.
type CVSS struct {
	Vector string `json:"vector"`
	Source string `json:"source"`
}

// Info says what an advisory file holds.
type Info struct {
	// Revision is a digest of the content: two files with the same revision give the same answers.
	Revision string `json:"revision"`
	Feeds    []Feed `json:"feeds"`
}

// Feed is one source of an advisory file.
type Feed struct {
	Name string `json:"name"` // osv/Debian, nvd, kev, epss, cve, eol, malware/full.csv
	// Date is the day that the feed is of, YYYY-MM-DD: for OSV the newest of its files' and records' dates that is
	// not in the future, for the others the date that they carry.
	Date    string `json:"date"`
	Records int    `json:"records"`
	// Skipped are the records that could not be read, and so are not in the file.
	Skipped int `json:"skipped,omitempty"`
	// Unnamed are the entries that name no package (only a repository), and so cannot be looked up.
	Unnamed int    `json:"unnamed,omitempty"`
	Source  string `json:"source"`
	// Digest is the SHA-256 of the content, sha256:HEX, of a list of hashes of malware.
	Digest string `json:"digest,omitempty"`
	// Algorithms are those of the hashes of such a list, sorted: md5, sha1, sha256.
	Algorithms []string `json:"algorithms,omitempty"`
}

// Cycle is one release cycle of a product: https://endoflife.date
type Cycle struct {
	Product string `json:"product"`
	Title   string `json:"title,omitempty"` // of the product: "Node.js"
	Cycle   string `json:"cycle"`
	Name    string `json:"name,omitempty"` // codename
	// EOL is the day support ends (YYYY-MM-DD), Extended the day that paid or community long-term support
	// ends; empty when not known. Ended says that the feed gives no date but says it has ended.
	EOL      string `json:"eol,omitempty"`
	Extended string `json:"extended,omitempty"`
	Ended    bool   `json:"ended,omitempty"`
	Latest   string `json:"latest,omitempty"`
}
