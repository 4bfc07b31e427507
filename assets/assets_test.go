package assets

import (
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
)

// Fyne's renderer does not scale strokes, ignores rx and knows no transforms
// worth relying on: at 200 % such an icon would turn into hair lines.
func TestIconsAreFilledPathsOnly(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)stroke|transform|gradient|<rect|<line|<text|<use|<image|<style|href|rx=`)
	names := Icons()
	if len(names) < 50 {
		t.Fatalf("only %d icons are embedded", len(names))
	}
	for _, name := range names {
		svg := Icon(name)
		if found := forbidden.Find(svg); found != nil {
			t.Errorf("%s.svg has %q; use filled paths and circles only", name, found)
		}
		if err := xml.Unmarshal(svg, new(struct{ XMLName xml.Name })); err != nil {
			t.Errorf("%s.svg: %v", name, err)
		}
		if !strings.Contains(string(svg), "viewBox=") {
			t.Errorf("%s.svg has no viewBox", name)
		}
	}
}

func TestIconThatIsMissing(t *testing.T) {
	if svg := Icon("no-such"); svg != nil {
		t.Errorf("got %q", svg)
	}
}

func TestEnglishCatalogue(t *testing.T) {
	en := Catalogue("en")
	if len(en) == 0 {
		t.Fatal("the English catalogue is empty or broken")
	}
	for key, text := range en {
		if text == "" {
			t.Errorf("%q has no text", key)
		}
	}
	if Catalogue("xx") != nil {
		t.Error("a language that nobody translated has a catalogue")
	}
}
