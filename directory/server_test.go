package directory

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"
)

// server is a directory on a port of this computer, made of gldap.
type server struct {
	t       *testing.T
	entries []*ldap.Entry
	port    int
	roots   *x509.CertPool

	anonymous bool     // searching without a bind
	code      int      // answer to an anonymous search that is refused
	hard      int      // most entries of one search, whatever the client asks
	free      bool     // hard holds for those only who have not signed in
	referral  bool     // each search also refers elsewhere (result code)
	breakAt   int      // the connection breaks after so many entries of a search; 0: never
	hangAt    int      // nothing more comes after so many entries; 0: never
	slow      int64    // seconds that each search takes: nothing is found in less
	root      []string // "name=value" of the root, beside the naming contexts
	binds     []string

	byName map[string]*ldap.Entry // of index, for many look-ups

	mu       sync.Mutex
	bound    map[int]bool // by connection
	searches []string
	dialled  int
	conns    []net.Conn
}

const base = "dc=contoso,dc=test"

// entry makes an entry below base; attributes come as "name=value".
func entry(uid string, attributes ...string) *ldap.Entry {
	values := map[string][]string{"objectClass": {"top", "person", "inetOrgPerson"}, "uid": {uid}}
	for _, a := range attributes {
		name, value, _ := strings.Cut(a, "=")
		values[name] = append(values[name], value)
	}
	return ldap.NewEntry(dn(uid), values)
}

func dn(uid string) string { return "uid=" + uid + ",ou=People," + base }

// worker is somebody with a name, an address and a manager.
func worker(uid, manager string, more ...string) *ldap.Entry {
	attributes := append([]string{"cn=" + strings.ToUpper(uid[:1]) + uid[1:], "mail=" + uid + "@contoso.test"}, more...)
	if manager != "" {
		attributes = append(attributes, "manager="+dn(manager))
	}
	return entry(uid, attributes...)
}

// start runs the server until the test ends.
func (s *server) start(t *testing.T, startTLS bool) *server {
	t.Helper()
	cert, roots := certificate(t, "localhost")
	s.t, s.roots, s.bound = t, roots, make(map[int]bool)
	g, err := gldap.NewServer(gldap.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		t.Fatal(err)
	}
	mux, err := gldap.NewMux()
	if err != nil {
		t.Fatal(err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{cert}}
	must := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	must(mux.Bind(s.bind))
	must(mux.Search(s.search))
	must(mux.ExtendedOperation(func(w *gldap.ResponseWriter, r *gldap.Request) {
		answer := r.NewExtendedResponse(gldap.WithResponseCode(gldap.ResultSuccess))
		answer.SetResponseName(gldap.ExtendedOperationStartTLS)
		must(w.Write(answer))
		_ = r.StartTLS(conf) // fails when the client does not trust us
	}, gldap.ExtendedOperationStartTLS))
	must(g.Router(mux))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	s.port = l.Addr().(*net.TCPAddr).Port
	must(l.Close())
	done := make(chan struct{})
	go func() { // ends with Stop
		defer close(done)
		var o []gldap.Option
		if !startTLS {
			o = append(o, gldap.WithTLSConfig(conf))
		}
		must(g.Run("127.0.0.1:"+strconv.Itoa(s.port), o...))
	}()
	t.Cleanup(func() { _ = g.Stop(); <-done })
	for !g.Ready() {
		time.Sleep(time.Millisecond) // gldap has no other way to say that it listens
	}
	return s
}

// directory makes a client of s.
func (s *server) directory(o Options) *Directory {
	if o.URL == "" {
		o.URL = "ldaps://localhost:" + strconv.Itoa(s.port)
	}
	o.TLS = &tls.Config{RootCAs: s.roots}
	o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(addr)
		nc, err := new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
		s.mu.Lock()
		s.dialled++
		if err == nil {
			s.conns = append(s.conns, nc)
		}
		s.mu.Unlock()
		return nc, err
	}
	d := New(o)
	s.t.Cleanup(func() { _ = d.Close() })
	return d
}

func (s *server) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	m, err := r.GetSimpleBindMessage()
	code := gldap.ResultInvalidCredentials
	if err == nil {
		s.mu.Lock()
		s.binds = append(s.binds, m.UserName)
		if m.UserName == "anna@contoso.test" && m.Password == "secret" {
			code, s.bound[r.ConnectionID()] = gldap.ResultSuccess, true
		}
		s.mu.Unlock()
	}
	_ = w.Write(r.NewBindResponse(gldap.WithResponseCode(code)))
}

func (s *server) search(w *gldap.ResponseWriter, r *gldap.Request) {
	m, err := r.GetSearchMessage()
	if err != nil {
		s.t.Error(err)
		return
	}
	done := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess))
	hangs := false
	defer func() {
		if !hangs {
			_ = w.Write(done)
		}
	}()
	if m.BaseDN == "" && m.Scope == gldap.BaseObject {
		e := r.NewSearchResponseEntry("")
		e.AddAttribute("namingContexts", []string{"cn=config", base})
		for _, a := range s.root {
			name, value, _ := strings.Cut(a, "=")
			e.AddAttribute(name, []string{value})
		}
		_ = w.Write(e)
		return
	}
	s.mu.Lock()
	s.searches = append(s.searches, m.Filter)
	open := s.anonymous || s.bound[r.ConnectionID()]
	s.mu.Unlock()
	if !open {
		done.SetResultCode(s.code)
		return
	}
	if 0 < m.TimeLimit && m.TimeLimit < s.slow {
		done.SetResultCode(gldap.ResultTimeLimitExceeded)
		return
	}
	filter, err := ldap.CompileFilter(m.Filter)
	if err != nil {
		s.t.Errorf("filter %q: %v", m.Filter, err)
	}
	var hits []*ldap.Entry
	entries := s.entries
	if e, is := s.byName[key(m.BaseDN)]; is && m.Scope == gldap.BaseObject {
		entries = []*ldap.Entry{e}
	}
	for _, e := range entries {
		if m.Scope == gldap.BaseObject && key(e.DN) != key(m.BaseDN) || !matches(filter, e) {
			continue
		}
		hits = append(hits, e)
	}
	if m.Scope == gldap.BaseObject && len(hits) == 0 {
		done.SetResultCode(gldap.ResultNoSuchObject)
		return
	}
	if s.referral {
		done.SetResultCode(gldap.ResultReferral)
		return
	}
	hangs = s.page(r, m, done, hits, w)
}

// page sends one page of hits; the cookie is where it begins. It may never end.
func (s *server) page(r *gldap.Request, m *gldap.SearchMessage, done *gldap.SearchResponseDone, hits []*ldap.Entry, w *gldap.ResponseWriter) (hangs bool) {
	from := 0
	limit := s.hard
	s.mu.Lock()
	if s.free && s.bound[r.ConnectionID()] {
		limit = 0
	}
	s.mu.Unlock()
	if m.SizeLimit > 0 && (limit == 0 || int(m.SizeLimit) < limit) {
		limit = int(m.SizeLimit)
	}
	if limit > 0 && len(hits) > limit {
		hits = hits[:limit]
		done.SetResultCode(gldap.ResultSizeLimitExceeded)
	}
	for _, c := range m.Controls {
		if p, ok := c.(*gldap.ControlPaging); ok {
			from, _ = strconv.Atoi(string(p.Cookie))
			to := min(from+int(p.PagingSize), len(hits))
			answer, err := gldap.NewControlPaging(p.PagingSize)
			if err != nil {
				s.t.Error(err)
				return false
			}
			if to < len(hits) && p.PagingSize > 0 {
				answer.SetCookie([]byte(strconv.Itoa(to)))
				done.SetResultCode(gldap.ResultSuccess)
			}
			done.SetControls(answer)
			hits = hits[from:to]
		}
	}
	for i, e := range hits {
		switch from + i + 1 {
		case s.breakAt:
			s.cut()
		case s.hangAt:
			return true
		}
		answer := r.NewSearchResponseEntry(e.DN)
		for _, a := range e.Attributes {
			if slices.Contains(m.Attributes, a.Name) && len(a.Values) <= maxRange {
				answer.AddAttribute(a.Name, a.Values)
			} else if from, asked := rangeOf(a.Name, m.Attributes); asked {
				to := min(from+maxRange, len(a.Values))
				last := strconv.Itoa(to - 1)
				if to == len(a.Values) {
					last = "*"
				}
				answer.AddAttribute(fmt.Sprintf("%s;range=%d-%s", a.Name, from, last), a.Values[from:to])
			}
		}
		_ = w.Write(answer)
	}
	return false
}

// maxRange is how many values come at once, as in Active Directory.
const maxRange = 1500

// rangeOf says from which value on an attribute is asked for.
func rangeOf(name string, asked []string) (from int, is bool) {
	for _, a := range asked {
		if a == name {
			return 0, true
		}
		if n, err := fmt.Sscanf(a, name+";range=%d-*", &from); n == 1 && err == nil {
			return from, true
		}
	}
	return 0, false
}

// index makes look-ups by name fast.
func (s *server) index() {
	s.byName = make(map[string]*ldap.Entry)
	for _, e := range s.entries {
		s.byName[key(e.DN)] = e
	}
}

// cut breaks every connection there is.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, nc := range s.conns {
		_ = nc.Close()
	}
	s.conns = nil
}

// matches evaluates a filter as RFC 4511 §4.5.1.7 has it, without the third value.
func matches(f *ber.Packet, e *ldap.Entry) bool {
	values := func() []string { return e.GetEqualFoldAttributeValues(f.Children[0].Data.String()) }
	switch f.Tag {
	case ldap.FilterAnd:
		return !slices.ContainsFunc(f.Children, func(c *ber.Packet) bool { return !matches(c, e) })
	case ldap.FilterOr:
		return slices.ContainsFunc(f.Children, func(c *ber.Packet) bool { return matches(c, e) })
	case ldap.FilterPresent:
		return true
	case ldap.FilterGreaterOrEqual:
		return slices.ContainsFunc(values(), func(v string) bool { return v >= f.Children[1].Data.String() })
	case ldap.FilterLessOrEqual:
		return slices.ContainsFunc(values(), func(v string) bool { return v <= f.Children[1].Data.String() })
	case ldap.FilterNot:
		return !matches(f.Children[0], e)
	case ldap.FilterExtensibleMatch: // Active Directory's for bits: rule, attribute, value
		has, _ := strconv.Atoi(e.GetEqualFoldAttributeValue(f.Children[1].Data.String()))
		want, _ := strconv.Atoi(f.Children[2].Data.String())
		return f.Children[0].Data.String() == "1.2.840.113556.1.4.803" && has&want == want
	case ldap.FilterEqualityMatch:
		want := f.Children[1].Data.String()
		return slices.ContainsFunc(values(), func(v string) bool { return strings.EqualFold(v, want) })
	case ldap.FilterSubstrings:
		return slices.ContainsFunc(values(), func(v string) bool {
			v = strings.ToLower(v)
			for _, part := range f.Children[1].Children {
				want := strings.ToLower(part.Data.String())
				at := strings.Index(v, want)
				if at < 0 || part.Tag == ldap.FilterSubstringsInitial && at > 0 {
					return false
				}
				v = v[at+len(want):]
			}
			return true
		})
	}
	panic(fmt.Sprintf("filter %d", f.Tag))
}

// certificate makes a certificate for a name and the roots that trust it.
func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k}, roots
}
