package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is the version of the product; a release is tagged with it.
const release = "0.1.0"

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Version, build, Go and module versions", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string            `json:"version"`
				Commit  string            `json:"commit"`
				Go      string            `json:"go"`
				System  string            `json:"system"`
				Modules map[string]string `json:"modules"`
			}{release, "unknown", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, map[string]string{}}
			if b, ok := debug.ReadBuildInfo(); ok {
				for _, s := range b.Settings {
					if s.Key == "vcs.revision" {
						v.Commit = s.Value
					}
				}
				for _, m := range b.Deps {
					v.Modules[m.Path] = m.Version
				}
			}
			if p.flags.json {
				p.line(v)
				return nil
			}
			p.say("communicator %s (commit %s, %s, %s)", v.Version, v.Commit, v.Go, v.System)
			p.say("sipgo %s, fyne %s", v.Modules["github.com/emiago/sipgo"], v.Modules["fyne.io/fyne/v2"])
			return nil
		},
	}
}
