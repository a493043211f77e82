package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// line is one result.
type line struct {
	item   string
	parley string // what was measured of Parley
	rival  string // and of what it is compared with
	result string // their ratio; "" where Parley is not compared
	spread string
	target string
	met    string // yes, no, or "" where there is no target
}

// section is the results of one kind.
type section struct {
	name  string
	about string // a few sentences
	lines []line
}

var columns = []string{"item", "Parley", "compared with", "result", "spread", "target", "met"}

func (l line) cells() []string {
	return []string{l.item, l.parley, l.rival, l.result, l.spread, l.target, l.met}
}

func yesNo(ok bool) string {
	if ok {
		return "yes"
	}
	return "no"
}

// faster is a line on the rates of two, round by round.
func faster(item string, parley, rival []float64, unit string, target float64) line {
	l := compared(item, parley, rival, unit)
	all := ratios(parley, rival)
	l.target, l.met = fmt.Sprintf("≥ %.4g", target), yesNo(median(all) >= target)
	return l
}

// noWorse is a line on two of which the one is to be as fast as the other, as far as can be told here: turns differ by more.
func noWorse(item string, parley, rival []float64, unit string) line {
	const noise = 0.05
	l := compared(item, parley, rival, unit)
	l.target, l.met = fmt.Sprintf("≥ 1 ± %.2f", noise), yesNo(median(ratios(parley, rival)) >= 1-noise)
	return l
}

// compared is the same without a target.
func compared(item string, parley, rival []float64, unit string) line {
	all := ratios(parley, rival)
	return line{
		item: item, parley: amountOf(median(parley), unit), rival: amountOf(median(rival), unit),
		result: fmt.Sprintf("%.2f ×", median(all)), spread: fmt.Sprintf("%.2f–%.2f", slices.Min(all), slices.Max(all)),
	}
}

// below is a line on values that are to be small; a target of 0 is none.
func below(item string, values []float64, unit string, target float64) line {
	l := line{item: item, parley: amountOf(median(values), unit)}
	if len(values) > 1 {
		l.spread = fmt.Sprintf("%.0f %%", 100*spread(values))
	}
	if target > 0 {
		l.target, l.met = "< "+amountOf(target, unit), yesNo(median(values) < target)
	}
	return l
}

// above is a line on values that are to be large.
func above(item string, values []float64, unit string, target float64) line {
	l := below(item, values, unit, 0)
	l.target, l.met = "≥ "+amountOf(target, unit), yesNo(median(values) >= target)
	return l
}

// amountOf writes a number with three digits that count, or all of a large one in groups.
func amountOf(x float64, unit string) string {
	if x < 1000 {
		return strings.TrimSpace(fmt.Sprintf("%.3g %s", x, unit))
	}
	digits := fmt.Sprintf("%.0f", x)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return strings.TrimSpace(digits + " " + unit)
}

// markdown writes the sections as tables.
func markdown(w io.Writer, sections []section) {
	for _, s := range sections {
		fmt.Fprintf(w, "\n## %s\n\n", s.name)
		if s.about != "" {
			fmt.Fprintf(w, "%s\n\n", s.about)
		}
		fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat(" --- |", len(columns)))
		for _, l := range s.lines {
			fmt.Fprintf(w, "| %s |\n", strings.Join(l.cells(), " | "))
		}
	}
}

// table writes all results as one table for a terminal.
func table(w io.Writer, sections []section) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "section\t"+strings.Join(columns, "\t"))
	for _, s := range sections {
		for _, l := range s.lines {
			fmt.Fprintln(t, s.name+"\t"+strings.Join(l.cells(), "\t"))
		}
	}
	return t.Flush()
}
