package directory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3/gssapi"
	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
)

// Kerberos says where the tickets are that the user got when signing in to the
// computer, or with kinit (RFC 4120). The key distribution centre is asked at
// its own address, not through Options.Dial.
type Kerberos struct {
	Config string // krb5.conf
	Cache  string // file of tickets
}

// SystemKerberos returns where the environment, or else the system, has them;
// nil if there is no file of tickets. Other kinds of caches (KEYRING:, KCM:)
// cannot be read.
func SystemKerberos(env func(string) string) *Kerberos {
	k := Kerberos{Config: "/etc/krb5.conf", Cache: filepath.Join("/tmp", "krb5cc_"+strconv.Itoa(os.Getuid()))}
	if name := env("KRB5CCNAME"); name != "" {
		k.Cache = name
		if kind, rest, has := strings.Cut(name, ":"); has && kind == "FILE" {
			k.Cache = rest
		}
	}
	for _, name := range filepath.SplitList(env("KRB5_CONFIG")) { // the first that is there
		if _, err := os.Stat(name); err == nil {
			k.Config = name
			break
		}
	}
	for _, name := range []string{k.Config, k.Cache} {
		if file, err := os.Stat(name); err != nil || !file.Mode().IsRegular() || file.Size() > maxCache {
			return nil
		}
	}
	return &k
}

// maxCache is the largest file of tickets or settings that is read, in bytes.
const maxCache = 1 << 20

// bind signs c in with a ticket (RFC 4752), without a layer of SASL's own: c is
// inside TLS, and Active Directory allows one of the two only.
func (k Kerberos) bind(ctx context.Context, c *conn) error {
	r, err := c.root()
	if err != nil {
		return err
	}
	if !r.offers("GSSAPI") {
		return errors.New("the directory does not take Kerberos tickets")
	}
	principal := "ldap/" + c.host
	type result struct {
		client *client.Client
		err    error
	}
	got := make(chan result, 1)
	go func() { // ends with the library's own limit of 5 s for each server it asks
		cl, err := k.ticket(principal)
		got <- result{cl, err}
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case r := <-got:
		if r.err != nil {
			return r.err
		}
		defer r.client.Destroy()
		return c.ldap.GSSAPIBind(&gssapi.Client{Client: r.client}, principal, "")
	}
}

// ticket gets a ticket for principal into the client's memory.
func (k Kerberos) ticket(principal string) (cl *client.Client, err error) {
	defer func() { // the library trusts the files that it reads
		if r := recover(); r != nil {
			err = fmt.Errorf("the file of tickets %s cannot be read: %v", k.Cache, r)
		}
	}()
	conf, err := config.Load(k.Config)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", k.Config, err)
	}
	cache, err := credentials.LoadCCache(k.Cache)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", k.Cache, err)
	}
	if cl, err = client.NewFromCCache(cache, conf, client.DisablePAFXFAST(true)); err != nil {
		return nil, err
	}
	_, _, err = cl.GetServiceTicket(principal)
	return cl, err
}
