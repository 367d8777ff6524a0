package report

import (
	_ "embed"
	"encoding/json"
	"io"
)

// Schema is the JSON schema of the report (draft 2020-12).
//
//go:embed schema.json
var Schema []byte

// JSON writes the report as the contract says, indented, with a newline at its end.
func JSON(w io.Writer, r *Report) error {
	return writeJSON(w, r)
}

func writeJSON(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(document)
}
