//go:build interop

package interop

import (
	"bufio"
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"communicator/im"
	"communicator/session"
)

// TestMain lets the test program be the client of the drill, in a process of its
// own that can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("DRILL_USER") != "" {
		runDrillClient()
		return
	}
	os.Exit(m.Run())
}

// drillClient is our program with lines instead of a window: "say TEXT" sends a
// message to the peer, "quit" ends. It prints
//
//	shown TEXT        a message came
//	kept TEXT         an own one is stored
//	line STATE TEXT   a line of the conversation; STATE is "came" or an im.State
//	end               of the lines, which are read at the start
type drillClient struct {
	*session.Session
	peer string
	mu   sync.Mutex // one line at a time
	kept chan struct{}
}

func runDrillClient() {
	pem, err := os.ReadFile(os.Getenv("DRILL_CA"))
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c := &drillClient{peer: os.Getenv("DRILL_PEER"), kept: make(chan struct{}, 1)}
	c.Session = session.New(session.Options{
		User: os.Getenv("DRILL_USER"), Password: func() (string, error) { return os.Getenv("DRILL_PASSWORD"), nil },
		Resolver: os.Getenv("DRILL_RESOLVER"), Roots: roots, Dir: os.Getenv("DRILL_DIR"), Notify: c.happened, Dial: dialThrough(os.Getenv("DRILL_THROUGH")),
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	c.list()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { // ends with ctx
		defer close(ended)
		if err := c.Run(ctx); err != nil {
			c.say("failed: %v", err)
		}
	}()
	c.obey(ctx)
	cancel()
	<-ended
}

// dialThrough connects to other addresses than those that DNS says: "from=to,...".
func dialThrough(list string) func(context.Context, string, string) (net.Conn, error) {
	through := map[string]string{}
	for pair := range strings.SplitSeq(list, ",") {
		from, to, _ := strings.Cut(pair, "=")
		through[from] = to
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if to := through[addr]; to != "" {
			addr = to
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}

// obey does what standard input says until it ends.
func (c *drillClient) obey(ctx context.Context) {
	talk := c.IM.With(c.peer)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		word, text, _ := strings.Cut(in.Text(), " ")
		switch word {
		case "say":
			go func() { // ends when it has a final state, or waits for a connection
				if _, err := talk.Send(ctx, text); err != nil {
					c.say("failed: %v", err)
				}
			}()
			<-c.kept // the next one comes after it
		case "quit":
			return
		}
	}
}

func (c *drillClient) list() {
	talk := c.IM.With(c.peer)
	for talk.Earlier(1000) > 0 {
	}
	for _, m := range talk.Messages() {
		state := "came"
		if len(m.Delivered) > 0 {
			state = string(m.Delivered[0].State)
		}
		c.say("line %s %s", state, m.Text)
	}
	c.say("end")
}

func (c *drillClient) happened(event any) {
	switch e := event.(type) {
	case im.Received:
		c.say("shown %s", e.Message.Text)
	case im.Sent:
		c.say("kept %s", e.Message.Text)
		c.kept <- struct{}{}
	case session.StateChanged:
		if e.State.Phase == session.Waiting {
			c.TryNow() // the user does not want to wait
		}
	}
}

func (c *drillClient) say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Printf(format+"\n", args...)
}
