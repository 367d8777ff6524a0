package vex

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Exception is a statement of the user's own that holds for a time: a risk that somebody accepts, or a finding that does not apply.
// How it is kept in an OpenVEX document, [ParseExceptions] says.
type Exception struct {
	// Vulnerabilities are the names of the vulnerability, the first one its own.
	Vulnerabilities []string `json:"vulnerabilities"`
	// Image is a pattern of the images that are meant, as [Image.Like] reads it; empty: all.
	Image string `json:"image,omitempty"`
	// Product is the package that is meant, or one inside another; none: every package.
	Product Product `json:"-"`
	// Path is a pattern of the files that are meant, with a leading slash, and Subject one of what is meant that is no file: a variable, a label,
	// a port. Both are for what is no vulnerability; empty: all.
	Path    string `json:"path,omitempty"`
	Subject string `json:"subject,omitempty"`
	// Environments are those in which it holds; none: all.
	Environments []string `json:"environments,omitempty"`
	// Status is [Affected] for a risk that is accepted, and [NotAffected], with its justification, for a finding that does not apply.
	Status        Status `json:"status"`
	Justification string `json:"justification,omitempty"`
	Owner         string `json:"owner,omitempty"`
	Approver      string `json:"approver,omitempty"`
	Reason        string `json:"reason,omitempty"`
	End           End    `json:"end,omitzero"`
	// Time is when it was made, or last changed.
	Time time.Time `json:"time,omitzero"`
	// File is where it was read, and Index which of the file's statements it is, from 0.
	File  string `json:"file,omitempty"`
	Index int    `json:"-"`
	// Wrong says why it can never hold; empty where nothing is wrong with it.
	Wrong string `json:"-"`
}

// End is when an exception stops: on a day, when there is a fix, or at the first of both.
type End struct {
	// Day (YYYY-MM-DD, UTC) is the first on which it does not hold any more; empty where none is set.
	Day string `json:"day,omitempty"`
	// Fix says that it ends when a version is known that ends the problem.
	Fix bool `json:"fix,omitempty"`
}

// ParseEnd reads "2027-01-31", "fix", or both with "or" or a comma between them.
func ParseEnd(text string) (End, error) {
	var e End
	for part := range strings.SplitSeq(strings.ReplaceAll(text, " or ", ","), ",") {
		switch part = strings.TrimSpace(part); {
		case part == "fix" && !e.Fix:
			e.Fix = true
		case isDay(part) && e.Day == "":
			e.Day = part
		default:
			return End{}, fmt.Errorf("%q is no end: write a day as 2027-01-31, or fix (until there is one), or both as \"2027-01-31 or fix\"", text)
		}
	}
	return e, nil
}

func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// String is the end as [ParseEnd] reads it.
func (e End) String() string {
	if e.Day != "" && e.Fix {
		return e.Day + " or fix"
	}
	if e.Fix {
		return "fix"
	}
	return e.Day
}

// Package is the package URL of the package that is meant, inside which other one if it says so; empty for all.
func (e *Exception) Package() string { return e.Product.String() }

// What is what it is about, in words: a package, a path, a subject; empty for all.
func (e *Exception) What() string {
	parts := []string{e.Path, e.Subject, e.Package()}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " of ")
}

// Scope is where it holds, in words.
func (e *Exception) Scope() string {
	parts := []string{cmp.Or(e.What(), "every package"), "in " + cmp.Or(e.Image, "every image")}
	if e.About() != "" {
		parts[0] = cmp.Or(e.What(), "every place")
	}
	if len(e.Environments) > 0 {
		parts = append(parts, "for "+strings.Join(e.Environments, ", "))
	}
	return strings.Join(parts, " ")
}

// Key tells exceptions apart: two with one key speak of the same vulnerability in the same scope.
func (e *Exception) Key() string {
	environments := slices.Sorted(slices.Values(e.Environments))
	parts := []string{strings.ToUpper(e.Vulnerabilities[0]), strings.ToLower(e.Image), e.Package(), strings.Join(environments, ",")}
	if e.Path != "" || e.Subject != "" {
		parts = append(parts, e.Path, e.Subject)
	}
	return strings.Join(parts, "\x00")
}

// For says whether it holds in an environment.
func (e *Exception) For(environment string) bool {
	return len(e.Environments) == 0 || slices.Contains(e.Environments, environment)
}

// Covers says whether the scope of another exception for the same vulnerability lies within this one's.
func (e *Exception) Covers(other *Exception) bool {
	environments := len(e.Environments) == 0 || len(other.Environments) > 0 &&
		!slices.ContainsFunc(other.Environments, func(name string) bool { return !slices.Contains(e.Environments, name) })
	image := e.Image == "" || other.Image != "" && (strings.EqualFold(e.Image, other.Image) || !hasWildcard(other.Image) && e.likeText(other.Image))
	return environments && image && e.coversPackage(other) && coversText(e.Path, other.Path) && coversText(e.Subject, other.Subject)
}

func (e *Exception) coversPackage(other *Exception) bool {
	if len(e.Product) == 0 || e.Package() == other.Package() {
		return true
	}
	if len(e.Product) != 1 || len(other.Product) != 1 {
		return false
	}
	a, ok := ParsePURL(e.Product[0].String())
	b, too := ParsePURL(other.Product[0].String())
	return ok && too && a.Key == b.Key && a.Version == "" && len(a.Qualifiers) == 0
}

// coversText says whether a pattern means all that another means, as far as can be told.
func coversText(pattern, other string) bool {
	return pattern == "" || pattern == other || other != "" && !hasWildcard(other) && Glob(pattern, other)
}

func (e *Exception) likeText(reference string) bool {
	r := parseReference(reference)
	im := Image{Name: r.Name, Tag: r.Tag}
	if r.Digest != "" {
		im.Digests = []string{r.Digest}
	}
	if strings.Contains(reference, "/") {
		im.Repository = r.Repository
	}
	return im.Like(e.Image)
}

// Justifications are OpenVEX's labels for why something is not affected.
func Justifications() []string {
	return []string{componentNotPresent, codeNotPresent, codeNotExecuted, codeNotControlled, alreadyMitigated}
}

// Check says in one line what an exception lacks.
func (e *Exception) Check() error {
	switch {
	case len(e.Vulnerabilities) == 0 || e.Vulnerabilities[0] == "":
		return errors.New("it names no vulnerability")
	case strings.TrimSpace(e.Owner) == "":
		return errors.New("it has no owner")
	case strings.TrimSpace(e.Reason) == "":
		return errors.New("it gives no reason")
	case e.End == End{}:
		return errors.New("it has no end")
	case e.End.Day != "" && !isDay(e.End.Day):
		return fmt.Errorf("its end %q is no day", e.End.Day)
	}
	if err := e.checkPlace(); err != nil {
		return err
	}
	switch e.Status {
	case Affected:
		if e.Justification != "" {
			return errors.New("it has a justification, which only not_affected has")
		}
	case NotAffected:
		if !slices.Contains(Justifications(), e.Justification) {
			return fmt.Errorf("a finding that does not apply needs a justification: one of %s", strings.Join(Justifications(), ", "))
		}
	default:
		return fmt.Errorf("its status is %q: an exception is affected (the risk is accepted) or not_affected", e.Status)
	}
	return nil
}

// Lapse is the kind of reason for which an exception does not hold where it could.
type Lapse string

// The lapses.
const (
	// Incomplete is one that lacks what an exception must have, or cannot be understood.
	Incomplete Lapse = "incomplete"
	Expired    Lapse = "expired"
	// FixExists is the end of one that holds until there is a fix.
	FixExists Lapse = "fix-exists"
	// Unapproved and TooLong fail the demands of the environment.
	Unapproved Lapse = "unapproved"
	TooLong    Lapse = "too-long"
)

// Demands are what an environment demands of exceptions.
type Demands struct {
	Environment string
	// Approver says that somebody besides the owner must have approved.
	Approver bool
	// Longest is for how long one may be made; 0: any time.
	Longest time.Duration
}

// Lapsed says why an exception does not hold at a time; empty where it does, and its scope fits. Whether a fix exists is another question,
// which each finding answers.
func (e *Exception) Lapsed(d Demands, now time.Time) (Lapse, string) {
	switch {
	case e.Wrong != "":
		return Incomplete, e.Wrong
	case e.End.Day != "" && e.End.Day <= now.UTC().Format(time.DateOnly):
		return Expired, "expired on " + e.End.Day
	case d.Approver && e.Approver == "":
		return Unapproved, d.Environment + " demands an approver, and it has none"
	case d.Approver && strings.EqualFold(strings.TrimSpace(e.Approver), strings.TrimSpace(e.Owner)):
		return Unapproved, d.Environment + " demands an approver, and the owner is none"
	case d.Longest > 0 && e.End.Day == "":
		return TooLong, fmt.Sprintf("%s demands an end within %s, and it has no day", d.Environment, days(d.Longest))
	case d.Longest > 0 && e.length(now) > d.Longest:
		return TooLong, fmt.Sprintf("%s allows %s, and it ends %s after it was made", d.Environment, days(d.Longest), days(e.length(now)))
	}
	return "", ""
}

// length is for how long the exception was made. One that claims to be of the future is of today.
func (e *Exception) length(now time.Time) time.Duration {
	made := e.Time
	if made.IsZero() || made.After(now) {
		made = now
	}
	end, err := time.Parse(time.DateOnly, e.End.Day)
	if err != nil {
		return 0
	}
	return end.Sub(made)
}

func days(d time.Duration) string {
	n := int((d + 24*time.Hour - 1) / (24 * time.Hour))
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}
