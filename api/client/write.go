package client

import (
	"context"
	"net/http"
	"net/url"
)

// Guard says on what condition something is written, and makes it safe to try again.
type Guard struct {
	IfMatch        string // the ETag that the record came with, or *: only if nobody has changed it since
	IfNew          bool   // only if the record is not there
	IdempotencyKey string // within 24 hours, writes with the same one are carried out once; "": each is
}

func (g Guard) header() http.Header {
	h := http.Header{}
	if g.IfMatch != "" {
		h.Set("If-Match", g.IfMatch)
	}
	if g.IfNew {
		h.Set("If-None-Match", "*")
	}
	if g.IdempotencyKey != "" {
		h.Set("Idempotency-Key", g.IdempotencyKey)
	}
	return h
}

// Put writes a record whole, as a changeset of its own with a message ("": the API's words), and returns it as it then is. What is computed may
// stay in the record as it was read. Over a record that is there it needs [Guard.IfMatch].
func Put[T any](ctx context.Context, c *Client, to Collection[T], id string, record any, message string, guard Guard) (*Record[T], error) {
	r := &Record[T]{address: c.address(nil, string(to), url.PathEscape(id))}
	query := url.Values{}
	if message != "" {
		query.Set("message", message)
	}
	address := c.address(query, string(to), url.PathEscape(id))
	response, err := c.read(ctx, http.MethodPut, address, guard.header(), record, &r.Value)
	if err != nil {
		return nil, err
	}
	r.answered(response)
	return r, nil
}

// Operation is what to do to one record.
type Operation struct {
	Op         string `json:"op"`             // put, patch or delete
	Collection string `json:"type"`           // such as rounds
	ID         string `json:"id"`             // of the record
	Body       any    `json:"body,omitempty"` // the record as it is written, or for patch what changes (RFC 7396)
	Restore    bool   `json:"restore,omitempty"`
}

// Recorded is what operations changed, or would change.
type Recorded struct {
	ID       int64          `json:"id"`       // the new revision; 0: none was made
	Revision int64          `json:"revision"` // where none was made: that of the data set
	Changes  []RecordChange `json:"changes"`
}

// RecordChange is what was done to one record.
type RecordChange struct {
	Op         string        `json:"op"` // create, update or delete
	Collection string        `json:"collection"`
	Record     string        `json:"record"`
	URL        string        `json:"url"`
	Difference []FieldChange `json:"difference"`
}

// FieldChange is a field before and after, as JSON has it.
type FieldChange struct {
	Field  string `json:"field"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// Commit records operations as one changeset: all of them or nothing.
func (c *Client) Commit(ctx context.Context, message string, operations []Operation, guard Guard) (*Recorded, error) {
	return c.changeset(ctx, nil, message, operations, guard)
}

// Preview tells what [Client.Commit] would change, and changes nothing.
func (c *Client) Preview(ctx context.Context, message string, operations []Operation, guard Guard) (*Recorded, error) {
	return c.changeset(ctx, url.Values{"dry_run": {"true"}}, message, operations, guard)
}

func (c *Client) changeset(ctx context.Context, query url.Values, message string, operations []Operation, guard Guard) (*Recorded, error) {
	body := struct {
		Message    string      `json:"message"`
		Operations []Operation `json:"operations"`
	}{message, operations}
	done := &Recorded{}
	if _, err := c.read(ctx, http.MethodPost, c.address(query, string(Changesets)), guard.header(), body, done); err != nil {
		return nil, err
	}
	return done, nil
}
