package integrity

import (
	"fmt"
	"strconv"
	"strings"

	"tidewaiter/trust"
)

// CheckOf gives the verdict. A packaged file that is not what was installed fails, configuration apart, and so does a database that is not what was
// signed or was changed afterwards. Files that were removed are told and fail nothing: images are made smaller that way. That nothing signed vouches for a
// database is usual, and unknown only where the user gave what it was to be held against.
func CheckOf(i *trust.Integrity) trust.Check {
	c := trust.Check{Name: "files"}
	changed, first := 0, ""
	for k := range i.Changed {
		if f := &i.Changed[k]; !f.Config {
			if changed++; first == "" {
				first = "/" + f.Path
			}
		}
	}
	broken, unvouched := databasesBy(i, trust.Broken), unvouchedDatabases(i)
	switch {
	case changed > 0:
		c.Verdict = trust.Fail
		c.Reason = fmt.Sprintf("%s not what was installed: %s%s", plural(changed, "file of a package is", "files of packages are"), first, others(changed))
		c.Step = "look at the instruction that is named: what is meant to differ belongs into a package of its own"
	case len(broken) > 0:
		c.Verdict, c.Reason = trust.Fail, fmt.Sprintf("the package database /%s cannot be believed: %s", broken[0].Path, broken[0].Why)
		c.Step = "build again from a base that you trust, and look at the instruction that wrote to the database"
	case i.Verified == 0:
		c.Verdict, c.Reason = trust.Unknown, "no package aboard has checksums of its files"
		c.Step = "install what is aboard with a package manager, and keep its database (/var/lib/dpkg, /lib/apk/db, /var/lib/rpm, RECORD)"
	case i.Unlisted > 0:
		c.Verdict, c.Reason = trust.Unknown, fmt.Sprintf("%s as installed, but of the files of %s there is no list", are(i.Verified), plural(i.Unlisted, "package", "packages"))
		c.Step = "keep the package databases whole (/var/lib/dpkg/info), or give the packages with --distribution"
	case len(unvouched) > 0:
		c.Verdict, c.Reason = trust.Unknown, fmt.Sprintf("%s as installed, but of the database /%s: %s", are(i.Verified), unvouched[0].Path, unvouched[0].Why)
		c.Step = "give the signed lists and packages of the image's own time with --distribution, and all keys with --distribution-key"
	default:
		c.Verdict, c.Reason = trust.Pass, are(i.Verified)+" what their packages installed"+removed(i)+databasesSaid(i)
	}
	return c
}

func databasesBy(i *trust.Integrity, s trust.Status) (list []trust.Database) {
	for _, d := range i.Databases {
		if d.Status == s {
			list = append(list, d)
		}
	}
	return list
}

// unvouchedDatabases are those that the user wanted to have verified, and that are not.
func unvouchedDatabases(i *trust.Integrity) (list []trust.Database) {
	for _, d := range i.Databases {
		if d.Asked && d.Status != trust.Verified {
			list = append(list, d)
		}
	}
	return list
}

// databasesSaid says whose word the databases are.
func databasesSaid(i *trust.Integrity) string {
	var managers []string
	for _, d := range databasesBy(i, trust.Verified) {
		managers = append(managers, d.Manager)
	}
	if len(managers) == 0 {
		return "; that is the word of the image's own databases, which nothing vouches for that is signed by somebody you named"
	}
	return "; signatures vouch for the database of " + strings.Join(unique(managers), " and ")
}

// removed says how many files a layer took away; what was left out when the image was made is not worth a word.
func removed(i *trust.Integrity) string {
	n := 0
	for k := range i.Missing {
		if i.Missing[k].Layer != nil {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %s removed later", plural(n, "other was", "others were"))
}

func are(files int) string {
	return plural(files, "file is", "files are")
}

func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + more
}

// number writes a count with its thousands apart.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func others(n int) string {
	if n == 1 {
		return ""
	}
	return " and " + plural(n-1, "other", "others")
}
