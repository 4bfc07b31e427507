package lab

import (
	"fmt"
	"strconv"
	"time"
)

// halted says whether the front end is stopped.
func (f *frontEnd) halted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stopped
}

// halted says whether the director is stopped.
func (d *director) halted() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stopped
}

// Bounds of faults: a lab that never answers again should be stopped instead.
const (
	mostDropped = 1_000_000
	longestLag  = 10 * time.Minute
)

// fault obeys the words after "fault": KIND FRONT-END [VALUE].
//
//	drop N COUNT      swallow the next COUNT requests
//	delay N DURATION  wait before each request; 0 ends it
//	refuse N CODE     answer every request with CODE; 0 ends it
//	freeze N          stop where it is: nothing is read, written or closed
//	none N            end all faults
//
// N is a front end's number, or "all".
func (c *Company) fault(words []string) error {
	if len(words) < 2 {
		return fmt.Errorf("fault drop|delay|refuse|freeze|none N|all [VALUE]")
	}
	kind, which, value := words[0], words[1], words[2:]
	some, err := c.which(which)
	if err != nil {
		return err
	}
	if (kind == "none" || kind == "freeze") && len(value) == 0 {
		for _, i := range some {
			c.freezeOrHeal(i, kind == "freeze")
		}
		return nil
	}
	if len(value) != 1 {
		return fmt.Errorf("fault %s %s wants one value", kind, which)
	}
	set, err := faultOf(kind, value[0])
	if err != nil {
		return err
	}
	for _, i := range some {
		set(c.frontEnds[i])
	}
	return nil
}

// freezeOrHeal freezes front end i, or ends everything that ails it.
func (c *Company) freezeOrHeal(i int, freeze bool) {
	if freeze {
		c.freezers[i].freeze()
		return
	}
	c.freezers[i].thaw()
	f := c.frontEnds[i]
	f.drop(0)
	f.delay(0)
	f.refuse(0)
}

// faultOf reads what is to be done to a front end.
func faultOf(kind, value string) (set func(*frontEnd), err error) {
	switch kind {
	case "drop":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > mostDropped {
			return nil, fmt.Errorf("drop wants a count from 0 to %d, not %q", mostDropped, value)
		}
		return func(f *frontEnd) { f.drop(n) }, nil
	case "delay":
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 || d > longestLag {
			return nil, fmt.Errorf("delay wants a duration such as 300ms up to %v, not %q", longestLag, value)
		}
		return func(f *frontEnd) { f.delay(d) }, nil
	case "refuse":
		code, err := strconv.Atoi(value)
		if err != nil || code != 0 && (code < 300 || code > 699) {
			return nil, fmt.Errorf("refuse wants a status code from 300 to 699 or 0, not %q", value)
		}
		return func(f *frontEnd) { f.refuse(code) }, nil
	}
	return nil, fmt.Errorf("no fault %q; there are drop, delay, refuse, freeze, none", kind)
}

// which finds front ends by number from 1, or all; it returns indices.
func (c *Company) which(s string) ([]int, error) {
	var all []int
	for i := range c.frontEnds {
		all = append(all, i)
	}
	if s == "all" {
		return all, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > len(all) {
		return nil, fmt.Errorf("no front end %q; there are 1 to %d", s, len(all))
	}
	return all[n-1 : n], nil
}
