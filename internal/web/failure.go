package web

import "github.com/parley-api/parley/internal/query"

// Failure says what is wrong with a request, and what to do.
type Failure struct {
	Status    int
	Title     string
	Detail    string
	Faults    []query.Fault
	Memento   string // the page as it last was; "": none
	Near      string // the address that was probably meant; "": none
	RequestID string
}

// Failure makes the page of an error.
func (s *Site) Failure(f Frame, e Failure) ([]byte, error) { return s.page("failure", f, e) }
