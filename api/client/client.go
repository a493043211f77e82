package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client speaks to one API. It may be used by several goroutines at once.
type Client struct {
	http  *http.Client
	base  string // without a slash at its end
	key   string
	agent string
	retry time.Duration // how long a stream waits before it connects anew, where the server says nothing
	quiet time.Duration // how long a stream may say nothing before it counts as dead
}

// Option changes how a [Client] is made.
type Option func(*Client)

// WithHTTPClient sends requests by h instead of [http.DefaultClient]. Its Timeout also bounds each connection of a stream.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithKey sends an API key with what writes. Reads need none.
func WithKey(key string) Option { return func(c *Client) { c.key = key } }

// WithUserAgent tells the API who asks, such as "newsroom/1.2".
func WithUserAgent(agent string) Option { return func(c *Client) { c.agent = agent } }

// New returns a client of the API at an address such as https://api.example.org.
func New(base string, options ...Option) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not an address such as https://api.example.org", base)
	}
	c := &Client{
		http:  http.DefaultClient,
		base:  strings.TrimSuffix(strings.TrimSuffix(base, "/"), "/v1"),
		agent: "parley-go",
		retry: 3 * time.Second,
		quiet: 45 * time.Second, // a server says something every 15 s
	}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

// address is that of a list, or of a part of it.
func (c *Client) address(query url.Values, path ...string) string {
	address := c.base + "/v1"
	for _, part := range path {
		address += "/" + part
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// do sends a request and returns the answer, if that is a success or unchanged. body is sent as JSON; nil: none.
func (c *Client) do(ctx context.Context, method, address string, header http.Header, body any) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", c.agent)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if method != http.MethodGet && c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < 300 || response.StatusCode == http.StatusNotModified {
		return response, nil
	}
	defer response.Body.Close()
	return nil, problemOf(response)
}

// read sends a request and decodes the answer.
func (c *Client) read(ctx context.Context, method, address string, header http.Header, body, into any) (*http.Response, error) {
	response, err := c.do(ctx, method, address, header, body)
	if err != nil || response.StatusCode == http.StatusNotModified {
		return response, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return nil, fmt.Errorf("the answer of %s cannot be read: %w", address, err)
	}
	return response, nil
}
