package layer

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkMemory reads and overlays a layer of very many files, and reports what stays in memory for each of them.
func BenchmarkMemory(b *testing.B) {
	const files = 200_000
	im := layout(b, blob{stored: gzipOf(tarOf(b, modules(files)...))})
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for b.Loop() {
		start := heap()
		indexes, err := Read(b.Context(), im, none, Options{Limits: DefaultLimits()})
		if err != nil {
			b.Fatal(err)
		}
		read := heap()
		tree := NewTree()
		tree.Apply(0, indexes[0])
		applied := heap()
		b.ReportMetric(float64(read-start)/files, "index-B/file")
		b.ReportMetric(float64(applied-read)/files, "tree-B/file")
		runtime.KeepAlive(tree)
	}
}

func modules(n int) []entry {
	entries := make([]entry, n)
	for i := range entries {
		entries[i] = file(fmt.Sprintf("app/node_modules/package-%d/dist/_module%dHelper.js", i/40, i), "x")
	}
	return entries
}
