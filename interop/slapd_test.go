//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// startSlapd starts OpenLDAP with the company's directory at the address to
// which _ldaps._tcp.contoso.test points, with the pool's certificate.
func startSlapd(t *testing.T, p *pool) {
	t.Helper()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %[1]s/pid
TLSCACertificateFile %[2]s/ca.pem
TLSCertificateFile %[2]s/server.pem
TLSCertificateKeyFile %[2]s/server.key
database mdb
suffix "%[3]s"
directory %[4]s
dbnosync
index objectClass,uid,mail,manager eq
access to * by * read
`, dir, p.dir, ldapBase, data)
	file, entries := filepath.Join(dir, "slapd.conf"), filepath.Join(dir, "company.ldif")
	for name, text := range map[string]string{file: conf, entries: ldif()} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("/usr/sbin/slapadd", "-q", "-f", file, "-l", entries).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	s := start(t, "slapd", exec.Command("/usr/sbin/slapd", "-d", "264", "-f", file, "-h", "ldaps://"+p.env["LDAPS"]))
	s.expect(0, `daemon: added \d+r listener=0x`)
}
