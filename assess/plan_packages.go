package assess

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/version"
)

// groups puts findings together that one change ends, in the order in which their keys are first met.
func groups(s *Subject, indexes []int, key func(f *match.Finding) string) [][]int {
	at := map[string]int{}
	var out [][]int
	for _, i := range indexes {
		k := key(&s.Findings[i])
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out = append(out, nil)
		}
		out[n] = append(out[n], i)
	}
	return out
}

// standing gives the indexes of the standing findings of which something holds.
func standing(s *Subject, of func(f *match.Finding) bool) []int {
	var out []int
	for i := range s.Findings {
		if f := &s.Findings[i]; f.Quieted == nil && of(f) {
			out = append(out, i)
		}
	}
	return out
}

func (s *Subject) found(indexes []int) []match.Finding {
	out := make([]match.Finding, 0, len(indexes))
	for _, i := range indexes {
		out = append(out, s.Findings[i])
	}
	return out
}

// malwarePlans remove malicious packages.
func malwarePlans(s *Subject) []plan {
	var plans []plan
	malicious := standing(s, func(f *match.Finding) bool { return f.Malicious })
	if len(malicious) == 0 {
		return nil
	}
	d := newDependencies(s, nil)
	for _, same := range groups(s, malicious, func(f *match.Finding) string { return f.Package }) {
		p := s.Findings[same[0]].Of
		ends := standing(s, func(f *match.Finding) bool { return f.Package == p.PURL })
		brought, command := d.bringer(p)
		plans = append(plans, plan{ends: ends, removes: []string{p.PURL}, Step: Step{
			Kind: Remove, Title: fmt.Sprintf("remove malware: %s %s%s", p.Name, p.Version, brought), Where: s.place(p), Cost: StepCost{Packages: 1},
			Command: command, Note: "change every secret that was in its reach, wherever the image ran",
		}})
	}
	return plans
}

// languagePlans upgrade packages that no distribution installed: by the dependency that brings them where that is known, else each by
// itself.
func languagePlans(s *Subject, o Options) []plan {
	open := standing(s, func(f *match.Finding) bool {
		return !f.Of.OfDistribution() && f.Of.Owner == "" && !isDistribution(s, f) && fixable(f)
	})
	plans := dependencyPlans(s, slices.Clone(open), o)
	planned := map[int]bool{}
	for i := range plans {
		p := &plans[i]
		if p.Edit == nil && strings.HasSuffix(p.Command, omitDev) {
			if edit, err := o.Dockerfile.OmitDev(); err == nil {
				p.Edit, p.Where, p.Command = edit, edit.place(), s.build()
			}
		}
		for _, i := range p.ends {
			planned[i] = true
		}
	}
	open = slices.DeleteFunc(open, func(i int) bool { return planned[i] })
	for _, same := range groups(s, open, func(f *match.Finding) string {
		if f.Kind == match.KindEndOfLife && f.Severity == match.Low { // the line of releases that is supported is far off, and no step to other fixes
			return "move " + f.Package
		}
		return "upgrade " + f.Package
	}) {
		plans = append(plans, upgradePlan(s, same))
	}
	return plans
}

// upgradePlan upgrades one package by itself.
func upgradePlan(s *Subject, same []int) plan {
	p := s.Findings[same[0]].Of
	to := target(s.found(same))
	step := Step{Kind: Bump, Where: s.place(p), Cost: StepCost{Change: changeBetween(p.Version, to), Packages: 1}, To: map[string]string{p.PURL: to}}
	step.Title = fmt.Sprintf("upgrade %s %s -> %s", p.Name, p.Version, to)
	if p.Ecosystem != "" {
		step.Title = fmt.Sprintf("bump %s %s -> %s", short(p), p.Version, to)
	}
	if p.Type == "golang" && p.Name == "stdlib" {
		step.Kind, step.Title = Rebuild, fmt.Sprintf("rebuild with Go %s -> %s", p.Version, to)
	}
	return plan{Step: step, ends: same}
}

// isDistribution says whether a finding is the end of the image's own distribution, which a move of the base alone ends.
func isDistribution(s *Subject, f *match.Finding) bool {
	return f.Kind == match.KindEndOfLife && s.Image.OS != nil && f.Of.Type == "generic" && f.Of.Name == s.Image.OS.ID && f.Of.Version == s.Image.OS.VersionID
}

// distributionPlans upgrade packages of the distribution: those of the image's own instructions by building again, those of the base by an
// instruction, as far as no newer base of the same release ends their findings. Building again upgrades all that is installed anew, so it is one step.
func distributionPlans(s *Subject, o Options, others []plan) []plan {
	moved := map[int]bool{}
	for _, p := range others {
		if p.base == nil || !p.sameRelease {
			continue
		}
		for _, i := range p.ends {
			moved[i] = true
		}
	}
	var own, base, pinned []int
	for _, i := range standing(s, func(f *match.Finding) bool { return f.Of.OfDistribution() && fixable(f) }) {
		switch f := &s.Findings[i]; {
		case pin(f.Of) != "":
			pinned = append(pinned, i)
		case s.installedHere(f.Of):
			own = append(own, i)
		case !moved[i]:
			base = append(base, i)
		}
	}
	var plans []plan
	if len(own) > 0 {
		plans = append(plans, rebuildPlan(s, own))
	}
	for _, same := range groups(s, base, func(f *match.Finding) string { return f.Of.Type + layerKey(f.Of) }) {
		plans = append(plans, upgradeInPlace(s, o, same, own))
	}
	for _, same := range groups(s, pinned, func(f *match.Finding) string { return f.Of.Type + f.Of.Name + layerKey(f.Of) }) {
		plans = append(plans, pinPlan(s, o, same))
	}
	return plans
}

// installedHere says whether an instruction of the image's own installs the package from the distribution's repository, so that building
// again brings the newest.
func (s *Subject) installedHere(p *inventory.Package) bool {
	return p.Layer != nil && p.Origin != inventory.OfBase && installs(p.Instruction)
}

// installs says whether an instruction runs a package manager that installs something.
func installs(instruction string) bool {
	return manager.MatchString(instruction)
}

var manager = regexp.MustCompile(`\b(apt-get|apt|aptitude|apk|dnf|microdnf|yum|tdnf|zypper)\b[^;&|]*\b(install|add|in|upgrade|dist-upgrade|full-upgrade|update)\b`)

// pin is the version that the package's instruction demands; empty where it takes any.
func pin(p *inventory.Package) string {
	for _, word := range strings.FieldsFunc(p.Instruction, func(c rune) bool { return c <= ' ' || strings.ContainsRune(`;&|"'\()`, c) }) {
		if name, v, ok := strings.Cut(word, "="); ok && name == p.Name && v != "" && strings.Trim(v, "~=<>") == p.Version {
			return v
		}
	}
	return ""
}

func rebuildPlan(s *Subject, own []int) plan {
	found := s.found(own)
	places := s.places(found)
	step := Step{
		Kind: Upgrade, Title: "upgrade " + packages(found), Where: places[0],
		Cost:    StepCost{Change: Rebuilt, Packages: countPackages(found)},
		Command: s.build(),
		Note:    "no line changes: a build that does not use its cache installs the newest packages",
	}
	if len(places) > 1 {
		step.Note = fmt.Sprintf("no line changes: a build that does not use its cache installs the newest packages, also those of %s", strings.Join(places[1:], "; "))
	}
	return plan{Step: step, ends: own}
}

// upgradeInPlace upgrades what the base brought in an instruction of the image's own. What other instructions install is then installed
// anew, too.
func upgradeInPlace(s *Subject, o Options, same, own []int) plan {
	found := s.found(same)
	p := found[0].Of
	command := upgradeCommand(p.Type)
	step := Step{
		Kind: Upgrade, Title: "upgrade " + packages(found), Where: s.layerPlace(p),
		Cost: StepCost{Change: Patch, Packages: countPackages(found)},
		Note: "in an instruction of your own: RUN " + command,
	}
	ends := same
	all := slices.Sorted(slices.Values(slices.Concat(same, own)))
	switch edit, err := o.Dockerfile.AddUpgrade(p.Type); {
	case err == nil:
		step.Edit, step.Where, step.Note = edit, edit.place(), ""
		step.Command, ends = s.build(), all
	case errors.Is(err, errUpgrades):
		step.Note, step.Cost.Change = err.Error(), Rebuilt
		step.Command, ends = s.build(), all
	case p.Origin == inventory.OfBase:
		step.Note += "; no newer build of the base is known that has them"
	}
	return plan{Step: step, ends: ends}
}

// upgradeCommand upgrades every package of a distribution.
func upgradeCommand(purlType string) string {
	switch purlType {
	case "apk":
		return "apk upgrade --no-cache"
	case "rpm":
		return "dnf upgrade -y && dnf clean all"
	}
	return "apt-get update && apt-get upgrade -y && rm -rf /var/lib/apt/lists/*"
}

// pinPlan moves the version that an instruction demands of a package.
func pinPlan(s *Subject, o Options, same []int) plan {
	found := s.found(same)
	p := found[0].Of
	to := target(found)
	step := Step{
		Kind: Upgrade, Title: fmt.Sprintf("upgrade %s %s -> %s", p.Name, p.Version, to), Where: s.layerPlace(p),
		Cost: StepCost{Change: Patch, Packages: 1}, To: map[string]string{p.PURL: to},
		Note: fmt.Sprintf("the instruction demands %s=%s, so that building again changes nothing", p.Name, pin(p)),
	}
	if edit, err := o.Dockerfile.SetPin(p.Name, pin(p), to); err == nil {
		step.Edit, step.Where = edit, edit.place()
	}
	return plan{Step: step, ends: same}
}

// build is the command that builds the image again from the newest packages and the newest base.
func (s *Subject) build() string {
	const command = "docker build --pull --no-cache "
	name := s.Image.Reference
	for _, scheme := range []string{"registry://", "registry:", "docker://", "docker:", "image://", "local://"} {
		name = strings.TrimPrefix(name, scheme)
	}
	if s.Image.Repository == "" || !imageName.MatchString(name) {
		return command + "." // it was read from a file
	}
	return command + "-t " + name + " ."
}

// imageName knows names with a tag, and none that a shell would read otherwise.
var imageName = regexp.MustCompile(`^[a-z0-9][a-z0-9._/-]*(:[0-9]+/[a-z0-9._/-]+)?:[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

func countPackages(found []match.Finding) int {
	names := map[string]bool{}
	for _, f := range found {
		names[f.Package] = true
	}
	return len(names)
}

// fix is the lowest version that ends a finding; empty where none does. What comes before a release is none, unless the package is
// of that kind itself.
func fix(f match.Finding) string {
	for _, v := range f.Fixed {
		if !preRelease.MatchString(v) || preRelease.MatchString(f.Of.Version) {
			return v
		}
	}
	return ""
}

// preRelease knows the marks that ecosystems put on what comes before a release: 3.15.0a6, 2.0.0-rc.1, 1.0-beta, but not OpenSSL's 1.0.2b.
var preRelease = regexp.MustCompile(`(?i)[0-9][-._]?((a|b|c|m|rc|alpha|beta|pre|preview|dev)[-._]?[0-9]+|rc|alpha|beta|pre|preview|dev|snapshot)$`)

// Target is the lowest version that ends every one of a package's findings that can be ended; empty where none has a fix that can be had: what
// a distribution made a package of is fixed by the distribution alone.
func Target(findings []match.Finding) string {
	return target(slices.DeleteFunc(slices.Clone(findings), func(f match.Finding) bool { return f.Of.Owner != "" }))
}

// target is the lowest version that ends every one of a package's findings that can be ended: the highest of the lowest
// fixes. It is empty when none has a fix.
func target(closed []match.Finding) string {
	var highest string
	for i := range closed {
		lowest := fix(closed[i])
		if highest == "" || lowest == "" {
			highest = cmp.Or(highest, lowest)
			continue
		}
		// A fix that cannot be compared leaves it as it is: match has compared these same versions already.
		if c, err := version.Compare(match.Order(closed[i].Of), lowest, highest); err == nil && c > 0 {
			highest = lowest
		}
	}
	return highest
}

// packages names what is upgraded: by the source package, since a distribution fixes that one.
func packages(closed []match.Finding) string {
	count := map[string]int{}
	for _, f := range closed {
		count[sourceName(f.Of)]++
	}
	names := make([]string, 0, len(count))
	for n := range count {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(-cmp.Compare(count[a], count[b]), cmp.Compare(a, b)) })
	const shown = 3
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

func sourceName(p *inventory.Package) string {
	if p.Source != nil {
		return p.Source.Name
	}
	return p.Name
}

func layerKey(p *inventory.Package) string {
	if p.Layer == nil {
		return ""
	}
	return fmt.Sprint(*p.Layer)
}

func (s *Subject) place(p *inventory.Package) string {
	return cmp.Or(p.Place(), s.layerPlace(p))
}

// places are the layers' places of findings, each once.
func (s *Subject) places(found []match.Finding) []string {
	var list []string
	for _, f := range found {
		if where := s.layerPlace(f.Of); !slices.Contains(list, where) {
			list = append(list, where)
		}
	}
	slices.Sort(list)
	return list
}

// layerPlace names the line of the Dockerfile that brought a package, or else the layer and its instruction.
func (s *Subject) layerPlace(p *inventory.Package) string {
	switch {
	case p.Layer == nil:
		return ""
	case *p.Layer < len(s.Image.Layers) && s.Image.Layers[*p.Layer].DockerfileLine > 0:
		return fmt.Sprintf("Dockerfile:%d", s.Image.Layers[*p.Layer].DockerfileLine)
	case p.Instruction == "":
		return fmt.Sprintf("layer %d", *p.Layer)
	}
	return fmt.Sprintf("layer %d: %s", *p.Layer, p.Instruction)
}
