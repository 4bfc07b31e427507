package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// commandLine is the longest line that is obeyed.
const commandLine = 64 << 10

// Commands obeys command lines from in and answers each with one JSON line on
// out, until in or ctx ends. After ctx has ended it returns as soon as in
// gives something, or is closed.
func (c *Company) Commands(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewReaderSize(in, commandLine)
	for ctx.Err() == nil {
		line, err := lines.ReadSlice('\n')
		answer := ""
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = lines.ReadSlice('\n')
			}
			answer = failure(fmt.Errorf("a line has at most %d bytes", commandLine))
		case len(strings.TrimSpace(string(line))) > 0:
			answer = c.Do(string(line))
		}
		if answer != "" {
			if _, err := io.WriteString(out, answer+"\n"); err != nil {
				return fmt.Errorf("answer a command: %w", err)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read commands: %w", err)
		}
	}
	return ctx.Err()
}

// command is one word of the language, with what it expects.
type command struct {
	usage string
	least int // words after it
	do    func(c *Company, words []string) (any, error)
}

// commands of docs/cli.md. The words of the desk phone are there so that the
// answer says what is missing.
var commands = map[string]command{
	"say":             {"say FROM TO TEXT", 3, (*Company).say},
	"state":           {"state USER STATE [NOTE]", 2, (*Company).state},
	"who":             {"who", 0, (*Company).who},
	"inbox":           {"inbox USER|all", 1, (*Company).inbox},
	"client":          {clientUsage, 2, (*Company).client},
	"filter":          {"filter add TEXT | files | clear", 1, (*Company).filterCommand},
	"signin":          {"signin USER", 1, (*Company).signIn},
	"signout":         {"signout USER", 1, (*Company).signOut},
	"stop-front-end":  {"stop-front-end N", 1, (*Company).stopFrontEnd},
	"start-front-end": {"start-front-end N", 1, (*Company).startFrontEnd},
	"stop-director": {"stop-director", 0, func(c *Company, _ []string) (any, error) {
		for _, d := range c.directors() {
			d.stop()
		}
		return okay, nil
	}},
	"start-director": {"start-director", 0, func(c *Company, _ []string) (any, error) {
		for _, d := range c.directors() {
			d.start()
		}
		return okay, nil
	}},
	"fault": {"fault drop|delay|refuse|freeze|none N|all [VALUE]", 2, func(c *Company, words []string) (any, error) {
		return okay, c.fault(words)
	}},
	"wipe": {"wipe USER", 1, (*Company).wipe},
	"ring": noPBX, "pickup": noPBX, "hangup": noPBX, "dial": noPBX, "calls": noPBX, "stop-pbx": noPBX, "start-pbx": noPBX,
}

var noPBX = command{"", 0, func(*Company, []string) (any, error) { return nil, errors.New("the lab has no PBX yet") }}

// okay is the answer of commands that have nothing to tell.
var okay = struct {
	OK bool `json:"ok"`
}{true}

// Do obeys one command line and returns its JSON answer.
func (c *Company) Do(line string) string {
	words := strings.Fields(line)
	if len(words) == 0 {
		return failure(errors.New("an empty line is no command"))
	}
	cmd, known := commands[words[0]]
	if !known {
		all := []string{}
		for name := range commands {
			all = append(all, name)
		}
		slices.Sort(all)
		return oneLine(struct {
			Error string   `json:"error"`
			Known []string `json:"known"`
		}{fmt.Sprintf("no command %q", words[0]), all})
	}
	if len(words)-1 < cmd.least {
		return failure(errors.New("usage: " + cmd.usage))
	}
	answer, err := cmd.do(c, words[1:])
	if err != nil {
		return failure(err)
	}
	return oneLine(answer)
}

func failure(err error) string {
	return oneLine(struct {
		Error string `json:"error"`
	}{err.Error()})
}

func oneLine(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return `{"error":"the answer cannot be written"}` // nothing above can be refused by Marshal
	}
	return string(b)
}

// user finds somebody of the company by address, with or without sip: and domain.
func (c *Company) user(s string) (string, error) {
	u := strings.TrimPrefix(strings.ToLower(s), "sip:")
	if !strings.Contains(u, "@") {
		u += "@" + c.options.Domain
	}
	if _, known := c.staff.index[u]; !known {
		return "", fmt.Errorf("nobody here has the address %q", s)
	}
	return u, nil
}

func (c *Company) say(words []string) (any, error) {
	from, err := c.user(words[0])
	if err != nil {
		return nil, err
	}
	to, err := c.user(words[1])
	if err != nil {
		return nil, err
	}
	code, reason := c.pool.message(from, to, strings.Join(words[2:], " "))
	return struct {
		OK     bool   `json:"ok"`
		Code   int    `json:"code"`
		Reason string `json:"reason"`
	}{code/100 == 2, code, reason}, nil
}

func (c *Company) state(words []string) (any, error) {
	user, err := c.user(words[0])
	if err != nil {
		return nil, err
	}
	if _, known := states[words[1]]; !known {
		all := []string{}
		for s := range states {
			all = append(all, s)
		}
		slices.Sort(all)
		return nil, fmt.Errorf("no state %q; there are %s", words[1], strings.Join(all, " "))
	}
	return okay, c.crowd.set(user, mood{state: words[1], note: strings.Join(words[2:], " ")}, true)
}

func (c *Company) signIn(words []string) (any, error) {
	user, err := c.user(words[0])
	if err != nil {
		return nil, err
	}
	if _, already := c.crowd.simulates(user); already {
		return okay, nil
	}
	return okay, c.crowd.set(user, mood{state: "available"}, false)
}

func (c *Company) signOut(words []string) (any, error) {
	user, err := c.user(words[0])
	if err != nil {
		return nil, err
	}
	if _, simulated := c.crowd.simulates(user); !simulated {
		return nil, fmt.Errorf("the simulated client of %s is not signed in", user)
	}
	return okay, c.crowd.set(user, mood{state: "offline"}, true)
}

// who lists those who can be reached, and which of them are not simulated.
func (c *Company) who([]string) (any, error) {
	a := struct {
		Count int      `json:"count"`
		Real  []string `json:"real"`
		Users []string `json:"users"`
	}{Real: []string{}, Users: []string{}}
	for _, user := range c.pool.signedIn() {
		a.Users = append(a.Users, "sip:"+user)
		if _, simulated := c.crowd.simulates(user); !simulated {
			a.Real = append(a.Real, "sip:"+user)
		}
	}
	a.Count = len(a.Users)
	return a, nil
}

// inbox is what reached somebody's simulated client, or everybody's.
func (c *Company) inbox(words []string) (any, error) {
	type box struct {
		User     string   `json:"user"`
		Messages []letter `json:"messages"`
	}
	if words[0] == "all" {
		all := []box{}
		for _, p := range c.staff.people {
			if letters := c.crowd.letters(p.User); len(letters) > 0 {
				all = append(all, box{"sip:" + p.User, letters})
			}
		}
		return struct {
			Inboxes []box `json:"inboxes"`
		}{all}, nil
	}
	user, err := c.user(words[0])
	if err != nil {
		return nil, err
	}
	return box{"sip:" + user, c.crowd.letters(user)}, nil
}

// wipe loses what XCAP keeps for a user, as a reset of its store does.
func (c *Company) wipe(words []string) (any, error) {
	user, err := c.user(words[0])
	if err != nil {
		return nil, err
	}
	for auid := range usages {
		if _, _, err := c.pool.putXCAP(auid, user, nil, condition{}); err != nil {
			return nil, err
		}
	}
	return okay, nil
}

func (c *Company) stopFrontEnd(words []string) (any, error) {
	some, err := c.which(words[0])
	for _, i := range some {
		c.frontEnds[i].stop()
	}
	return okay, err
}

func (c *Company) startFrontEnd(words []string) (any, error) {
	some, err := c.which(words[0])
	for _, i := range some {
		c.frontEnds[i].start()
	}
	return okay, err
}
