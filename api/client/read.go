package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Meta is what a list says of itself.
type Meta struct {
	Revision         int64         `json:"revision"`          // of the data set that was read
	AsOf             *time.Time    `json:"as_of"`             // when that was recorded; nil before the first
	Permalink        string        `json:"permalink"`         // the same query pinned to the revision
	ReportedBy       string        `json:"reported_by"`       // the party whose figures these are; "": the best-supported ones
	DidYouMean       string        `json:"did_you_mean"`      // the search that was carried out instead
	Total            *int          `json:"total"`             // records that match, with total_count=true
	ExcludedUndated  *int          `json:"excluded_undated"`  // records that a filter on days left out because they have none
	ExcludedUnplaced *int          `json:"excluded_unplaced"` // records that bbox left out because their place is not known
	By               string        `json:"by"`                // what totals are made by
	TimeZone         string        `json:"time_zone"`         // of the periods of totals: none is applied
	Coverage         *MetaCoverage `json:"coverage"`
	Licence          string        `json:"licence"` // an address
	Attribution      string        `json:"attribution"`
}

// MetaCoverage says from when to when the records of a collection run. Outside of it, nothing on record means nothing.
type MetaCoverage struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Missing []Gap  `json:"missing"`
}

// Gap is something that is known to be missing.
type Gap struct {
	Year    *int   `json:"year"` // nil: it concerns the collection as a whole
	Missing string `json:"missing"`
}

// Page is a part of a list.
type Page[T any] struct {
	Data []T    `json:"data"`
	Next string `json:"next"` // the address of the following page; "": this is the last one
	Meta Meta   `json:"meta"`
}

// Pages walks through a list page by page, to its end or to the first error. All pages are of one moment, that of the first.
func Pages[T any](ctx context.Context, c *Client, from Collection[T], query Query) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		for asked := url.Values(query); ; {
			page := new(Page[T])
			_, err := c.read(ctx, http.MethodGet, c.address(asked, string(from)), nil, nil, page)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) || page.Next == "" {
				return
			}
			next, err := url.Parse(page.Next) // which may name the API as it is seen from elsewhere
			if err != nil {
				yield(nil, err)
				return
			}
			asked = next.Query()
		}
	}
}

// List walks through the records of a list, to its end or to the first error, which comes with a zero record. All are of
// one moment.
func List[T any](ctx context.Context, c *Client, from Collection[T], query Query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range Pages(ctx, c, from, query) {
			if err != nil {
				yield(*new(T), err)
				return
			}
			for _, record := range page.Data {
				if !yield(record, nil) {
					return
				}
			}
		}
	}
}

// Record is a record by itself, with what the answer says of it.
type Record[T any] struct {
	Value    T
	Revision int64  // of the data set that was read
	ETag     string // stands for this answer: see Refresh, and [Guard]

	address string
}

// Get gets one record. Of the query, as_of, fields and reported_by have a meaning.
func Get[T any](ctx context.Context, c *Client, from Collection[T], id string, query Query) (*Record[T], error) {
	r := &Record[T]{address: c.address(url.Values(query), string(from), url.PathEscape(id))}
	if _, err := r.Refresh(ctx, c); err != nil {
		return nil, err
	}
	return r, nil
}

// Refresh gets the record again, if it has changed, and reports whether it has.
func (r *Record[T]) Refresh(ctx context.Context, c *Client) (changed bool, err error) {
	header := http.Header{}
	if r.ETag != "" {
		header.Set("If-None-Match", r.ETag)
	}
	var value T
	response, err := c.read(ctx, http.MethodGet, r.address, header, nil, &value)
	if err != nil || response.StatusCode == http.StatusNotModified {
		return false, err
	}
	r.Value = value
	r.answered(response)
	return true, nil
}

func (r *Record[T]) answered(response *http.Response) {
	r.ETag = response.Header.Get("ETag")
	r.Revision, _ = strconv.ParseInt(response.Header.Get("Parley-Revision"), 10, 64)
}
