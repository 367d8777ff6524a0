package vex

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxExceptionFile bounds a file of exceptions, in bytes: people write them one by one.
const maxExceptionFile = 1 << 20

// What OpenVEX has no field for stands in the notes of the statement's status, which its schema leaves free:
//
//	exception; until: 2027-01-31 or fix; environments: production, staging; approver: Ann; subject: NPM_TOKEN
//
// The rest is where every reader of OpenVEX looks for it: the owner is the document's author, the image and the package or file (file:///path) are
// its product and subcomponent, and the reason of a risk that is accepted is its action ("risk accepted: ..."), that of a finding that does not apply its
// impact statement.
const (
	exceptionMark = "exception"
	acceptedMark  = "risk accepted: "
	exceptionRole = "owner of the exception"
)

// ParseExceptions reads the exceptions of an OpenVEX document, one for each product of each statement. A statement that is not one, or
// lacks something, comes with what is [Exception.Wrong] with it.
func ParseExceptions(raw []byte, file string) ([]Exception, error) {
	if len(raw) > maxExceptionFile {
		return nil, fmt.Errorf("over %d MiB: not read", maxExceptionFile>>20)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	statements, err := parseOpenVEX(raw, nil)
	if err != nil {
		return nil, err
	}
	var all []Exception
	for i := range statements {
		products := statements[i].Products
		if len(products) == 0 {
			products = []Product{nil}
		}
		for _, p := range products {
			e := exceptionOf(&statements[i], p)
			e.File, e.Index = file, i
			all = append(all, e)
		}
	}
	return all, nil
}

func exceptionOf(s *Statement, p Product) Exception {
	e := Exception{
		Vulnerabilities: s.Vulnerabilities, Product: p, Status: s.Status, Justification: s.Justification, Owner: s.Author, Time: s.Time,
		Reason: cmp.Or(strings.TrimPrefix(s.Action, acceptedMark), s.Impact),
	}
	if s.Status == NotAffected {
		e.Reason = cmp.Or(s.Impact, s.Action)
	}
	if len(p) == 0 {
		e.Wrong = "it names no product"
		return e
	}
	if at, ok := p[len(p)-1].filePath(); ok {
		e.Path, p = at, p[:len(p)-1]
		e.Product = p
	}
	if len(p) > 0 {
		if pattern, ok := imagePattern(&p[0]); ok {
			e.Image, e.Product = pattern, p[1:]
		}
	}
	err := e.readNotes(s.Notes)
	if err == nil {
		err = e.Check()
	}
	if err != nil {
		e.Wrong = err.Error()
	}
	return e
}

// readNotes reads what OpenVEX has no field for. A word that it does not know makes the exception one that is not understood: it may have
// been meant to narrow it.
func (e *Exception) readNotes(notes string) error {
	parts := strings.Split(notes, ";")
	if strings.TrimSpace(parts[0]) != exceptionMark {
		return fmt.Errorf("it is no exception: its status_notes do not begin with %q; --vex believes it as it is", exceptionMark+";")
	}
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case value == "":
			return fmt.Errorf("its status_notes have %q, which says nothing", strings.TrimSpace(part))
		case key == "until":
			end, err := ParseEnd(value)
			if err != nil {
				return err
			}
			e.End = end
		case key == "environments":
			e.Environments = splitList(value)
		case key == "approver":
			e.Approver = value
		case key == "subject":
			e.Subject = value
		default:
			return fmt.Errorf("its status_notes have %q: only until, environments, approver and subject are known", key)
		}
	}
	return nil
}

func splitList(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(list, part) {
			list = append(list, part)
		}
	}
	return list
}

func (e *Exception) notes() string {
	parts := []string{exceptionMark, "until: " + e.End.String()}
	if len(e.Environments) > 0 {
		parts = append(parts, "environments: "+strings.Join(e.Environments, ", "))
	}
	if e.Approver != "" {
		parts = append(parts, "approver: "+e.Approver)
	}
	if e.Subject != "" {
		parts = append(parts, "subject: "+e.Subject)
	}
	return strings.Join(parts, "; ")
}

// exceptionDocument has every field of OpenVEX 0.2.0, so that nothing is lost when a document is written again.
type exceptionDocument struct {
	Context     string               `json:"@context"`
	ID          string               `json:"@id"`
	Author      string               `json:"author"`
	Role        string               `json:"role,omitempty"`
	Timestamp   string               `json:"timestamp"`
	LastUpdated string               `json:"last_updated,omitempty"`
	Version     int                  `json:"version"`
	Tooling     string               `json:"tooling,omitempty"`
	Statements  []exceptionStatement `json:"statements"`
}

type exceptionStatement struct {
	ID              string                 `json:"@id,omitempty"`
	Version         int                    `json:"version,omitempty"`
	Vulnerability   exceptionVulnerability `json:"vulnerability"`
	Timestamp       string                 `json:"timestamp,omitempty"`
	LastUpdated     string                 `json:"last_updated,omitempty"`
	Products        []exceptionProduct     `json:"products,omitempty"`
	Status          Status                 `json:"status"`
	Supplier        string                 `json:"supplier,omitempty"`
	StatusNotes     string                 `json:"status_notes,omitempty"`
	Justification   string                 `json:"justification,omitempty"`
	ImpactStatement string                 `json:"impact_statement,omitempty"`
	ActionStatement string                 `json:"action_statement,omitempty"`
	ActionTimestamp string                 `json:"action_statement_timestamp,omitempty"`
}

type exceptionVulnerability struct {
	ID          string   `json:"@id,omitempty"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Aliases     []string `json:"aliases,omitempty"`
}

type exceptionProduct struct {
	ID            string             `json:"@id,omitempty"`
	Identifiers   map[string]string  `json:"identifiers,omitempty"`
	Hashes        map[string]string  `json:"hashes,omitempty"`
	Subcomponents []exceptionProduct `json:"subcomponents,omitempty"`
}

// Write gives the exception as an OpenVEX document of its own, for a file of version 1 or later.
func (e *Exception) Write(version int) ([]byte, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	for _, text := range append([]string{e.Approver, e.Subject}, e.Environments...) {
		if strings.ContainsAny(text, ";\n\r") {
			return nil, fmt.Errorf("%q: approvers, environments and subjects are written without semicolons, in one line", text)
		}
	}
	s := exceptionStatement{
		Vulnerability: exceptionVulnerability{Name: e.Vulnerabilities[0], Aliases: e.Vulnerabilities[1:]},
		Status:        e.Status, StatusNotes: e.notes(), Justification: e.Justification,
	}
	if e.Status == Affected {
		s.ActionStatement = acceptedMark + e.Reason
	} else {
		s.ImpactStatement = e.Reason
	}
	var ids []string
	if e.Image != "" || len(e.Product) == 0 {
		ids = append(ids, patternPURL(e.Image))
	}
	for _, c := range e.Product {
		ids = append(ids, c.String())
	}
	if e.Path != "" {
		ids = append(ids, fileURL(e.Path))
	}
	p := exceptionProduct{ID: ids[0]}
	for _, id := range ids[1:] {
		p.Subcomponents = append(p.Subcomponents, exceptionProduct{ID: id})
	}
	s.Products = []exceptionProduct{p}
	d := exceptionDocument{
		Context: "https://openvex.dev/ns/v0.2.0", ID: e.id(), Author: e.Owner, Role: exceptionRole,
		Timestamp: e.Time.UTC().Format(time.RFC3339), Version: version, Tooling: "tidewaiter except",
		Statements: []exceptionStatement{s},
	}
	return d.write()
}

// id names the document by what it says, as a UUID of version 8 (RFC 9562): the same exception has the same name.
func (e *Exception) id() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{e.Key(), e.Owner, e.Reason, e.Time.UTC().Format(time.RFC3339)}, "\x00")))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func (d *exceptionDocument) write() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(d)
	return b.Bytes(), err
}

// DocumentVersion gives the version of the document in a file.
func DocumentVersion(file string) (int, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	raw, err := readAll(f, maxExceptionFile)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	var d exceptionDocument
	if err := json.Unmarshal(raw, &d); err != nil {
		return 0, fmt.Errorf("%s: OpenVEX: %w", file, err)
	}
	return d.Version, nil
}

// EndExceptions gives the document again with some of its statements, by their index, ended on a day, and the rest as it was.
func EndExceptions(raw []byte, which []int, day string, now time.Time) ([]byte, error) {
	return rewrite(raw, now, func(d *exceptionDocument) error {
		for _, i := range which {
			s := &d.Statements[i]
			var e Exception
			if err := e.readNotes(s.StatusNotes); err != nil {
				return err
			}
			e.End.Day = day
			s.StatusNotes = e.notes()
		}
		return nil
	})
}

// RemoveExceptions gives the document again without some of its statements; nil where none is left.
func RemoveExceptions(raw []byte, which []int, now time.Time) ([]byte, error) {
	none := false
	out, err := rewrite(raw, now, func(d *exceptionDocument) error {
		var left []exceptionStatement
		for i, s := range d.Statements {
			if !slices.Contains(which, i) {
				left = append(left, s)
			}
		}
		d.Statements, none = left, len(left) == 0
		return nil
	})
	if none {
		return nil, err
	}
	return out, err
}

func rewrite(raw []byte, now time.Time, change func(*exceptionDocument) error) ([]byte, error) {
	var d exceptionDocument
	if err := json.Unmarshal(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), &d); err != nil {
		return nil, fmt.Errorf("OpenVEX: %w", err)
	}
	if err := change(&d); err != nil {
		return nil, err
	}
	d.Version++
	d.LastUpdated = now.UTC().Format(time.RFC3339)
	return d.write()
}

// LoadExceptions reads the exceptions of a directory, sorted by file. What is no VEX document is passed over; one that cannot be read is
// an error, since somebody relies on it.
func LoadExceptions(dir string) ([]Exception, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files, err := listDocuments(root.FS())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	var all []Exception
	for _, name := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		raw, err := readDocument(root.FS(), name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if !bytes.Contains(raw, []byte("openvex.dev/ns")) {
			continue
		}
		list, err := ParseExceptions(raw, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, list...)
	}
	return all, nil
}

func readDocument(tree fs.FS, name string) ([]byte, error) {
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, maxExceptionFile)
}

// FileName is the name of the file of an exception, made of what it is about: readable in a list, and always the same.
func (e *Exception) FileName() string {
	parts := []string{slug(e.Vulnerabilities[0])}
	if n := len(e.Product); n > 0 {
		name := e.Product[n-1].String()
		if p, ok := ParsePURL(name); ok {
			name = p.Name
			if p.Version != "" {
				name += "-" + p.Version
			}
		}
		parts = append(parts, slug(name))
	}
	parts = append(parts, slug(e.Path), slug(e.Subject), slug(e.Image), slug(strings.Join(e.Environments, "-")))
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	return strings.Join(parts, "_") + ".openvex.json"
}

func slug(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '-'
	}, text)
	const most = 60
	return strings.Trim(text[:min(len(text), most)], ".-")
}
