package detect

import (
	"context"

	"tidewaiter/layer"
	"tidewaiter/secret"
)

// velesVersion is that of OSV-SCALIBR in go.mod.
const velesVersion = "0.5.3"

// Described says for people which detectors these are.
func (d *Detector) Described() string {
	return "osv-scalibr veles " + velesVersion + ", rules " + rulesVersion
}

// Raw is a Detector whose notes have the secrets themselves ([secret.EncodeRaw]), for asking services about them. It has no version: nothing
// of what it says is kept.
type Raw struct{ *Detector }

// Version implements [layer.Sink].
func (r Raw) Version() string { return "" }

// Open implements [layer.Sink].
func (r Raw) Open(ctx context.Context, f *layer.File, head []byte) layer.Eye {
	if e := r.Detector.Open(ctx, f, head); e != nil {
		return rawEye{e}
	}
	return nil
}

// rawEye is the eye of a Raw.
type rawEye struct{ layer.Eye }

// Close implements [layer.Eye].
func (r rawEye) Close() layer.Answer {
	plain := r.Eye.Close()
	if plain == nil {
		return nil
	}
	var found []secret.Found
	left := 0
	switch e := r.Eye.(type) {
	case *eye:
		found, left = e.found, e.left
	case *archiveEye:
		found, left = e.found, e.left
	case *passingArchive:
		found, left = e.found, e.left
	}
	if len(found) == 0 {
		return plain
	}
	if left > 0 {
		found = append(found, more(left))
	}
	return func() ([]byte, error) {
		_, err := plain()
		return secret.EncodeRaw(found), err
	}
}
