package sipconn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// certificate makes a certificate for example.com that is its own authority,
// valid for a day of the clock in force.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"example.com"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// Over TLS everything says so, pings go through, and a drop is seen at once.
func TestOverTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cert, pool := certificate(t)
		a, b := pipe()
		o := user
		o.Ping = 30 * time.Second
		client := New(tls.Client(a, &tls.Config{RootCAs: pool, ServerName: "example.com"}), o)
		var via, contact string
		server := New(tls.Server(b, &tls.Config{Certificates: []tls.Certificate{cert}}), Options{Handle: func(in *Incoming) {
			if in.Request.Method == "BYE" {
				return // never answered
			}
			via, contact = in.Request.Via().Value(), in.Request.Contact().Value()
			ok(in)
		}})
		defer client.Close()
		r, _ := client.NewRequest("REFER", "bob@example.com", Body{})
		if _, err := client.Do(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(via, "SIP/2.0/TLS 10.0.0.1:5061;") || contact != "<sip:alice@10.0.0.1:5061;transport=tls>" {
			t.Errorf("Via %s, Contact %s", via, contact)
		}
		time.Sleep(time.Hour)
		if err := client.Err(); err != nil {
			t.Fatalf("after an hour of pings: %v", err)
		}
		lost := make(chan error, 1)
		go func() {
			r, _ := client.NewRequest("BYE", "bob@example.com", Body{})
			_, err := client.Do(t.Context(), r, nil)
			lost <- err
		}()
		synctest.Wait()
		at := time.Now()
		server.Close()
		if err := <-lost; !errors.Is(err, ErrLost) || time.Since(at) != 0 || !strings.Contains(client.Err().Error(), "the other side closed the connection") {
			t.Errorf("%v after %v: %v", err, time.Since(at), client.Err())
		}
	})
}
