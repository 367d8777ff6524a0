package layer

import (
	"io/fs"
	"path"
	"strings"
)

// cleanPath gives the place of a tar entry below the root as a process within the container would see it:
// what climbs above the root stays at it. The root itself is ".". Bytes that are no UTF-8 are kept as they are.
func cleanPath(name string) string {
	trimmed := strings.TrimSuffix(strings.TrimPrefix(name, "./"), "/")
	if fs.ValidPath(trimmed) {
		return trimmed // nearly all names, without a copy
	}
	if cleaned := path.Clean("/" + name)[1:]; cleaned != "" {
		return cleaned
	}
	return "."
}

// climbs reports whether a name goes above the root on its way.
func climbs(name string) bool {
	depth := 0
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

// How layers write deletions (OCI image specification, layer.md, "Whiteouts"; the names come from aufs).
const (
	whiteoutPrefix = ".wh."
	whiteoutMeta   = ".wh..wh." // what aufs kept for itself
	whiteoutOpaque = ".wh..wh..opq"
)

// mark reads an entry's name as a deletion and gives the path that it speaks of. isMark is false for the
// name of an ordinary file. target is empty for marks that mean nothing: those of aufs itself, and the
// malformed ones that some tools take for a deletion of the directory they stand in, or of what lies above
// the root. Ignoring these keeps a package in the report rather than hiding it.
func mark(raw, cleaned string) (target string, t Type, isMark bool) {
	if !strings.Contains(cleaned, whiteoutPrefix) {
		return "", 0, false
	}
	dir, base := path.Split(cleaned)
	switch {
	case base == whiteoutOpaque:
		target, t = cleanPath(dir), Opaque
	case strings.HasPrefix(base, whiteoutMeta), strings.HasPrefix(cleaned, whiteoutMeta):
		return "", 0, true
	case strings.HasPrefix(base, whiteoutPrefix):
		name := base[len(whiteoutPrefix):]
		if name == "" || name == "." || name == ".." {
			return "", 0, true
		}
		target, t = dir+name, Whiteout
	default:
		return "", 0, false
	}
	if climbs(raw) {
		return "", 0, true
	}
	return target, t, true
}
