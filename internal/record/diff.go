package record

import "reflect"

// Difference is a field whose value a change altered. Before is null for a record that is new, After for one deleted.
type Difference struct {
	Field  Field
	Before any
	After  any
}

// Diff lists the fields in which two documents differ, in the order of the fields. A nil document is one that is not
// there: against it, what is null or empty is no difference.
func (k *Kind) Diff(before, after Document) []Difference {
	var all []Difference
	for _, f := range k.Fields {
		a, b := before[f.Name], after[f.Name]
		if reflect.DeepEqual(a, b) || before == nil && empty(b) || after == nil && empty(a) {
			continue
		}
		all = append(all, Difference{f, a, b})
	}
	return all
}

func empty(value any) bool {
	list, ok := value.([]any)
	return value == nil || ok && len(list) == 0
}

// Merge applies a merge patch (RFC 7396) to a document and returns a body to check.
func (k *Kind) Merge(d Document, patch map[string]any) map[string]any {
	body := make(map[string]any, len(d))
	for name, value := range d {
		body[name] = loose(value)
	}
	return merge(body, patch)
}

func merge(target, patch map[string]any) map[string]any {
	for name, value := range patch {
		object, ok := value.(map[string]any)
		switch {
		case value == nil:
			delete(target, name)
		case ok:
			inner, _ := target[name].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
			}
			target[name] = merge(inner, object)
		default:
			target[name] = value
		}
	}
	return target
}

// loose is a value of a document as a body has it.
func loose(value any) any {
	switch value := value.(type) {
	case Document:
		body := make(map[string]any, len(value))
		for name, v := range value {
			body[name] = loose(v)
		}
		return body
	case []any:
		list := make([]any, len(value))
		for i, v := range value {
			list[i] = loose(v)
		}
		return list
	}
	return value
}

// Stored makes a document of what the database shows of a record, as decoded from JSON. It is not checked, because it
// was when it was written.
func (k *Kind) Stored(shown map[string]any) Document { return stored(k.Fields, shown) }

func stored(fields []Field, shown map[string]any) Document {
	d := Document{}
	for i := range fields {
		d[fields[i].Name] = fields[i].stored(shown[fields[i].Name])
	}
	return d
}

func (f *Field) stored(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if f.Type == Ref {
			return value["id"]
		}
		return stored(f.Fields, value)
	case []any:
		list := make([]any, len(value))
		for i, e := range value {
			list[i] = f.Elem.stored(e)
		}
		return list
	case float64:
		if f.Type != Number {
			return int64(value)
		}
	}
	return value
}
