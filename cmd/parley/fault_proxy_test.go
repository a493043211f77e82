//go:build rollout && linux

package main_test

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// network is what lies between the program and PostgreSQL: a forwarder from TCP to its socket, which fails as networks do.
type network struct {
	target  string // the socket
	address string
	pace    atomic.Int64 // nanoseconds that each packet takes longer

	mu       sync.Mutex
	listener net.Listener
	stalled  chan struct{} // not nil: nothing is forwarded until it is closed
	open     map[net.Conn]struct{}
}

func newNetwork(t *testing.T, target string) *network {
	t.Helper()
	n := &network{target: target, address: freeAddress(t), open: map[net.Conn]struct{}{}}
	n.listen(t)
	t.Cleanup(n.refuse)
	return n
}

func (n *network) listen(t *testing.T) {
	t.Helper()
	// As the program asks of PostgreSQL, at whose end of the connection this stands.
	config := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3}}
	config.SetMultipathTCP(false) // it knows no filters
	l, err := config.Listen(context.Background(), "tcp", n.address)
	if err != nil {
		t.Fatal(err)
	}
	n.mu.Lock()
	n.listener = l
	n.mu.Unlock()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go n.forward(conn)
		}
	}()
}

func (n *network) forward(client net.Conn) {
	server, err := net.Dial("unix", n.target)
	if err != nil {
		reset(client)
		return
	}
	if raw, err := client.(*net.TCPConn).SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 3000) })
	}
	n.mu.Lock()
	n.open[client] = struct{}{}
	n.mu.Unlock()
	var both sync.WaitGroup
	pump := func(to, from net.Conn) {
		b := make([]byte, 64<<10)
		for {
			k, err := from.Read(b)
			if k > 0 {
				time.Sleep(time.Duration(n.pace.Load()))
				n.wait()
				if _, err := to.Write(b[:k]); err != nil {
					break
				}
			}
			if err != nil {
				break
			}
		}
		_ = client.Close()
		_ = server.Close()
	}
	both.Go(func() { pump(server, client) })
	both.Go(func() { pump(client, server) })
	both.Wait()
	n.mu.Lock()
	delete(n.open, client)
	n.mu.Unlock()
}

func (n *network) wait() {
	n.mu.Lock()
	stalled := n.stalled
	n.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}

// reset ends a connection by RST.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// refuse refuses new connections and resets those that there are.
func (n *network) refuse() {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.listener.Close()
	for conn := range n.open {
		reset(conn)
	}
}

// stall takes everything in and forwards nothing, like a PostgreSQL or a pooler that hangs.
func (n *network) stall() (end func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	stalled := make(chan struct{})
	n.stalled = stalled
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.stalled = nil
		close(stalled)
	}
}

// swallow has every packet that comes in vanish, also those that open a connection: a filter before TCP drops them, so that
// nothing is acknowledged and nothing is reset.
func (n *network) swallow(t *testing.T, on bool) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	conns := []syscall.Conn{n.listener.(*net.TCPListener)}
	for conn := range n.open {
		conns = append(conns, conn.(*net.TCPConn))
	}
	for _, conn := range conns {
		raw, err := conn.SyscallConn()
		if err != nil {
			continue // it has ended
		}
		_ = raw.Control(func(fd uintptr) {
			if on {
				nothing := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}
				err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nothing[0]})
			} else {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
			}
		})
		if err != nil && on {
			t.Error("a filter:", err)
		}
	}
}

// silentReader connects and asks, and reads no more than it is told to.
func silentReader(ctx context.Context, address, request string, read int) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(conn, make([]byte, read))
	return conn, err
}
