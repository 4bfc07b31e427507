package main

import (
	"cmp"
	"runtime"
	"runtime/debug"

	"communicator/session"

	"github.com/spf13/cobra"
)

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
			}{session.Version, "unknown", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, map[string]string{}}
			if b, ok := debug.ReadBuildInfo(); ok {
				for _, s := range b.Settings {
					switch {
					case s.Key == "vcs.revision":
						v.Commit = s.Value
					case s.Key == "vcs.modified" && s.Value == "true":
						v.Commit += " with changes"
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
			p.say("sipgo %s, fyne %s", v.Modules["github.com/emiago/sipgo"], cmp.Or(v.Modules["fyne.io/fyne/v2"], "not in this build"))
			return nil
		},
	}
}
