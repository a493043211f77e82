package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// client speaks just enough HTTP over one connection that stays open. It shares the processors with what it measures: so
// it keeps nothing of an answer but what it is asked for.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

// answer is what a client notes of an answer.
type answer struct {
	status   int
	length   int // of the body; -1: chunked
	revision int64
}

func dial(address string) (*client, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second) //nolint:noctx // loopback
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *client) Close() error { return c.conn.Close() }

// get is a request for a path, with more headers, each ended by CRLF.
func get(address, path, headers string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\n" + headers + "\r\n")
}

// send is a request with a body of JSON.
func send(b []byte, method, address, path, headers string, body []byte) []byte {
	b = append(b, method+" "+path+" HTTP/1.1\r\nHost: "+address+"\r\nContent-Type: application/json\r\n"+headers+"Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	return append(append(b, "\r\n\r\n"...), body...)
}

// do sends a request and reads its answer. The body goes to a writer, or nowhere.
func (c *client) do(request []byte, body io.Writer) (answer, error) {
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, err
	}
	a, err := c.head()
	if err != nil {
		return a, err
	}
	return a, c.rest(a, body)
}

// head reads the status and the headers.
func (c *client) head() (answer, error) {
	var a answer
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return a, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return a, fmt.Errorf("no answer of HTTP: %q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, fmt.Errorf("no answer of HTTP: %q", line)
	}
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return a, err
		}
		if len(line) <= 2 {
			break
		}
		if err := a.header(line); err != nil {
			return a, err
		}
	}
	if a.status == 304 || a.status == 204 {
		a.length = 0
	}
	return a, nil
}

func (a *answer) header(line []byte) (err error) {
	switch line[0] {
	case 'C':
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			a.length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	case 'T':
		if bytes.HasPrefix(line, []byte("Transfer-Encoding: chunked")) {
			a.length = -1
		}
	case 'P':
		if value, ok := bytes.CutPrefix(line, []byte("Parley-Revision: ")); ok {
			a.revision, err = strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
		}
	}
	return err
}

// rest reads the body.
func (c *client) rest(a answer, body io.Writer) error {
	if a.length >= 0 {
		return c.part(a.length, body)
	}
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
		if err != nil {
			return fmt.Errorf("no length of a chunk: %q", line)
		}
		if err := c.part(int(size), body); err != nil {
			return err
		}
		if _, err := c.in.Discard(2); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}

func (c *client) part(size int, body io.Writer) error {
	if body == nil {
		_, err := c.in.Discard(size)
		return err
	}
	_, err := io.CopyN(body, c.in, int64(size))
	return err
}
