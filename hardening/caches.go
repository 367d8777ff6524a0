package hardening

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// cache is what a package manager keeps for itself.
type cache struct {
	// of is whose it is.
	of string
	// dirs are from the root; anywhere are looked for below any directory.
	dirs, anywhere []string
	mend           string
}

func caches() []cache {
	const within = " in the RUN that made it"
	return []cache{
		{"apt", []string{"var/lib/apt/lists/", "var/cache/apt/"}, nil, "apt-get clean && rm -rf /var/lib/apt/lists/*" + within},
		{"apk", []string{"var/cache/apk/", "etc/apk/cache/"}, nil, "apk add --no-cache"},
		{"dnf", []string{"var/cache/dnf/", "var/cache/yum/", "var/cache/libdnf5/", "var/cache/tdnf/"}, nil, "dnf clean all" + within},
		{"zypper", []string{"var/cache/zypp/"}, nil, "zypper clean --all" + within},
		{"pacman", []string{"var/cache/pacman/pkg/"}, nil, "pacman -Scc --noconfirm" + within},
		{"pip", nil, []string{".cache/pip/"}, "pip install --no-cache-dir"},
		{"uv", nil, []string{".cache/uv/"}, "uv --no-cache, or RUN --mount=type=cache,target=/root/.cache/uv"},
		{"poetry", nil, []string{".cache/pypoetry/"}, "RUN --mount=type=cache,target=/root/.cache/pypoetry"},
		{"conda", nil, []string{"conda/pkgs/", "miniconda3/pkgs/", "anaconda3/pkgs/"}, "conda clean -afy" + within},
		{"npm", nil, []string{".npm/_cacache/"}, "npm cache clean --force" + within + ", or RUN --mount=type=cache,target=/root/.npm"},
		{"yarn", nil, []string{".cache/yarn/", ".yarn/berry/cache/"}, "yarn cache clean" + within},
		{"bundler", []string{"usr/local/bundle/cache/"}, []string{".bundle/cache/"}, "rm -rf /usr/local/bundle/cache" + within},
		{"go", nil, []string{".cache/go-build/", "go/pkg/mod/"}, "RUN --mount=type=cache,target=/go/pkg/mod, or a build stage"},
		{"cargo", nil, []string{".cargo/registry/", "cargo/registry/"}, "RUN --mount=type=cache,target=/usr/local/cargo/registry, or a build stage"},
		{"maven", nil, []string{".m2/repository/"}, "RUN --mount=type=cache,target=/root/.m2, or a build stage"},
		{"gradle", nil, []string{".gradle/caches/"}, "RUN --mount=type=cache,target=/root/.gradle, or a build stage"},
		{"composer", nil, []string{".composer/cache/", ".cache/composer/"}, "composer install --no-cache"},
		{"nuget", nil, []string{".nuget/packages/", ".local/share/NuGet/http-cache/"}, "a build stage"},
	}
}

// holds gives the cache's directory at or above another one, which ends with a slash; empty where that is not in it.
func (c *cache) holds(at string) string {
	for _, dir := range c.dirs {
		if strings.HasPrefix(at, dir) {
			return dir[:len(dir)-1]
		}
	}
	for _, dir := range c.anywhere {
		if strings.HasPrefix(at, dir) {
			return dir[:len(dir)-1]
		}
		if i := strings.Index(at, "/"+dir); i >= 0 {
			return at[:i+len(dir)]
		}
	}
	return ""
}

// left is what of a cache one layer carries, in one directory.
type left struct {
	path  string
	layer int
	of    string
	// by is the layer that deletes it; -1: it stands in the end.
	by int
}

// packageCaches counts what is left of each, also where a later layer deletes it: it is shipped all the same. Little is usual: an index,
// a log, a lock.
func packageCaches(j *judging) {
	const little = 1 << 20 // bytes
	kinds := caches()
	// Files come sorted by path: those of one directory have one answer.
	lastDir, lastHeld, lastKind := "", "", 0
	holds := func(at string) (dir string, kind int) {
		if parent := at[:strings.LastIndexByte(at, '/')+1]; parent != lastDir {
			lastDir, lastHeld = parent, ""
			for i := range kinds {
				if lastHeld = kinds[i].holds(parent); lastHeld != "" {
					lastKind = i
					break
				}
			}
		}
		return lastHeld, lastKind
	}
	size, mend := map[left]int64{}, map[string]string{}
	place := map[left]inventory.Place{}
	note := func(at string, e *layer.File, index, by int, where func() inventory.Place) {
		if e.Type != layer.Regular || e.Size == 0 {
			return
		}
		dir, i := holds(at)
		if dir == "" {
			return
		}
		l := left{dir, index, kinds[i].of, by}
		if size[l] == 0 {
			p := where()
			p.Path, p.Class, p.Owner, p.Verified = dir, "", "", false
			place[l], mend[l.of] = p, kinds[i].mend
		}
		size[l] += e.Size
	}
	j.files(func(f *inventory.File) {
		if f.Class != inventory.Owned {
			note(f.Path, f.Entry, f.Layer, -1, func() inventory.Place { return j.place(f) })
		}
	})
	j.deleted(func(h *inventory.Hidden, carrying int) {
		note(h.Path, h.Entry, carrying, h.By, func() inventory.Place { return inventory.HiddenPlaceOf(h, carrying, j.Image, j.Inventory) })
	})
	for _, l := range slices.SortedFunc(maps.Keys(size), func(a, b left) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.layer, b.layer), cmp.Compare(a.by, b.by))
	}) {
		f := Finding{Place: place[l], Mend: mend[l.of], Usual: size[l] < little, Title: fmt.Sprintf("%s of %s's cache in /%s", bytes(size[l]), l.of, l.path)}
		if l.by >= 0 {
			f.Title += ", which a later instruction removes: it is shipped all the same"
		}
		j.found(f)
	}
}

// bytes writes a size as people read it, in powers of ten.
func bytes(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}
