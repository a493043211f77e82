//go:build !linux

package postgres

import (
	"syscall"
	"time"
)

// giveUpAfter leaves it to the system when to give up a connection: there is no portable way to say that.
func giveUpAfter(syscall.RawConn, time.Duration) error { return nil }
