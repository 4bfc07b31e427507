//go:build interop

package interop

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the drill does; DRILL_TIMES=N does N times as much.
const (
	drillTexts = 1000 // each way
	drillCuts  = 50
	drillKills = 20
	drillFor   = 45 * time.Second // the texts are written within that
	drillDark  = 3 * time.Second  // the longest time for which a connection hangs
	drillEnd   = 90 * time.Second // without any news: what is missing then is lost
	drillQuiet = 10 * time.Second // after the last: a second copy would come within that
)

// Two clients, each a process of its own, write to each other, while connections
// are cut and processes killed (kill -9) at random moments. Every text arrives
// exactly once. DRILL_SEED=N repeats a drill, as far as time allows.
func TestDrill(t *testing.T) {
	t.Run("lab", func(t *testing.T) {
		at := startLab(t, 20)
		drill(t, at, at.me, at.of(at.me).manager, at.doors)
	})
	t.Run("Kamailio", func(t *testing.T) {
		p := startPool(t)
		tls := strconv.Itoa(p.base + 61)
		drill(t, p.place(), alice, bob, []string{net.JoinHostPort("127.0.0.1", tls), net.JoinHostPort("127.0.0.2", tls)})
	})
}

func drill(t *testing.T, at place, anna, bob string, doors []string) {
	seed, times := uint64(time.Now().UnixNano()), 1
	if s, err := strconv.ParseUint(os.Getenv("DRILL_SEED"), 10, 64); err == nil {
		seed = s
	}
	if n, err := strconv.Atoi(os.Getenv("DRILL_TIMES")); err == nil {
		times = n
	}
	t.Logf("DRILL_SEED=%d", seed)
	lot := rand.New(rand.NewPCG(seed, 0))
	at.away(t, anna)
	at.away(t, bob)
	a, b := startDriller(t, at, anna, bob, doors), startDriller(t, at, bob, anna, doors)
	both := []*driller{a, b}
	began := time.Now()
	var all sync.WaitGroup
	for _, d := range both {
		all.Go(func() { d.write(drillTexts*times, drillFor*time.Duration(times)) })
	}
	kinds := disturb(lot, both, times)
	all.Wait()
	awaitAll(both, drillTexts*times)
	t.Logf("%d texts each way in %v; %v", drillTexts*times, time.Since(began).Round(time.Second), kinds)
	time.Sleep(drillQuiet) // nothing tells that no second copy will come
	for _, d := range both {
		d.restart() // then its conversation is read from the disk
	}
	a.compare(b)
	b.compare(a)
}

// disturb cuts and kills at random moments while the texts are written.
func disturb(lot *rand.Rand, both []*driller, times int) map[string]int {
	done := map[string]int{}
	var kinds []bool // kill?
	for i := range (drillCuts + drillKills) * times {
		kinds = append(kinds, i < drillKills*times)
	}
	lot.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	pace := drillFor * time.Duration(times) / time.Duration(len(kinds)+1)
	for _, kill := range kinds {
		time.Sleep(pace/2 + time.Duration(lot.Int64N(int64(pace)))) // a random moment
		d := both[lot.IntN(2)]
		if kill {
			d.restart()
			done["killed"]++
			continue
		}
		done[d.cut(lot)]++
	}
	return done
}

// driller is one of the two, over all its processes.
type driller struct {
	t        *testing.T
	user     string
	env      []string
	log      *os.File // what all its processes log
	cutters  []*cutter
	progress chan struct{} // has an element when a text was shown

	mu    sync.Mutex // held while the process is exchanged
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{} // the output of cmd has been read
	given []string      // own texts, in their order

	seen  sync.Mutex
	kept  map[string]bool     // own texts that are stored
	shown map[string]int      // texts of the other, how often they were shown
	met   map[string]bool     // texts of the other that were shown, or are in the conversation
	lines map[string][]string // per text: the states of its lines in the conversation as read at the latest start
	whole chan struct{}       // closed when the conversation has been read
}

func startDriller(t *testing.T, at place, user, peer string, doors []string) *driller {
	t.Helper()
	d := &driller{t: t, user: user, progress: make(chan struct{}, 1), kept: map[string]bool{}, shown: map[string]int{}, met: map[string]bool{}}
	var through []string
	for _, door := range doors {
		c := startCutter(t, door)
		d.cutters = append(d.cutters, c)
		through = append(through, door+"="+c.addr)
	}
	d.env = append(os.Environ(), "DRILL_USER="+user, "DRILL_PASSWORD="+at.of(user).password, "DRILL_PEER="+peer, "DRILL_RESOLVER="+at.resolver,
		"DRILL_CA="+at.ca, "DRILL_DIR="+t.TempDir(), "DRILL_THROUGH="+strings.Join(through, ","))
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	d.log = log
	d.mu.Lock()
	defer d.mu.Unlock()
	d.start()
	t.Cleanup(d.end)
	return d
}

// start starts a process and gives it again what the one before it was killed
// over: the user sees that it is not there. d.mu is held.
func (d *driller) start() {
	cmd := exec.Command(os.Args[0])
	cmd.Env = d.env
	cmd.Stderr = d.log
	out, err := cmd.StdoutPipe()
	if err == nil {
		d.stdin, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.cmd, d.ended = cmd, make(chan struct{})
	whole := d.expectLines()
	go d.read(out, d.ended) // ends with the process
	select {
	case <-whole:
	case <-time.After(patience):
		d.t.Fatalf("%s did not read its conversation", d.user)
	}
	for _, text := range d.given {
		if !d.isKept(text) {
			fmt.Fprintf(d.stdin, "say %s\n", text)
		}
	}
}

// expectLines begins a new reading of the conversation; closed at its end.
func (d *driller) expectLines() <-chan struct{} {
	d.seen.Lock()
	defer d.seen.Unlock()
	d.lines, d.whole = map[string][]string{}, make(chan struct{})
	return d.whole
}

func (d *driller) isKept(text string) bool {
	d.seen.Lock()
	defer d.seen.Unlock()
	return d.kept[text]
}

func (d *driller) read(out io.Reader, ended chan<- struct{}) {
	defer close(ended)
	for in := bufio.NewScanner(out); in.Scan(); {
		word, rest, _ := strings.Cut(in.Text(), " ")
		d.seen.Lock()
		switch word {
		case "kept":
			d.kept[rest] = true
		case "shown":
			d.shown[rest]++
			d.met[rest] = true
			select {
			case d.progress <- struct{}{}:
			default:
			}
		case "line":
			state, text, _ := strings.Cut(rest, " ")
			d.lines[text] = append(d.lines[text], state)
			if state == "came" {
				d.met[text] = true
			} else {
				d.kept[text] = true
			}
		case "end":
			close(d.whole)
		case "failed:":
			d.t.Errorf("%s: %s", d.user, rest)
		}
		d.seen.Unlock()
	}
}

// write gives the texts to the program, evenly within a time.
func (d *driller) write(n int, within time.Duration) {
	pace := time.NewTicker(within / time.Duration(n))
	defer pace.Stop()
	for i := range n {
		<-pace.C
		d.mu.Lock()
		text := fmt.Sprintf("%s-%05d", strings.Split(d.user, "@")[0], i)
		d.given = append(d.given, text)
		fmt.Fprintf(d.stdin, "say %s\n", text)
		d.mu.Unlock()
	}
}

// kill ends the process as a loss of power would end it.
func (d *driller) kill() {
	_ = d.cmd.Process.Kill() // it may have ended
	<-d.ended
	_ = d.cmd.Wait() // says that it was killed
}

// end kills the process and, when the test has failed, shows what was logged.
func (d *driller) end() {
	d.kill()
	d.log.Close()
	if text, err := os.ReadFile(d.log.Name()); err == nil && d.t.Failed() {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		d.t.Logf("%s logged at the end:\n%s", d.user, strings.Join(lines[max(0, len(lines)-30):], "\n"))
	}
}

func (d *driller) restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kill()
	d.start()
}

// cut cuts the connection of the client and says how.
func (d *driller) cut(lot *rand.Rand) string {
	for _, i := range lot.Perm(len(d.cutters)) {
		if how := d.cutters[i].cut(lot, drillDark); how != "" {
			return how
		}
	}
	return "not connected"
}

// got is how many different texts of the other were shown, or are in the
// conversation as read last.
func (d *driller) got() int {
	d.seen.Lock()
	defer d.seen.Unlock()
	return len(d.met)
}

// awaitAll waits until each has shown what the other has written, or nothing more comes.
func awaitAll(both []*driller, n int) {
	for _, d := range both {
		for d.got() < n {
			select {
			case <-d.progress:
			case <-time.After(drillEnd):
				return
			}
		}
	}
}

// compare holds what one has written with what the other has shown and stored.
func (d *driller) compare(to *driller) {
	t := d.t
	t.Helper()
	lost, doubled, untrue, states := 0, 0, 0, map[string]int{}
	for _, text := range d.given {
		mine, theirs, shown := d.lines[text], to.lines[text], to.shown[text]
		if len(mine) != 1 {
			t.Errorf("%s has %d lines of its own %s: %v", d.user, len(mine), text, mine)
			continue
		}
		states[mine[0]]++
		switch {
		case len(theirs) == 0:
			lost++
			t.Errorf("%s is lost (%s)", text, mine[0])
		case len(theirs) > 1 || shown > 1:
			doubled++
			t.Errorf("%s came %d times and was shown %d times (%s)", text, len(theirs), shown, mine[0])
		case mine[0] == "failed" || mine[0] == "queued" || mine[0] == "sending":
			untrue++
			t.Errorf("%s came, but its sender shows %s", text, mine[0])
		}
	}
	for text, states := range to.lines {
		if states[0] == "came" && !slices.Contains(d.given, text) {
			t.Errorf("%s got what nobody wrote: %s", to.user, text)
		}
	}
	t.Logf("FIGURE drill: %s to %s: %d written, lost %d, doubled %d; states %v", d.user, to.user, len(d.given), lost, doubled, states)
}
