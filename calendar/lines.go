package calendar

import (
	"strings"
)

// Limits of what is read. What is more is left out and said once.
const (
	maxBytes      = 16 << 20 // of one answer or file
	maxLine       = 64 << 10 // of one content line, unfolded
	maxDepth      = 4        // of components in components
	maxProperties = 2000     // of one component
	maxComponents = 20_000   // of one calendar
)

// property is one content line (RFC 5545 §3.1).
type property struct {
	name   string              // upper case
	params map[string][]string // names in upper case; nil: none
	value  string              // as it stands there
}

// param returns the first value of a parameter.
func (p property) param(name string) string {
	if v := p.params[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// component is what stands between BEGIN and END.
type component struct {
	name     string // upper case
	props    []property
	children []*component
}

// get returns the first property of that name.
func (c *component) get(name string) (property, bool) {
	for _, p := range c.props {
		if p.name == name {
			return p, true
		}
	}
	return property{}, false
}

// text returns the value of a text property (RFC 5545 §3.3.11).
func (c *component) text(name string) string {
	p, _ := c.get(name)
	return unescape(p.value)
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == 'n' || s[i] == 'N' {
				b.WriteByte('\n')
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// components reads a stream of calendars. What is broken is passed over, as
// far as possible: one bad line costs no more than itself. cut says that
// something was left out because of its size or number.
func components(text string) (list []*component, cut bool) {
	var open []*component
	count := 0
	for line := range unfolded(text, &cut) {
		p, ok := parseLine(line)
		if !ok {
			continue
		}
		switch p.name {
		case "BEGIN":
			c := &component{name: strings.ToUpper(strings.TrimSpace(p.value))}
			if count++; count > maxComponents || len(open) > 100*maxDepth {
				return list, true
			}
			if c.name == "VCALENDAR" { // they are never inside one another
				open = open[:0]
			}
			if n := len(open); n == 0 {
				list = append(list, c)
			} else if n < maxDepth {
				open[n-1].children = append(open[n-1].children, c)
			} else {
				cut = true
			}
			open = append(open, c)
		case "END":
			// One that was never closed ends with the one around it.
			for i := len(open) - 1; i >= 0; i-- {
				if open[i].name == strings.ToUpper(strings.TrimSpace(p.value)) {
					open = open[:i]
					break
				}
			}
		default:
			if len(open) == 0 {
				continue
			}
			if c := open[len(open)-1]; len(c.props) < maxProperties {
				c.props = append(c.props, p)
			} else {
				cut = true
			}
		}
	}
	return list, cut
}

// unfolded yields content lines with their continuations (RFC 5545 §3.1:
// a line that begins with white space continues the one before). Line ends may
// be bare.
func unfolded(text string, cut *bool) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var b strings.Builder
		for line := range strings.SplitSeq(text, "\n") {
			line = strings.TrimSuffix(line, "\r")
			if line != "" && (line[0] == ' ' || line[0] == '\t') {
				if b.Len()+len(line) > maxLine {
					*cut = true
				} else {
					b.WriteString(line[1:])
				}
				continue
			}
			if b.Len() > 0 && !yield(b.String()) {
				return
			}
			b.Reset()
			if len(line) > maxLine {
				*cut = true
				continue
			}
			b.WriteString(line)
		}
		if b.Len() > 0 {
			yield(b.String())
		}
	}
}

// parseLine reads NAME;PARAM=VALUE,"VALUE":value.
func parseLine(line string) (p property, ok bool) {
	i := strings.IndexAny(line, ";:")
	if i <= 0 {
		return p, false
	}
	p.name = strings.ToUpper(line[:i])
	for line = line[i:]; strings.HasPrefix(line, ";"); {
		name, rest, found := strings.Cut(line[1:], "=")
		if !found || len(p.params) >= 50 {
			return p, false
		}
		var values []string
		for {
			var v string
			if v, rest, ok = cutParam(rest); !ok {
				return p, false
			}
			values = append(values, v)
			if rest[0] != ',' {
				break
			}
			rest = rest[1:]
		}
		if p.params == nil {
			p.params = map[string][]string{}
		}
		p.params[strings.ToUpper(name)] = values
		line = rest
	}
	if !strings.HasPrefix(line, ":") {
		return p, false
	}
	p.value = line[1:]
	return p, true
}

// cutParam takes one parameter value off the front; something follows it.
func cutParam(s string) (v, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		v, rest, ok = strings.Cut(s[1:], `"`)
		return v, rest, ok && rest != "" && strings.Contains(",;:", rest[:1])
	}
	i := strings.IndexAny(s, ",;:")
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i:], true
}
