package session

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"communicator/directory"
	"communicator/lab"
)

// Whoever signs in has everybody on disk; a search then needs no network, and a
// command uses the same copy.
func TestAddressBook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{People: 60})
		o := options(co, co.Newcomer())
		o.Dir = t.TempDir()
		c := signedIn(t, o)
		if _, err := c.Contacts.Loaded(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		told := len(got[AddressBookChanged](c))
		st := c.People.Book()
		if !st.Complete || st.Err != nil || st.Entries < 60 || told == 0 {
			t.Fatalf("after a second: %+v, told %d times", st, told)
		}
		boss := co.People()[0]
		found, err := c.People.Find(t.Context(), boss.Name, 10)
		if err != nil || found.Total == 0 || found.Hits[0].Name != boss.Name || !found.Complete || found.Updated.IsZero() {
			t.Errorf("found %+v: %v", found, err)
		}
		mine := c.Contacts.List().Groups[0].Members[0]
		if found, _ := c.People.Find(t.Context(), mine.User, 10); len(found.Hits) != 1 || found.Hits[0].Source != "contact" || found.Hits[0].DN == "" || found.Mine != 1 {
			t.Errorf("a contact is found as %+v", found)
		}
		if p, ok := c.People.Person(boss.User); !ok || p.Name != boss.Name {
			t.Errorf("by address: %+v", p)
		}
		offline := o // a command, without any network
		offline.Silent = true
		offline.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
		if found, err := New(offline).People.Find(t.Context(), boss.Name, 10); err != nil || found.Total == 0 || found.Hits[0].Name != boss.Name {
			t.Errorf("offline: %+v: %v", found, err)
		}
		c.stop()
		time.Sleep(2 * bookFor)
		if found, err := New(offline).People.Find(t.Context(), boss.Name, 10); err == nil || found.Total == 0 || found.Complete {
			t.Errorf("offline, by an old copy: %+v: %v", found, err)
		}
		offline.Dir = ""
		if found, err := New(offline).People.Find(t.Context(), boss.Name, 10); err == nil {
			t.Errorf("without copy and network: %+v", found)
		}
	})
}

// The book follows the directory while signed in, and again after a night.
func TestAddressBookFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{People: 40})
		o := options(co, co.Newcomer())
		o.Dir = t.TempDir()
		c := signedIn(t, o)
		time.Sleep(time.Second)
		first := c.People.Book()
		time.Sleep(bookLatest + time.Minute)
		if second := c.People.Book(); !second.Updated.After(first.Updated) || second.Err != nil || second.Entries != first.Entries {
			t.Errorf("after a quarter of an hour: %+v, before: %+v", second, first)
		}
		before := c.People.Book().Updated
		if err := c.People.Refresh(t.Context()); err != nil || c.People.Book().Updated.Before(before) {
			t.Errorf("refreshed: %v", err)
		}
		time.Sleep(26 * time.Hour)
		if st := c.People.Book(); st.Err != nil || time.Since(st.Updated) > 2*bookLatest || st.Entries != first.Entries {
			t.Errorf("a day later: %+v", st)
		}
	})
}

// Files of the profile are searched beside the directory.
func TestAddressBookFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{People: 40})
		o := options(co, co.Newcomer())
		o.Dir, o.AddressBook = t.TempDir(), []string{"suppliers.csv"}
		if err := os.WriteFile(filepath.Join(o.Dir, "suppliers.csv"), []byte("Name;Email;Phone\nZita Zulieferer;zita@fabrikam.test;+49 40 777\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := signedIn(t, o)
		time.Sleep(time.Second)
		found, err := c.People.Find(t.Context(), "040777", 10)
		if err != nil || found.Total != 1 || found.Hits[0].User != "zita@fabrikam.test" {
			t.Errorf("found %+v: %v", found, err)
		}
		all, err := c.People.Everybody(t.Context())
		for _, p := range all {
			if p.User == "zita@fabrikam.test" {
				t.Error("a supplier counts as one of the company")
			}
		}
		if err != nil || len(all) < 40 {
			t.Errorf("everybody: %d: %v", len(all), err)
		}
	})
}

// A command without a copy asks the directory.
func TestFindWithoutCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{People: 40})
		o := options(co, co.Newcomer())
		o.Silent = true
		c := signedIn(t, o)
		found, err := c.People.Find(t.Context(), co.People()[3].Name, 10)
		if err != nil || found.Total == 0 || found.Hits[0].User != co.People()[3].User || !found.Updated.IsZero() {
			t.Errorf("found %+v: %v", found, err)
		}
		if st := c.People.Book(); st.Entries != 0 {
			t.Errorf("a command has filled the book: %+v", st)
		}
		if _, ok := c.People.Person(co.People()[3].User); ok {
			t.Error("known without a copy")
		}
	})
}

func TestProfileAddressBook(t *testing.T) {
	for text, want := range map[string]string{
		`address_book = "people.vcf"`:                              "people.vcf",
		`address_book = ["ldaps://a.test/ou=a", "ldaps://b.test"]`: "ldaps://a.test/ou=a ldaps://b.test",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "profile.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := loadProfile(dir, filepath.Join(dir, "none"))
		if err != nil || strings.Join(p.Options().AddressBook, " ") != want {
			t.Errorf("%s: %q, %v", text, p.AddressBook, err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "profile.toml"), []byte("address_book = 7"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadProfile(dir, filepath.Join(dir, "none")); err == nil {
		t.Error("a number is taken as an address book")
	}
}

var _ directory.Source = (*everybody)(nil)
