package query

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Cursor says where a page ended. It is bound to its query and to the revision of the data set that the walk reads.
type Cursor struct {
	Revision int64
	Key      string // the sort key of the last record, as text
	ID       string // its id
	query    [8]byte
}

// Cursor makes the cursor that continues l after a record.
func (l List) Cursor(revision int64, key, id string) Cursor {
	return Cursor{Revision: revision, Key: key, ID: id, query: l.fingerprint()}
}

func (l List) fingerprint() (f [8]byte) {
	sum := sha256.Sum256([]byte(l.of + "?" + l.Canonical()))
	copy(f[:], sum[:])
	return f
}

// String is the cursor as it stands in a URL.
func (c Cursor) String() string {
	b := binary.AppendUvarint(nil, uint64(c.Revision))
	b = append(b, c.query[:]...)
	b = binary.AppendUvarint(b, uint64(len(c.Key)))
	b = append(b, c.Key...)
	b = append(b, c.ID...)
	return base64.RawURLEncoding.EncodeToString(b)
}

var errCursor = errors.New("is not a cursor of ours; take it from next, whole")

func parseCursor(text string) (Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return Cursor{}, errCursor
	}
	var c Cursor
	revision, n := binary.Uvarint(b)
	if n <= 0 || revision > math.MaxInt64 || len(b) < n+len(c.query) {
		return Cursor{}, errCursor
	}
	c.Revision = int64(revision)
	b = b[n:]
	b = b[copy(c.query[:], b):]
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return Cursor{}, errCursor
	}
	c.Key, c.ID = string(b[n:n+int(length)]), string(b[n+int(length):])
	if !IsID(c.ID) || c.String() != text {
		return Cursor{}, errCursor
	}
	return c, nil
}

// cursor checks that the cursor continues this very query. It comes last: it needs all else.
func (p *parser) cursor(text string) {
	c, err := parseCursor(text)
	if err != nil {
		p.fault("cursor", err.Error())
		return
	}
	if len(p.faults) > 0 {
		return // the query is not what was meant: no use in comparing it
	}
	if c.query != p.list.fingerprint() {
		p.fault("cursor", "belongs to another query; start without cursor, or leave the query as it was")
		return
	}
	if id, _ := p.grammar.Field("id"); id.Type == Integer && !keyFits(Order{}, Integer, c.ID) {
		p.fault("cursor", errCursor.Error())
		return
	}
	field, _ := p.grammar.Field(p.list.Sort.Field)
	if !keyFits(p.list.Sort, field.Type, c.Key) {
		p.fault("cursor", errCursor.Error())
		return
	}
	p.list.After = &c
}

// keyFits checks that the key of a cursor can be a value of the field that the list is sorted by.
func keyFits(o Order, t Type, key string) bool {
	if o.Field == ByRank {
		x, err := parseNumber(key, 32)
		return err == nil && (math.Abs(x) > 1e-37 || strings.Trim(key, "-0.") == "") // as float4 holds them
	}
	switch t {
	case Integer:
		_, err := strconv.ParseInt(key, 10, 64)
		return err == nil
	case Number:
		_, err := parseNumber(key, 64)
		return err == nil
	case Date:
		if key == "infinity" || key == "-infinity" {
			return true // undated
		}
		at, err := time.Parse(time.DateOnly, key)
		return err == nil && at.Year() > 0
	default:
		return unfit(key) == ""
	}
}

// IsID reports whether a text can be the id of a record.
func IsID(text string) bool {
	return text != "" && len(text) <= 200 && !strings.ContainsFunc(text, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
