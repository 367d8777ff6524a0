package hardening

import (
	"fmt"
	"strings"
	"time"

	"tidewaiter/inventory"
)

// annotation is the prefix of the keys that the OCI image specification names:
// https://github.com/opencontainers/image-spec/blob/main/annotations.md
const annotation = "org.opencontainers.image."

// labelMissing asks for what leads from an image back to its source.
func labelMissing(j *judging) {
	for _, name := range []string{"created", "revision", "source", "version"} {
		if strings.TrimSpace(j.label(annotation+name)) == "" {
			j.found(Finding{Subject: annotation + name, Title: "there is no " + annotation + name,
				Mend: fmt.Sprintf("docker build --label %s=...", annotation+name)})
		}
	}
}

// labelStale looks for annotations that tell of another image.
func labelStale(j *judging) {
	j.staleCreated()
	for _, name := range []string{"created", "description", "documentation", "ref.name", "revision", "source", "title", "url", "version"} {
		key := annotation + name
		value := j.Image.Labels[key]
		if value == "" || j.Image.Annotations[key] != "" || name == "created" && j.Image.Created.IsZero() {
			continue
		}
		// What only the base's part of the history sets, to what it is now, is the base's own.
		if at := j.labelling(key); at.Origin == inventory.OfBase && strings.Contains(at.Instruction, value) && j.hasOwnSteps() {
			j.found(Finding{Subject: key, Title: fmt.Sprintf("%s is the base's: %s", key, shown(value)), Place: at})
		}
	}
	if b := j.Inventory.Base; b != nil && b.Sure == inventory.Contradicted && b.Evidence != inventory.FromProvenance {
		j.found(Finding{Subject: annotation + "base.name", Title: "the base that is named is not the one that it was built on: " + shown(b.Reference),
			Place: j.labelling(annotation + "base.name")})
	}
}

// staleCreated holds the time that a label gives against the one that the builder wrote.
func (j *judging) staleCreated() {
	const tolerated = 48 * time.Hour // a build may take a night, and a clock a day
	const firstYear = 1990           // builders that write no time write one of the first years
	value := j.label(annotation + "created")
	if value == "" || j.Image.Created.Year() < firstYear {
		return
	}
	f := Finding{Subject: annotation + "created", Place: j.labelling(annotation + "created")}
	switch created, err := time.Parse(time.RFC3339, value); {
	case err != nil:
		f.Title = "it is no time as RFC 3339 writes it: " + shown(value)
	case j.Image.Created.Sub(created) > tolerated:
		f.Title = fmt.Sprintf("it says %s, and the image was made on %s", created.UTC().Format(time.DateOnly), j.Image.Created.UTC().Format(time.DateOnly))
	default:
		return
	}
	f.Title = f.Subject + ": " + f.Title
	j.found(f)
}

// hasOwnSteps says whether something was built on the base.
func (j *judging) hasOwnSteps() bool {
	return len(j.steps) > 0 && j.steps[len(j.steps)-1].place.Origin == inventory.OfApp
}

// shown keeps a value of the image short, and in a line, without the user's part of an address.
func shown(value string) string {
	return clipped(withoutPassword(strings.Join(strings.Fields(value), " ")))
}
