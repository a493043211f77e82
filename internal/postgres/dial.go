package postgres

import (
	"fmt"
	"net"
	"syscall"
	"time"
)

// lostAfter is how long a server, or the network before it, may leave unacknowledged what was sent before the connection counts as
// lost: its process may take as long as it likes, its machine not. Without that, the system tries for a quarter of an hour, ever
// more seldom; so a connection would also take as long again as the network was away to find out that it is back.
const lostAfter = 3 * time.Second

// dialer connects to a server.
var dialer = &net.Dialer{
	KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3},
	Control: func(network, _ string, conn syscall.RawConn) error {
		if network == "unix" {
			return nil
		}
		return giveUpAfter(conn, lostAfter)
	},
}

// hearing has the server find out as soon that we are lost: what a transaction of ours has locked is free then.
var hearing = map[string]string{
	"tcp_keepalives_idle": "2", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "3",
	"tcp_user_timeout": fmt.Sprint(lostAfter.Milliseconds()),
}
