// Package extractors lists the extractors that an inventory is made with.
//
// It is the one place where all of them are named: to add one, write it in an inner room of inventory and
// name it here. It holds nothing else.
package extractors

import (
	"slices"

	"tidewaiter/inventory"
	"tidewaiter/inventory/lang"
	"tidewaiter/inventory/ospkg"
)

// Default gives all extractors, in the order in which they are asked.
func Default(limits inventory.Limits) []inventory.Extractor {
	return slices.Concat(ospkg.All(), lang.All(limits))
}
