package layer

import "strings"

// arena keeps many short strings in few blocks of memory. Its zero value is ready.
type arena struct{ block strings.Builder }

// The sizes of an arena's first and largest blocks, in bytes.
const (
	firstArenaBlock = 1 << 10
	arenaBlock      = 64 << 10
)

// keep gives a copy of s.
func (a *arena) keep(s string) string { return a.join(s, nil) }

// join gives s followed by end.
func (a *arena) join(s string, end []byte) string {
	n := len(s) + len(end)
	if n > a.block.Cap()-a.block.Len() {
		size := min(max(2*a.block.Cap(), firstArenaBlock), arenaBlock)
		if n > size/8 {
			return s + string(end)
		}
		a.block = strings.Builder{}
		a.block.Grow(size)
	}
	a.block.WriteString(s)
	a.block.Write(end)
	return a.block.String()[a.block.Len()-n:]
}
