package view

import (
	"strings"
	"time"

	"communicator/session"
)

// Diagnostics is what an administrator needs to find a fault: how the server
// was found, where the connection stands, and the latest SIP messages. What
// people wrote is left out: of a message only the heading remains, with the
// length of what followed. Passwords were never in it.
func Diagnostics(s session.State, steps *SignIn, messages []session.Traced, now time.Time) string {
	var b strings.Builder
	b.WriteString("Communicator " + session.Version + ", " + now.Format(time.RFC3339) + "\n")
	b.WriteString(StatusOf(s, now).Text + "\n")
	if s.Target.Host != "" {
		b.WriteString(hostPort(s.Target) + " " + s.TLS + "\n")
	}
	if s.Err != nil {
		b.WriteString(s.Err.Error() + "\n")
	}
	b.WriteString("\n" + steps.Trace() + "\n")
	for _, m := range messages {
		direction := "received"
		if m.Sent {
			direction = "sent"
		}
		b.WriteString("\n--- " + direction + " " + m.Time.Format("15:04:05.000") + "\n" + headOf(m.Message) + "\n")
	}
	return b.String()
}

// headOf is a SIP message without its body.
func headOf(message string) string {
	head, _, _ := strings.Cut(message, "\r\n\r\n")
	return strings.ReplaceAll(strings.TrimRight(head, "\r\n"), "\r\n", "\n")
}
