package directory

import (
	"crypto/tls"
	"strings"
	"testing"
	"testing/synctest"

	"communicator/lab"
)

// The lab's directory wants a name and a password, names its base, and reads
// filters as the standard has them.
func TestLab(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := lab.New(lab.Options{People: 600, Still: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // the test ends
		me := c.Newcomer()
		for _, url := range []string{"ldaps://ldap.contoso.test:636", "ldap://ldap.contoso.test"} {
			d := New(Options{URL: url, User: me.User, Password: password(me.Password), TLS: &tls.Config{RootCAs: c.Roots()}, Dial: c.Dial})
			chart, err := d.Chart(t.Context(), me.User)
			if err != nil || chart.Manager == nil || chart.SecondManager == nil || len(chart.Reports) == 0 || len(chart.Peers) == 0 {
				t.Fatalf("%s: %s, %v", url, say(chart), err)
			}
			if chart.Manager.User != me.Manager || len(chart.Everyone) <= len(chart.Peers)+len(chart.Reports) || chart.Incomplete {
				t.Errorf("%s: manager %s, want %s; %d in all", url, chart.Manager.User, me.Manager, len(chart.Everyone))
			}
			for _, p := range append(chart.Everyone, chart.Reports...) {
				if p.User == me.User {
					t.Errorf("%s is under himself", me.User)
				}
			}
			if p, err := d.Person(t.Context(), me.User); err != nil || p.Name != me.Name || p.Title != me.Title || len(p.Numbers) == 0 {
				t.Errorf("%+v, %v; want %+v", p, err, me)
			}
			if found, _, err := d.Find(t.Context(), me.Name, 5); err != nil || len(found) != 1 || found[0].User != me.User {
				t.Errorf("find %q: %s, %v", me.Name, users(found), err)
			}
			labEverybody(t, d)
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// The lab has 600 people, 30 of them a second time as contacts of another forest.
func labEverybody(t *testing.T, d *Directory) {
	all, mark, err := everybody(t, d)
	if err != nil || len(all) != 630 || mark == "" {
		t.Fatalf("%d entries, mark %q, %v", len(all), mark, err)
	}
	keys := 0
	if err := d.Keys(t.Context(), func(k []string) error { keys += len(k); return nil }); err != nil || keys != 630 {
		t.Errorf("%d keys, %v", keys, err)
	}
	twice, photos := 0, 0
	for _, p := range all {
		if !strings.Contains(p.DN, "ou=contacts") {
			continue
		}
		one, err := d.Person(t.Context(), p.User)
		if err != nil || len(one.Numbers) < 2 || one.Title == "" || !strings.Contains(one.DN, "ou=people") {
			t.Errorf("%s is not one person: %+v, %v", p.User, one, err)
		}
		photo, err := d.Photo(t.Context(), one.DN)
		if err != nil {
			t.Error(err)
		}
		if len(photo) > 0 {
			photos++
		}
		twice++
	}
	if twice != 30 || photos == 0 || photos == 30 {
		t.Errorf("%d people twice, %d of them with a photograph", twice, photos)
	}
}
