package directory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// Chart is one person's place in the organisation.
type Chart struct {
	Self          Person
	Manager       *Person
	SecondManager *Person  // the manager's manager
	Peers         []Person // same manager, without oneself
	Reports       []Person
	Everyone      []Person // everyone under the second manager, at any depth, without oneself
	Incomplete    bool     // the directory did not tell all, or there are more than we take (20,000)
}

// managersAtOnce is how many managers are in one filter. Servers limit its
// length; this stays below 64 KB for names of any usual length.
const managersAtOnce = 100

// Chart returns the place of user in the organisation. Loops in the manager
// attribute end where they close, a manager who is not there is none. People
// without address are in it; they cannot be messaged.
func (d *Directory) Chart(ctx context.Context, user string) (chart Chart, err error) {
	own, err := d.entries(ctx, user)
	if err != nil {
		return Chart{}, err
	}
	c, walk := Chart{Self: merged(own)[0]}, survey{}
	defer func() { chart.Incomplete = chart.Incomplete || walk.incomplete }()
	self := names(own)
	if c.Manager, err = d.above(ctx, c.Self, self); err != nil {
		return Chart{}, err
	}
	if c.Reports, err = d.below(ctx, self, &walk); err != nil {
		return Chart{}, err
	}
	c.Reports = others(c.Reports, self, user)
	if c.Manager == nil {
		return c, nil
	}
	chain := append(slices.Clone(self), c.Manager.DN)
	if c.Peers, err = d.below(ctx, []string{c.Manager.DN}, &walk); err != nil {
		return Chart{}, err
	}
	c.Peers = others(c.Peers, chain, user)
	if c.SecondManager, err = d.above(ctx, *c.Manager, chain); err != nil || c.SecondManager == nil {
		return c, err
	}
	c.Everyone, err = d.under(ctx, []string{c.SecondManager.DN}, &walk)
	c.Everyone = others(c.Everyone, self, user)
	return c, err
}

// Under returns everybody who reports to user, directly or not. It is an error
// if the directory does not tell all.
func (d *Directory) Under(ctx context.Context, user string) ([]Person, error) {
	top, err := d.entries(ctx, user)
	if err != nil {
		return nil, err
	}
	var walk survey
	people, err := d.under(ctx, names(top), &walk)
	if err == nil && walk.incomplete {
		err = tooMany(len(people))
	}
	if err != nil {
		return nil, err
	}
	return others(people, names(top), user), nil
}

// above returns the manager of p, or nil: none, not there, or one of those
// already in the chain.
func (d *Directory) above(ctx context.Context, p Person, chain []string) (*Person, error) {
	if p.Manager == "" || slices.ContainsFunc(chain, func(dn string) bool { return key(dn) == key(p.Manager) }) {
		return nil, nil
	}
	m, ok, err := d.entry(ctx, p.Manager)
	if err != nil || !ok {
		return nil, err
	}
	return &m, nil
}

// below returns who has one of managers as manager, merged and by name.
func (d *Directory) below(ctx context.Context, managers []string, walk *survey) ([]Person, error) {
	people, err := d.reports(ctx, managers, walk)
	return byName(merged(people)), err
}

// reports returns the entries that have one of managers as manager. A server
// that cuts its answer short (OpenLDAP does after 500 entries, pages or not) is
// asked for fewer managers at once.
func (d *Directory) reports(ctx context.Context, managers []string, walk *survey) ([]Person, error) {
	if d.tellsReports() {
		return d.direct(ctx, managers, walk)
	}
	people, partial, err := d.people(ctx, wanted{filter: func(a Attributes) string { return a.reportsFilter(managers) }, limit: maxPeople, whole: len(managers) == 1})
	if err != nil || !partial || len(managers) < 2 {
		walk.incomplete = walk.incomplete || partial
		return people, err
	}
	half := len(managers) / 2
	first, err := d.reports(ctx, managers[:half], walk)
	if err != nil {
		return nil, err
	}
	rest, err := d.reports(ctx, managers[half:], walk)
	return append(first, rest...), err
}

// under returns everybody below managers, level by level, each once.
func (d *Directory) under(ctx context.Context, managers []string, walk *survey) ([]Person, error) {
	seen := make(map[string]bool)
	for _, dn := range managers {
		seen[key(dn)] = true
	}
	var all []Person
	for level := managers; len(level) > 0; {
		var next []string
		for batch := range slices.Chunk(level, managersAtOnce) {
			people, err := d.reports(ctx, batch, walk)
			if err != nil {
				return nil, err
			}
			for _, p := range people {
				if k := key(p.DN); !seen[k] {
					seen[k] = true
					all, next = append(all, p), append(next, p.DN)
				}
			}
			if len(all) >= maxPeople {
				walk.incomplete = true
				return byName(merged(all[:maxPeople])), nil
			}
		}
		level = next
	}
	return byName(merged(all)), nil
}

// names returns the names of the entries.
func names(people []Person) (dns []string) {
	for _, p := range people {
		dns = append(dns, p.DN)
	}
	return dns
}

// others returns people without those entries and that address.
func others(people []Person, without []string, user string) []Person {
	skip := make(map[string]bool)
	for _, dn := range without {
		skip[key(dn)] = true
	}
	return slices.DeleteFunc(people, func(p Person) bool {
		return skip[key(p.DN)] || strings.EqualFold(p.User, user)
	})
}

// byName puts people in the order of their names as people expect it: Åsa
// before Bob, whatever the case. Who has no name goes by his address.
func byName(people []Person) []Person {
	order := collate.New(language.Und, collate.IgnoreCase)
	var buffer collate.Buffer
	keys := make(map[string][]byte, len(people))
	for _, p := range people {
		keys[p.DN] = order.KeyFromString(&buffer, cmp.Or(p.Name, p.User))
	}
	slices.SortStableFunc(people, func(a, b Person) int { return bytes.Compare(keys[a.DN], keys[b.DN]) })
	return people
}

// key is a distinguished name in one form, for comparing (RFC 4514: spelling
// and case vary; the values of names of people ignore case).
func key(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return strings.ToLower(strings.TrimSpace(dn))
	}
	var b strings.Builder
	for _, rdn := range parsed.RDNs {
		parts := make([]string, 0, len(rdn.Attributes))
		for _, a := range rdn.Attributes {
			parts = append(parts, strings.ToLower(a.Type+"="+strings.Join(strings.Fields(a.Value), " ")))
		}
		slices.Sort(parts)
		b.WriteString(strings.Join(parts, "+") + "\x00")
	}
	return b.String()
}
