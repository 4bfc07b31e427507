//go:build interop

package pidf

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What we write is valid by the schemas of the standards; xmllint is the judge.
// It runs with `make interop`, which installs xmllint.
func TestSchema(t *testing.T) {
	documents := map[string][]byte{
		"every activity": Presence{Entity: "sip:a@b", Persons: []Person{{ID: "p", Activities: &Activities{Values: everyActivity, Other: "x", DoNotDisturb: true}}}}.Marshal(),
		"no activity":    Presence{Entity: "sip:a@b", Persons: []Person{{ID: "p", Activities: &Activities{}}}}.Marshal(),
		"unknown":        Presence{Entity: "sip:a@b", Persons: []Person{{ID: "p", Activities: &Activities{Values: []string{"unknown"}}}}}.Marshal(),
		"empty":          Presence{Entity: "sip:a@b"}.Marshal(),
		"new lists":      ResourceLists{Items: []Item{{List: &List{Name: "n", DisplayName: "N", Items: []Item{{Entry: &Entry{URI: "sip:a@b", DisplayName: "A"}}}}}}}.Marshal(),
		"no lists":       ResourceLists{}.Marshal(),
		"no services":    RLSServices{}.Marshal(),
	}
	names, err := filepath.Glob("testdata/ours-*.xml")
	if err != nil || len(names) < 3 {
		t.Fatalf("testdata: %v, %v", names, err)
	}
	for _, name := range names {
		documents[name] = file(t, strings.TrimPrefix(name, "testdata/"))
	}
	for _, name := range []string{"rfc4662-6-nested.mime", "unquoted-start.mime"} {
		n, err := ParseNotify(message(t, name))
		if err != nil {
			t.Fatal(err)
		}
		documents[name] = n.RLMI.Marshal()
	}
	lists, err := ParseResourceLists(file(t, "rfc4826-resource-lists.xml"))
	if err != nil {
		t.Fatal(err)
	}
	documents["edited lists"] = lists.Marshal()
	for name, b := range documents {
		c := exec.CommandContext(t.Context(), "xmllint", "--noout", "--nonet", "--schema", "testdata/schema/all.xsd", "-")
		c.Stdin = bytes.NewReader(b)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", name, err, out, b)
		}
	}
}

var everyActivity = strings.Fields(`appointment away breakfast busy dinner holiday in-transit looking-for-work lunch meal
	meeting on-the-phone other performance permanent-absence playing presentation shopping sleeping spectator steering travel
	tv unknown vacation working worship`)
