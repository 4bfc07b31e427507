// Package assets holds what is compiled into the program beside its code:
// icons and translations. It has no opinions; ui/theme makes icons of the
// former; ui and ui/view look sentences up in the latter.
//
// Every icon is filled paths and circles only, because the toolkit does not
// scale the width of a stroke.
package assets

import (
	"embed"
	"encoding/json"
	"strings"
)

// Translations holds one JSON catalogue per language, in translations/.
//
//go:embed translations/*.json
var Translations embed.FS

//go:embed icons/*.svg
var icons embed.FS

// Icon returns the SVG of that name ("presence-busy", "ui-search"), or nil.
func Icon(name string) []byte {
	svg, err := icons.ReadFile("icons/" + name + ".svg")
	if err != nil {
		return nil
	}
	return svg
}

// Icons returns the names of all icons, sorted.
func Icons() []string {
	entries, err := icons.ReadDir("icons")
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".svg"))
	}
	return names
}

// Catalogue returns the sentences of one language ("en") by their English
// text, or nil when there is no such translation.
func Catalogue(language string) map[string]string {
	text, err := Translations.ReadFile("translations/" + language + ".json")
	if err != nil {
		return nil
	}
	var sentences map[string]string
	if json.Unmarshal(text, &sentences) != nil {
		return nil
	}
	return sentences
}
