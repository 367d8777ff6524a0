package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/match"
)

// csvColumns are the columns of [CSV], in their order. Columns are only ever added, at the end.
func csvColumns() []string {
	return []string{
		"kind", "id", "aliases", "type", "package", "version", "purl", "severity", "priority", "due", "overdue",
		"environmental_score", "environmental_vector", "cvss_score", "cvss_vector", "kev_added", "epss", "fixed", "next_step",
		"quieted_by", "quieted_reason", "quieted_until", "lowered_by", "origin", "layer", "instruction", "dockerfile_line", "path",
		"title", "evidence", "environment", "image", "digest", "platform",
	}
}

// CSV writes a row for each finding, the quieted too, for all else that should not be aboard, for each goal that is not met and for each
// blind spot, with a header (RFC 4180). The column "kind" tells them apart: vulnerability, malware (files and packages), secret,
// hardening, end-of-life, goal, blind-spot. What a spreadsheet would take for a formula has an apostrophe in front.
func CSV(w io.Writer, r *Report) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	columns := csvColumns()
	if err := c.Write(columns); err != nil {
		return err
	}
	write := func(cells map[string]string) error {
		cells["environment"], cells["image"], cells["digest"], cells["platform"] = environmentOf(r), r.Image.Reference, r.Image.Digest, r.Image.Platform
		row := make([]string, len(columns))
		for i, name := range columns {
			row[i] = harmless(Clean(cells[name]))
		}
		return c.Write(row)
	}
	for _, cells := range csvGoals(r) {
		if err := write(cells); err != nil {
			return err
		}
	}
	for _, f := range inOrder(r) {
		if err := write(csvFinding(r, &f)); err != nil {
			return err
		}
	}
	for _, c := range contrabandOf(r) {
		if err := write(csvContraband(r, &c)); err != nil {
			return err
		}
	}
	for _, b := range r.BlindSpots {
		if err := write(csvBlindSpot(r, b)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// harmless keeps a spreadsheet from taking a cell for a formula: https://owasp.org/www-community/attacks/CSV_Injection
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}

func csvFinding(r *Report, f *match.Finding) map[string]string {
	cells := map[string]string{
		"kind": "vulnerability", "id": f.ID, "aliases": strings.Join(f.Aliases, " "),
		"type": f.Of.Type, "package": f.Of.Name, "version": f.Of.Version, "purl": f.Package,
		"severity": string(f.Severity), "priority": string(f.Priority), "due": f.Due, "overdue": yes(f.Overdue),
		"fixed": strings.Join(f.Fixed, " "), "next_step": nextStep(*f),
		"origin": string(f.Origin), "instruction": f.Instruction, "path": strings.Join(f.Paths, " "),
		"title": f.Title, "evidence": f.Evidence.Compared, "kev_added": exploitedSince(f),
	}
	switch {
	case f.Malicious:
		cells["kind"] = "malware"
	case f.Kind != "":
		cells["kind"] = string(f.Kind)
	}
	if c := f.Environmental; c != nil {
		cells["environmental_score"], cells["environmental_vector"] = decimal(c.Score), c.Vector
	}
	if len(f.CVSS) > 0 {
		cells["cvss_score"], cells["cvss_vector"] = decimal(f.CVSS[0].Score), f.CVSS[0].Vector
	}
	if f.EPSS != nil {
		cells["epss"] = strconv.FormatFloat(f.EPSS.Score, 'f', -1, 64)
	}
	if q := f.Quieted; q != nil {
		cells["quieted_by"], cells["quieted_reason"], cells["quieted_until"], cells["next_step"] = q.By, q.Reason, q.Until, ""
	}
	var lowered []string
	for _, l := range f.Lowered {
		lowered = append(lowered, l.By)
	}
	cells["lowered_by"] = strings.Join(lowered, " ")
	if f.Layer != nil {
		cells["layer"] = strconv.Itoa(*f.Layer)
	}
	if line := lineOf(r, f); line > 0 {
		cells["dockerfile_line"] = strconv.Itoa(line)
	}
	return cells
}

func csvContraband(r *Report, c *contraband) map[string]string {
	cells := map[string]string{
		"kind": string(c.kind), "id": c.id, "severity": string(c.severity), "next_step": c.mend, "origin": string(c.Origin), "instruction": c.Instruction,
		"path": c.where, "title": c.title, "evidence": c.shown, "purl": c.Owner,
	}
	if c.Layer != nil {
		cells["layer"] = strconv.Itoa(*c.Layer)
	}
	if line := c.line(r); line > 0 {
		cells["dockerfile_line"] = strconv.Itoa(line)
	}
	if q := c.quieted; q != nil {
		cells["quieted_by"], cells["quieted_reason"], cells["quieted_until"], cells["next_step"] = q.By, q.Reason, q.Until, ""
	}
	return cells
}

func decimal(score float64) string { return strconv.FormatFloat(score, 'f', 1, 64) }

func csvGoals(r *Report) []map[string]string {
	if r.Assessment == nil {
		return nil
	}
	var rows []map[string]string
	for _, g := range r.Assessment.Goals {
		if g.Verdict != assess.Pass {
			rows = append(rows, map[string]string{"kind": "goal", "id": g.Name, "severity": string(g.Verdict), "title": g.Reason, "next_step": g.Step})
		}
	}
	return rows
}

func csvBlindSpot(r *Report, b image.BlindSpot) map[string]string {
	cells := map[string]string{"kind": "blind-spot", "id": string(b.Kind), "title": b.Message, "path": b.Where}
	if b.Layer != nil {
		cells["layer"] = strconv.Itoa(*b.Layer)
		if i := *b.Layer; i >= 0 && i < len(r.Image.Layers) {
			cells["instruction"] = r.Image.Layers[i].Instruction
		}
	}
	return cells
}
