package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/hardening"
	"tidewaiter/image"
	"tidewaiter/layer"
	"tidewaiter/malware"
	"tidewaiter/malware/builtin"
	"tidewaiter/malware/clamd"
	"tidewaiter/malware/yara"
	"tidewaiter/secret"
	"tidewaiter/secret/detect"
	"tidewaiter/secret/verify"
	"tidewaiter/trust/approval"
)

// The words of --scanners: what is looked for. They are Trivy's, as far as it has them.
const (
	forVulnerabilities = "vuln"
	forMalware         = "malware"
	forSecrets         = "secret"
	forHardening       = "misconfig"
)

func scannerWords() []string {
	return []string{forVulnerabilities, forMalware, forSecrets, forHardening}
}

// scanners are what is looked for; none: everything.
type scanners []string

func (s *scanners) String() string { return strings.Join(*s, ",") }

func (s *scanners) Type() string { return "list" }

func (s *scanners) Set(text string) error {
	for word := range strings.SplitSeq(strings.ToLower(text), ",") {
		if word = strings.TrimSpace(word); !slices.Contains(scannerWords(), word) {
			return fmt.Errorf("unknown word %q: one of %s", word, strings.Join(scannerWords(), ", "))
		}
		*s = append(*s, word)
	}
	return nil
}

func (s scanners) has(word string) bool { return len(s) == 0 || slices.Contains(s, word) }

// searchOptions say what is looked for besides packages, and by whom.
type searchOptions struct {
	scanners scanners
	clamd    string
	yara     []string
	// verifySecrets are the rules whose secrets the services that they are for are asked about; none: nobody is asked anything.
	verifySecrets []string
	services      http.RoundTripper // nil: the network
}

func (o *searchOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&o.scanners, "scanners", "what to look for: a comma-separated list of "+strings.Join(scannerWords(), ", ")+" (default: everything)")
	o.addEngineFlags(f)
	f.StringSliceVar(&o.verifySecrets, "verify-secrets", nil, "send the secrets of these rules to the services that they are for, to learn whether they are good: a comma-separated list of rules, or all")
	offer(cmd, "scanners", scannerWords()...)
	offer(cmd, "verify-secrets", append(verify.Rules(), verify.All)...)
}

// addEngineFlags adds those that name engines, which a file may set.
func (o *searchOptions) addEngineFlags(f *pflag.FlagSet) {
	f.StringVar(&o.clamd, "clamd", "", "have ClamAV's daemon look at every file: the path of its socket, or tcp://HOST:PORT")
	f.StringSliceVar(&o.yara, "yara", nil, "have the program yara look at every file by the rules of a file or folder; may repeat")
}

// engine looks for malware.
type engine interface {
	layer.Sink
	Engine() malware.Engine
	Close() error
}

// search is what looks at the files of an image as they pass, and judges what was seen.
type search struct {
	engines   []engine
	detector  *detect.Detector // nil: secrets are not looked for
	hardening bool
	// known are the hashes of malware; nil where there are none. Only with them every file is hashed.
	known malware.Known
	// command judges a command line; nil where malware is not looked for.
	command func(line string) []malware.Found
	// quotes takes secrets out of what engines quote of a file.
	quotes *detect.Detector
	// ask has a service asked about a secret; nil: none is, and what a secret really is nobody keeps.
	ask func(rule, raw string) secret.Check
	// spots tell of the engines that were asked for and do not answer.
	spots []image.BlindSpot
}

// check refuses what no engine could work with, before any work is done.
func (o *searchOptions) check() error {
	if o.clamd != "" {
		if err := clamd.Check(o.clamd); err != nil {
			return fmt.Errorf("--clamd: %w", err)
		}
	}
	for _, rules := range o.yara {
		if _, err := os.Stat(rules); err != nil {
			return fmt.Errorf("--yara: %w", err)
		}
	}
	if len(o.verifySecrets) > 0 && !o.scanners.has(forSecrets) {
		return errors.New("--verify-secrets: no secrets are looked for: --scanners does not name " + forSecrets)
	}
	return nil
}

// begin gets the engines ready. db is nil where there is no advisory file. One that is asked for and out of reach is a blind spot.
func (o *searchOptions) begin(ctx context.Context, db *advisory.DB, r *redaction) (*search, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	detector, err := r.detectors()
	if err != nil {
		return nil, err
	}
	s := &search{hardening: o.scanners.has(forHardening), quotes: detector}
	if o.scanners.has(forMalware) {
		rules := builtin.New()
		s.engines, s.command = append(s.engines, rules), rules.Command
		s.known = newKnownMalware(db)
	}
	if o.clamd != "" {
		if e, err := clamd.New(ctx, o.clamd); err != nil {
			s.unreachable("ClamAV", malware.ClamAV, err)
		} else {
			s.engines = append(s.engines, e)
		}
	}
	if len(o.yara) > 0 {
		e, spots, err := yara.New(ctx, o.yara)
		s.spots = append(s.spots, spots...)
		if err != nil {
			s.unreachable("YARA", malware.YARA, err)
		} else {
			s.engines = append(s.engines, e)
		}
	}
	if o.scanners.has(forSecrets) {
		s.detector = detector
		if s.ask, err = o.asker(ctx); err != nil {
			return nil, err
		}
	}
	return s, ctx.Err()
}

// asker gives what asks the services about secrets; nil where the user wants none asked.
func (o *searchOptions) asker(ctx context.Context) (func(rule, raw string) secret.Check, error) {
	if len(o.verifySecrets) == 0 {
		return nil, nil
	}
	verifier, err := verify.New(o.verifySecrets, o.services)
	if err != nil {
		return nil, fmt.Errorf("--verify-secrets: %w", err)
	}
	return func(rule, raw string) secret.Check { return verifier.Check(ctx, rule, raw) }, nil
}

func (s *search) unreachable(name, sink string, err error) {
	s.spots = append(s.spots, image.BlindSpot{Kind: image.Unsearched, Where: name, By: sink, Message: "no file was looked at by " + name + ": " + err.Error()})
}

func (s *search) sinks() []layer.Sink {
	var sinks []layer.Sink
	for _, e := range s.engines {
		sinks = append(sinks, quoting{e, s.quotes})
	}
	switch {
	case s.detector == nil:
	case s.ask != nil:
		sinks = append(sinks, detect.Raw{Detector: s.detector})
	default:
		sinks = append(sinks, s.detector)
	}
	if s.hardening {
		sinks = append(sinks, hardening.Sink{})
	}
	return sinks
}

// digests says of which digests every file needs to be taken: all, as wanted says already or a list of hashes has others, or SHA-256 alone.
func (s *search) digests(wanted bool) (all, sha256 bool) {
	return wanted || s.known != nil && !s.known.SHA256Only(), s.known != nil
}

func (s *search) close() error {
	var errs []error
	for _, e := range s.engines {
		errs = append(errs, e.Close())
	}
	return errors.Join(errs...)
}

// inputs give the engines that are not a part of this program as inputs of a decision: each by its version and its rules.
func (s *search) inputs() ([]approval.Input, error) {
	if s == nil {
		return nil, nil
	}
	var list []approval.Input
	for _, e := range s.engines {
		if e.Name() == malware.Builtin {
			continue
		}
		raw, err := json.Marshal(e.Engine())
		if err != nil {
			return nil, err
		}
		list = append(list, approval.NewInput(approval.Engine, e.Name(), approval.DigestOf(raw)))
	}
	return list, nil
}

// addSearched puts into a subject what was looked for besides packages. A stored report says what was found when the image was read.
func (a *aboard) addSearched(subject *assess.Subject) {
	if r := a.earlier; r != nil {
		subject.Malware, subject.Secrets, subject.Hardening = r.Malware, r.Secrets, r.Hardening
	} else if a.search != nil {
		a.search.judge(a, subject)
	}
}

// judge says what was seen, now that it is known who brought which file.
func (s *search) judge(a *aboard, subject *assess.Subject) {
	spots := slices.Clone(s.spots)
	if len(s.engines) > 0 {
		by := malware.Search{Known: s.known, Command: s.command}
		for _, e := range s.engines {
			by.Engines = append(by.Engines, e.Engine())
		}
		found, unsearched := malware.Judge(a.image, a.layers, a.inventory, a.traced(), by)
		subject.Malware, spots = found, append(spots, unsearched...)
	}
	if s.detector != nil {
		found, unsearched := secret.Judge(a.redactor, a.image, a.layers, a.inventory, a.traced())
		found.Detectors = s.detector.Described()
		if s.ask != nil {
			a.redactor.Ask(found, s.ask)
		}
		subject.Secrets, spots = found, append(spots, unsearched...)
	}
	if s.hardening {
		unsearched, _ := layer.Unsearched(a.layers, hardening.SinkName, "weaknesses")
		spots = append(spots, unsearched...)
		subject.Hardening = hardening.Judge(&hardening.Subject{Image: a.image, Inventory: a.inventory, Layers: a.layers, Trace: a.traced(), Dockerfile: a.recipe, Args: a.arguments})
	}
	subject.BlindSpots = image.SortBlindSpots(append(subject.BlindSpots, spots...))
}
