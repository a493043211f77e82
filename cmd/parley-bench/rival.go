package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

type rivalCmd struct {
	Memory      memoryCmd      `cmd:"" help:"Plain net/http that gives one answer of Parley's from memory."`
	Handwritten handwrittenCmd `cmd:"" help:"A service as one writes it by hand: net/http, pgx, structs, encoding/json."`
}

type memoryCmd struct {
	Addr   string `required:"" help:"Where to listen."`
	URL    string `required:"" help:"Whose answer to give."`
	Header string `help:"A header to ask with, such as Accept-Encoding: gzip."`
}

// Run asks once and gives that answer for ever.
func (c *memoryCmd) Run(e *env) error {
	h, err := same(e, c.URL, c.Header)
	if err != nil {
		return err
	}
	return serve(e, c.Addr, h)
}

// same is a handler that gives the headers and bytes of an answer from memory.
func same(e *env, url, header string) (http.Handler, error) {
	request, err := http.NewRequestWithContext(e.ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("--url: %w", err)
	}
	if name, value, ok := strings.Cut(header, ": "); ok {
		request.Header.Set(name, value)
	}
	var response *http.Response
	var body []byte
	for range 2 { // the second is from the cache, with all its headers
		if response, err = (&http.Transport{DisableCompression: true}).RoundTrip(request); err != nil {
			return nil, fmt.Errorf("asking for what to give: %w", err)
		}
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("reading what to give: %w", err)
		}
	}
	response.Header.Del("Date") // net/http has its own
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for name, values := range response.Header {
			h[name] = values
		}
		w.WriteHeader(response.StatusCode)
		_, _ = w.Write(body)
	}), nil
}

type handwrittenCmd struct {
	Addr string `required:"" help:"Where to listen."`
	target
}

// Run serves from the database.
func (c *handwrittenCmd) Run(e *env) error {
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return fmt.Errorf("the address of the database is not understood: %w", err)
	}
	config.MaxConns = 16 // as many as Parley takes
	db, err := pgxpool.NewWithConfig(e.ctx, config)
	if err != nil {
		return err
	}
	defer db.Close()
	return serve(e, c.Addr, handwritten{db}.routes())
}

// serve serves until the program is told to stop.
func serve(e *env, address string, h http.Handler) error {
	var config net.ListenConfig
	listener, err := config.Listen(e.ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-e.ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(listener); e.ctx.Err() == nil {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
