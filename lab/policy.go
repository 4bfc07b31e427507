package lab

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// policy is what the organisation does not let through, as deploy/kamailio has
// it: texts with certain words, and offers of files.
type policy struct {
	domain string

	mu    sync.Mutex
	words []string // in lower case
	files bool     // offers of files are refused
}

// mostWords is how many words a filter has at most.
const mostWords = 100

func newPolicy(o Options) *policy {
	f := &policy{domain: o.Domain, files: o.NoFiles}
	for _, w := range o.Filter {
		f.words = append(f.words, strings.ToLower(w))
	}
	return f
}

// judge says why a request is not let through; nil: it is.
func (f *policy) judge(r *sip.Request) *refusal {
	body := bytes.ToLower(r.Body())
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.Method {
	case sip.MESSAGE:
		kind := mediaType(value(r, "Content-Type"))
		if kind == "application/im-iscomposing+xml" || kind == "message/imdn+xml" {
			return nil // their namespaces are no links
		}
		for _, w := range f.words {
			if bytes.Contains(body, []byte(w)) {
				return f.refuse(fmt.Sprintf("messages with %q are not allowed here", w))
			}
		}
	case sip.INVITE:
		if f.files && bytes.Contains(body, []byte("a=file-selector:")) { // RFC 5547 §6
			return f.refuse("files cannot be sent here")
		}
	}
	return nil
}

// refuse makes the answer of a filter: RFC 3261 §21.6.4 with the reason in a
// Warning (§20.43).
func (f *policy) refuse(why string) *refusal {
	why = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(strings.ReplaceAll(why, `"`, "'"))
	return refuse(606, "Not Acceptable", sip.NewHeader("Warning", fmt.Sprintf(`399 %s "%s"`, f.domain, why)))
}

// filterCommand obeys "filter add TEXT", "filter files" and "filter clear".
func (c *Company) filterCommand(words []string) (any, error) {
	f := c.pool.policy
	f.mu.Lock()
	defer f.mu.Unlock()
	text := strings.ToLower(strings.Join(words[1:], " "))
	switch {
	case words[0] == "clear" && text == "":
		f.words, f.files = nil, false
	case words[0] == "files" && text == "":
		f.files = true
	case words[0] == "add" && text != "" && slices.Contains(f.words, text):
	case words[0] == "add" && text != "" && len(f.words) < mostWords:
		f.words = append(f.words, text)
	case words[0] == "add" && text != "":
		return nil, fmt.Errorf("a filter has at most %d texts", mostWords)
	default:
		return nil, errors.New("usage: filter add TEXT | files | clear")
	}
	return struct {
		OK    bool     `json:"ok"`
		Texts []string `json:"texts"`
		Files bool     `json:"files"`
	}{true, append([]string{}, f.words...), f.files}, nil
}
