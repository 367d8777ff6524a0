// Package version orders versions as each ecosystem does.
//
// In go two version strings and an OSV ecosystem; out comes their order, or an error where one of them
// is not a version of that ecosystem at all. The package knows nothing of ranges, packages or
// advisories, and must never guess: a version that cannot be compared is an error, not an order.
package version
