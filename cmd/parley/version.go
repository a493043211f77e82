package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/parley-api/parley/api"
)

// version and commit are set when a release is built; otherwise the build information tells them.
var (
	version string
	commit  string
)

type versionCmd struct {
	JSON bool `name:"json" help:"As a JSON object, for programs."`
}

// about is what there is to know of a program that somebody runs.
type about struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Contract string `json:"contract"` // the version of the API's description, which the program keeps to
}

func (c versionCmd) Run(e *env) error {
	contract, err := api.Version()
	if err != nil {
		return err
	}
	a := about{programVersion(), cmp.Or(programCommit(), "unknown"), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, contract}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(a)
	}
	_, err = fmt.Fprintf(e.stdout, "parley %s\ncommit   %s\ngo       %s %s\ncontract %s\n", a.Version, a.Commit, a.Go, a.Platform, a.Contract)
	return err
}

// programVersion is the release, else the commit, else "devel".
func programVersion() string {
	if version != "" {
		return version
	}
	if c := programCommit(); c != "" {
		return c[:min(12, len(c))]
	}
	return "devel"
}

// programCommit is the commit that the program was built from, "" where nobody knows.
func programCommit() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}
