package lang

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

const (
	// npmCacheKind starts the facts of a package in Yarn's cache; JSON of npmCached follows.
	npmCacheKind = "yarn\n"
	// maxPackageJSON bounds a package.json inside an archive, in bytes.
	maxPackageJSON = 1 << 20
)

// npmCached is a package.json in one of Yarn's archives.
type npmCached struct {
	Path    string `json:"path"`
	Content []byte `json:"content"`
}

// yarnCacheExtractor reads the archives that Yarn's Plug'n'Play runs packages from: there is no node_modules
// then, and each package stays zipped.
type yarnCacheExtractor struct{}

func (yarnCacheExtractor) Name() string { return "yarn-cache" }

func (yarnCacheExtractor) Rules() []inventory.Rule {
	return []inventory.Rule{{Suffix: ".zip", Dir: ".yarn/cache", Magic: "PK", Distil: distilYarn}}
}

// distilYarn takes the package's own package.json out of the archive.
func distilYarn(ctx context.Context, _ string, r io.ReaderAt, size int64) ([]byte, error) {
	var found *npmCached
	budget := int64(maxZipEntries)
	err := walkZip(ctx, r, size, &budget, func(e zipEntry) error {
		name := string(e.name)
		if found != nil || path.Base(name) != "package.json" || npmPlaceOf(name) != npmInstalled {
			return nil
		}
		content, err := e.head(r, maxPackageJSON)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		found = &npmCached{name, content}
		return nil
	})
	if err != nil || found == nil {
		return nil, err
	}
	b, err := json.Marshal(found)
	return append([]byte(npmCacheKind), b...), err
}

func (e yarnCacheExtractor) Extract(_ context.Context, tree *layer.Tree, p string) ([]inventory.Package, error) {
	raw, ok := facts(tree, p, npmCacheKind)
	if !ok {
		return nil, nil
	}
	var found npmCached
	if err := json.Unmarshal(raw, &found); err != nil {
		return nil, err
	}
	pkgs, err := parseNPM(found.Path, found.Content)
	return proven(pkgs, e.Name(), p+"!/"+found.Path), err
}
