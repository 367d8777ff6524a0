package assess

import (
	"cmp"
	"fmt"
	"slices"

	"tidewaiter/match"
	"tidewaiter/vex"
)

// malicious demands that no package is malicious, and no file held to be malware by a rule of severity high or critical.
func malicious(j *judging) outcome {
	packages := j.findings("malicious", func(f *match.Finding) bool { return f.Malicious })
	files, lighter := j.inTheWay(vex.Malware, match.High)
	switch {
	case len(files) > 0:
		return maliciousFiles(packages, files)
	case packages.verdict != Pass:
		return packages
	case j.subject.Malware == nil && len(j.subject.Image.Layers) == 0: // a list of packages has no files
		return met("no package is malicious; there were no files to search")
	case j.subject.Malware == nil:
		return cannotTell("no package is malicious, and the files were not searched for malware", "scan the image itself, with malware among --scanners", "no search for malware")
	}
	return met("nothing malicious" + besides(lighter, match.High))
}

// maliciousFiles is the outcome where files are held to be malware, and packages may be malicious besides.
func maliciousFiles(packages outcome, files []offender) outcome {
	if packages.verdict == Unknown {
		packages.offenders = nil // that nothing was matched takes nothing from what was found
	}
	return outcome{Fail, slices.Concat(packages.offenders, files), func(counting []offender) (reason, step string) {
		step = "take it out of the instruction that brings it, and change every secret that was in its reach"
		if f := counting[0].finding; f != nil {
			step = remedy(f)
		}
		return fmt.Sprintf("%d malicious", len(counting)), step
	}}
}

// inTheWay lists what of a kind stands and is of a severity or a graver one, and counts what is of a lighter one.
func (j *judging) inTheWay(kind vex.Contraband, least match.Level) (list []offender, lighter int) {
	for _, c := range standingContraband(j.subject, kind) {
		if c.severity.Rank() > least.Rank() && c.severity != match.Unknown { // what nobody has rated may be grave
			lighter++
			continue
		}
		list = append(list, offender{key: c.key(), id: c.id, shown: shownContraband(&c)})
	}
	return list, lighter
}

func shownContraband(c *contraband) string {
	_, rule := vex.ContrabandOf(c.id)
	text := fmt.Sprintf("%s in %s", cmp.Or(rule, c.title), c.where())
	if c.Hidden != nil {
		text += fmt.Sprintf(" (hidden in layer %d)", c.LayerIndex())
	}
	return text
}

// besides says that there are some that do not count.
func besides(lighter int, least match.Level) string {
	if lighter == 0 {
		return ""
	}
	return fmt.Sprintf("; %d of severity under %s, which do not count here", lighter, least)
}

// secrets demands that no secret is aboard.
func secrets(j *judging) outcome {
	if j.subject.Secrets == nil {
		return cannotTell("the report has no search for secrets", "scan the image itself, with secret among --scanners", "no search for secrets")
	}
	least := cmp.Or(j.env.Goals.Secrets.Severity, match.Medium)
	list, lighter := j.inTheWay(vex.Secret, least)
	if len(list) == 0 {
		return met("no secret was found" + besides(lighter, least))
	}
	return outcome{Fail, list, func(counting []offender) (reason, step string) {
		return count(len(counting), "secret"), "take it out of the instruction that brings it, and replace it where it is used"
	}}
}
