package assess

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/hardening"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/malware"
	"tidewaiter/match"
	"tidewaiter/secret"
	"tidewaiter/trust"
)

// Subject is what is known of one image, whatever environment it is for. Its fields are those of the JSON contract.
type Subject struct {
	// Data is nil where there was no advisory file: nothing was matched then.
	Data     *Data               `json:"data,omitempty"`
	Image    Image               `json:"image"`
	Packages []inventory.Package `json:"packages"`
	// Findings are sorted by package and id; [Sort] puts those to look at first to the front.
	Findings   []match.Finding   `json:"findings"`
	BlindSpots []image.BlindSpot `json:"blindSpots"`
	// UnusedStatements are the VEX statements that changed no finding, and why.
	UnusedStatements []match.UnusedStatement `json:"unusedStatements,omitempty"`
	// Manifests are those of the projects aboard; a stored report has none.
	Manifests []inventory.Manifest `json:"-"`
	// Files account for the files of the image; nil where they were not traced to who brought them.
	Files *Files `json:"files,omitempty"`
	// Malware, Secrets and Hardening are what the searches for them found; nil where none was made.
	Malware   *malware.Report   `json:"malware,omitempty"`
	Secrets   *secret.Report    `json:"secrets,omitempty"`
	Hardening *hardening.Report `json:"hardening,omitempty"`
	// Attestations are those of the image; nil where none was looked for.
	Attestations *Attestations `json:"attestations,omitempty"`
	// Provenance says who built the image from what; nil where nothing does.
	Provenance *trust.Provenance `json:"provenance,omitempty"`
	// Bindings are the signed ones that are attached to the image, whoever signed them; nil where there are none, or none were looked for.
	Bindings []trust.Binding `json:"bindings,omitempty"`
	// Rules are the effects that the user gave to rules in place of their own.
	Rules match.Settings `json:"rules,omitempty"`
}

// Data says which advisory data the findings rest on.
type Data struct {
	Revision string          `json:"revision"`
	Feeds    []advisory.Feed `json:"feeds"`
}

// Image is what was scanned.
type Image struct {
	Reference string `json:"reference"`
	// Repository is the one that it was fetched from, with its registry; empty for an image that came from a file.
	Repository string `json:"repository,omitempty"`
	Digest     string `json:"digest,omitempty"`
	// ID is the config's digest: the same wherever the image is kept.
	ID       string            `json:"id,omitempty"`
	Platform string            `json:"platform,omitempty"`
	Created  time.Time         `json:"created,omitzero"`
	OS       *inventory.OS     `json:"os,omitempty"`
	Base     *inventory.Base   `json:"base,omitempty"`
	Layers   []Layer           `json:"layers,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	// Config is nil where the image has none, or none that can be read.
	Config *Config `json:"config,omitempty"`
}

// Config is how a container of the image is run.
type Config struct {
	// User is empty where the image sets none: a container then runs as root.
	User       string   `json:"user,omitempty"`
	Entrypoint []string `json:"entrypoint,omitempty"`
	Cmd        []string `json:"cmd,omitempty"`
	WorkingDir string   `json:"workingDir,omitempty"`
	// Env has NAME=value; the value of what is named like a secret is left out.
	Env          []string `json:"env,omitempty"`
	ExposedPorts []string `json:"exposedPorts,omitempty"`
	Healthcheck  []string `json:"healthcheck,omitempty"`
}

// Layer is one layer of the image.
type Layer struct {
	Index  int    `json:"index"`
	DiffID string `json:"diffID,omitempty"`
	// Digest and Size (bytes) are those of the stored blob; absent where the source does not name its blobs.
	Digest      string `json:"digest,omitempty"`
	Size        int64  `json:"size,omitempty"`
	Instruction string `json:"instruction,omitempty"`
	// Read is "table-of-contents" where only that and the files that matter were fetched: the layer's diffID is then the
	// config's claim. It is absent where the whole layer was read.
	Read string `json:"read,omitempty"`
	// DockerfileLine is the line of the Dockerfile that made the layer, from 1.
	DockerfileLine int `json:"dockerfileLine,omitempty"`
}

// NewSubject puts together what is known of an image. info is nil where there was no advisory file to match against.
func NewSubject(im *image.Image, layers []*layer.Index, inv *inventory.Inventory, info *advisory.Info,
	findings []match.Finding, blindSpots []image.BlindSpot) *Subject {
	s := &Subject{
		Image:      describe(im, layers),
		Packages:   notNil(inv.Packages),
		Findings:   notNil(findings),
		BlindSpots: notNil(image.SortBlindSpots(slices.Concat(inv.BlindSpots, blindSpots))),
	}
	s.Image.Base, s.Manifests = inv.Base, inv.Manifests
	if inv.OS.ID != "" {
		s.Image.OS = &inv.OS
	}
	if info != nil {
		s.Data = &Data{Revision: info.Revision, Feeds: notNil(info.Feeds)}
	}
	return s
}

func describe(im *image.Image, layers []*layer.Index) Image {
	d := Image{Reference: im.Reference, Repository: im.Repository, Digest: im.Digest, ID: im.ID, Platform: im.Platform.String(),
		Created: im.Created, Labels: im.Labels, Config: config(im.Process)}
	for i, l := range im.Layers {
		out := Layer{Index: l.Index, DiffID: l.DiffID, Digest: l.Digest, Instruction: l.Instruction, DockerfileLine: l.DockerfileLine}
		if l.Digest != "" {
			out.Size = max(l.Size, 0)
		}
		if i < len(layers) && layers[i].DiffID != "" {
			out.DiffID = layers[i].DiffID
		}
		if i < len(layers) && layers[i].TOC {
			out.Read = "table-of-contents"
		}
		d.Layers = append(d.Layers, out)
	}
	return d
}

// secretName knows the names of variables whose values are not to be shown.
var secretName = regexp.MustCompile(`(?i)pass(word|wd|phrase)?|secret|token|credential|api_?key|private|access_?key|auth`)

func config(p *image.Process) *Config {
	if p == nil {
		return nil
	}
	c := &Config{User: p.User, Entrypoint: p.Entrypoint, Cmd: p.Cmd, WorkingDir: p.WorkingDir, ExposedPorts: p.ExposedPorts, Healthcheck: p.Healthcheck}
	for _, variable := range p.Env {
		if name, _, ok := strings.Cut(variable, "="); ok && secretName.MatchString(name) {
			variable = name + "=(not shown)"
		}
		c.Env = append(c.Env, variable)
	}
	return c
}

// notNil keeps an empty list a list: the contract says [] and never null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
