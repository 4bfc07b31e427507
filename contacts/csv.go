package contacts

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
)

// columns are the names that a column may have in the first line, in lower case.
var columns = map[string][]string{
	"group":   {"group", "groups", "category", "categories", "gruppe"},
	"address": {"address", "sip", "sip address", "uri", "user", "im", "im address", "e-mail", "email", "e-mail address", "email address", "mail", "adresse"},
	"name":    {"name", "display name", "displayname", "full name", "fn"},
	"access":  {"access"},
	"kind":    {"kind"},
}

// ParseCSV reads a table (RFC 4180; separated by commas, semicolons or tabs). The
// first line names the columns: address must be there; group, name, access and
// kind may be. A table without such a line has the address first and perhaps a
// name after it. Lines that cannot be read are returned as refused.
func ParseCSV(b []byte) (rows []Row, bad []Outcome, err error) {
	s, err := text(b)
	if err != nil {
		return nil, nil, err
	}
	r := csv.NewReader(strings.NewReader(s))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = separator(s), true, -1, true, true
	var at map[string]int
	for {
		record, err := r.Read()
		var wrong *csv.ParseError
		switch {
		case err == io.EOF:
			return rows, bad, nil
		case errors.As(err, &wrong):
			bad = append(bad, Outcome{Row: Row{Line: wrong.StartLine}, Result: Refused, Why: wrong.Err.Error()})
			continue
		case err != nil:
			return rows, bad, err
		case len(rows)+len(bad) >= MaxRows:
			return rows, bad, errors.New("the file has too many lines")
		}
		if at == nil {
			var head bool
			if at, head = header(record); head {
				continue
			}
		}
		if row, empty := rowOf(record, at); !empty {
			row.Line, _ = r.FieldPos(0)
			rows = append(rows, row)
		}
	}
}

// header says which column is where, and whether the line was the one that says so.
func header(record []string) (at map[string]int, head bool) {
	at = map[string]int{}
	for name, words := range columns {
		i := slices.IndexFunc(record, func(f string) bool { return slices.Contains(words, strings.ToLower(strings.TrimSpace(f))) })
		if i >= 0 {
			at[name] = i
		}
	}
	if _, ok := at["address"]; ok {
		return at, true
	}
	return map[string]int{"address": 0, "name": 1}, false
}

func rowOf(record []string, at map[string]int) (r Row, empty bool) {
	field := func(name string) string {
		if i, ok := at[name]; ok && i < len(record) {
			return disarmed(strings.TrimSpace(record[i]))
		}
		return ""
	}
	access, err := ParseAccess(field("access"))
	if err != nil {
		access = Undecided
	}
	r = Row{Group: field("group"), User: field("address"), Name: field("name"), Access: access, Service: strings.EqualFold(field("kind"), "service")}
	return r, r.User == "" && r.Name == ""
}

// separator is what most likely separates the columns of a table.
func separator(s string) rune {
	first, _, _ := strings.Cut(s, "\n")
	best := ','
	for _, c := range ";\t" {
		if strings.Count(first, string(c)) > strings.Count(first, string(best)) {
			best = c
		}
	}
	return best
}

// CSV writes rows as a table (RFC 4180) that ParseCSV reads.
func CSV(rows []Row) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	_ = w.Write([]string{"group", "address", "name", "access", "kind"}) // into memory
	for _, r := range rows {
		kind := ""
		if r.Service {
			kind = "service"
		}
		_ = w.Write([]string{armed(r.Group), armed(r.User), armed(r.Name), string(r.Access), kind})
	}
	w.Flush()
	return b.Bytes()
}

// armed keeps a spreadsheet from taking a name for a formula.
func armed(s string) string {
	if s != "" && strings.ContainsRune("=+-@'\t", rune(s[0])) {
		return "'" + s
	}
	return s
}

func disarmed(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.ContainsRune("=+-@'\t", rune(s[1])) {
		return s[1:]
	}
	return s
}
