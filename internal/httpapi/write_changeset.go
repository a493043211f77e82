package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/store"
)

// tooMany is the error of a changeset with more operations than are taken at once.
type tooMany struct{ given, most int }

func (e *tooMany) Error() string {
	return fmt.Sprintf("the changeset has %d operations; %d are taken at once: divide it", e.given, e.most)
}

// postChangeset records many operations as one changeset, and answers with what each changed.
func (s *server) postChangeset(w http.ResponseWriter, r *http.Request, a *writing) error {
	body, err := decode(a.body)
	if err != nil {
		return err
	}
	c, err := s.changesetOf(body, a)
	if err != nil {
		return err
	}
	done, err := s.commit(r, a, c)
	if err != nil {
		return err
	}
	if !done.Changed {
		return s.preview(w, r, done, a.dryRun)
	}
	wrote(w, done)
	w.Header().Set("Location", fmt.Sprintf("%s/v1/changesets/%d", s.base(r), done.Revision))
	return s.changesetDocument(w, r, done)
}

// changesetOf reads the body of a changeset, and reports every fault of its frame at once. The bodies of its operations
// are checked against what is recorded, later.
func (s *server) changesetOf(body map[string]any, a *writing) (store.Changeset, error) {
	var f frame
	f.keys("", body, "message", "operations", "author")
	c := store.Changeset{Message: a.message}
	if given, ok := body["message"]; ok || c.Message == "" {
		c.Message = f.text("/message", given, "say what changes and why")
		if fault := faultOfMessage(c.Message); fault != "" && c.Message != "" {
			f.add("/message", fault)
		}
	}
	if given, ok := body["author"]; ok {
		c.Author = f.text("/author", given, "name who the changeset is from")
		if len(c.Author) > 100 || faultOfMessage(c.Author) != "" {
			f.add("/author", "is longer than 100 bytes, or no text")
		}
		if err := a.key.Require(store.ScopeAdmin); err != nil {
			return c, err
		}
	}
	list, ok := body["operations"].([]any)
	switch {
	case !ok || len(list) == 0:
		f.add("/operations", `is a list of at least one operation, such as {"op": "put", "type": "rounds", "id": "…", "body": {…}}`)
	case s.MaxOperations > 0 && len(list) > s.MaxOperations:
		return c, &tooMany{len(list), s.MaxOperations}
	}
	a.guard.OrNew = a.guard.Exists || a.guard.Unchanged != nil // new records are no reason to send each its own guard
	named := map[string]int{}
	for i, given := range list {
		o := f.operation("/operations/"+strconv.Itoa(i), given, a.guard)
		if o.Restore {
			if err := a.key.Require(store.ScopeAdmin); err != nil {
				return c, err
			}
		}
		if o.Kind == nil || o.ID == "" || o.Op == "" || o.Body == nil && o.Op != store.Delete {
			continue // at fault already
		}
		name := o.Kind.Collection + "/" + o.ID
		if first, twice := named[name]; twice {
			f.add(o.At, fmt.Sprintf("is on %s, as /operations/%d is; a changeset has one operation a record", name, first))
			continue
		}
		named[name] = i
		c.Operations = append(c.Operations, o)
	}
	if c.Faults = f.faults; c.Message == "" || c.Operations == nil {
		return c, &store.Rejected{Reason: store.Invalid, Faults: f.faults}
	}
	return c, nil
}

// frame reads what is around the records of a changeset.
type frame struct{ faults []query.Fault }

func (f *frame) add(pointer, reason string) {
	f.faults = append(f.faults, query.Fault{Pointer: pointer, Reason: reason})
}

// keys refuses keys that an object does not have.
func (f *frame) keys(at string, body map[string]any, allowed ...string) {
	f.faults = append(f.faults, record.UnknownKeys(at, body, allowed)...)
}

func (f *frame) text(at string, given any, wants string) string {
	text, ok := given.(string)
	if !ok || strings.TrimSpace(text) == "" {
		f.add(at, "is required: "+wants)
		return ""
	}
	return text
}

// operation reads one operation; its guard is the request's unless it has its own.
func (f *frame) operation(at string, given any, guard store.Guard) store.Operation {
	o := store.Operation{Guard: guard, At: at, Within: at + "/body"}
	body, ok := given.(map[string]any)
	if !ok {
		f.add(at, "is not an object")
		return o
	}
	f.keys(at, body, "op", "type", "id", "body", "if_match", "if_none_match", "restore")
	o.Op = store.Op(f.text(at+"/op", body["op"], "put, patch or delete"))
	switch o.Op {
	case store.Put, store.Patch, store.Delete, "":
	default:
		f.faults = append(f.faults, query.Fault{Pointer: at + "/op", Reason: "is no operation", Allowed: []string{"put", "patch", "delete"}})
		o.Op = ""
	}
	f.kind(&o, f.text(at+"/type", body["type"], "the collection of the record"))
	if o.ID = f.text(at+"/id", body["id"], "the id of the record"); o.ID != "" && !query.IsID(o.ID) {
		f.add(at+"/id", "is no id")
		o.ID = ""
	}
	o.Body, ok = body["body"].(map[string]any)
	if _, there := body["body"]; o.Op == store.Delete && there {
		f.add(at+"/body", "is not for a delete")
	} else if o.Op != store.Delete && !ok {
		f.add(at+"/body", "is required: the record, or with patch what changes of it")
	}
	f.guard(&o, body)
	if given, ok := body["restore"]; ok {
		if o.Restore, ok = given.(bool); !ok {
			f.add(at+"/restore", "is true or false")
		}
	}
	return o
}

// kind finds the collection that an operation names.
func (f *frame) kind(o *store.Operation, collection string) {
	k := record.Find(collection)
	switch {
	case collection == "":
	case k == nil:
		allowed := record.Collections()
		f.faults = append(f.faults, query.Fault{Pointer: o.At + "/type", Reason: "is no collection whose records are written", Allowed: allowed, Suggestion: query.Nearest(collection, allowed)})
	case k.PartOf != "":
		f.add(o.At+"/type", collection+" are written as parts of "+k.PartOf)
	default:
		o.Kind = k
	}
}

// guard reads the guard of an operation: the same words as the headers'.
func (f *frame) guard(o *store.Operation, body map[string]any) {
	match, guarded := body["if_match"]
	none, absent := body["if_none_match"]
	if guarded || absent {
		o.Guard = store.Guard{}
	}
	switch n, isNumber := match.(float64); {
	case guarded && absent:
		f.add(o.At+"/if_none_match", "contradicts if_match: a record is there, or it is not")
	case absent && none != "*":
		f.add(o.At+"/if_none_match", `is "*": only if the record is not there`)
	case absent:
		o.Guard.Absent = true
	case !guarded:
	case match == "*":
		o.Guard.Exists = true
	case isNumber && n >= 0 && n == float64(int64(n)):
		revision := int64(n)
		o.Guard.Unchanged = &revision
	default:
		f.add(o.At+"/if_match", `is the revision at which you saw the record, such as 42, or "*"`)
	}
}
