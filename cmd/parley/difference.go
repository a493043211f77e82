package main

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/fatih/color"
)

// palette colours what is added, removed and changed, on terminals.
type palette struct{ add, remove, change *color.Color }

func newPalette(to io.Writer) palette {
	p := palette{color.New(color.FgGreen), color.New(color.FgRed), color.New(color.FgYellow)}
	for _, c := range []*color.Color{p.add, p.remove, p.change} {
		if isTerminal(to) && !color.NoColor {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
	}
	return p
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
			p.add.Fprintln(to, "+ "+name)
		case "delete":
			p.remove.Fprintln(to, "- "+name)
		default:
			p.change.Fprintln(to, "~ "+name)
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
			p.remove.Fprintln(to, "      - "+inWords(e))
		}
		for _, e := range come {
			p.add.Fprintln(to, "      + "+inWords(e))
		}
		if gone == nil && come == nil {
			fmt.Fprintln(to, "      in another order")
		}
	case f.Before == nil:
		fmt.Fprintf(to, "    %s: %s\n", f.Field, p.add.Sprint(inWords(f.After)))
	case f.After == nil:
		fmt.Fprintf(to, "    %s: %s\n", f.Field, p.remove.Sprint(inWords(f.Before)))
	default:
		fmt.Fprintf(to, "    %s: %s → %s\n", f.Field, p.remove.Sprint(inWords(f.Before)), p.add.Sprint(inWords(f.After)))
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
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return strings.TrimSuffix(b.String(), "\n")
}
