package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/parley-api/parley/internal/config"
)

var errStopping = errors.New("the server is stopping")

// drain ends a server without anybody noticing. First it only says that it is not ready, and serves on, so that whoever
// hands out requests sends them elsewhere; connections end with the answer that they carry. Then streams end, whose clients
// go on elsewhere; then it takes no connections any more, and requests in flight have their time.
type drain struct {
	config.Drain
	stopping atomic.Bool
	streams  chan struct{} // closed when streams are to end
}

func newDrain(c config.Drain) *drain { return &drain{Drain: c, streams: make(chan struct{})} }

// ready tells the health check.
func (d *drain) ready() error {
	if d.stopping.Load() {
		return errStopping
	}
	return nil
}

// lastAnswers has clients connect anew, elsewhere, for their next request, once the end has begun.
func (d *drain) lastAnswers(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// end returns when nobody is served any more.
func (d *drain) end(servers []*http.Server) {
	d.stopping.Store(true)
	tellManager("STOPPING=1")
	time.Sleep(d.Delay)
	close(d.streams)
	limit, cancel := context.WithTimeout(context.Background(), d.Timeout)
	defer cancel()
	for _, s := range servers {
		if err := s.Shutdown(limit); err != nil {
			_ = s.Close() // what has not ended by now is cut off
		}
	}
}

// tellManager tells the service manager how we are, if there is one that wants to know (sd_notify of systemd). That it does
// not hear us is no reason not to serve.
func tellManager(state string) {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}
