package advisory

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/csv"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hashList reads the lines of a list of hashes of malware, whichever of these they are:
//
//	"first_seen_utc","sha256_hash",...     MalwareBazaar's CSV: https://bazaar.abuse.ch/export/
//	HASH:SIZE:NAME                         ClamAV's .hdb and .hsb: https://docs.clamav.net/manual/Signatures/HashSignatures.html
//	HASH NAME, HASH,NAME, HASH             as sha256sum, or anybody, writes them; MalwareBazaar's plain text
//
// A line with # before it is a comment; it may have the names of the columns, or the date of the list.
type hashList struct {
	feed    Feed
	add     func(key string, value []byte) error
	day     func(date string) string // that is at the front of a text, if it is not in the future
	columns []string                 // of a CSV; nil where it does not name them
}

// line adds the hash of a line. A line that has none is counted.
func (l *hashList) line(text string) error {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if text == "" {
		return nil
	}
	if comment, ok := strings.CutPrefix(text, "#"); ok {
		l.comment(strings.TrimSpace(comment))
		return nil
	}
	digest, name := l.entry(text)
	switch {
	case digest == nil && l.head(text):
		return nil
	case digest == nil:
		l.feed.Skipped++
		return nil
	}
	l.feed.Records++
	if name := algorithm(digest); !slices.Contains(l.feed.Algorithms, name) {
		l.feed.Algorithms = append(l.feed.Algorithms, name)
		slices.Sort(l.feed.Algorithms)
	}
	return l.add(string(digest), encodeMalware(Malware{Name: cleanName(name), Feed: l.feed.Name}))
}

// comment looks for what a comment says of the whole list.
func (l *hashList) comment(text string) {
	if l.head(text) || l.feed.Date != "" {
		return
	}
	name, value, ok := strings.Cut(text, ":")
	if ok && slices.Contains([]string{"last updated", "date", "updated", "generated"}, strings.ToLower(strings.TrimSpace(name))) {
		l.feed.Date = l.day(strings.TrimSpace(value))
	}
}

// head takes the names of the columns, where a line has them.
func (l *hashList) head(text string) bool {
	fields := splitCSV(text)
	for i, f := range fields {
		fields[i] = strings.ToLower(f)
	}
	if len(fields) < 2 || hashColumn(fields) < 0 {
		return false
	}
	l.columns = fields
	return true
}

// hashColumn is the column with the strongest digest; -1 where there is none.
func hashColumn(columns []string) int {
	for _, name := range []string{"sha256_hash", "sha256", "sha1_hash", "sha1", "md5_hash", "md5"} {
		if i := slices.Index(columns, name); i >= 0 {
			return i
		}
	}
	return -1
}

// entry gives the digest of a line, nil where there is none, and the name.
func (l *hashList) entry(text string) (digest []byte, name string) {
	if parts := strings.SplitN(text, ":", 4); len(parts) >= 3 {
		if digest := parseDigest(parts[0]); digest != nil {
			return digest, parts[2]
		}
	}
	if !strings.Contains(text, ",") {
		hash, name, _ := strings.Cut(text, " ")
		return parseDigest(hash), strings.TrimLeft(name, " *")
	}
	fields := splitCSV(text)
	if l.columns != nil {
		return l.row(fields)
	}
	for i, f := range fields {
		if digest := parseDigest(f); digest != nil {
			return digest, strings.Join(fields[i+1:min(i+2, len(fields))], "")
		}
	}
	return nil, ""
}

// row gives the digest and the name of a line whose columns are known.
func (l *hashList) row(fields []string) (digest []byte, name string) {
	if i := hashColumn(l.columns); i < len(fields) {
		digest = parseDigest(fields[i])
	}
	for _, column := range []string{"signature", "malware", "family", "name", "clamav"} {
		i := slices.Index(l.columns, column)
		if name == "" && i >= 0 && i < len(fields) && !strings.EqualFold(fields[i], "n/a") {
			name = fields[i]
		}
	}
	return digest, name
}

// splitCSV gives the fields of a line without the blanks around them; nil where it is not CSV.
func splitCSV(text string) []string {
	r := csv.NewReader(strings.NewReader(text))
	r.LazyQuotes, r.TrimLeadingSpace, r.FieldsPerRecord = true, true, -1
	fields, err := r.Read()
	if err != nil {
		return nil
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return fields
}

// parseDigest reads an MD5, SHA-1 or SHA-256 digest; nil for anything else, and for those of no bytes at all, which some lists have:
// they would make malware of every empty file.
func parseDigest(text string) []byte {
	switch len(text) {
	case 32, 40, 64:
	default:
		return nil
	}
	if slices.Contains([]string{
		"d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	}, strings.ToLower(text)) {
		return nil
	}
	digest, err := hex.DecodeString(text)
	if err != nil {
		return nil
	}
	return digest
}

// algorithm names that of a digest.
func algorithm(digest []byte) string {
	switch len(digest) {
	case md5.Size:
		return "md5"
	case sha1.Size:
		return "sha1"
	}
	return "sha256"
}

// maxMalwareName bounds a name, in bytes.
const maxMalwareName = 120

// cleanName gives a name that fits on a line.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	for len(name) > maxMalwareName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return strings.TrimSpace(name)
}
