// Package expression checks and evaluates the conditions that users write in CEL, the Common Expression Language
// (https://cel.dev), over Go values.
//
// In go variables with their Go types, then expressions and values; out comes true or false, or an error in one line that names the
// place and the nearest word that there is. An expression has no side effects and cannot read anything but its variables; the time and
// the memory that it takes are bounded, so that each one ends. The package must never know what its variables mean.
package expression

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"tidewaiter/assess/nearest"
)

// The bounds on one expression, in CEL's own measures. The dearest takes about a second and 200 MB: enough to look at a thousand findings
// for each of a thousand packages.
const (
	longest      = 8 << 10 // bytes
	deepest      = 64      // levels of nesting
	dearest      = 10_000_000
	largestRegex = 1_000 // instructions of a compiled regular expression
)

// Language knows the variables that expressions may use.
type Language struct {
	env *cel.Env
	// variables are sorted; words are they and the names of all of their fields.
	variables, words []string
}

// New makes a language of variables: for each name a value of its type, of which only the type counts. The fields of a struct have the
// names that their json tags give them; one that is absent reads as "", 0 or an empty list, and has() tells.
func New(variables map[string]any) (*Language, error) {
	l := &Language{variables: slices.Sorted(maps.Keys(variables))}
	l.words = slices.Clone(l.variables)
	structs := map[reflect.Type]bool{}
	options := []cel.EnvOption{
		cel.ParserExpressionSizeLimit(longest), cel.ParserRecursionLimit(deepest), cel.RegexProgramSizeLimit(largestRegex),
		cel.CrossTypeNumericComparisons(true),
	}
	for _, name := range l.variables {
		t := reflect.TypeOf(variables[name])
		l.learn(t, structs)
		options = append(options, cel.Variable(name, typeOf(t)))
	}
	var err error
	if l.env, err = cel.NewEnv(append([]cel.EnvOption{native(structs)}, options...)...); err != nil {
		return nil, fmt.Errorf("the language of expressions: %w", err)
	}
	slices.Sort(l.words)
	l.words = slices.Compact(l.words)
	return l, nil
}

// learn gathers the structs that a type is made of, and the names of their fields.
func (l *Language) learn(t reflect.Type, structs map[reflect.Type]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		l.learn(t.Elem(), structs)
		return
	case reflect.Struct:
	default:
		return
	}
	if structs[t] || t == reflect.TypeFor[time.Time]() {
		return
	}
	structs[t] = true
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); f.IsExported() && name != "" && name != "-" {
			l.words = append(l.words, name)
			l.learn(f.Type, structs)
		}
	}
}

// native lets CEL read Go structs by the names of their json tags.
func native(structs map[reflect.Type]bool) cel.EnvOption {
	args := []any{types.ParseStructTag("json")}
	sorted := slices.SortedFunc(maps.Keys(structs), func(a, b reflect.Type) int { return strings.Compare(a.String(), b.String()) })
	for _, t := range sorted {
		args = append(args, t)
	}
	return func(env *cel.Env) (*cel.Env, error) {
		provider, adapter, err := types.ComposeTypes(env.CELTypeProvider(), env.CELTypeAdapter(), args...)
		if err != nil {
			return nil, err
		}
		if env, err = cel.CustomTypeAdapter(adapter)(env); err != nil {
			return nil, err
		}
		return cel.CustomTypeProvider(provider)(env)
	}
}

func typeOf(t reflect.Type) *cel.Type {
	switch t.Kind() {
	case reflect.Pointer:
		return typeOf(t.Elem())
	case reflect.Slice:
		return cel.ListType(typeOf(t.Elem()))
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return cel.TimestampType
		}
		return cel.ObjectType(t.String())
	case reflect.String:
		return cel.StringType
	}
	return cel.DynType
}

// Expression is one that was found to be right.
type Expression struct {
	program cel.Program
	used    []string
}

// Uses says whether the expression looks at a variable.
func (e *Expression) Uses(variable string) bool { return slices.Contains(e.used, variable) }

// Compile checks an expression: its grammar, the names and types in it, and that it comes out as true or false. The error names the place
// of the first mistake.
func (l *Language) Compile(text string) (*Expression, error) {
	checked, issues := l.env.Compile(text)
	if issues.Err() != nil {
		return nil, l.mistake(text, issues)
	}
	if t := checked.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("it gives a %s: a condition is true or false", t)
	}
	program, err := l.env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(dearest))
	if err != nil {
		return nil, oneLine(err)
	}
	e := &Expression{program: program}
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() == ast.IdentKind {
			e.used = append(e.used, x.AsIdent())
		}
	}))
	return e, nil
}

// unknownName takes a checker's complaint about a word apart.
var unknownName = regexp.MustCompile(`^(undefined field|undeclared reference to) '([^']+)'`)

// mistake says in one line what is wrong with an expression, and where.
func (l *Language) mistake(text string, issues *cel.Issues) error {
	if len(text) > longest {
		return fmt.Errorf("it has more than %d characters", longest)
	}
	list := issues.Errors()
	if len(list) == 0 {
		return oneLine(issues.Err())
	}
	first := list[0]
	message := strings.Join(strings.Fields(first.Message), " ")
	if m := unknownName.FindStringSubmatch(message); m != nil {
		words := l.words
		if m[1] != "undefined field" {
			words = l.variables
		}
		what := map[bool]string{true: "field", false: "variable"}[m[1] == "undefined field"]
		message = fmt.Sprintf("there is no %s %q", what, m[2])
		if near := nearest.Word(m[2], words); near != "" {
			message += fmt.Sprintf(": did you mean %q?", near)
		}
	} else if before, _, ok := strings.Cut(message, " expecting {"); ok { // the list of all that might stand there
		message = before
	}
	if first.Location.Line() < 1 {
		return errors.New(message)
	}
	return fmt.Errorf("line %d, column %d: %s", first.Location.Line(), first.Location.Column()+1, message)
}

// Holds evaluates the expression. The error says in one line why it has no answer: a value that is not there, or a bound that was hit.
func (e *Expression) Holds(variables map[string]any) (bool, error) {
	result, _, err := e.program.Eval(variables)
	if err != nil {
		return false, oneLine(err)
	}
	holds, ok := result.Value().(bool)
	if !ok {
		return false, fmt.Errorf("it gives a %s: a condition is true or false", result.Type().TypeName())
	}
	return holds, nil
}

func oneLine(err error) error { return errors.New(strings.Join(strings.Fields(err.Error()), " ")) }
