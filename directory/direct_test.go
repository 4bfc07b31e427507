package directory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// Active Directory tells who reports to somebody, in ranges; nobody searches for
// the managers of everybody there.
func TestChartActiveDirectory(t *testing.T) {
	s := (&server{entries: company(), anonymous: true}).start(t, false)
	s.root = []string{"dsServiceName=CN=NTDS Settings,CN=dc1", "highestCommittedUSN=1"}
	direct := func(name string, uids ...string) {
		for _, e := range s.entries {
			var dns []string
			for _, u := range uids {
				dns = append(dns, dn(u))
			}
			if e.GetAttributeValue("uid") == name {
				e.Attributes = append(e.Attributes, ldap.NewEntryAttribute("directReports", dns))
			}
		}
	}
	direct("ceo", "vp")
	direct("vp", "chen", "eva")
	direct("chen", "anna", "dina", "gone")
	direct("anna", "bob", "carol")
	d := s.directory(Options{})
	chart, err := d.Chart(t.Context(), "anna@contoso.test")
	if want := "manager chen; second vp; peers dina; reports bob carol; everyone bob carol chen dina eva"; err != nil || say(chart) != want {
		t.Errorf("%s, %v\nwant %s", say(chart), err, want)
	}
	for _, f := range s.searches {
		if strings.Contains(f, "(manager=") {
			t.Errorf("searched with %s", f)
		}
	}
	var many []string
	for i := range 3100 {
		s.entries = append(s.entries, worker(fmt.Sprintf("w%04d", i), "bob"))
		many = append(many, fmt.Sprintf("w%04d", i))
	}
	direct("bob", many...)
	s.index()
	if chart, err = d.Chart(t.Context(), "bob@contoso.test"); err != nil || len(chart.Reports) != 3100 || chart.Incomplete {
		t.Errorf("%d reports, incomplete %v, %v", len(chart.Reports), chart.Incomplete, err)
	}
}
