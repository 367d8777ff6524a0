package main

import (
	"fmt"
	"slices"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/malware"
)

// knownMalware are the hashes of malware that the advisory file has; a [malware.Known].
type knownMalware struct {
	db   *advisory.DB
	sets []malware.RuleSet
	// others says that a list has digests besides SHA-256, or does not say which it has.
	others bool
}

// newKnownMalware gives nil where the file has none. db may be nil.
func newKnownMalware(db *advisory.DB) malware.Known {
	if db == nil {
		return nil
	}
	k := &knownMalware{db: db}
	for _, f := range db.Info().Feeds {
		if list, ok := strings.CutPrefix(f.Name, advisory.FeedMalware); ok {
			k.others = k.others || !slices.Equal(f.Algorithms, []string{"sha256"})
			_, version, _ := strings.Cut(f.Digest, ":")
			k.sets = append(k.sets, malware.RuleSet{Name: list, Version: version[:min(12, len(version))], Date: f.Date, Count: f.Records})
		}
	}
	if k.sets == nil {
		return nil
	}
	return k
}

// Lookup implements [malware.Known]. Of what a list has without a name it says which list.
func (k *knownMalware) Lookup(digest []byte) (name string, err error) {
	m, known, err := k.db.Malware(digest)
	if err != nil {
		return "", fmt.Errorf("hashes of malware: %w", err)
	}
	if known && m.Name == "" {
		return "listed in " + strings.TrimPrefix(m.Feed, advisory.FeedMalware), nil
	}
	return m.Name, nil
}

// SHA256Only implements [malware.Known].
func (k *knownMalware) SHA256Only() bool { return !k.others }

// RuleSets implements [malware.Known].
func (k *knownMalware) RuleSets() []malware.RuleSet { return k.sets }
