package sipconn

import (
	"fmt"
	"slices"
	"strings"
)

// maxTraced is how much of a body a trace shows. Whoever keeps the last few
// hundred messages must not keep hundreds of whole contact lists.
const maxTraced = 16 << 10

// trace shows a message to Options.Trace, if there is one.
func (c *Conn) trace(sent bool, parts ...[]byte) {
	if c.o.Trace == nil || len(parts[0]) == 0 {
		return
	}
	shown := blanked(string(slices.Concat(parts...)))
	if head, body, _ := strings.Cut(shown, "\r\n\r\n"); len(body) > maxTraced {
		shown = head + "\r\n\r\n" + body[:maxTraced] + fmt.Sprintf("\r\n... %d more bytes\r\n", len(body)-maxTraced)
	}
	c.guarded("trace", func() { c.o.Trace(sent, shown) }, nil)
}

// blanked replaces everything that proves who somebody is.
func blanked(text string) string {
	head, body, found := strings.Cut(text, "\r\n\r\n")
	lines := strings.SplitAfter(head, "\n")
	secret := false
	for i, l := range lines {
		name, _, ok := strings.Cut(l, ":")
		folded := strings.HasPrefix(l, " ") || strings.HasPrefix(l, "\t")
		if !folded {
			secret = ok && isSecret(strings.ToLower(strings.TrimRight(name, " \t")))
		}
		if !secret {
			continue
		}
		end := l[len(strings.TrimRight(l, "\r\n")):]
		if folded {
			lines[i] = " ..." + end
		} else {
			lines[i] = name + ": ..." + end
		}
	}
	head = strings.Join(lines, "")
	if !found {
		return head
	}
	return head + "\r\n\r\n" + body
}

func isSecret(name string) bool {
	switch name {
	case "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info", "proxy-authentication-info":
		return true
	}
	return false
}
