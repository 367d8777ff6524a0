package image

import (
	"fmt"
	"runtime"
	"strings"
)

// Platform is what an image runs on.
type Platform struct {
	OS, Architecture, Variant string
}

// String gives the platform as it is written on the command line: os/arch or os/arch/variant.
func (p Platform) String() string {
	if p.OS == "" && p.Architecture == "" {
		return ""
	}
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// parsePlatform reads os/arch or os/arch/variant. The empty string gives the zero Platform.
func parsePlatform(s string) (Platform, error) {
	if s == "" {
		return Platform{}, nil
	}
	parts := strings.Split(strings.ToLower(s), "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
		return Platform{}, fmt.Errorf("platform %q is not of the form os/arch or os/arch/variant, as in linux/arm64", s)
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	switch p.Architecture {
	case "x86_64":
		p.Architecture = "amd64"
	case "aarch64":
		p.Architecture = "arm64"
	}
	return p, nil
}

// hostPlatform is what an index is asked for when the user names no platform: containers run on Linux
// also where the host is another system.
func hostPlatform() Platform {
	return Platform{OS: "linux", Architecture: runtime.GOARCH}
}

// fullVariant gives the variant that an empty one stands for.
func (p Platform) fullVariant() string {
	if p.Variant != "" {
		return p.Variant
	}
	switch p.Architecture {
	case "amd64":
		return "v1"
	case "arm":
		return "v7"
	case "arm64":
		return "v8"
	}
	return ""
}

// fit says how well p serves a wish for want: 0 not at all, 1 by another variant than the usual one where
// the wish names none, 2 fully.
func (p Platform) fit(want Platform) int {
	switch {
	case p.OS != want.OS || p.Architecture != want.Architecture:
		return 0
	case p.fullVariant() == want.fullVariant():
		return 2
	case want.Variant == "":
		return 1
	}
	return 0
}
