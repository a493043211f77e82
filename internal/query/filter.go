package query

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter understands NAME, NAME.not and NAME.known.
func (p *parser) filter(parameter, value string) {
	name, op, _ := strings.Cut(parameter, ".")
	field, ok := p.grammar.Field(name)
	if ops := field.Operators(); !ok || len(ops) == 0 || !slices.Contains(ops, op) || strings.HasSuffix(parameter, ".") {
		p.unknown(parameter, p.grammar.Parameters())
		if ok && field.Type == Prose && p.grammar.Searchable {
			p.faults[len(p.faults)-1].Suggestion = "q"
		}
		return
	}
	c := Condition{Field: field, Not: op == "not"}
	switch {
	case op == "known":
		known := p.boolean(parameter, value)
		c.Known = &known
	case field.Type == Boolean:
		flag := p.boolean(parameter, value)
		c.Flag = &flag
	case field.Type == Position:
		r, err := parseValue(Integer, value)
		if err != nil {
			p.fault(parameter, "is not the id of a change, which is a whole number")
		}
		c.Ranges = []Range{{From: r.From}}
	default:
		c = p.values(c, parameter, value)
	}
	p.list.Where = append(p.list.Where, c)
}

// values understands the comma-separated values of a filter.
func (p *parser) values(c Condition, parameter, value string) Condition {
	terms, err := split(value)
	if err != nil {
		p.fault(parameter, err.Error())
		return c
	}
	if p.compared += len(terms); p.compared > maxCompared {
		p.fault(parameter, "compares with too much: the filters of a query together have "+strconv.Itoa(maxCompared)+" values and ranges at the most")
		return c
	}
	for _, term := range terms {
		switch {
		case c.Field.Type.Ranged():
			r, err := parseRange(c.Field.Type, term)
			if err != nil {
				p.fault(parameter, err.Error())
				return c
			}
			c.Ranges = append(c.Ranges, r)
		case c.Field.Values != nil && !slices.Contains(c.Field.Values, term):
			p.faults = append(p.faults, Fault{
				Parameter:  parameter,
				Reason:     fmt.Sprintf("%q is not one of the values", term),
				Allowed:    c.Field.Values,
				Suggestion: Nearest(term, c.Field.Values),
			})
			return c
		default:
			c.Texts = append(c.Texts, term)
		}
	}
	return c
}

// split cuts at commas that stand outside of quotation marks; inside, a doubled mark is one mark.
func split(value string) ([]string, error) {
	var terms []string
	for {
		var term string
		if rest, quoted := strings.CutPrefix(value, `"`); quoted {
			var b strings.Builder
			for {
				i := strings.IndexByte(rest, '"')
				if i < 0 {
					return nil, errors.New("a quotation mark is not closed")
				}
				b.WriteString(rest[:i])
				rest = rest[i+1:]
				if !strings.HasPrefix(rest, `"`) {
					break
				}
				b.WriteByte('"')
				rest = rest[1:]
			}
			if rest != "" && rest[0] != ',' {
				return nil, errors.New("after a closing quotation mark comes a comma or nothing")
			}
			term, value = b.String(), rest
		} else {
			i := strings.IndexByte(value, ',')
			if i < 0 {
				i = len(value)
			}
			term, value = value[:i], value[i:]
		}
		if term == "" {
			return nil, errors.New("an empty value in the list")
		}
		terms = append(terms, term)
		if value == "" {
			return terms, nil
		}
		value = value[1:] // the comma
	}
}

// parseRange understands a value, "a..b", "a.." and "..b".
func parseRange(t Type, term string) (Range, error) {
	low, high, isRange := strings.Cut(term, "..")
	if !isRange {
		high = low
	}
	if low == "" && high == "" {
		return Range{}, errors.New("a range needs at least one end")
	}
	var r Range
	if low != "" {
		from, err := parseValue(t, low)
		if err != nil {
			return Range{}, err
		}
		r.From = from.From
	}
	if high != "" {
		to, err := parseValue(t, high)
		if err != nil {
			return Range{}, err
		}
		r.To, r.Below = to.To, to.Below
	}
	if low != "" && high != "" && isRange && less(r.To, r.From) {
		return Range{}, fmt.Errorf("the range %s ends before it begins", term)
	}
	return r, nil
}

// parseValue returns the interval that a single value stands for: a month is all its days.
func parseValue(t Type, text string) (Range, error) {
	switch t {
	case Integer, Scalar:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return Range{}, fmt.Errorf("%q is not a whole number, or a range of them such as 100..500", text)
		}
		return Range{From: n, To: n}, nil
	case Number:
		x, err := parseNumber(text, 64)
		if err != nil {
			return Range{}, fmt.Errorf("%q is not a number, or a range of them such as 46.5..52", text)
		}
		return Range{From: x, To: x}, nil
	case Date:
		first, next, err := parseDays(text)
		if err != nil {
			return Range{}, err
		}
		return Range{From: first, To: next.AddDate(0, 0, -1)}, nil
	default:
		if at, err := time.Parse(time.RFC3339, text); err == nil && at.Year() > 0 && at.Year() < 10000 {
			return Range{From: at.UTC(), To: at.UTC()}, nil
		}
		first, next, err := parseDays(text)
		if err != nil {
			return Range{}, fmt.Errorf("%w; an instant is written 2025-07-23T17:40:00Z", err)
		}
		return Range{From: first, To: next, Below: true}, nil
	}
}

// parseNumber understands a number in decimal notation, of so many bits: nothing that only programs take for one, such as 1_000,
// 0x10 and inf.
func parseNumber(text string, bits int) (float64, error) {
	if strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, bits)
}

// parseDays understands a day, a month or a year: its first day, and the day after its last.
func parseDays(text string) (first, next time.Time, err error) {
	for _, form := range []struct {
		layout              string
		years, months, days int
	}{{time.DateOnly, 0, 0, 1}, {"2006-01", 0, 1, 0}, {"2006", 1, 0, 0}} {
		if d, err := time.Parse(form.layout, text); err == nil && d.Year() > 0 {
			return d, d.AddDate(form.years, form.months, form.days), nil
		}
	}
	return first, next, fmt.Errorf("%q is not a day (2025-07-23), a month (2025-07), a year (2025) or a range of them (2025-06-02..2025-07-23)", text)
}

func less(a, b any) bool {
	switch a := a.(type) {
	case int64:
		return a < b.(int64)
	case float64:
		return a < b.(float64)
	case time.Time:
		return a.Before(b.(time.Time))
	}
	return false
}
