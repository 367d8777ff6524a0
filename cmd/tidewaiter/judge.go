package main

import (
	"errors"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/report"
)

// judge matches what is aboard, says what it means in the environment, and puts the report together.
func (o *scanOptions) judge(a *aboard, db *advisory.DB, now time.Time) (*report.Report, error) {
	tool := report.Tool{Name: "tidewaiter", Version: release}
	if unmatched := o.unmatched(db); unmatched != "" {
		spot := image.BlindSpot{Kind: image.NoFeed, Packages: inventory.CountPackages(a.inventory.Packages), Message: unmatched}
		subject := assess.NewSubject(a.image, a.layers, a.inventory, nil, nil, []image.BlindSpot{spot})
		a.addSearched(subject)
		if st := a.statements; st != nil {
			subject.UnusedStatements = subject.Except(st.aboard, match.Exceptions{List: st.own, Now: now})
		}
		a.addPapers(subject)
		return report.New(tool, subject, nil), nil
	}
	env, err := o.environment(imageFacts(a.image))
	if err != nil {
		return nil, err
	}
	subject, err := o.find(a, db, &env, now)
	if err != nil {
		return nil, err
	}
	assessment, err := o.assess(subject, a, db, env, now)
	if err != nil {
		return nil, err
	}
	return report.New(tool, subject, assessment), nil
}

// unmatched says why nothing is held against the advisories; empty where it is.
func (o *scanOptions) unmatched(db *advisory.DB) string {
	switch {
	case !o.search.scanners.has(forVulnerabilities):
		return "vulnerabilities were not looked for: --scanners does not name " + forVulnerabilities
	case db == nil:
		return "no advisory file, so nothing was matched: make one with tidewaiter db update"
	}
	return ""
}

// find holds what is aboard against the advisories, and what others and the user say of it against the findings.
func (o *scanOptions) find(a *aboard, db *advisory.DB, env *assess.Environment, now time.Time) (*assess.Subject, error) {
	findings, spots, err := a.match(db, match.Settings(o.rules))
	if err != nil {
		return nil, err
	}
	ended, endedSpots, err := match.EndOfLife(a.inventory, db, now)
	if err != nil {
		return nil, err
	}
	findings, spots = append(findings, ended...), append(spots, endedSpots...)
	match.SortFindings(findings)
	var unused []match.UnusedStatement
	if st := a.statements; st != nil {
		unused = st.aboard.State(findings, st.list, match.Exceptions{List: st.own, Demands: demands(env), Now: now})
		spots = append(spots, st.unread...)
	}
	spots = append(spots, o.quietOrigin(a.inventory, findings)...)
	info := db.Info()
	if o.maxAge > 0 {
		spots = append(spots, match.Stale(a.inventory, info, now, o.maxAge)...)
	}
	subject := assess.NewSubject(a.image, a.layers, a.inventory, &info, findings, spots)
	subject.UnusedStatements, subject.Rules = unused, match.Settings(o.rules)
	a.addSearched(subject)
	if st := a.statements; st != nil {
		unused := subject.Except(st.aboard, match.Exceptions{List: st.own, Demands: demands(env), Now: now})
		subject.UnusedStatements = append(subject.UnusedStatements, unused...)
		match.SortUnused(subject.UnusedStatements)
	}
	o.addFiles(subject, a, env)
	a.addPapers(subject)
	return subject, nil
}

// assess says what the findings mean in the environment: with the bases that are known, the user's own manifests, and what ran there before.
func (o *scanOptions) assess(subject *assess.Subject, a *aboard, db *advisory.DB, env assess.Environment, now time.Time) (*assess.Assessment, error) {
	options := assess.Options{Now: now, Bindings: o.settings().Bindings, Dockerfile: a.dockerfile}
	var err error
	if options.Bases, err = o.candidates(a, db, now); err != nil {
		return nil, err
	}
	if len(options.Bases) > 0 {
		options.Needs = a.inventory.Reach.Needs()
	}
	if options.Manifests, err = o.sources.manifests(); err != nil {
		return nil, err
	}
	running, since := o.running(env.Name, a.image.Repository)
	if options.Since = since; o.firstSeen != nil {
		options.Since = o.firstSeen(&subject.Image, subject.Findings)
	}
	if o.baseline != nil {
		if options.Baseline, err = o.baseline(&subject.Image, env.Name); err != nil {
			return nil, err
		}
	}
	assessment := assess.Assess(subject, env, options)
	assessment.Running = running
	return assessment, nil
}

// checkOrigin refuses what would quiet all there is.
func (o *scanOptions) checkOrigin() error {
	if o.onlyBase && o.ignoreBase {
		return errors.New("--only-base and --ignore-base together leave nothing: give one of them")
	}
	return nil
}

// quietOrigin does what --only-base and --ignore-base ask. Where it is not known which layers are the base's, everything
// stands, and a blind spot says why; and so it does where they are only claimed, since the image may claim anything.
func (o *scanOptions) quietOrigin(inv *inventory.Inventory, findings []match.Finding) []image.BlindSpot {
	flag, origin := "--ignore-base", inventory.OfBase
	switch {
	case o.onlyBase:
		flag, origin = "--only-base", inventory.OfApp
	case !o.ignoreBase:
		return nil
	}
	if inv.Base == nil || inv.Base.Layers == 0 {
		return []image.BlindSpot{{Kind: image.UnknownBase,
			Message: "the layers of the base image are not known, so " + flag + " quieted nothing: tidewaiter base add makes a base known"}}
	}
	match.QuietOrigin(findings, origin, flag)
	if inv.Base.Sure != inventory.Exact {
		return []image.BlindSpot{{Kind: image.UnknownBase,
			Message: "which layers are the base image's is only claimed by the image's own " + string(inv.Base.Evidence) + ", and " + flag + " went by it: tidewaiter base add proves it"}}
	}
	return nil
}
