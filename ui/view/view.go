// Package view is what the window and the text client show, in plain Go: rows
// of the contact list, transcripts, sign-in steps, status words, and errors as
// sentences. It draws nothing, holds no connection and knows no toolkit.
//
// Begin with Book.Rows (the contact list), Transcript (a conversation), Words
// (a state) and Explain (an error).
package view

import (
	"os"
	"strings"

	"communicator/assets"
)

// catalogue is the user's language; nil: the sentences as they are written.
var catalogue = assets.Catalogue(spoken())

// spoken is the first part of the user's locale, e.g. "en".
func spoken() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if locale := os.Getenv(name); locale != "" {
			code, _, _ := strings.Cut(locale, "_")
			return code
		}
	}
	return "en"
}

// say translates a sentence and puts values in the place of {{.Name}}; values
// are pairs of name and value.
func say(sentence string, values ...string) string {
	if s, ok := catalogue[sentence]; ok {
		sentence = s
	}
	if len(values) == 0 {
		return sentence
	}
	pairs := make([]string, len(values))
	for i := 0; i+1 < len(values); i += 2 {
		pairs[i], pairs[i+1] = "{{."+values[i]+"}}", values[i+1]
	}
	return strings.NewReplacer(pairs...).Replace(sentence)
}

// Translate returns a sentence in the user's language, or as it is.
func Translate(sentence string) string { return say(sentence) }

// joined puts a middle dot between the parts that are not empty.
func joined(parts ...string) string {
	kept := make([]string, 0, len(parts))
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " · ")
}
