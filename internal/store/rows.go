package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-api/parley/internal/record"
)

// row is a row of a table in the making, by column.
type row = map[string]any

// part is a table of parts: its rows belong to records that the column owner names.
type part struct {
	table   string
	owner   string
	columns []string
}

// renamed are the columns that are called otherwise than their fields, because SQL has the words for itself.
var renamed = map[string]string{"from": "from_party", "to": "to_party"}

func columnOf(field string) string {
	if c := renamed[field]; c != "" {
		return c
	}
	return field
}

// elements are the columns that the elements of lists are kept in, by what the elements refer to or else by the list.
var elements = map[string]string{"parties": "party", "sources": "source", "aliases": "alias", "categories": "category"}

func elementOf(list record.Field) string {
	if list.Elem.Type == record.Ref {
		return elements[list.Elem.To]
	}
	return elements[list.Name]
}

// rows are what a batch comes to: the rows of the records' table and of the tables of their parts.
type rows struct {
	columns []string // of the records' table
	records []row
	parts   []part
	of      map[string][]row    // the rows of each table of parts
	owners  map[string][]string // the records that are there already and may have parts in them

	there     map[string]bool     // the records that are there already
	people    map[string]bool     // those of our people who are quoted
	reportIDs map[string][]string // by record, in the order of its reports
}

func order(p part) int {
	if p.table == "reports" {
		return 0
	}
	return 1
}

// fill makes the rows of documents. Lists of objects other than delegations and reports are rows with the fields of
// their objects; an object is columns of the record.
func (r *rows) fill(k *record.Kind, ids []string, documents map[string]record.Document) {
	r.columns, r.of, r.owners = []string{"id"}, map[string][]row{}, map[string][]string{}
	for _, f := range k.Fields {
		r.declare(k, f)
	}
	// Reports first: how figures stand is made of them, and so is found out once.
	slices.SortStableFunc(r.parts, func(a, b part) int { return order(a) - order(b) })
	for _, id := range ids {
		main := row{"id": id}
		for _, f := range k.Fields {
			r.field(k, f, id, documents[id], main)
		}
		r.records = append(r.records, main)
	}
}

// declare says which columns and tables a field is kept in.
func (r *rows) declare(k *record.Kind, f record.Field) {
	table := k.Name + "_" + f.Name
	switch {
	case f.Name == "delegations":
		for _, p := range record.Delegations.Fields {
			if p.Type == record.List {
				r.declare(record.Delegations, p)
			}
		}
	case f.Name == "reports":
		r.parts = append(r.parts, part{"reports", k.Name, []string{
			"id", k.Name, "position", "field", "value_number", "value_text", "qualifier", "party", "said_by_person", "said_by_name", "source", "note",
		}})
	case f.Type == record.List && f.Elem.Type == record.Object:
		columns := []string{k.Name, "position"}
		for _, e := range f.Elem.Fields {
			columns = append(columns, columnOf(e.Name))
		}
		r.parts = append(r.parts, part{table, k.Name, columns})
	case f.Type == record.List:
		r.parts = append(r.parts, part{table, k.Name, []string{k.Name, "position", elementOf(f)}})
	case f.Type == record.Object:
		for _, e := range f.Fields {
			r.columns = append(r.columns, columnOf(e.Name))
		}
	case f.Type == record.Speaker:
		r.columns = append(r.columns, f.Name+"_person", f.Name+"_name")
	case f.Type == record.Time:
		r.columns = append(r.columns, f.Name)
		if f.Name == "started_at" {
			r.columns = append(r.columns, "utc_offset")
		}
	default:
		r.columns = append(r.columns, columnOf(f.Name))
	}
}

// field adds the value of a field of one record.
func (r *rows) field(k *record.Kind, f record.Field, id string, d record.Document, main row) {
	value := d[f.Name]
	switch f.Type {
	case record.List:
		if f.Name == "delegations" {
			for i, delegation := range d.Documents(f.Name) {
				r.delegation(id, i+1, delegation)
			}
			return
		}
		table := k.Name + "_" + f.Name
		if f.Name == "reports" {
			table = "reports"
		}
		if r.there[id] {
			r.owners[table] = append(r.owners[table], id)
		}
		for i, e := range value.([]any) {
			p := row{k.Name: id, "position": i + 1}
			if object, ok := e.(record.Document); !ok {
				p[elementOf(f)] = e
			} else if table == "reports" {
				r.report(p, r.reportIDs[id][i], object)
			} else {
				for _, inner := range f.Elem.Fields {
					p[columnOf(inner.Name)] = object[inner.Name]
				}
			}
			r.of[table] = append(r.of[table], p)
		}
	case record.Object:
		object, _ := value.(record.Document)
		for _, inner := range f.Fields {
			main[columnOf(inner.Name)] = object[inner.Name]
		}
	case record.Speaker:
		r.speaker(main, f.Name, d.String(f.Name))
	case record.Time:
		main[f.Name] = value
		if text := d.String(f.Name); text != "" {
			main["utc_offset"] = strings.TrimPrefix(text[len("2006-01-02T15:04:05"):], "+")
		}
	default:
		main[columnOf(f.Name)] = value
	}
}

// delegation adds a delegation, a record of its own, with its members and sources. Its id is made of the round and the
// party.
func (r *rows) delegation(round string, position int, d record.Document) {
	id := round + "-" + strings.ToLower(d.String("party"))
	if r.there[round] {
		r.there[id] = true // perhaps
	}
	r.of["delegations"] = append(r.of["delegations"], row{
		"id": id, "round": round, "party": d["party"], "head": d["head"], "reported_size": d["reported_size"], "position": position,
	})
	for _, f := range record.Delegations.Fields {
		if f.Type == record.List {
			r.field(record.Delegations, f, id, d, nil)
		}
	}
}

func (r *rows) report(p row, id string, d record.Document) {
	p["id"] = id
	for _, name := range []string{"field", "qualifier", "party", "source", "note"} {
		p[name] = d[name]
	}
	if n, ok := d.Int("value"); ok {
		p["value_number"] = n
	} else {
		p["value_text"] = d["value"]
	}
	r.speaker(p, "said_by", d.String("said_by"))
}

// speaker: one of our people, or somebody with a name.
func (r *rows) speaker(p row, name, who string) {
	switch {
	case who == "":
	case r.people[who]:
		p[name+"_person"] = who
	default:
		p[name+"_name"] = who
	}
}

// upsertSQL writes rows of a table whose key is id; a row that is as it was stays untouched.
func upsertSQL(table string, columns []string) string {
	var set []string
	for _, c := range columns[1:] {
		set = append(set, c+" = excluded."+c)
	}
	list := strings.Join(columns, ", ")
	return fmt.Sprintf("insert into %[1]s (%[2]s) select %[2]s from json_populate_recordset(null::%[1]s, $1) on conflict (id) do update set %[3]s", table, list, strings.Join(set, ", "))
}

// deletePartsSQL ends the parts that records ($2) no longer have, insertPartsSQL begins those that they did not have. A
// part that changed does both, so that no order of rows can be in the way of another.
func (p part) deletePartsSQL() string {
	return fmt.Sprintf("delete from %[1]s p where p.%[2]s = any($2::text[]) and not exists (select from json_populate_recordset(null::%[1]s, $1) n where n.%[2]s = p.%[2]s and %[3]s)",
		p.table, p.owner, p.same())
}

func (p part) insertPartsSQL() string {
	list := strings.Join(p.columns, ", ")
	return fmt.Sprintf("insert into %[1]s (%[2]s) select %[2]s from json_populate_recordset(null::%[1]s, $1) n where not exists (select from %[1]s p where p.%[3]s = n.%[3]s and p.%[3]s = any($2::text[]) and %[4]s)",
		p.table, list, p.owner, p.same())
}

func (p part) same() string {
	return "(p." + strings.Join(p.columns, ", p.") + ") is not distinct from (n." + strings.Join(p.columns, ", n.") + ")"
}
