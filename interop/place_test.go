//go:build interop

package interop

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"

	"communicator/lab"
)

// place is where stories are played: the lab, or a pool of a real server with a
// directory. Both speak for contoso.test; the people have other names.
type place struct {
	resolver string
	roots    *x509.CertPool
	ca       string   // the same as a file
	door     string   // HOST:PORT of one front end's TLS listener
	doors    []string // the same of all
	people   []person
	me       string                   // has a manager, who has one too, peers, and three reports or more
	away     func(*testing.T, string) // sees to it that nobody is signed in as this user
}

// person is somebody with an account at a place. Addresses are user@domain.
type person struct{ user, password, name, title, manager string }

// of is the person with this address.
func (p place) of(user string) person {
	i := slices.IndexFunc(p.people, func(x person) bool { return x.user == user })
	if i < 0 {
		return person{user: user, password: "nobody has this address"}
	}
	return p.people[i]
}

// reports are those who report to user, sorted.
func (p place) reports(user string) []string {
	var list []string
	for _, x := range p.people {
		if x.manager == user {
			list = append(list, x.user)
		}
	}
	slices.Sort(list)
	return list
}

// cousin works under my manager's manager, but is not of my team or his.
func (p place) cousin() string {
	boss := p.of(p.me).manager
	second := p.of(boss).manager
	i := slices.IndexFunc(p.people, func(x person) bool {
		return p.under(x.manager, second) && x.user != boss && x.manager != boss && x.manager != p.me
	})
	return p.people[i].user
}

// outsider is in none of my groups of the org chart.
func (p place) outsider() person {
	second := p.of(p.of(p.me).manager).manager
	i := slices.IndexFunc(p.people, func(x person) bool {
		return strings.HasSuffix(x.user, "@"+domain) && !p.under(x.user, second) && !p.under(second, x.user)
	})
	return p.people[i]
}

// under: user is boss or reports to him, directly or not.
func (p place) under(user, boss string) bool {
	for user != "" && user != boss {
		user = p.of(user).manager
	}
	return user == boss
}

// startLab starts our own company of so many people, where nobody acts by himself.
func startLab(t *testing.T, people int) place {
	t.Helper()
	company, err := lab.New(lab.Options{Domain: domain, People: people, Still: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { company.Close() })
	ready, err := company.Listen("127.0.0.1", 0, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := place{resolver: ready.Resolver, roots: company.Roots(), ca: ready.CA, door: ready.SIP[0].TLS, me: company.Newcomer().User}
	for _, x := range company.People() {
		p.people = append(p.people, person{x.User, x.Password, x.Name, x.Title, x.Manager})
	}
	for _, l := range ready.SIP {
		p.doors = append(p.doors, l.TLS)
	}
	p.away = func(t *testing.T, user string) {
		if answer := company.Do("signout " + user); !strings.Contains(answer, `"ok":true`) && !strings.Contains(answer, "is not signed in") {
			t.Fatalf("signout %s: %s", user, answer)
		}
	}
	return p
}

// place is the pool with the people of company; startSlapd adds the directory.
func (p *pool) place() place {
	at := place{resolver: p.env["RESOLVER"], roots: p.roots, ca: p.env["CA"], door: p.env["FE1"], me: alice}
	for _, e := range company {
		x := person{user: e.address(), password: e.password(), name: e.name, title: e.title}
		if e.manager != "" {
			x.manager = e.manager + "@" + e.domain
		}
		at.people = append(at.people, x)
	}
	at.away = func(*testing.T, string) {} // nobody is there who did not sign in
	return at
}
