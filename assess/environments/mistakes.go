package environments

import (
	"fmt"
	"strings"
)

// Mistake is one that is in a file.
type Mistake struct { //nolint:errname // it is what a user makes
	File string
	// Line is counted from 1; 0 where the mistake has none.
	Line int
	// Message is one line: where in the file's structure, what is wrong, and what to write instead.
	Message string
}

func (m Mistake) Error() string {
	if m.Line == 0 {
		return m.File + ": " + m.Message
	}
	return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Message)
}

// Mistakes are all that were found in a file, by line; of many only the first.
type Mistakes []Mistake //nolint:errname // as above

func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i := range m {
		lines[i] = m[i].Error()
	}
	return strings.Join(lines, "\n")
}
