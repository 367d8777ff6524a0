package ospkg

import (
	"strings"

	"tidewaiter/inventory"
)

// pulls is what a database says of a package beside its needs: what else its installation may bring along.
type pulls struct {
	// choices are all names that may stand for one of its needs, weak those that it wants installed too where that can be.
	choices, weak []string
	// beside are those whose installation brings this package along: rpm's supplements, apk's install_if.
	beside []string
	// provides are the names that it answers to besides its own.
	provides []string
}

// maxProviders bounds how many packages of one name are followed: honest databases have few.
const maxProviders = 16

// setPulls resolves what packages pull in to the names of packages of the same database. What stands in Depends is not said again.
func setPulls(pkgs []inventory.Package, list []pulls) {
	providers := map[string][]int{}
	provide := func(name string, i int) {
		if len(providers[name]) < maxProviders {
			providers[name] = append(providers[name], i)
		}
	}
	for i := range pkgs {
		provide(pkgs[i].Name, i)
	}
	for i := range pkgs {
		said := map[string]bool{pkgs[i].Name: true}
		for _, name := range list[i].provides {
			if provide(name, i); !said[name] && !strings.ContainsAny(name, "(:/") {
				said[name] = true
				pkgs[i].Provides = append(pkgs[i].Provides, name)
			}
		}
	}
	for i := range pkgs {
		p := &pkgs[i]
		said := map[string]bool{p.Name: true}
		for _, name := range p.Depends {
			said[name] = true
		}
		resolve := func(wants []string) (names []string) {
			for _, want := range wants {
				for _, n := range providers[want] {
					if name := pkgs[n].Name; !said[name] {
						said[name] = true
						names = append(names, name)
					}
				}
			}
			return names
		}
		p.Choices = resolve(list[i].choices)
		p.Recommends = resolve(list[i].weak)
	}
	for i := range pkgs {
		said := map[int]bool{i: true}
		for _, want := range list[i].beside {
			for _, n := range providers[want] {
				if !said[n] {
					said[n] = true
					pkgs[n].Recommends = append(pkgs[n].Recommends, pkgs[i].Name)
				}
			}
		}
	}
}
