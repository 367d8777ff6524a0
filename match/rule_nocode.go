package match

import (
	"fmt"
	"strings"

	"tidewaiter/inventory"
)

// noCode quiets findings of packages that have a kernel's name, headers or source and not the kernel: what is wrong with it can
// happen only where it runs, and a container runs the kernel of its host.
var noCode = Rule{
	Name: "no-code", Effect: Quiet, Looks: true,
	About: "the package holds kernel headers or source code, and nothing of what the advisory is about that could run",
	holds: func(f *Finding, c *ruleContext) string {
		if !f.Of.OfDistribution() {
			return ""
		}
		what := ""
		switch {
		case isKernelHeaders(f.Of):
			what = "kernel headers"
		case isSourcePackage(f.Of):
			what = "source code"
		default:
			return ""
		}
		have := c.contentsOf(f.Of)
		switch files := have.Files(); {
		case files == 0:
			return fmt.Sprintf("by its name, %s holds %s: no code that runs", f.Of.Name, what)
		case have.Kernel > 0:
			return ""
		default:
			return fmt.Sprintf("%s holds %s: no kernel image or module is among its %s", f.Of.Name, what, count(files, "file", "files"))
		}
	},
}

// isKernelHeaders knows the distributions' packages of headers of the Linux kernel, for building programs or modules.
func isKernelHeaders(p *inventory.Package) bool {
	switch name := p.Name; name {
	case "linux-libc-dev", "linux-headers", "linux-api-headers", "linux-glibc-devel", "linux-kernel-headers", "glibc-kernheaders",
		"kernel-headers", "kernel-devel", "kernel-default-devel", "kernel-macros", "kernel-doc", "kernel-abi-stablelists", "kernel-abi-whitelists":
		return true
	default:
		// Debian and Ubuntu: linux-headers-6.1.0-18-amd64, linux-aws-headers-5.15.0-1050, linux-libc-dev-arm64-cross. Red
		// Hat: kernel-rt-devel, kernel-uek-devel.
		return strings.HasPrefix(name, "linux-") && (strings.Contains(name, "-headers-") || strings.HasPrefix(name, "linux-libc-dev-")) ||
			strings.HasPrefix(name, "kernel-") && strings.HasSuffix(name, "-devel")
	}
}

// isSourcePackage knows packages of source code by their names or, of rpm, their architecture.
func isSourcePackage(p *inventory.Package) bool {
	switch p.Type {
	case "rpm":
		return p.Arch == "src" || p.Arch == "nosrc" || p.Name == "kernel-source" || strings.HasSuffix(p.Name, "-debugsource")
	case "deb":
		return p.Arch == "source" || strings.HasPrefix(p.Name, "linux-source-") || p.Name == "linux-source"
	}
	return false
}

// documentationOnly quiets findings of packages that hold nothing but documentation, or what compilers and linkers read, or tests.
// What they describe, or what a build puts into its own programs from them, does not run in this image.
var documentationOnly = Rule{
	Name: "docs-tests-static", Effect: Quiet, Looks: true,
	About: "all that the package holds is documentation, headers, static archives or its own tests: none of it runs",
	holds: func(f *Finding, c *ruleContext) string {
		if !f.Of.OfDistribution() {
			return ""
		}
		have := c.contentsOf(f.Of)
		files := have.Files()
		switch {
		case isTestSuite(f.Of.Name):
			return fmt.Sprintf("%s holds tests of another package, which nothing runs but they themselves", f.Of.Name)
		case have.Other+have.Kernel > 0:
			return ""
		case have.Development == 0 && !isDocumentationName(f.Of.Name):
			return "" // a package that only depends on others, or a list that names not all of its files
		case files == 0:
			return fmt.Sprintf("by its name, %s holds documentation: no code that runs", f.Of.Name)
		case have.Development == 0:
			return fmt.Sprintf("%s in it: all documentation, no code that runs", count(files, "file", "files"))
		default:
			return fmt.Sprintf("%s in it: all headers, static archives, what linkers read, or documentation; no code that runs", count(files, "file", "files"))
		}
	},
}

// isTestSuite knows packages of tests by the names that distributions give them.
func isTestSuite(name string) bool {
	return strings.HasSuffix(name, "-testsuite") || strings.HasSuffix(name, "-tests") || strings.HasSuffix(name, "-unittests") ||
		strings.HasPrefix(name, "python3") && strings.HasSuffix(name, "-test") || name == "perl-tests"
}

// isDocumentationName knows packages of documentation by the names that distributions give them. Debian's gcc-12-base holds
// what all of GCC's packages have in common, which is that.
func isDocumentationName(name string) bool {
	for _, suffix := range []string{"-doc", "-docs", "-docs-html", "-doc-html", "-docs-pdf", "-javadoc", "-manual", "-manpages", "-man"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return strings.HasPrefix(name, "manpages") || strings.HasPrefix(name, "gcc-") && strings.HasSuffix(name, "-base")
}
