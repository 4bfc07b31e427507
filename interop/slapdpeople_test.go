//go:build interop

package interop

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// OpenLDAP with 100,000 people, found by DNS: org and find say what ldapsearch
// says. It tells 500 to anybody, and all to who signs in.
func TestSlapdPeople(t *testing.T) {
	all := staff(100_000)
	s := largeSlapd(t, all)
	s.ask(t, all)
}

// largeSlapd starts OpenLDAP with these people.
func largeSlapd(t *testing.T, all []member) ldapServer {
	t.Helper()
	lab := startLab(t, 20)
	dir := t.TempDir()
	ca := newCA(t)
	authority := filepath.Join(dir, "ca.pem")
	writeLeaf(t, filepath.Join(dir, "server"), ca, door{names: []string{"directory." + domain}, until: 48 * 3600e9})
	if err := os.WriteFile(authority, pemOf(ca), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	me := lab.of(lab.me)
	s := ldapServer{bindDN: "cn=admin," + ldapBase, password: "admin", host: "directory." + domain, program: build(t)}
	conf := fmt.Sprintf(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %[1]s/pid
TLSCACertificateFile %[1]s/ca.pem
TLSCertificateFile %[1]s/server.pem
TLSCertificateKeyFile %[1]s/server.key
database mdb
suffix "%[2]s"
rootdn "%[3]s"
rootpw %[4]s
directory %[1]s/data
maxsize 4294967296
dbnosync
limits users size=unlimited
index objectClass,uid,manager,entryUUID,entryCSN eq
index mail,cn,sn,givenName,displayName,telephoneNumber eq,sub
access to attrs=userPassword by * auth
access to * by * read
`, dir, ldapBase, s.bindDN, s.password)
	file, entries := filepath.Join(dir, "slapd.conf"), filepath.Join(dir, "staff.ldif")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(entries)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	staffLDIF(w, all, me)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if out, err := exec.Command("/usr/sbin/slapadd", "-q", "-f", file, "-l", entries).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	port := freeBase(t, 36) + 36
	s.url = fmt.Sprintf("ldaps://127.0.0.1:%d", port)
	running := start(t, "slapd", exec.Command("/usr/sbin/slapd", "-d", "264", "-f", file, "-h", s.url))
	running.expect(0, `daemon: added \d+r listener=0x`)
	s.place = lab.named(t, "", authority,
		fmt.Sprintf("_ldaps._tcp.%s. 60 IN SRV 0 0 %d directory.%[1]s.", domain, port), fmt.Sprintf("directory.%s. 60 IN A 127.0.0.1", domain))
	s.settings = fmt.Sprintf("directory_user = %q\n", "uid=%u,"+staffUnit)
	return s
}

// pemOf is an authority's certificate.
func pemOf(ca tls.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate[0]})
}
