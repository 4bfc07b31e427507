package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"communicator/session"

	"golang.org/x/term"
)

// password returns the function that finds the password of user when the
// server asks for it: file, environment, keyring, prompt, in this order; never
// an argument, which every process of the machine could read.
func (p *program) password(user string) func() (string, error) {
	return func() (string, error) {
		if f := p.flags.passwordFile; f != "" {
			return p.passwordFrom(f)
		}
		if w := os.Getenv("COMMUNICATOR_PASSWORD"); w != "" {
			return w, nil
		}
		w, err := session.Password(user)
		if err == nil {
			return w, nil
		}
		if w, asked, askErr := p.prompt(user); asked {
			return w, askErr
		}
		return "", fmt.Errorf("no password for %s: the keyring says %q; give --password-file FILE or set COMMUNICATOR_PASSWORD", user, err)
	}
}

// passwordFrom reads the first line of file; "-" is standard input.
func (p *program) passwordFrom(file string) (string, error) {
	in := p.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("password file: %w", err)
		}
		defer f.Close()
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("password file: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("password file %s: its first line is empty", file)
	}
	return line, nil
}

// prompt asks on the terminal, if standard input is one.
func (p *program) prompt(user string) (password string, asked bool, err error) {
	f, is := p.in.(*os.File)
	if !is || !term.IsTerminal(int(f.Fd())) {
		return "", false, nil
	}
	fmt.Fprintf(p.err, "Password for %s: ", user)
	w, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(p.err)
	return string(w), true, err
}
