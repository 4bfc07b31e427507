//go:build interop

package interop

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"communicator/presence"
	"communicator/session"
)

// TestTable plays the table of states and notes in docs/interop.md at Kamailio:
// who sets what, and what each of the others shows. It fails when the document
// says otherwise; WRITE_TABLE=1 writes what is seen into it.
func TestTable(t *testing.T) {
	s := &stage{t: t, at: startPool(t).place()}
	s.ours = s.at.signIn(t, alice)
	s.enter()
	said := readTable(t, tableHead)
	var lines []string
	for i, row := range s.rows() {
		want := ""
		if i < len(said) {
			want = said[i]
		}
		lines = append(lines, s.play(row, want))
	}
	compareTable(t, tableHead, said, lines)
}

const (
	tableFile  = "../docs/interop.md"
	tableHead  = "| who | sets | our client shows | linphonec shows | Pidgin shows | baresip shows |\n|---|---|---|---|---|---|\n"
	colleague  = "mary@" + domain // the other one with our client
	ofLinphone = carol
	ofPidgin   = dave
	ofBaresip  = bob
)

// stage holds the programs that see each other. ours sets states, other watches;
// the rest do both.
type stage struct {
	t           *testing.T
	at          place
	ours, other *client
	linphone    *program
	pidgin      *pidgin
	baresip     *baresip
}

// enter signs in everybody but ours, who is there.
func (s *stage) enter() {
	s.other = s.at.signIn(s.t, colleague)
	if err := s.other.Presence.Watch(within(s.t), alice, ofLinphone, ofPidgin, ofBaresip); err != nil {
		s.t.Fatal(err)
	}
	s.enterBaresip()
	s.enterPidgin()
	s.enterLinphone()
	for _, v := range s.viewers() { // everybody knows of everybody
		for _, who := range []string{alice, ofLinphone, ofPidgin, ofBaresip} {
			if who != v.user {
				v.until(who, 1, "")
			}
		}
	}
}

func (s *stage) enterBaresip() {
	s.baresip = startBaresip(s.t, s.at, ofBaresip, alice, ofLinphone, ofPidgin)
	s.baresip.do("presence_online", "")
}

func (s *stage) enterPidgin() {
	s.pidgin = startPidgin(s.t, s.at, ofPidgin, alice, ofLinphone, ofBaresip)
	s.pidgin.choose(purpleAvailable, "Here")
}

func (s *stage) enterLinphone() {
	s.linphone = startLinphone(s.t, s.at, ofLinphone)
	s.linphone.expect(0, `to \[LinphoneRegistrationOk\]`)
	for _, who := range []string{alice, ofPidgin, ofBaresip} {
		s.linphone.tell("friend add %s sip:%s", strings.Split(who, "@")[0], who)
	}
}

// row is one line of the table: user does something.
type row struct {
	user, name, sets string
	do               func()
}

func (s *stage) rows() []row {
	set := func(state presence.Availability, note string) func() {
		return func() {
			if _, err := s.ours.Presence.Set(within(s.t), presence.State{Availability: state, Note: note}); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	return []row{
		{alice, "our client", "Available, “At my desk”", set(presence.Available, "At my desk")},
		{alice, "our client", "Busy, “Grüße aus Łódź”", set(presence.Busy, "Grüße aus Łódź")},
		{alice, "our client", "Do not disturb", set(presence.DoNotDisturb, "")},
		{alice, "our client", "Available", set(presence.Available, "")},
		{alice, "our client", "Be right back, “Coffee”", set(presence.BeRightBack, "Coffee")},
		{alice, "our client", "Available, “Back”", set(presence.Available, "Back")},
		{alice, "our client", "Away", set(presence.Away, "")},
		{alice, "our client", "Available, “Until five”", set(presence.Available, "Until five")},
		{alice, "our client", "appears offline", set(presence.Offline, "")},
		{alice, "our client", "Available, “Back on Monday”", set(presence.Available, "Back on Monday")},
		{alice, "our client", "signs out", func() { s.ours.stop() }},
		{alice, "our client", "signs in again", func() { s.ours = s.at.signIn(s.t, alice) }},
		{ofLinphone, "linphonec", "signs out", func() { s.linphone.tell("quit") }},
		{ofLinphone, "linphonec", "signs in", s.enterLinphone},
		{ofPidgin, "Pidgin", "signs out", func() { s.pidgin.quit() }},
		{ofPidgin, "Pidgin", "signs in, Available, “Here”", s.enterPidgin},
		{ofBaresip, "baresip", "offline", func() { s.baresip.do("presence_offline", "") }},
		{ofBaresip, "baresip", "online", func() { s.baresip.do("presence_online", "") }},
		{ofBaresip, "baresip", "signs out", func() { s.baresip.tell("/quit") }},
		{ofBaresip, "baresip", "signs in", s.enterBaresip},
	}
}

// viewer is one column of the table.
type viewer struct {
	t          *testing.T
	name, user string
	told       func(who string) int    // how often the network told it of somebody
	shows      func(who string) string // what it has on its screen
	news       func() <-chan struct{}  // closed when something happens
}

func (s *stage) viewers() []viewer {
	return []viewer{
		{s.t, "ours", colleague, s.other.toldOf, func(who string) string { return ourWords(s.other.Presence.Of(who)) }, s.other.news},
		{s.t, "linphonec", ofLinphone,
			func(who string) int { return s.linphone.count(`^Friend .*` + who + `.* is `) },
			func(who string) string { return s.linphone.last(`^Friend .*` + who + `.* is \[?(\w[\w ]*)`) }, s.linphone.news},
		{s.t, "Pidgin", ofPidgin,
			func(who string) int { return s.pidgin.count(`simple: got sip:` + who + `$`) },
			func(who string) string { return quoted(s.pidgin.shows(who)) }, s.pidgin.news},
		{s.t, "baresip", ofBaresip,
			func(who string) int { return s.baresip.count(`^From: <sip:` + who + `>`) },
			s.baresip.shows, s.baresip.news},
	}
}

// ourWords are the state's words without its times, and the note.
func ourWords(p presence.State) string {
	p.Since, p.Until = time.Time{}, time.Time{}
	return quoted(p.Words(time.Now()), p.Note)
}

func quoted(state, note string) string {
	if note != "" {
		state += ", “" + note + "”"
	}
	return state
}

// play does what a row says and returns its line. Each viewer has been told
// before it is asked, and has time to show what want, the line as it was, says.
func (s *stage) play(r row, want string) string {
	before := map[string]int{}
	for _, v := range s.viewers() {
		if v.user != r.user {
			before[v.name] = v.told(r.user)
		}
	}
	r.do()
	if os.Getenv("WRITE_TABLE") != "" {
		time.Sleep(3 * time.Second) // nothing tells that it will stay so
	}
	line := fmt.Sprintf("| %s | %s |", r.name, r.sets)
	cells := strings.Split(want, " | ")
	for i, v := range s.viewers() {
		cell := "·"
		if v.user != r.user {
			expected := ""
			if os.Getenv("WRITE_TABLE") == "" && len(cells) == 2+len(s.viewers()) {
				expected = strings.TrimSuffix(cells[2+i], " |")
			}
			cell = v.until(r.user, before[v.name]+1, expected)
		}
		line += " " + cell + " |"
	}
	return line
}

// until waits until the viewer was told of somebody so often and shows what is
// expected, and returns what it shows then or at last.
func (v viewer) until(who string, often int, expected string) string {
	v.t.Helper()
	late := time.After(patience / 2)
	for {
		news := v.news()
		n, shown := v.told(who), v.shows(who)
		if n >= often && (expected == "" || shown == expected) {
			return shown
		}
		select {
		case <-news:
		case <-late:
			v.t.Errorf("%s was told of %s %d times, want %d, and shows %q, expected %q", v.name, who, n, often, shown, expected)
			return shown
		}
	}
}

// compareTable fails unless the document says what was seen.
func compareTable(t *testing.T, head string, said, seen []string) {
	t.Helper()
	if os.Getenv("WRITE_TABLE") != "" {
		writeTable(t, head, seen)
		return
	}
	for i := range max(len(said), len(seen)) {
		switch {
		case i >= len(said):
			t.Errorf("%s lacks: %s", tableFile, seen[i])
		case i >= len(seen):
			t.Errorf("%s has too much: %s", tableFile, said[i])
		case said[i] != seen[i]:
			t.Errorf("%s says\n%s\nseen was\n%s", tableFile, said[i], seen[i])
		}
	}
}

// readTable returns the lines of the table in the document that has this head.
func readTable(t *testing.T, head string) []string {
	t.Helper()
	text, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), head)
	if !found {
		t.Fatalf("%s has no table with the head\n%s", tableFile, head)
	}
	rest, _, _ = strings.Cut(rest, "\n\n")
	if rest = strings.TrimSpace(rest); rest == "" {
		return nil
	}
	return strings.Split(rest, "\n")
}

func writeTable(t *testing.T, head string, lines []string) {
	t.Helper()
	text, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), head)
	_, after, _ := strings.Cut(rest, "\n\n")
	if err := os.WriteFile(tableFile, []byte(before+head+strings.Join(lines, "\n")+"\n\n"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shows is how its list of contacts has somebody; it prints changes only.
func (b *baresip) shows(who string) string {
	m := regexp.MustCompile(`\x1b\[\d+m(\w+)\x1b\[;m .*<sip:` + who + `>`).FindStringSubmatch(b.do("contacts", ""))
	if m == nil {
		return ""
	}
	return m[1]
}

// toldOf is how many news of somebody's state there were.
func (c *client) toldOf(who string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, e := range c.events {
		if p, is := e.(session.PresenceChanged); is && p.User == who {
			n++
		}
	}
	return n
}

func (c *client) news() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

func (p *program) news() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// count is how many lines match so far.
func (p *program) count(pattern string) int { return len(p.all(pattern)) }

// last is the first group of the last line that matches.
func (p *program) last(pattern string) string {
	found := p.all(pattern)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1][1]
}

func (p *program) all(pattern string) (found [][]string) {
	re := regexp.MustCompile(pattern)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.lines {
		if m := re.FindStringSubmatch(line); m != nil {
			found = append(found, m)
		}
	}
	return found
}
