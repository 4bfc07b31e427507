package lab

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/natefinch/atomic"
)

// Ready is what `communicator lab` prints when everything listens.
type Ready struct {
	Ready    bool          `json:"ready"`
	Domain   string        `json:"domain"`
	Resolver string        `json:"resolver"`
	CA       string        `json:"ca"`
	Users    string        `json:"users"`
	SIP      []SIPListener `json:"sip"`
	LDAP     string        `json:"ldap"`
	XCAP     string        `json:"xcap"`
	Calendar string        `json:"calendar"`
}

// SIPListener is one front end's addresses.
type SIPListener struct {
	TLS string `json:"tls"`
	TCP string `json:"tcp"`
}

// Offsets of the real ports from the base. The third front end and more follow after the director.
const (
	baseDNS      = 53
	baseSIP      = 60 // of front end 1; +10 for the next; TLS is one above TCP
	baseDirector = 80
	baseRelay    = 85 // MSRP
	baseMore     = 90 // of front end 3
	baseLDAP     = 389
	baseXCAP     = 443
	baseLDAPS    = 636
)

// Listen opens real ports on host (loopback): base+53 DNS (UDP and TCP),
// base+60/61 SIP TCP/TLS of front end 1, +70/71 of 2, +80/81 director, +85 MSRP relay, +389 LDAP
// with StartTLS, +443 XCAP and CalDAV, +636 LDAPS; base 0: free ports. dir (made, 0700)
// receives ca.pem, users.tsv and lab.json; if empty, a folder is made that
// lives as long as the company. It may be called once. The servers in memory go on.
func (c *Company) Listen(host string, base int, dir string) (Ready, error) {
	l, err := c.newPorts(host, base)
	if err != nil {
		return Ready{}, err
	}
	if err := l.open(); err != nil {
		l.closeAll()
		return Ready{}, err
	}
	secure, err := c.serverTLS(l.view)
	if err != nil {
		l.closeAll()
		return Ready{}, err
	}
	r, undo, err := c.writeFiles(dir, l)
	if err != nil {
		l.closeAll()
		undo()
		return Ready{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.open != nil {
		l.closeAll()
		undo()
		return Ready{}, errors.New("the lab listens already, or is closed")
	}
	c.open, c.remove = l.closers, undo
	l.serve(secure)
	return r, nil
}

// ports are the real ports of a company.
type ports struct {
	company *Company
	host    netip.Addr
	base    int
	view    view
	closers []io.Closer

	dnsUDP            net.PacketConn
	dnsTCP            net.Listener
	sip, sips         []net.Listener
	director          [2]net.Listener
	ldap, ldaps, xcap net.Listener
	relay             net.Listener
}

func (c *Company) newPorts(host string, base int) (*ports, error) {
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return nil, fmt.Errorf("listen: %q is no IP address", host)
	}
	if base < 0 || base > 65535-baseLDAPS {
		return nil, fmt.Errorf("listen: the port base is 0 to %d, not %d", 65535-baseLDAPS, base)
	}
	v := c.view
	v.frontEnds = append([]place(nil), v.frontEnds...)
	reach := []netip.Addr{reachable(addr)}
	for i := range v.frontEnds {
		v.frontEnds[i].addrs = reach
	}
	v.director.addrs, v.ldap.addrs, v.xcap.addrs, v.relay.addrs = reach, reach, reach, reach
	return &ports{company: c, host: addr, base: base, view: v}, nil
}

// reachable is the address that others use for ours: of 0.0.0.0, the first of
// the machine's that is not loopback.
func reachable(a netip.Addr) netip.Addr {
	if !a.IsUnspecified() {
		return a
	}
	all, _ := net.InterfaceAddrs()
	for _, n := range all {
		if p, err := netip.ParsePrefix(n.String()); err == nil && p.Addr().IsGlobalUnicast() && p.Addr().Is4() == a.Is4() {
			return p.Addr()
		}
	}
	if a.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

// open opens all ports and enters them in the view.
func (l *ports) open() (err error) {
	if err = l.openDNS(); err != nil {
		return err
	}
	v := &l.view
	for i := range v.frontEnds {
		offset := baseSIP + 10*i
		if i > 1 {
			offset = baseMore + 10*(i-2)
		}
		tcp, tls, err := l.pair(offset, "SIP", &v.frontEnds[i])
		if err != nil {
			return err
		}
		l.sip, l.sips = append(l.sip, tcp), append(l.sips, tls)
	}
	if l.director[0], l.director[1], err = l.pair(baseDirector, "the director", &v.director); err != nil {
		return err
	}
	for _, one := range []struct {
		to     *net.Listener
		port   *uint16
		offset int
		what   string
	}{
		{&l.ldap, &v.ldap.tcp, baseLDAP, "LDAP"}, {&l.ldaps, &v.ldap.tls, baseLDAPS, "LDAPS"}, {&l.xcap, &v.xcap.tls, baseXCAP, "XCAP"},
		{&l.relay, &v.relay.tls, baseRelay, "MSRP"},
	} {
		if *one.to, *one.port, err = l.listen(one.offset, one.what); err != nil {
			return err
		}
	}
	return nil
}

// pair opens the TCP and TLS ports of a SIP server.
func (l *ports) pair(offset int, what string, p *place) (tcp, tls net.Listener, err error) {
	if tcp, p.tcp, err = l.listen(offset, what); err != nil {
		return nil, nil, err
	}
	tls, p.tls, err = l.listen(offset+1, what)
	return tcp, tls, err
}

func (l *ports) listen(offset int, what string) (net.Listener, uint16, error) {
	n, err := net.Listen("tcp", l.at(offset))
	if err != nil {
		return nil, 0, l.busy(offset, what, err)
	}
	l.closers = append(l.closers, n)
	return n, uint16(n.Addr().(*net.TCPAddr).Port), nil
}

// openDNS opens the same port for UDP and TCP; of free ports several are tried.
func (l *ports) openDNS() error {
	for try := 1; ; try++ {
		udp, err := net.ListenPacket("udp", l.at(baseDNS))
		if err != nil {
			return l.busy(baseDNS, "DNS", err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			l.dnsUDP, l.dnsTCP = udp, tcp
			l.closers = append(l.closers, udp, tcp)
			return nil
		}
		_ = udp.Close()
		if l.base != 0 || try == 20 {
			return l.busy(baseDNS, "DNS", err)
		}
	}
}

func (l *ports) at(offset int) string {
	port := 0
	if l.base != 0 {
		port = l.base + offset
	}
	return net.JoinHostPort(l.host.String(), strconv.Itoa(port))
}

// busy explains why a port cannot be had.
func (l *ports) busy(offset int, what string, err error) error {
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		err = sys.Err
	}
	return fmt.Errorf("listen on %s for %s: %w; choose another --port-base", l.at(offset), what, err)
}

func (l *ports) closeAll() {
	for _, c := range l.closers {
		_ = c.Close() // nobody uses it yet
	}
}

// serve begins to answer. Everything ends when the ports are closed. Under c.mu.
func (l *ports) serve(secure *tls.Config) {
	c := l.company
	z := newZone(l.view)
	for _, s := range []*dns.Server{{PacketConn: l.dnsUDP, Handler: z}, {Listener: l.dnsTCP, Handler: z}} {
		c.serving.Go(func() { _ = s.ActivateAndServe() }) // ends when its port is closed
		c.open = append(c.open, closing(func() error { return s.Shutdown() }))
	}
	for i, f := range c.frontEnds {
		l.accept(l.sip[i], c.freezers[i].within(serveTCP(f)))
		l.accept(l.sips[i], c.freezers[i].within(serveTLS(f, secure)))
	}
	c.second = newDirector(l.view.targets(), c.options.Log)
	l.accept(l.director[0], serveTCP(c.second))
	l.accept(l.director[1], serveTLS(c.second, secure))
	l.accept(l.relay, c.relay.serveTLSRelay(secure, l.view.name(l.view.relay), l.view.relay.tls))
	directory := *c.ldap
	directory.tls = secure
	l.accept(l.ldap, func(nc net.Conn) { directory.serve(nc, false) })
	l.accept(l.ldaps, serveLDAPS(&directory, secure))
	c.serving.Go(func() { c.serveWeb(l.xcap, secure) })
}

// closing is an io.Closer made from a function.
type closing func() error

func (f closing) Close() error { return f() }

// acceptPause is for a machine that has no more files to give; trying at once would not help.
const acceptPause = 50 * time.Millisecond

// accept has serve called for each connection until the port is closed. Those
// who are being served end with the network in memory, which counts them.
func (l *ports) accept(n net.Listener, serve func(net.Conn)) {
	c := l.company
	c.serving.Go(func() {
		for {
			nc, err := n.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				c.options.Log.Warn("lab: accept", "error", err)
				time.Sleep(acceptPause)
				continue
			}
			c.network.adopt(nc, serve)
		}
	})
}

// writeFiles puts down what a client needs; undo removes a folder that was made here.
func (c *Company) writeFiles(dir string, l *ports) (r Ready, undo func(), err error) {
	undo = func() {}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "communicator-lab-"); err != nil {
			return r, undo, fmt.Errorf("make a folder for the lab: %w", err)
		}
		undo = func() { _ = os.RemoveAll(dir) }
	} else if err = os.MkdirAll(dir, 0o700); err != nil {
		return r, undo, fmt.Errorf("make the lab's folder: %w", err)
	}
	r = l.ready(dir)
	line, err := json.Marshal(r)
	if err != nil {
		return r, undo, err
	}
	for _, f := range []struct {
		name    string
		content []byte
		mode    os.FileMode
	}{{"ca.pem", c.authority.pem(), 0o644}, {"users.tsv", c.usersTSV(), 0o600}, {"lab.json", append(line, '\n'), 0o644}} {
		if err := writeFile(filepath.Join(dir, f.name), f.content, f.mode); err != nil {
			return r, undo, fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return r, undo, nil
}

// ready describes the ports.
func (l *ports) ready(dir string) Ready {
	to := func(port uint16) string { return netip.AddrPortFrom(l.view.ldap.addrs[0], port).String() }
	r := Ready{
		Ready: true, Domain: l.view.domain, CA: filepath.Join(dir, "ca.pem"), Users: filepath.Join(dir, "users.tsv"),
		Resolver: to(uint16(l.dnsTCP.Addr().(*net.TCPAddr).Port)), LDAP: "ldaps://" + to(l.view.ldap.tls), XCAP: "https://" + to(l.view.xcap.tls) + "/xcap",
		Calendar: "https://" + to(l.view.xcap.tls) + strings.TrimSuffix(davRoot, "/"),
	}
	for _, p := range l.view.frontEnds {
		r.SIP = append(r.SIP, SIPListener{TLS: to(p.tls), TCP: to(p.tcp)})
	}
	return r
}

// usersTSV is a line per person: address, password, name, title, manager,
// extension. The last is the administrator.
func (c *Company) usersTSV() []byte {
	var b bytes.Buffer
	for _, p := range c.staff.accounts() {
		b.WriteString(strings.Join([]string{p.User, p.Password, p.Name, p.Title, p.Manager, p.Extension}, "\t"))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// writeFile writes a file whole or not at all; nobody ever sees it with more
// rights than mode gives, and the one before stays until it is replaced.
func writeFile(name string, content []byte, mode os.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error says more
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chmod(f.Name(), mode)
	}
	if err == nil {
		err = atomic.ReplaceFile(f.Name(), name)
	}
	return err
}
