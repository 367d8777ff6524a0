package main

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/malware"
	"tidewaiter/secret"
	"tidewaiter/secret/detect"
	"tidewaiter/trust"
)

// redaction takes secrets out of what is read, before anything shows it or keeps it: whatever comes later cannot tell what it does not know.
type redaction struct {
	// makeDetectors makes them once, however many images are read.
	makeDetectors func() (*detect.Detector, error)
	// redactor is that of the image that was opened last.
	redactor *secret.Redactor
}

func (r *redaction) detectors() (*detect.Detector, error) {
	if r.makeDetectors == nil {
		r.makeDetectors = sync.OnceValues(detect.New)
	}
	return r.makeDetectors()
}

// redact takes the secrets out of what an image says of itself. By the redactor goes what is read for the image later.
func (r *redaction) redact(im *image.Image) (*secret.Redactor, error) {
	detector, err := r.detectors()
	if err != nil {
		return nil, err
	}
	redactor := secret.NewRedactor(detector.Detect)
	redactor.Image(im)
	return redactor, nil
}

// redactPapers takes the secrets out of what papers tell of the build, once it is known whose they are.
func (r *redaction) redactPapers(list []trust.Attestation) {
	for i := range list {
		if said := list[i].Statement; said != nil && inventory.IsProvenance(said.PredicateType) {
			said.Predicate = r.redactor.Document(said.Predicate)
		}
	}
}

// captures gives what takes the secrets out of the files that are kept of an image, in memory and in the cache. The databases of
// distributions' packages are many and large, and hold nothing that a user wrote.
func (r *redaction) captures() (func(path string, content []byte) []byte, error) {
	detector, err := r.detectors()
	if err != nil {
		return nil, err
	}
	return func(path string, content []byte) []byte {
		if strings.HasPrefix(path, "var/lib/") || strings.HasPrefix(path, "lib/apk/") || strings.HasPrefix(path, "usr/lib/sysimage/") || bytes.IndexByte(content[:min(len(content), 512)], 0) >= 0 {
			return content
		}
		return secret.Redact(detector.Detect, path, content)
	}, nil
}

// quoting is a sink whose notes quote what stands in files.
type quoting struct {
	engine
	detector *detect.Detector
}

// Open implements [layer.Sink].
func (q quoting) Open(ctx context.Context, f *layer.File, head []byte) layer.Eye {
	if e := q.engine.Open(ctx, f, head); e != nil {
		return quotingEye{e, f.Path, q.detector.Detect}
	}
	return nil
}

// quotingEye takes secrets out of what an eye quotes.
type quotingEye struct {
	layer.Eye
	path   string
	detect secret.Detect
}

// Close implements [layer.Eye].
func (e quotingEye) Close() layer.Answer {
	answer, path, detect := e.Eye.Close(), e.path, e.detect // the eye itself is let go
	if answer == nil {
		return nil
	}
	return func() ([]byte, error) {
		note, err := answer()
		found, bad := malware.Decode(note)
		if note == nil || err != nil || bad != nil {
			return note, err
		}
		for i := range found {
			found[i].Evidence = string(secret.Redact(detect, path, []byte(found[i].Evidence)))
		}
		return malware.Encode(found), nil
	}
}
