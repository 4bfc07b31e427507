//go:build interop && guitest

package interop

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// smoke is the real window on a display of its own (Xvfb, openbox), signed in
// to a lab that runs in another process.
type smoke struct {
	t       *testing.T
	lab     *program
	window  *program
	display string
	me      string // sign-in address
	profile string // folder
}

// TestWindow drives the program as a person would, with keys and the pointer,
// and asks the lab what came of it. SCREENSHOT=FILE keeps a picture at the end.
func TestWindow(t *testing.T) {
	s := openWindow(t)
	main := s.find("^Communicator$")
	s.eventually("who", s.me)
	s.pause() // the page for signing in goes

	// A message to one person, by the find box.
	s.do("windowactivate", "--sync", main)
	s.do("key", "ctrl+f")
	s.do("type", "--delay", "30", "Bruno Berg")
	s.pause() // the address book answers
	s.do("key", "Return")
	talk := s.find("^Bruno Berg")
	s.do("windowactivate", "--sync", talk)
	s.do("type", "--delay", "30", "Do you have the numbers for Lyon?")
	s.do("key", "Return")
	s.eventually("inbox bruno.berg@contoso.test", "Do you have the numbers for Lyon?")

	// A message to a group, by a right click on its header.
	s.do("windowactivate", "--sync", main)
	s.do("key", "ctrl+f")
	s.do("key", "Escape")
	s.pause()
	s.do("mousemove", "--window", main, "160", "228", "click", "3")
	s.pause()
	s.do("key", "Down", "Return")
	group := s.find("^My direct reports")
	s.do("windowactivate", "--sync", group)
	s.do("type", "--delay", "30", "The office closes at 16:00 today.")
	s.do("key", "Return")
	s.eventually("inbox dina.costa@contoso.test", "The office closes at 16:00 today.")
	s.eventually("inbox goran.kaya@contoso.test", "The office closes at 16:00 today.")

	// What others write shows without a key.
	s.lab.tell("say bruno.berg@contoso.test %s Yes, sending them now.", s.me)
	s.do("windowactivate", "--sync", group)
	s.do("key", "ctrl+Tab")
	s.do("windowmove", "--sync", main, "20", "40")
	s.do("windowmove", "--sync", group, "460", "40")
	s.pause()
	s.screenshot("root", "SCREENSHOT")

	s.do("windowactivate", "--sync", main)
	s.do("key", "ctrl+q")
	select {
	case <-s.window.ended:
		if code := s.window.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the window ends with status %d", code)
		}
	case <-time.After(patience):
		t.Error("Ctrl+Q does not end the program")
	}
	s.eventually("who", "") // signed out: the lab still answers
}

// openWindow starts the lab, with these arguments besides, the display and the window.
func openWindow(t *testing.T, labArgs ...string) *smoke {
	t.Helper()
	exe, err := filepath.Abs("../communicator")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &smoke{t: t, me: "anna.albers@contoso.test", profile: filepath.Join(dir, "profile")}
	base := strconv.Itoa(freeBase(t, 53, 60, 61, 70, 71, 80, 81, 443, 636))
	s.lab = start(t, "lab", exec.Command(exe, append([]string{"lab", "--dir", dir, "--still", "--port-base", base}, labArgs...)...))
	line, _ := s.lab.expect(0, `^\{"ready":true.*\}$`)
	var ready struct{ Resolver, CA, Users string }
	if err := json.Unmarshal([]byte(line[0]), &ready); err != nil {
		t.Fatal(err)
	}
	x := start(t, "Xvfb", exec.Command("Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"))
	number, _ := x.expect(0, `^\d+$`)
	s.display = ":" + number[0]
	start(t, "openbox", s.command("openbox"))
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(passwordOf(t, ready.Users, s.me)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.window = start(t, "window", s.command(exe, "--as", s.me, "--resolver", ready.Resolver, "--ca", ready.CA,
		"--password-file", password, "--profile", s.profile))
	return s
}

// passwordOf reads the lab's list of users.
func passwordOf(t *testing.T, file, user string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Split(lines.Text(), "\t"); len(fields) > 1 && fields[0] == user {
			return fields[1]
		}
	}
	t.Fatalf("%s is not in %s", user, file)
	return ""
}

// command is a program on the display. Software rendering does for all.
func (s *smoke) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+s.display, "WAYLAND_DISPLAY=", "LIBGL_ALWAYS_SOFTWARE=1", "FYNE_THEME=light")
	return cmd
}

// do is one act of the person.
func (s *smoke) do(args ...string) string {
	s.t.Helper()
	out, err := s.command("xdotool", args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("xdotool %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// find waits for a window that shows, by its title.
func (s *smoke) find(title string) string {
	s.t.Helper()
	found := ""
	s.until("a window "+title, func() bool {
		out, err := s.command("xdotool", "search", "--onlyvisible", "--name", title).Output()
		ids := strings.Fields(string(out))
		if err == nil && len(ids) > 0 {
			found = ids[len(ids)-1]
		}
		return found != ""
	})
	return found
}

// pause is as long as a person looks before going on; nothing outside tells
// when a window has been drawn.
func (s *smoke) pause() { time.Sleep(time.Second) }

func (s *smoke) until(what string, true func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !true(); {
		if time.Now().After(end) {
			s.screenshot("root", "SCREENSHOT")
			s.t.Fatalf("%s did not come", what)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// eventually asks the lab until its answer has the text.
func (s *smoke) eventually(question, text string) {
	s.t.Helper()
	s.until(question+": "+text, func() bool {
		s.lab.mu.Lock()
		from := len(s.lab.lines)
		s.lab.mu.Unlock()
		s.lab.tell("%s", question)
		line, _, err := s.lab.match(from, regexp.MustCompile(`^\{.*\}$`))
		return err == nil && strings.Contains(line[0], text)
	})
}

// screenshot keeps a picture of a window where that variable of the environment
// says; an empty one keeps none.
func (s *smoke) screenshot(window, variable string) {
	if file := os.Getenv(variable); file != "" {
		if out, err := s.command("import", "-window", window, file).CombinedOutput(); err != nil {
			s.t.Logf("screenshot: %v: %s", err, out)
		}
	}
}

// TestWindowPeople finds people among 100,000, also while the address book is
// still being filled, and looks at a contact card. FILLING, FIND and CARD keep
// pictures.
func TestWindowPeople(t *testing.T) {
	s := openWindow(t, "--people", "100000")
	main := s.find("^Communicator$")
	s.eventually("inbox "+s.me, `"messages"`) // the lab is not busy any more
	s.pause()
	s.do("windowactivate", "--sync", main)
	s.do("key", "ctrl+f")
	s.do("type", "--delay", "30", "ber")
	for range 3 {
		s.pause() // more of it comes meanwhile
	}
	s.screenshot(main, "FILLING")

	file := filepath.Join(s.profile, "addressbook."+s.me)
	for filled := time.Now().Add(5 * time.Minute); time.Now().Before(filled); s.pause() {
		if _, err := os.Stat(file); err == nil {
			break
		}
	}
	if _, err := os.Stat(file); err != nil {
		t.Error("the address book is not filled after five minutes")
	}
	s.do("key", "Escape")
	s.do("key", "ctrl+f")
	s.do("type", "--delay", "30", "ber lyon legal")
	s.pause()
	s.pause()
	s.pause()
	s.screenshot(main, "FIND")

	s.do("key", "Escape")
	s.do("key", "ctrl+f")
	s.do("type", "--delay", "30", "Bruno Berg")
	s.pause()
	s.do("key", "Down", "space")
	s.pause()
	s.pause() // the directory and the calendar answer
	s.screenshot(main, "CARD")
}
