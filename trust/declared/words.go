package declared

import (
	"slices"
	"strings"
)

// option gives the value of the first option of these names: "-o value", "-ovalue", "--option value" or "--option=value".
func option(args []string, names ...string) (string, bool) {
	for i, a := range args {
		for _, name := range names {
			long := strings.HasPrefix(name, "--")
			switch {
			case a == name && i+1 < len(args), !long && len(name) == 2 && isShort(a, name[1]) && strings.HasSuffix(a, name[1:]) && i+1 < len(args):
				return args[i+1], true
			case long && strings.HasPrefix(a, name+"="):
				return a[len(name)+1:], true
			case !long && len(name) == 2 && len(a) > 2 && strings.HasPrefix(a, name):
				return a[2:], true
			}
		}
	}
	return "", false
}

// has says whether one of the options is given.
func has(args []string, names ...string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return slices.Contains(names, a) })
}

// isShort says whether an argument is a group of short options with this letter among them.
func isShort(a string, letter byte) bool {
	return len(a) > 1 && a[0] == '-' && a[1] != '-' && strings.IndexByte(a, letter) > 0
}

// operands gives the arguments that are no options. valued are the options whose value is an argument of its own.
func operands(args []string, valued ...string) []string {
	var words []string
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--":
			return append(words, args[i+1:]...)
		case slices.Contains(valued, a):
			i++
		case strings.HasPrefix(a, "-") && a != "-":
		default:
			words = append(words, a)
		}
	}
	return words
}

// afterOptions gives the arguments from the first that is no option.
func afterOptions(args []string, valued ...string) []string {
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--":
			return args[i+1:]
		case slices.Contains(valued, a):
			i++
		case !strings.HasPrefix(a, "-"):
			return args[i:]
		}
	}
	return nil
}
