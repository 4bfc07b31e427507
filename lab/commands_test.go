package lab

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestCommandsAnswerWithOneLineEach(t *testing.T) {
	c := company(t, Options{People: 11, Still: true})
	var out bytes.Buffer
	in := "who\n\nstate bruno.berg busy In Lyon\n" + strings.Repeat("x", commandLine+9) + "\nsignout goran.kaya\nhuh"
	if err := c.Commands(t.Context(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	want := []string{`{"count":9,"real":[],"users":["sip:amelie.fournier@contoso.test",`, `{"ok":true}`, `{"error":"a line has at most 65536 bytes"}`,
		`{"ok":true}`, `{"error":"no command \"huh\"","known":["calls","client","dial",`}
	if len(lines) != len(want) {
		t.Fatalf("%d answers: %s", len(lines), out.String())
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("answer %d is %s, want %s", i+1, lines[i], want[i])
		}
	}
}

func TestWrongCommands(t *testing.T) {
	c := company(t, Options{People: 11, Still: true})
	for line, says := range map[string]string{
		"say anna.albers":                 "usage: say FROM TO TEXT",
		"say anna.albers nobody hello":    `nobody here has the address \"nobody\"`,
		"say x@example.com bruno.berg hi": "nobody here",
		"client bruno.berg tired":         "usage: client USER slow DURATION",
		"client bruno.berg slow":          "slow wants a duration",
		"client bruno.berg refusing 200":  "refusing wants a status code from 300",
		"client nobody absent":            "nobody here",
		"filter remove x":                 "usage: filter add TEXT",
		"state bruno.berg happy":          `no state \"happy\"; there are auto available away`,
		"signout anna.albers":             "is not signed in",
		"stop-front-end 3":                `no front end \"3\"; there are 1 to 2`,
		"stop-front-end x":                "no front end",
		"fault explode 1 2":               `no fault \"explode\"`,
		"fault drop 1":                    "wants one value",
		"fault drop 1 -1":                 "drop wants a count",
		"fault delay 1 1h":                "delay wants a duration",
		"fault refuse all 200":            "refuse wants a status code",
		"ring anna.albers +4930123":       "the lab has no PBX yet",
		"calls":                           "the lab has no PBX yet",
		"   ":                             "an empty line is no command",
	} {
		var answer struct{ Error string }
		got := c.Do(line)
		if err := json.Unmarshal([]byte(got), &answer); err != nil || !strings.Contains(got, says) {
			t.Errorf("%s: %s, want %s", line, got, says)
		}
	}
}

func TestFaultsOfFrontEnds(t *testing.T) {
	bubble(t, Options{People: 11, Still: true}, func(t *testing.T, c *Company) {
		anna := c.play(t, "anna.albers@contoso.test")
		defer anna.conn.Close() //nolint
		do(t, c, "fault refuse 1 503")
		if code := anna.say("bruno.berg@contoso.test", "one"); code != 503 {
			t.Errorf("refused: %d", code)
		}
		do(t, c, "fault refuse 1 0")
		do(t, c, "fault delay all 700ms")
		start := time.Now()
		if code := anna.say("bruno.berg@contoso.test", "two"); code != 200 || time.Since(start) < 700*time.Millisecond {
			t.Errorf("delayed: %d after %v", code, time.Since(start))
		}
		do(t, c, "fault none all")
		do(t, c, "stop-front-end 1")
		select {
		case <-anna.conn.Done():
		case <-time.After(time.Second):
			t.Error("the front end stopped, the connection lives on")
		}
		if nc, err := c.Dial(t.Context(), "tcp", "fe1.contoso.test:5061"); err == nil {
			if _, err := nc.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "reset") {
				t.Errorf("a stopped front end: %v", err)
			}
		}
		do(t, c, "stop-director")
		nc, err := c.Dial(t.Context(), "tcp", "director.contoso.test:5061")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "reset") {
			t.Errorf("a stopped director: %v", err)
		}
		do(t, c, "start-director")
		c.dialTLS(t, "director.contoso.test:5061").Close() //nolint
		do(t, c, "start-front-end 1")
		c.play(t, "anna.albers@contoso.test").conn.Close() //nolint
	})
}

func TestFrozenFrontEnd(t *testing.T) {
	bubble(t, Options{People: 11, Still: true}, func(t *testing.T, c *Company) {
		anna := c.play(t, "anna.albers@contoso.test")
		defer anna.conn.Close() //nolint
		do(t, c, "fault freeze 1")
		answered := make(chan int, 1)
		go func() { answered <- anna.say("bruno.berg@contoso.test", "Are you there?") }() // ends with the frost
		nc, err := c.Dial(t.Context(), "tcp", "fe1.contoso.test:5061")
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close() //nolint
		select {
		case code := <-answered:
			t.Errorf("a frozen front end answers %d", code)
		case <-anna.conn.Done():
			t.Error("a frozen front end closes its connections")
		case <-time.After(5 * time.Second):
		}
		c.playAt(t, "fe2", "bruno.berg@contoso.test").conn.Close() //nolint
		do(t, c, "fault none 1")
		if code := <-answered; code/100 != 2 {
			t.Errorf("after the frost: %d", code)
		}
		do(t, c, "fault freeze all") // and Close works all the same
	})
}

func FuzzDo(f *testing.F) {
	for name, cmd := range commands {
		f.Add(name)
		f.Add(cmd.usage)
	}
	f.Add("say anna.albers bruno.berg Grüße, \"quoted\" \x00\xff")
	f.Add("state bruno.berg busy " + strings.Repeat("é", 600))
	c, err := New(Options{People: 11, Still: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = c.Close() })
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, "delay") {
			return // it would only wait
		}
		if answer := c.Do(line); !json.Valid([]byte(answer)) || strings.Contains(answer, "\n") {
			t.Errorf("%q: %s", line, answer)
		}
	})
}
