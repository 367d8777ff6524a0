package approval

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// DigestOf is the SHA-256 of some bytes, sha256:HEX.
func DigestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// digests writes a digest with its algorithm in front as in-toto does; nil for none.
func digests(digest string) map[string]string {
	algorithm, hex, ok := strings.Cut(digest, ":")
	if !ok {
		return nil
	}
	return map[string]string{algorithm: hex}
}

// DigestText is the resource's digest with its algorithm in front: SHA-256 where there are several; empty where there is none.
func (r *Resource) DigestText() string {
	if hex := r.Digest["sha256"]; hex != "" {
		return "sha256:" + strings.ToLower(hex)
	}
	for _, algorithm := range slices.Sorted(maps.Keys(r.Digest)) {
		return algorithm + ":" + r.Digest[algorithm]
	}
	return ""
}

// maxDifferences bounds the differences between two policies that are told: whoever reads more reads the policies.
const maxDifferences = 12

// samePolicy says whether two policies demand the same: spaces and the order of fields aside.
func samePolicy(a, b json.RawMessage) bool { return bytes.Equal(plain(a), plain(b)) }

// plain writes a JSON document in the one way that encoding/json does; what is none is left as it is.
func plain(document json.RawMessage) []byte {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return document
	}
	out, err := json.Marshal(v)
	if err != nil {
		return document
	}
	return out
}

// PolicyDifferences names the places in which two policies differ, sorted: environment.goals.exploited.grace.
func PolicyDifferences(a, b json.RawMessage) []string {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return nil
	}
	var at []string
	differences(x, y, "", &at)
	return at
}

func differences(x, y any, at string, out *[]string) {
	if len(*out) >= maxDifferences {
		return
	}
	a, isMap := x.(map[string]any)
	b, too := y.(map[string]any)
	if !isMap || !too {
		p, _ := json.Marshal(x)
		q, _ := json.Marshal(y)
		if !bytes.Equal(p, q) {
			*out = append(*out, cmp.Or(at, "all of it"))
		}
		return
	}
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		differences(a[name], b[name], strings.TrimPrefix(at+"."+name, "."), out)
	}
}
