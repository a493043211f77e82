package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Problem is an answer that is not a success, as RFC 9457 has it.
type Problem struct {
	Type      string  `json:"type"`   // an address that explains the kind; see Kind
	Title     string  `json:"title"`  // what is wrong, in general
	Status    int     `json:"status"` // of HTTP
	Detail    string  `json:"detail"` // what is wrong here
	Errors    []Fault `json:"errors"`
	Memento   string  `json:"memento"`    // of a deleted record: the address of it as it last was
	RequestID string  `json:"request_id"` // under which the operator finds it

	RetryAfter time.Duration `json:"-"` // how long to wait before trying again; 0: the answer does not say
}

// Fault is one thing that is wrong with a request. It names a parameter, or else a place in the body.
type Fault struct {
	Parameter  string   `json:"parameter"`
	Pointer    string   `json:"pointer"` // a JSON pointer (RFC 6901)
	Reason     string   `json:"reason"`
	Allowed    []string `json:"allowed"`    // what there is instead
	Suggestion string   `json:"suggestion"` // what was probably meant
}

// Kind is the last part of the type, such as not-found or invalid-parameter.
func (p *Problem) Kind() string { return p.Type[strings.LastIndex(p.Type, "/")+1:] }

func (p *Problem) Error() string {
	text := p.Title
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return fmt.Sprintf("%s (%d, request %s)", text, p.Status, p.RequestID)
}

// mostOfProblem is how many bytes of an answer that is not a success are read.
const mostOfProblem = 1 << 20

// problemOf reads the problem that an answer is. What is between us and the API, such as a proxy, may answer otherwise.
func problemOf(r *http.Response) error {
	p := &Problem{}
	text, _ := io.ReadAll(io.LimitReader(r.Body, mostOfProblem))
	if json.Unmarshal(text, p) != nil || p.Title == "" {
		p = &Problem{Title: r.Status, Detail: r.Request.URL.Redacted() + " does not answer as a Parley API does"}
	}
	p.Status = r.StatusCode
	if seconds, err := time.ParseDuration(r.Header.Get("Retry-After") + "s"); err == nil {
		p.RetryAfter = seconds
	}
	return p
}
