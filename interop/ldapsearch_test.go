//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// ldapServer is a directory and how OpenLDAP's own program asks it.
type ldapServer struct {
	place                        // our lab for signing in; its DNS names this directory
	url, bindDN, password string // for ldapsearch, as administrator
	host                  string // in its certificate
	program               string
	settings              string // for the profile
	environment           []string
	active                bool // Active Directory
}

// record is an entry that ldapsearch printed: values by lower-case name.
type record map[string][]string

func (r record) first(name string) string {
	if len(r[name]) == 0 {
		return ""
	}
	return r[name][0]
}

// search runs ldapsearch, which must find everybody.
func (s ldapServer) search(t *testing.T, filter string, attributes ...string) []record {
	t.Helper()
	args := []string{"-x", "-LLL", "-o", "ldif-wrap=no", "-H", s.url, "-D", s.bindDN, "-w", s.password, "-b", ldapBase, "-E", "pr=1000/noprompt", filter}
	cmd := exec.Command("ldapsearch", append(args, attributes...)...)
	cmd.Env = append(os.Environ(), "LDAPTLS_REQCERT=never")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ldapsearch %s: %v\n%s", filter, err, &errs)
	}
	return readLDIF(out)
}

// readLDIF reads what ldapsearch prints without wrapping lines (RFC 2849).
func readLDIF(text []byte) (all []record) {
	r := record{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		name, value, is := strings.Cut(lines.Text(), ":")
		switch {
		case lines.Text() == "":
			if r["dn"] != nil {
				all = append(all, r)
			}
			r = record{}
		case !is || strings.HasPrefix(name, "#"):
		default:
			if encoded, base := strings.CutPrefix(value, ": "); base {
				raw, _ := base64.StdEncoding.DecodeString(encoded)
				value = string(raw)
			}
			name = strings.ToLower(name)
			r[name] = append(r[name], strings.TrimPrefix(value, " "))
		}
	}
	if r["dn"] != nil {
		all = append(all, r)
	}
	return all
}

// chart is what org must say about a person, worked out from a list of everybody.
type chart map[string][]string // addresses, or names where there is none, by group

// charts works out the four groups by plain loops over everybody.
func charts(everybody []record, dn string) chart {
	c := chart{"manager": nil, "peers": nil, "reports": nil, "organisation": nil}
	at := map[string]record{}
	below := map[string][]record{}
	for _, r := range everybody {
		at[strings.ToLower(r.first("dn"))] = r
		if m := r.first("manager"); m != "" {
			below[strings.ToLower(m)] = append(below[strings.ToLower(m)], r)
		}
	}
	label := func(r record) string {
		if r.first("mail") == "" {
			return r.first("displayname")
		}
		return "sip:" + r.first("mail")
	}
	add := func(group string, r record) {
		if !strings.EqualFold(r.first("dn"), dn) {
			c[group] = append(c[group], label(r))
		}
	}
	self := strings.ToLower(dn)
	for _, r := range below[self] {
		add("reports", r)
	}
	boss := strings.ToLower(at[self].first("manager"))
	if at[boss] == nil || boss == self {
		return c.sorted()
	}
	add("manager", at[boss])
	for _, r := range below[boss] {
		if d := strings.ToLower(r.first("dn")); d != boss {
			add("peers", r)
		}
	}
	second := strings.ToLower(at[boss].first("manager"))
	if at[second] == nil || second == boss || second == self {
		return c.sorted()
	}
	seen := map[string]bool{second: true}
	for level := []string{second}; len(level) > 0; {
		var next []string
		for _, d := range level {
			for _, r := range below[d] {
				if k := strings.ToLower(r.first("dn")); !seen[k] {
					seen[k] = true
					add("organisation", r)
					next = append(next, k)
				}
			}
		}
		level = next
	}
	return c.sorted()
}

func (c chart) sorted() chart {
	for _, g := range c {
		slices.Sort(g)
	}
	return c
}

// printed is the chart that org --json printed.
func printed(lines []map[string]any) chart {
	c := chart{"manager": nil, "peers": nil, "reports": nil, "organisation": nil}
	for _, l := range lines {
		label, _ := l["user"].(string)
		if label == "" {
			label, _ = l["name"].(string)
		}
		group, _ := l["group"].(string)
		c[group] = append(c[group], label)
	}
	return c.sorted()
}
