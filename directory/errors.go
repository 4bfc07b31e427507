package directory

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"communicator/plain"

	"github.com/go-ldap/ldap/v3"
)

// ErrNotFound is wrapped by the error for an address that is not in the directory.
var ErrNotFound = errors.New("not in the directory")

// Error says what happened, why, and what to do, as sentences without a full stop.
type Error struct {
	What, Why, Remedy string
	Err               error
}

func (e *Error) Error() string { return e.What + ": " + e.Why }
func (e *Error) Unwrap() error { return e.Err }

func notFound(user string) error {
	return &Error{What: "The directory has no entry for " + user, Why: "nobody there has that address",
		Remedy: "Check the address; an administrator can add it to the entry", Err: ErrNotFound}
}

func tooMany(n int) error {
	return &Error{What: "The directory does not tell everybody who matches", Why: fmt.Sprintf("it stopped after %d", n),
		Remedy: "Ask for fewer people at once, or have the administrator raise the limit"}
}

// gaveUp: that nobody was found is not known.
func gaveUp() error {
	return &Error{What: "The directory did not search everybody", Why: "it gave up before it had found anybody",
		Remedy: "Try again when it is less busy; the copy of the address book needs no directory"}
}

func (p place) unreachable(err error) error {
	return &Error{What: "The directory " + p.address + " does not answer", Why: reason(err),
		Remedy: "Check the network; signing in and messages work without the directory", Err: err}
}

// noTLS says why the connection could not be made secure. Nothing has been
// sent in clear then.
func (p place) noTLS(err error) error {
	e := &Error{What: "The directory " + p.address + " could not be reached securely", Why: reason(err),
		Remedy: "Tell your administrator: the directory must offer TLS with a valid certificate", Err: err}
	var name x509.HostnameError
	var issuer x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var alert tls.AlertError
	switch {
	case errors.As(err, &name):
		e.Why = "its certificate is for another name"
	case errors.As(err, &issuer):
		e.Why = "nobody this computer trusts has issued its certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.Why = "its certificate has expired or is not valid yet"
	case errors.As(err, &alert):
		e.Why = "it broke off the handshake"
	}
	return e
}

// explain puts what went wrong into words.
func (d *Directory) explain(err error) error {
	if err == nil || errors.As(err, new(*Error)) {
		return err
	}
	e := &Error{What: "The directory " + d.o.URL + " did not answer the search", Why: reason(err), Remedy: "Try again later", Err: err}
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		e.Why = "it took too long"
	case refused(err):
		e.What, e.Remedy = "The directory refuses the search", "Ask your administrator for the right to read the directory"
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject):
		e.What, e.Why, e.Remedy = "The directory has no such place", "the search base is not there, or may not be read", "Check the search base of the directory"
	case ldap.IsErrorWithCode(err, ldap.LDAPResultReferral):
		e.Why, e.Remedy = "it points to another directory for that", "Set the address or search base of that directory"
	case ldap.IsErrorWithCode(err, ldap.ErrorNetwork), lost(err):
		e.What = "The connection to the directory " + d.o.URL + " was lost"
	}
	return e
}

// reason is the innermost text of err, made harmless: parts of it come from the server.
func reason(err error) string {
	var e *ldap.Error
	if errors.As(err, &e) && e.Err != nil && e.ResultCode != ldap.ErrorNetwork {
		text := ldap.LDAPResultCodeMap[e.ResultCode]
		if e.Err.Error() != "" {
			text += " (" + e.Err.Error() + ")"
		}
		return clean(text)
	}
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return clean(err.Error())
}

// clean makes text harmless and short.
func clean(text string) string { return plain.Cut(plain.Line(text), maxText) }
