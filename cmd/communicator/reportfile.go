package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// reportFile gets a JSON line for each item as it becomes final, so that a
// later run can go on where one was cut off. nil writes nothing.
type reportFile struct {
	f      *os.File
	failed error // writing
}

// openReport opens the file of --report. What an earlier, interrupted run has
// written stays, so that --report and --resume can name the same file.
func openReport(name string) (*reportFile, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err == nil {
		if err = endCutLine(f); err != nil {
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		return nil, exit{statusFailed, fmt.Errorf("report: %w", err)}
	}
	return &reportFile{f: f}, nil
}

// endCutLine begins a new line where a crash has cut one off.
func endCutLine(f *os.File) error {
	i, err := f.Stat()
	if err != nil || !i.Mode().IsRegular() || i.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err = f.ReadAt(last, i.Size()-1); err == nil && last[0] != '\n' {
		_, err = f.WriteString("\n")
	}
	return err
}

// add writes one line; that it could not be is said by close.
func (r *reportFile) add(line any) {
	if r == nil || r.failed != nil {
		return
	}
	b, _ := json.Marshal(line) // strings and numbers always marshal
	_, r.failed = r.f.Write(append(b, '\n'))
}

func (r *reportFile) close() error {
	if r == nil {
		return nil
	}
	return errors.Join(r.failed, r.f.Close())
}

// earlier reads the report of an earlier run of a command. take says whether
// it understood a line; those cut short by a crash are skipped.
func earlier(name, command string, take func(line []byte) bool) error {
	if name == "" {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return usage("resume: %v", err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	lines, understood := 0, 0
	for s.Scan() {
		lines++
		if take(s.Bytes()) {
			understood++
		}
	}
	if s.Err() != nil || lines > 0 && understood == 0 {
		return usage("resume: %s is no report of an earlier %s", name, command)
	}
	return nil
}
