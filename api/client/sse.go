package client

import (
	"bufio"
	"bytes"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
)

// message is an event as server-sent events have it.
type message struct {
	kind string
	id   string // of the last event so far
	data []byte // nil: it has none, and only says how far the stream is
}

// longestLine is how many bytes a line may have: a record is one.
const longestLine = 64 << 20

// messages reads server-sent events, as HTML defines them, until the stream ends. What the last blank line is followed by is
// no event. last is the id of the last event before; retry is told how long to wait before connecting anew.
func messages(r io.Reader, last string, retry func(time.Duration)) iter.Seq[message] {
	return func(yield func(message) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 4096), longestLine)
		lines.Split(splitLines())
		next, first, ids := message{id: last}, true, false
		for lines.Scan() {
			line := lines.Text()
			if first {
				line, first = strings.TrimPrefix(line, "\ufeff"), false
			}
			if line == "" {
				if next.data != nil {
					next.data = bytes.TrimSuffix(next.data, []byte("\n"))
				}
				if (next.data != nil || ids) && !yield(next) {
					return
				}
				next, ids = message{id: next.id}, false
				continue
			}
			field, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch field {
			case "event":
				next.kind = value
			case "data":
				next.data = append(append(next.data, value...), '\n')
			case "id":
				if !strings.ContainsRune(value, 0) {
					next.id, ids = value, true
				}
			case "retry":
				if n, err := strconv.ParseUint(value, 10, 31); err == nil {
					retry(time.Duration(n) * time.Millisecond)
				}
			}
		}
	}
}

// splitLines splits at \n, \r\n and \r. A line that ends with \r is there at once, whether or not a \n will follow.
func splitLines() bufio.SplitFunc {
	returned := false // the line before ended with \r
	return func(data []byte, _ bool) (int, []byte, error) {
		skip := 0
		if returned && len(data) > 0 {
			if data[0] == '\n' {
				skip = 1
			}
		}
		end := bytes.IndexAny(data[skip:], "\r\n")
		if end < 0 {
			return 0, nil, nil // more is needed; what has no end is no line
		}
		returned = data[skip+end] == '\r'
		return skip + end + 1, data[skip : skip+end], nil
	}
}
