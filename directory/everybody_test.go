package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// crew is n people as OpenLDAP has them, changed one second after the other.
func crew(n int) (entries []*ldap.Entry) {
	for i := range n {
		at := time.Date(2026, 11, 1, 8, 0, i, 0, time.UTC).Format("20060102150405")
		entries = append(entries, worker(fmt.Sprintf("w%04d", i), "", fmt.Sprintf("entryUUID=%08x-7945-1041-8e84-53640daa44e0", uint32(i)*2654435761),
			"entryCSN="+at+".854038Z#000000#000#000000", "modifyTimestamp="+at+"Z"))
	}
	return entries
}

// copied reads everybody, or changes, into a map by Key.
func copied(read func(func([]Person) error) (Mark, error)) (all map[string]Person, mark Mark, err error) {
	all = make(map[string]Person)
	mark, err = read(func(people []Person) error {
		for _, p := range people {
			all[p.Key] = p
		}
		return nil
	})
	return all, mark, err
}

func everybody(t *testing.T, d *Directory) (map[string]Person, Mark, error) {
	return copied(func(f func([]Person) error) (Mark, error) { return d.All(t.Context(), f) })
}

func changes(t *testing.T, d *Directory, since Mark) (map[string]Person, Mark, error) {
	return copied(func(f func([]Person) error) (Mark, error) { return d.Changes(t.Context(), since, f) })
}

// All are read, then what has changed, and the keys tell who has gone.
func TestEverybody(t *testing.T) {
	s := (&server{entries: crew(1203), anonymous: true}).start(t, false)
	d := s.directory(Options{})
	all, mark, err := everybody(t, d)
	if err != nil || len(all) != 1203 || mark == "" || len(mark) > MaxMark {
		t.Fatalf("%d, mark %q, %v", len(all), mark, err)
	}
	if n := len(s.searches); n != 3 {
		t.Errorf("%d searches for 1,203 people, want 3 pages", n)
	}
	s.entries = append(s.entries[1:], worker("new", "w0001", "entryUUID=00000000-0000-0000-0000-000000000001",
		"entryCSN=20261105080000.000001Z#000000#000#000000"))
	s.entries[5] = worker("w0006", "", "title=Head", "entryUUID="+s.entries[5].GetAttributeValue("entryUUID"),
		"entryCSN=20261105080001.000001Z#000000#000#000000")
	changed, next, err := changes(t, d, mark)
	if err != nil || len(changed) > 15 || changed["00000000-0000-0000-0000-000000000001"].User != "new@contoso.test" {
		t.Errorf("%d changed, %v", len(changed), err) // those of the last seconds are told again
	}
	if p := changed[s.entries[5].GetAttributeValue("entryUUID")]; p.Title != "Head" || p.Modified.Day() != 5 {
		t.Errorf("changed: %+v", p)
	}
	if changed, _, err = changes(t, d, next); err != nil || len(changed) != 2 {
		t.Errorf("then %d changed, %v", len(changed), err)
	}
	var keys []string
	if err := d.Keys(t.Context(), func(k []string) error { keys = append(keys, k...); return nil }); err != nil || len(keys) != 1203 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	if slices.Contains(keys, crew(1)[0].GetAttributeValue("entryUUID")) {
		t.Error("who was deleted still has a key")
	}
}

// Samba looks at everybody before it gives the first page: who asks for all is
// patient, who asks for one is not, and is not told that there is none.
func TestEverybodySlow(t *testing.T) {
	s := (&server{entries: crew(600), anonymous: true, slow: 100}).start(t, false)
	d := s.directory(Options{})
	if all, _, err := everybody(t, d); err != nil || len(all) != 600 {
		t.Errorf("%d, %v", len(all), err)
	}
	if found, _, err := d.Find(t.Context(), "w0001", 10); err == nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := d.Person(t.Context(), "w0001@contoso.test"); err == nil || errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// A server that has times only, and one that has nothing of the kind.
func TestEverybodyElsewhere(t *testing.T) {
	s := (&server{entries: crew(3), anonymous: true}).start(t, false)
	d := s.directory(Options{Attributes: Attributes{Modified: []string{"modifyTimestamp"}}})
	_, mark, err := everybody(t, d)
	if changed, _, err := changes(t, d, mark); err != nil || len(changed) != 3 {
		t.Errorf("by time: mark %q, %d changed, %v", mark, len(changed), err)
	}
	if last := s.searches[len(s.searches)-1]; err != nil || !strings.Contains(last, "(modifyTimestamp>=2026110107550") {
		t.Errorf("%v; asked %s", err, last)
	}
	s.entries = company()
	all, mark, err := everybody(t, s.directory(Options{}))
	if err != nil || mark != "" || len(all) != 8 || all["uid=bob,ou=people,dc=contoso,dc=test"].User == "" {
		t.Errorf("without key and time: %v, %q, %v", all, mark, err)
	}
	for _, m := range []Mark{"", mark, "csn 20261101080000 other entryCSN 20261101080000 20261101080000", "usn 20261101080000 x y 7", "time x y z", Mark(strings.Repeat("x", 9000))} {
		if _, _, err := changes(t, d, m); !errors.Is(err, ErrMark) {
			t.Errorf("mark %.60q: %v", m, err)
		}
	}
}

// Active Directory counts changes, each domain controller for itself.
func TestEverybodyActiveDirectory(t *testing.T) {
	user := func(name, control, usn string) *ldap.Entry {
		e := worker(name, "", "userAccountControl="+control, "uSNChanged="+usn, "whenChanged=20261101080000.0Z", "objectCategory=person")
		e.Attributes = append(e.Attributes, ldap.NewEntryAttribute("objectGUID", []string{"\x01\xff0123456789abc" + name[:1]}))
		return e
	}
	s := (&server{entries: []*ldap.Entry{user("anna", "512", "100"), user("bob", "512", "101"), user("carol", "514", "102")}}).start(t, false)
	s.code = ldap.LDAPResultOperationsError
	controller := func(name, usn string) {
		s.root = []string{"dsServiceName=CN=NTDS Settings,CN=" + name, "highestCommittedUSN=" + usn, "defaultNamingContext=" + base}
	}
	controller("dc1", "102")
	d := s.directory(Options{User: "anna@contoso.test", Password: password("secret")})
	all, mark, err := everybody(t, d)
	if err != nil || len(all) != 2 || all["01ff3031323334353637383961626361"].User != "anna@contoso.test" {
		t.Fatalf("%v, %v", all, err)
	}
	s.entries[1] = user("bob", "514", "103") // bob was disabled
	controller("dc1", "103")
	changed, next, err := changes(t, d, mark)
	if p := changed["01ff3031323334353637383961626362"]; err != nil || len(changed) != 1 || p.User != "" || p.Name != "" || p.Key == "" {
		t.Errorf("%v, %v", changed, err)
	}
	if again, _, err := changes(t, d, next); err != nil || len(again) != 0 {
		t.Errorf("told twice: %v, %v", again, err)
	}
	controller("dc1", "50") // set back
	if _, _, err := changes(t, d, next); !errors.Is(err, ErrMark) {
		t.Errorf("a controller that was set back: %v", err)
	}
	controller("dc2", "50") // another one, with its own numbers
	if _, _, err = changes(t, d, next); err != nil || !strings.Contains(s.searches[len(s.searches)-1], "(whenChanged>=") {
		t.Errorf("another controller: %v, asked %s", err, s.searches[len(s.searches)-1])
	}
}

// What breaks in the middle is an error, however much had come.
func TestEverybodyBroken(t *testing.T) {
	people := crew(1203)
	for what, c := range map[string]struct {
		breakAt, hangAt int
		want            string
	}{
		"in the first page":            {breakAt: 3, want: "was lost"},
		"in the third page":            {breakAt: 1100, want: "was lost"},
		"silence in the second page":   {hangAt: 700, want: "took too long"},
		"silence before the last page": {hangAt: 1001, want: "took too long"},
	} {
		s := (&server{entries: people, anonymous: true, breakAt: c.breakAt, hangAt: c.hangAt}).start(t, false)
		patience := time.Minute
		if c.hangAt > 0 {
			patience = 500 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		n := 0
		mark, err := s.directory(Options{}).All(ctx, func(p []Person) error { n += len(p); return nil })
		cancel()
		if err == nil || mark != "" || !strings.Contains(err.Error(), c.want) || n%pageSize != 0 {
			t.Errorf("%s: %d people, mark %q, %v", what, n, mark, err)
		}
	}
	s := (&server{entries: people, anonymous: true}).start(t, false)
	full := errors.New("the disk is full")
	if _, err := s.directory(Options{}).All(t.Context(), func([]Person) error { return full }); err != full {
		t.Errorf("the taker's error came back as %v", err)
	}
}

// A server that tells 500 at most tells all in parts; if it cannot compare, it is said.
func TestEverybodyLimited(t *testing.T) {
	s := (&server{entries: crew(1203), anonymous: true, hard: 100}).start(t, false)
	d := s.directory(Options{})
	all, mark, err := everybody(t, d)
	if err != nil || len(all) != 1203 || mark == "" {
		t.Errorf("%d, %q, %v", len(all), mark, err)
	}
	if found, err := d.Filter(t.Context(), "(cn=W*)"); err != nil || len(found) != 1203 {
		t.Errorf("filter: %d, %v", len(found), err)
	}
	s.free, s.searches = true, nil // who has signed in is told all
	d = s.directory(Options{User: "anna@contoso.test", Password: password("secret")})
	if all, _, err = everybody(t, d); err != nil || len(all) != 1203 || len(s.searches) > 4 {
		t.Errorf("signed in: %d with %d searches, %v", len(all), len(s.searches), err)
	}
	d = s.directory(Options{User: "anna@contoso.test", Password: password("wrong")})
	if all, _, err = everybody(t, d); err != nil || len(all) != 1203 || len(s.binds) != 2 {
		t.Errorf("wrong password: %d, %d binds, %v", len(all), len(s.binds), err)
	}
	s.free, d = false, s.directory(Options{})
	for _, e := range s.entries { // the same eight digits
		e.GetAttributeValues("entryUUID")[0] = "0000cafe-" + e.GetAttributeValue("entryUUID")[:4] + "-1041-8e84-53640daa44e0"
	}
	if _, mark, err = everybody(t, d); err == nil || mark != "" || !strings.Contains(err.Error(), "does not tell everybody") {
		t.Errorf("mark %q, %v", mark, err)
	}
	s.entries = nil
	for i := range 300 {
		s.entries = append(s.entries, worker(fmt.Sprintf("x%03d", i), ""))
	}
	if all, _, err = everybody(t, d); err == nil || !strings.Contains(err.Error(), "does not tell everybody") || len(all) < 100 {
		t.Errorf("without entryUUID: %d, %v", len(all), err)
	}
}

// A mass import in one second is told again while others may still come late, and
// then no more.
func TestEverybodyMassImport(t *testing.T) {
	entries := crew(50)
	for i, e := range entries {
		e.GetAttributeValues("entryCSN")[0] = fmt.Sprintf("20261101080000.%06dZ#000000#00%d#000000", i, i%2)
	}
	s := (&server{entries: entries, anonymous: true}).start(t, false)
	d := s.directory(Options{})
	_, mark, err := everybody(t, d)
	if err != nil || !strings.HasPrefix(string(mark), "csns ") {
		t.Fatalf("mark %q, %v", mark, err)
	}
	changed, mark, err := changes(t, d, mark)
	if err != nil || len(changed) != 50 {
		t.Errorf("at once: %d told again, %v", len(changed), err)
	}
	p, err := readMark(mark, d.configuration(base))
	if err != nil {
		t.Fatal(err)
	}
	p.seen = p.seen.Add(-2 * manyOverlap) // that much later
	_, mark, err = changes(t, d, p.mark())
	if changed, _, again := changes(t, d, mark); err != nil || again != nil || len(changed) != 0 {
		t.Errorf("ten minutes later: %d told again, %v, %v", len(changed), err, again)
	}
	s.entries = append(s.entries, worker("late", "", "entryUUID=ffffffff-0000-0000-0000-000000000000", "entryCSN=20261101081500.000000Z#000000#000#000000"))
	if changed, _, err = changes(t, d, mark); err != nil || len(changed) != 1 {
		t.Errorf("a new one: %d, %v", len(changed), err)
	}
}
