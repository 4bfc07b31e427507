package directory

import (
	"context"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// named says whether there is anything to sign in with.
func (d *Directory) named() bool {
	return d.o.Kerberos != nil || d.o.User != "" && d.o.Password != nil
}

// BindName is the name with which to sign in: pattern, in which %u stands for
// the part of the sign-in address before the @; the address itself if empty.
func BindName(pattern, user string) string {
	if pattern == "" {
		return user
	}
	local, _, _ := strings.Cut(user, "@")
	if strings.Contains(pattern, "=") { // a DN
		local = ldap.EscapeDN(local)
	}
	return strings.ReplaceAll(pattern, "%u", local)
}

// signIn binds c, in the strongest way there is: with a Kerberos ticket, else
// with name and password inside TLS.
func (d *Directory) signIn(ctx context.Context, c *conn) error {
	var err error
	if d.o.Kerberos != nil {
		if err = d.o.Kerberos.bind(ctx, c); err == nil {
			d.signedIn(c)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if d.o.User != "" && d.o.Password != nil {
		return d.simpleBind(c)
	}
	if err != nil {
		return &Error{What: "The directory does not let the Kerberos ticket in", Why: reason(err), Remedy: "Renew the ticket with kinit, or set a name for the directory", Err: err}
	}
	return &Error{What: "The directory does not let anybody search without a name", Why: "no name is set", Remedy: "Sign in, or set a name for the directory"}
}

// signedIn notes that c is bound, and that the next one shall be at once.
func (d *Directory) signedIn(c *conn) {
	d.mu.Lock()
	c.bound, d.bind, d.rejected = true, true, nil
	d.mu.Unlock()
}

// simpleBind signs in with name and password (RFC 4513 §5.1.3). A password that
// was refused is not tried again: that would lock the account.
func (d *Directory) simpleBind(c *conn) error {
	password, err := d.o.Password()
	if err != nil {
		return &Error{What: "The directory asks for a password", Why: reason(err), Remedy: "Enter the password", Err: err}
	}
	d.mu.Lock()
	again := d.rejected != nil && *d.rejected == password
	d.mu.Unlock()
	wrong := &Error{What: "The directory does not accept the name or password of " + d.o.User, Why: "it says that they are wrong",
		Remedy: "Check the password; if it is right, the directory may want another name"}
	if again || password == "" { // RFC 4513 §5.1.2: an empty one would be an anonymous bind
		return wrong
	}
	err = c.ldap.Bind(d.o.User, password)
	switch {
	case err == nil:
		d.signedIn(c)
		return nil
	case ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidDNSyntax): // OpenLDAP, to an address
		wrong.Why, wrong.Remedy = "it wants the name of an entry, not an address", "Set the name for the directory, as uid=%u,ou=people,dc=example,dc=com"
		fallthrough
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultNoSuchObject):
		d.mu.Lock()
		d.rejected, wrong.Err = &password, err
		d.mu.Unlock()
		return wrong
	}
	return err
}
