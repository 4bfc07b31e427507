package session

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"

	"communicator/contacts"
	"communicator/directory"
	"communicator/lab"
)

// What an administrator writes for somebody is what his own client would make
// of the directory.
func TestPrefillsAreWhatClientsMake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{People: 120})
		c := signedIn(t, options(co, co.Administrator()))
		people, err := c.People.Everybody(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for f := range Prefills(people, 1000) {
			chart, err := c.People.Chart(t.Context(), f.User)
			if err != nil {
				t.Fatal(err)
			}
			if want := toContacts(chart).Groups(); !reflect.DeepEqual(f.Groups(), want) {
				t.Fatalf("%s:\n got %+v\nwant %+v", f.User, f.Groups(), want)
			}
			seen++
		}
		if seen != len(co.People()) {
			t.Errorf("%d of %d people", seen, len(co.People()))
		}
	})
}

// Written by the administrator, seen by the person's own client, once.
func TestPrefill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		co := company(t, lab.Options{})
		anna := co.Newcomer()
		c := signedIn(t, options(co, co.Administrator()))
		people, err := c.People.Everybody(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for f := range Prefills(people, 10) {
			if f.User != anna.User {
				continue
			}
			if len(f.LeftOut()) != 1 || len(f.Groups()) != 3 {
				t.Fatalf("%d groups, left out %v", len(f.Groups()), f.LeftOut())
			}
			for _, want := range []bool{true, false} {
				if written, leftOut, err := c.Prefill(t.Context(), f, 1<<20); err != nil || written != want || len(leftOut) != 1 {
					t.Errorf("written %v, left out %v, %v", written, leftOut, err)
				}
			}
		}
		o := options(co, anna)
		o.Directory = "ldaps://nowhere.contoso.test:636"
		own := signedIn(t, o)
		if _, err := own.Contacts.Loaded(t.Context()); err != nil {
			t.Fatal(err)
		}
		if g, ok := own.Contacts.List().Group("My direct reports"); !ok || len(g.Members) != 5 || g.Source != contacts.Org {
			t.Errorf("%+v", own.Contacts.List())
		}
	})
}

// The four groups of each of 100,000 people.
func BenchmarkPrefills(b *testing.B) {
	const n, fan = 100000, 8
	people := make([]directory.Person, n)
	for i := range people {
		people[i] = directory.Person{User: fmt.Sprintf("p%06d@contoso.test", i), Name: fmt.Sprintf("Person %06d", (i*7919)%n), DN: fmt.Sprintf("uid=p%06d,ou=People,dc=contoso,dc=test", i)}
		if i > 0 {
			people[i].Manager = people[(i-1)/fan].DN
		}
	}
	for b.Loop() {
		members := 0
		for f := range Prefills(people, 2000) {
			for _, g := range f.Groups() {
				members += len(g.Members)
			}
		}
		b.ReportMetric(float64(members)/n, "members")
	}
}
