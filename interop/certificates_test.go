//go:build interop

package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// door is a TLS listener of the director with something wrong with its certificate.
// The domain of its own leads there by SRV.
type door struct {
	domain string
	offset int // of its port
	names  []string
	until  time.Duration // from now
	wrong  bool          // signed by an authority that nobody knows
}

var doors = []door{
	{"wrongname.test", 91, []string{"mail.elsewhere.test"}, time.Hour, false},
	{"expired.test", 92, []string{"expired.test", "sip.expired.test"}, -time.Hour, false},
	{"unknownca.test", 93, []string{"unknownca.test", "sip.unknownca.test"}, time.Hour, true},
}

// badDoors writes certificates, listeners and DNS records into the pool's
// folder, where pool.sh picks them up.
func badDoors(t *testing.T, p *pool) {
	t.Helper()
	extra := filepath.Join(p.dir, "extra")
	if err := os.MkdirAll(extra, 0o700); err != nil {
		t.Fatal(err)
	}
	ca := loadCA(t, p.dir)
	stranger := newCA(t)
	var listen, profiles, records string
	for _, d := range doors {
		signer := ca
		if d.wrong {
			signer = stranger
		}
		file := filepath.Join(extra, d.domain)
		writeLeaf(t, file, signer, d)
		port := p.base + d.offset
		listen += fmt.Sprintf("listen=tls:127.0.0.1:%d\nalias=\"%s\"\n", port, d.domain)
		profiles += fmt.Sprintf("\n[server:127.0.0.1:%d]\nmethod=TLSv1.2+\nverify_certificate=no\nrequire_certificate=no\ncertificate=%s.pem\nprivate_key=%s.key\n", port, file, file)
		records += fmt.Sprintf("local=/%[1]s/\nhost-record=sip.%[1]s,127.0.0.1\nsrv-host=_sipinternaltls._tcp.%[1]s,sip.%[1]s,%[2]d,0,0\n", d.domain, port)
	}
	for name, text := range map[string]string{"director.cfg": listen, "director-tls.cfg": profiles, "dnsmasq.conf": records} {
		if err := os.WriteFile(filepath.Join(extra, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// loadCA reads the authority that certs.sh made.
func loadCA(t *testing.T, dir string) tls.Certificate {
	t.Helper()
	ca, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	if ca.Leaf, err = x509.ParseCertificate(ca.Certificate[0]); err != nil {
		t.Fatal(err)
	}
	return ca
}

func newCA(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Stranger"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: c}
}

func writeLeaf(t *testing.T, file string, ca tls.Certificate, d door) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: d.names[0]}, DNSNames: d.names,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(d.until),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca.Leaf, key.Public(), ca.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		file + ".pem": {Type: "CERTIFICATE", Bytes: der}, file + ".key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
