package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Platforms gives the platforms for which ref has images, each as Options.Platform takes it, sorted. What has no platform
// to choose (a root file system) gives one empty string. An image that does not say its platform is an error, since it
// could not be chosen.
func Platforms(ctx context.Context, ref string, o Options) ([]string, error) {
	f, rest := parseReference(ref)
	// Every source that is asked for a platform it does not have names those that it has. No image has this one: a string
	// of JSON cannot hold such a byte.
	im, err := f.open(ctx, rest, o, Platform{OS: "\xff"})
	if err == nil {
		return []string{""}, im.Close()
	}
	var other *platformError
	if !errors.As(err, &other) {
		return nil, err
	}
	for _, has := range other.has {
		if !strings.Contains(has, "/") {
			return nil, fmt.Errorf("%s has %s: name it by its digest", ref, has)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(other.has))), nil
}
