package lab

import (
	"bufio"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// Extended operations of the directory.
const (
	oidStartTLS = "1.3.6.1.4.1.1466.20037"  // RFC 4511 §4.14
	oidWhoAmI   = "1.3.6.1.4.1.4203.1.11.3" // RFC 4532
	oidNotice   = "1.3.6.1.4.1.1466.20036"  // RFC 4511 §4.4.1
)

// ldapMessage is the most that one request may have.
const ldapMessage = 256 << 10

// ldapServer is the directory. It is read-only. The server loop is ours because
// gldap v0.1.14 opens its own port and cannot be given a connection, which the
// network in memory and the fake clock need.
type ldapServer struct {
	tree      *tree
	tls       *tls.Config
	anonymous bool // search without a bind
}

// ldapSession is one connection. It answers one request after the other.
type ldapSession struct {
	*ldapServer
	nc    net.Conn
	in    *bufio.Reader
	tls   bool
	user  string // address bound as; empty: anonymous
	pages pages
}

// serve answers a connection until it ends; secure: TLS is done already.
func (s *ldapServer) serve(nc net.Conn, secure bool) {
	c := &ldapSession{ldapServer: s, nc: nc, in: bufio.NewReader(nc), tls: secure}
	for {
		m, err := c.read()
		var broken *brokenError
		if errors.As(err, &broken) {
			c.notice(ldap.LDAPResultProtocolError, broken.Error())
		}
		if err != nil || !c.handle(m) {
			_ = c.nc.Close() // over either way
			return
		}
	}
}

// ldapRequest is an LDAPMessage (RFC 4511 §4.1.1).
type ldapRequest struct {
	id       int64
	op       *ber.Packet
	controls []ldap.Control
}

// brokenError is a message that is no LDAPMessage.
type brokenError struct{ why string }

func (e *brokenError) Error() string { return e.why }

// read takes one message off the connection.
func (c *ldapSession) read() (ldapRequest, error) {
	frame, err := readFrame(c.in)
	if err != nil {
		return ldapRequest{}, err
	}
	return parseRequest(frame)
}

// readFrame reads one BER element with a bound on its length, before anything is decoded.
func readFrame(in *bufio.Reader) ([]byte, error) {
	head, err := in.Peek(2)
	if err != nil {
		return nil, err
	}
	size, length := int(head[1]), 2
	if head[0] != 0x30 || size == 0x80 || size > 0x84 {
		return nil, &brokenError{"a message is a sequence of definite length"} // RFC 4511 §5.1
	}
	if size > 0x80 {
		if head, err = in.Peek(2 + size - 0x80); err != nil {
			return nil, err
		}
		length, size = len(head), 0
		for _, b := range head[2:] {
			size = size<<8 | int(b)
		}
	}
	if size > ldapMessage {
		return nil, &brokenError{fmt.Sprintf("a message has at most %d bytes", ldapMessage)}
	}
	frame := make([]byte, length+size)
	_, err = io.ReadFull(in, frame)
	return frame, err
}

// parseRequest decodes one message and its controls.
func parseRequest(frame []byte) (ldapRequest, error) {
	p, err := ber.DecodePacketErr(frame)
	if err != nil {
		return ldapRequest{}, &brokenError{"the message cannot be decoded"}
	}
	if len(p.Children) < 2 || len(p.Children) > 3 {
		return ldapRequest{}, &brokenError{"a message has an id, an operation and perhaps controls"}
	}
	id, is := p.Children[0].Value.(int64)
	r := ldapRequest{id: id, op: p.Children[1]}
	if !is || id < 1 || id > 1<<31-1 || r.op.ClassType != ber.ClassApplication {
		return ldapRequest{}, &brokenError{"a message has an id and an operation"}
	}
	if len(p.Children) < 3 {
		return r, nil
	}
	for _, c := range p.Children[2].Children {
		control, err := ldap.DecodeControl(c)
		if err != nil {
			return ldapRequest{}, &brokenError{"a control cannot be decoded"}
		}
		r.controls = append(r.controls, control)
	}
	return r, nil
}

// handle answers one request; false: the connection is over.
func (c *ldapSession) handle(r ldapRequest) bool {
	switch r.op.Tag {
	case ldap.ApplicationUnbindRequest:
		return false
	case ldap.ApplicationAbandonRequest: // requests are answered one by one: it is too late
		return true
	case ldap.ApplicationBindRequest:
		c.user = "" // RFC 4511 §4.2.1: whatever comes of it
		code, text := c.bind(r)
		return c.reply(r, ldap.ApplicationBindResponse, code, text)
	case ldap.ApplicationSearchRequest:
		return c.search(r)
	case ldap.ApplicationExtendedRequest:
		return c.extended(r)
	}
	answer := map[ber.Tag]ber.Tag{
		ldap.ApplicationModifyRequest: ldap.ApplicationModifyResponse, ldap.ApplicationAddRequest: ldap.ApplicationAddResponse,
		ldap.ApplicationDelRequest: ldap.ApplicationDelResponse, ldap.ApplicationModifyDNRequest: ldap.ApplicationModifyDNResponse,
		ldap.ApplicationCompareRequest: ldap.ApplicationCompareResponse,
	}[r.op.Tag]
	if answer == 0 {
		c.notice(ldap.LDAPResultProtocolError, "unknown operation")
		return false
	}
	return c.reply(r, answer, ldap.LDAPResultUnwillingToPerform, "this directory is for searching only")
}

// bind checks a simple bind (RFC 4513 §5.1). The name is a distinguished name or an address.
func (c *ldapSession) bind(r ldapRequest) (code uint16, text string) {
	if len(r.op.Children) != 3 {
		return ldap.LDAPResultProtocolError, "a bind has a version, a name and credentials"
	}
	if v, _ := r.op.Children[0].Value.(int64); v != 3 {
		return ldap.LDAPResultProtocolError, "the version is 3"
	}
	name, secret := r.op.Children[1].Data.String(), r.op.Children[2]
	switch {
	case secret.Tag != 0:
		return ldap.LDAPResultAuthMethodNotSupported, "simple bind only"
	case !c.tls:
		return ldap.LDAPResultConfidentialityRequired, "TLS first"
	case name == "" && secret.Data.Len() == 0:
		return ldap.LDAPResultSuccess, ""
	case secret.Data.Len() == 0: // RFC 4513 §5.1.2
		return ldap.LDAPResultUnwillingToPerform, "a name needs a password"
	}
	user := strings.ToLower(name)
	if e, found := c.tree.find(name); found && e.at >= 0 {
		user = c.tree.staff.people[e.at].User
	}
	who, known := c.tree.staff.account(user)
	if !known || subtle.ConstantTimeCompare(secret.Data.Bytes(), []byte(who.Password)) != 1 {
		return ldap.LDAPResultInvalidCredentials, "name or password not accepted"
	}
	c.user = user
	return ldap.LDAPResultSuccess, ""
}

// extended obeys StartTLS and Who am I.
func (c *ldapSession) extended(r ldapRequest) bool {
	name := ""
	if len(r.op.Children) > 0 {
		name = r.op.Children[0].Data.String()
	}
	switch name {
	case oidStartTLS:
		if c.tls {
			return c.reply(r, ldap.ApplicationExtendedResponse, ldap.LDAPResultOperationsError, "TLS is there already")
		}
		if c.in.Buffered() > 0 { // RFC 4511 §4.14.1: nothing may follow before the answer
			return false
		}
		if !c.reply(r, ldap.ApplicationExtendedResponse, ldap.LDAPResultSuccess, "") {
			return false
		}
		secure := tls.Server(c.nc, c.ldapServer.tls)
		if shakeHands(secure) != nil {
			return false
		}
		c.nc, c.in, c.tls = secure, bufio.NewReader(secure), true
		return true
	case oidWhoAmI:
		p := c.result(ldap.ApplicationExtendedResponse, ldap.LDAPResultSuccess, "")
		who := ""
		if c.user != "" {
			who = "u:" + c.user
		}
		p.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 11, who, "responseValue"))
		return c.write(r.id, p)
	}
	return c.reply(r, ldap.ApplicationExtendedResponse, ldap.LDAPResultProtocolError, "unknown extended operation")
}

// result is an LDAPResult (RFC 4511 §4.1.9) as the answer with this tag.
func (c *ldapSession) result(tag ber.Tag, code uint16, text string) *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, uint64(code), ""))
	p.AppendChild(octets("")) // matchedDN
	p.AppendChild(octets(text))
	return p
}

func (c *ldapSession) reply(r ldapRequest, tag ber.Tag, code uint16, text string) bool {
	return c.write(r.id, c.result(tag, code, text))
}

// notice of disconnection (RFC 4511 §4.4.1).
func (c *ldapSession) notice(code uint16, text string) {
	p := c.result(ldap.ApplicationExtendedResponse, code, text)
	p.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 10, oidNotice, ""))
	_ = c.write(0, p) // the connection ends now in any case
}

// write sends one message; false: the connection is gone.
func (c *ldapSession) write(id int64, op *ber.Packet, controls ...ldap.Control) bool {
	_, err := c.nc.Write(message(id, op, controls...))
	return err == nil
}

func message(id int64, op *ber.Packet, controls ...ldap.Control) []byte {
	m := ber.NewSequence("")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	m.AppendChild(op)
	if len(controls) > 0 {
		list := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		for _, control := range controls {
			list.AppendChild(control.Encode())
		}
		m.AppendChild(list)
	}
	return m.Bytes()
}

func octets(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}
