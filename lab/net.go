package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// network is the in-memory network of the lab: hosts with addresses and ports.
type network struct {
	zone *zone // resolves host names for callers that skip DNS

	mu      sync.Mutex
	ports   map[netip.AddrPort]func(net.Conn) // who serves a connection; returns when it has ended
	conns   map[net.Conn]struct{}             // server ends, to be closed with the network
	next    uint16                            // port of the next caller
	closed  bool
	serving sync.WaitGroup
}

func newNetwork(z *zone) *network {
	return &network{zone: z, ports: map[netip.AddrPort]func(net.Conn){}, conns: map[net.Conn]struct{}{}, next: 40000}
}

// listen has serve called, on its own goroutine, for each connection to one of addrs at port.
func (n *network) listen(addrs []netip.Addr, port uint16, serve func(net.Conn)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range addrs {
		n.ports[netip.AddrPortFrom(a, port)] = serve
	}
}

// dial connects to a name or address of the lab. Nobody there: connection
// refused, as on a real network.
func (n *network) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	to, err := n.resolve(network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	serve := n.ports[to]
	if serve == nil || n.closed {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: syscall.ECONNREFUSED}
	}
	n.next = max(n.next+1, 40000)
	client, server := newPipe(&net.TCPAddr{IP: caller, Port: int(n.next)}, net.TCPAddrFromAddrPort(to))
	n.conns[server] = struct{}{}
	n.serving.Go(func() {
		defer n.gone(server)
		serve(server)
	})
	return client, nil
}

// caller is the address everybody comes from (RFC 5737 §3: TEST-NET-2).
var caller = net.IPv4(198, 51, 100, 7)

// resolve finds the address and port of addr. UDP reaches the DNS server only;
// like Go's resolver and miekg/dns it takes a connection that is no PacketConn for a stream.
func (n *network) resolve(network, addr string) (netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return netip.AddrPort{}, &net.AddrError{Err: "the port must be a number", Addr: addr}
	}
	if !strings.HasPrefix(network, "tcp") && (!strings.HasPrefix(network, "udp") || port != dnsPort) {
		return netip.AddrPort{}, net.UnknownNetworkError(network + " (the lab's network in memory carries TCP, and DNS)")
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		addrs := n.zone.hosts[strings.ToLower(strings.TrimSuffix(host, "."))]
		if len(addrs) == 0 {
			return netip.AddrPort{}, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		ip = addrs[0]
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), nil
}

func (n *network) gone(c net.Conn) {
	_ = c.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
}

// close ends all connections and waits for those who serve them.
func (n *network) close() {
	n.mu.Lock()
	n.closed = true
	conns := make([]net.Conn, 0, len(n.conns))
	for c := range n.conns {
		conns = append(conns, c)
	}
	n.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
	n.serving.Wait()
}

// inbox is a net.Listener fed by hand, for servers that insist on one.
type inbox struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	addr  net.Addr
}

func newInbox(addr net.Addr) *inbox {
	return &inbox{conns: make(chan net.Conn), done: make(chan struct{}), addr: addr}
}

// serve hands c over and returns when it has ended.
func (l *inbox) serve(c net.Conn) {
	held := &heldConn{Conn: c, ended: make(chan struct{})}
	select {
	case l.conns <- held:
		<-held.ended
	case <-l.done:
		_ = c.Close()
	}
}

func (l *inbox) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, fmt.Errorf("accept: %w", net.ErrClosed)
	}
}

func (l *inbox) Addr() net.Addr { return l.addr }
func (l *inbox) Close() error   { l.once.Do(func() { close(l.done) }); return nil }

// heldConn tells when it was closed.
type heldConn struct {
	net.Conn
	once  sync.Once
	ended chan struct{}
}

func (c *heldConn) Close() error {
	c.once.Do(func() { close(c.ended) })
	return c.Conn.Close()
}

// adopt serves a connection of another network like one of this.
func (n *network) adopt(c net.Conn, serve func(net.Conn)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		_ = c.Close()
		return
	}
	n.conns[c] = struct{}{}
	n.serving.Go(func() {
		defer n.gone(c)
		serve(c)
	})
}
