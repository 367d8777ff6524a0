package image

import (
	"encoding/json"
	"maps"
	"slices"
)

// Process is what a container runtime starts, as the image's config says: the command line is Entrypoint and then Cmd.
type Process struct {
	// User is who it runs as, "name", "uid" or with ":group"; empty where the image sets none, which means root.
	User       string   `json:"user,omitempty"`
	Entrypoint []string `json:"entrypoint,omitempty"`
	Cmd        []string `json:"cmd,omitempty"`
	// Env has "NAME=value".
	Env        []string `json:"env,omitempty"`
	WorkingDir string   `json:"workingDir,omitempty"`
	// Healthcheck is the command by which a runtime may look after the container: "CMD" and a command line, or "CMD-SHELL" and
	// a shell's.
	Healthcheck []string `json:"healthcheck,omitempty"`
	// ExposedPorts are the ports that the image declares, "80/tcp", and Volumes the directories that a runtime keeps apart; both sorted.
	ExposedPorts []string `json:"exposedPorts,omitempty"`
	Volumes      []string `json:"volumes,omitempty"`
	// StopSignal is the signal that asks the process to end; Shell what the builder runs commands with, and OnBuild what builds on
	// the image begin with. All three are empty where the image sets none.
	StopSignal string   `json:"stopSignal,omitempty"`
	Shell      []string `json:"shell,omitempty"`
	OnBuild    []string `json:"onBuild,omitempty"`
}

// parseProcess reads the part "config" of an image's config; nil where it cannot be read. Docker's older builders wrote a
// string where the specification has a list.
func parseProcess(raw json.RawMessage) *Process {
	var fields struct {
		Entrypoint, Cmd, Env json.RawMessage
		User, WorkingDir     json.RawMessage
		ExposedPorts         json.RawMessage
		Healthcheck          json.RawMessage
		Volumes, StopSignal  json.RawMessage
		Shell, OnBuild       json.RawMessage
	}
	if !decode(raw, &fields) {
		return nil
	}
	words := func(raw json.RawMessage) []string {
		var list []string
		if raw != nil && !decode(raw, &list) {
			var one string
			if decode(raw, &one) {
				return []string{one}
			}
			return nil
		}
		return list
	}
	p := &Process{Entrypoint: words(fields.Entrypoint), Cmd: words(fields.Cmd), Env: words(fields.Env), Shell: words(fields.Shell), OnBuild: words(fields.OnBuild)}
	decode(fields.User, &p.User)
	decode(fields.WorkingDir, &p.WorkingDir)
	decode(fields.StopSignal, &p.StopSignal)
	var ports, volumes map[string]json.RawMessage
	decode(fields.ExposedPorts, &ports)
	decode(fields.Volumes, &volumes)
	p.ExposedPorts, p.Volumes = slices.Sorted(maps.Keys(ports)), slices.Sorted(maps.Keys(volumes))
	var check struct{ Test json.RawMessage }
	decode(fields.Healthcheck, &check)
	p.Healthcheck = words(check.Test)
	return p
}
