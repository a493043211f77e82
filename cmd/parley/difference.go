package main

import (
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/parley-api/parley/internal/record"
)

// palette colours what is added, removed and changed: on terminals, unless the environment has NO_COLOR.
type palette struct{ add, remove, change colour }

// colour is the escape sequence of a colour; "" leaves texts plain.
type colour string

func (c colour) paint(text string) string {
	if c == "" {
		return text
	}
	return string(c) + text + "\x1b[0m"
}

func newPalette(to io.Writer) palette {
	if !isTerminal(to) || os.Getenv("NO_COLOR") != "" {
		return palette{}
	}
	return palette{add: "\x1b[32m", remove: "\x1b[31m", change: "\x1b[33m"}
}

// printDifference shows what changes, for people: a record a paragraph, a field a line.
func printDifference(to io.Writer, changes []change) {
	p := newPalette(to)
	counts := map[string]int{}
	for _, c := range changes {
		counts[c.Op]++
		name := c.Collection + "/" + c.Record
		switch c.Op {
		case "create":
			fmt.Fprintln(to, p.add.paint("+ "+name))
		case "delete":
			fmt.Fprintln(to, p.remove.paint("- "+name))
		default:
			fmt.Fprintln(to, p.change.paint("~ "+name))
		}
		for _, f := range c.Difference {
			p.field(to, f)
		}
	}
	if len(changes) == 0 {
		fmt.Fprintln(to, "Nothing changes: everything is there already.")
		return
	}
	fmt.Fprintf(to, "%d new, %d changed, %d deleted.\n", counts["create"], counts["update"], counts["delete"])
}

// field shows one field; of lists, the elements that come and go.
func (p palette) field(to io.Writer, f fieldChange) {
	before, wasList := f.Before.([]any)
	after, isList := f.After.([]any)
	switch {
	case wasList || isList:
		fmt.Fprintf(to, "    %s:\n", f.Field)
		gone, come := without(before, after), without(after, before)
		for _, e := range gone {
			fmt.Fprintln(to, p.remove.paint("      - "+inWords(e)))
		}
		for _, e := range come {
			fmt.Fprintln(to, p.add.paint("      + "+inWords(e)))
		}
		if gone == nil && come == nil {
			fmt.Fprintln(to, "      in another order")
		}
	case f.Before == nil:
		fmt.Fprintf(to, "    %s: %s\n", f.Field, p.add.paint(inWords(f.After)))
	case f.After == nil:
		fmt.Fprintf(to, "    %s: %s\n", f.Field, p.remove.paint(inWords(f.Before)))
	default:
		fmt.Fprintf(to, "    %s: %s → %s\n", f.Field, p.remove.paint(inWords(f.Before)), p.add.paint(inWords(f.After)))
	}
}

// without returns the elements of a list that another has not.
func without(list, other []any) (some []any) {
	for _, e := range list {
		there := false
		for _, o := range other {
			there = there || reflect.DeepEqual(e, o)
		}
		if !there {
			some = append(some, e)
		}
	}
	return some
}

// inWords is a value as it is read: texts bare, objects as JSON.
func inWords(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	return string(record.AppendJSON(nil, value))
}
