package main

import (
	"path/filepath"

	"github.com/spf13/pflag"

	"tidewaiter/layer"
)

// cacheOptions say where the indexes of layers are remembered, and how many.
type cacheOptions struct {
	dir  string
	size byteSize
	off  bool
}

func (o *cacheOptions) addFlags(f *pflag.FlagSet) {
	o.size = 2 << 30
	f.StringVar(&o.dir, "cache-dir", xdg("XDG_CACHE_HOME", ".cache"), "where layers that were read are remembered")
	f.Var(&o.size, "cache-size", "how much may be remembered: what was not used for longest goes first")
	f.BoolVar(&o.off, "no-cache", false, "read every layer, and remember none")
}

// open gives the cache; nil where none is wanted.
func (o *cacheOptions) open() (*layer.Cache, error) {
	if o.off || o.dir == "" {
		return nil, nil
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return nil, err
	}
	return layer.OpenCache(filepath.Join(dir, "layers"), int64(o.size))
}
