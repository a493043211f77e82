package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/parley-api/parley/internal/config"
)

// certificate is what the server shows to clients that come by TLS. It is read again when its files change, and at once on
// SIGHUP: renewing it needs no restart. While new files cannot be used, the old ones are.
type certificate struct {
	config.TLS
	log     *slog.Logger
	current atomic.Pointer[loaded]
}

type loaded struct {
	certificate *tls.Certificate
	seen        [2]stamp // of the files, when they were read
}

// stamp tells a file from what it was before.
type stamp struct {
	modified time.Time
	size     int64
}

// looking is how often the files are looked at.
const looking = 30 * time.Second

// loadCertificate reads the certificate; nil: there is to be none.
func loadCertificate(c config.TLS, log *slog.Logger) (*certificate, error) {
	if c.Cert == "" {
		return nil, nil
	}
	cert := &certificate{TLS: c, log: log}
	return cert, cert.load()
}

func (c *certificate) load() error {
	seen := c.stamps() // before reading: a change meanwhile is seen the next time
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return fmt.Errorf("the certificate cannot be used: %w; PARLEY_TLS_CERT and PARLEY_TLS_KEY name files in PEM that belong together", err)
	}
	c.current.Store(&loaded{&pair, seen})
	return nil
}

func (c *certificate) stamps() (all [2]stamp) {
	for i, path := range []string{c.Cert, c.Key} {
		if info, err := os.Stat(path); err == nil {
			all[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return all
}

// leaf is the certificate itself, without those that vouch for it.
func (c *certificate) leaf() *x509.Certificate { return c.current.Load().certificate.Leaf }

// config is that of a server: TLS 1.2 at the least.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load().certificate, nil
		},
	}
}

// watch reads the files again when they change, until ctx ends.
func (c *certificate) watch(ctx context.Context) {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	look := time.NewTicker(looking)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangUp:
		case <-look.C:
			if c.stamps() == c.current.Load().seen {
				continue
			}
		}
		if err := c.load(); err != nil {
			c.log.Error("the certificate before is used on", "error", err)
			continue
		}
		c.log.Info("certificate read again", "subject", c.leaf().Subject.String(), "until", c.leaf().NotAfter)
	}
}
