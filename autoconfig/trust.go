package autoconfig

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// tlsWords says why a handshake failed: Untrusted and what is wrong with the
// certificate, or Refused and why there was none.
func tlsWords(err error, domain string, now time.Time) (result, words string) {
	if h, ok := errors.AsType[x509.HostnameError](err); ok && onlyCommonName(h.Certificate) {
		return Untrusted, fmt.Sprintf("the certificate names %s only as its common name, which no longer counts: it needs a subject alternative name%s",
			short(h.Certificate.Subject.CommonName), particulars(h.Certificate))
	} else if ok {
		return Untrusted, fmt.Sprintf("the certificate is not for %s (it names %s)%s", domain, certNames(h.Certificate), particulars(h.Certificate))
	}
	if c, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return Untrusted, invalidWords(c, now)
	}
	if u, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return Untrusted, fmt.Sprintf("the certificate was issued by %s, which this computer does not trust%s", issuer(u.Cert), until(u.Cert))
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return Untrusted, "this computer has no list of trusted certificate authorities"
	}
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Untrusted, "the certificate is not valid: " + short(v.Err.Error())
	}
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	alert := AlertWords(err)
	switch {
	case isTimeout(err):
		return Timeout, "connected, but no answer to the start of encryption"
	case notTLS:
		return Refused, "does not speak TLS on this port"
	case strings.Contains(err.Error(), "protocol version"): // our alert as well as theirs
		return Refused, "has no encryption that is safe today (TLS 1.2 or later)"
	case alert != "":
		return Refused, alert
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		return Refused, "closed the connection at the start of encryption"
	case errors.Is(err, context.Canceled):
		return Refused, "given up"
	}
	return Refused, "fails at the start of encryption: " + short(strings.TrimPrefix(err.Error(), "tls: "))
}

// AlertWords says, as what "it" does, which alert of the other side
// ended a TLS connection; empty: none did. With TLS 1.3 it may come only after the handshake.
func AlertWords(err error) string {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" {
		return ""
	}
	alert := strings.TrimPrefix(op.Err.Error(), "tls: ")
	if strings.Contains(alert, "certificate required") {
		return "wants a certificate of this computer, which this program does not have"
	}
	return "refused the encryption: " + short(alert)
}

// invalidWords is for a certificate that is wrong in itself.
func invalidWords(c x509.CertificateInvalidError, now time.Time) string {
	switch {
	case c.Reason == x509.Expired && c.Cert != nil && now.Before(c.Cert.NotBefore):
		return fmt.Sprintf("the certificate is valid only from %s, and this computer's clock says %s", c.Cert.NotBefore.Format(time.DateOnly), now.Format(time.DateOnly))
	case c.Reason == x509.Expired && c.Cert != nil:
		return fmt.Sprintf("the certificate expired on %s%s", c.Cert.NotAfter.Format(time.DateOnly), issuedBy(c.Cert))
	case c.Reason == x509.IncompatibleUsage:
		return "the certificate was not made for servers" + particulars(c.Cert)
	case c.Reason == x509.NotAuthorizedToSign:
		return "the certificate was issued by one that may not issue certificates" + particulars(c.Cert)
	}
	return "the certificate is not valid: " + short(c.Error())
}

// onlyCommonName: c has no name but in its subject, as certificates had long ago.
func onlyCommonName(c *x509.Certificate) bool {
	return c != nil && len(c.DNSNames)+len(c.IPAddresses)+len(c.URIs) == 0 && c.Subject.CommonName != ""
}

func certNames(c *x509.Certificate) string {
	if c == nil {
		return "nothing"
	}
	var list []string
	for _, n := range c.DNSNames {
		list = append(list, short(n))
	}
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	for _, u := range c.URIs {
		list = append(list, short(u.String()))
	}
	return listWords(list)
}

func particulars(c *x509.Certificate) string { return issuedBy(c) + until(c) }

func issuedBy(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	return ", issued by " + issuer(c)
}

func issuer(c *x509.Certificate) string {
	switch {
	case c == nil:
		return "an unknown authority"
	case c.Issuer.CommonName != "":
		return "“" + short(c.Issuer.CommonName) + "”"
	case len(c.Issuer.Organization) > 0:
		return "“" + short(c.Issuer.Organization[0]) + "”"
	}
	return "an authority without a name"
}

func until(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	return ", valid until " + c.NotAfter.Format(time.DateOnly)
}

// listWords joins at most six words.
func listWords(list []string) string {
	switch {
	case len(list) == 0:
		return "nothing"
	case len(list) > 6:
		return strings.Join(list[:6], ", ") + fmt.Sprintf(" and %d more", len(list)-6)
	}
	return strings.Join(list, ", ")
}
