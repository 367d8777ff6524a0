package image

import (
	"encoding/json"
	"maps"
	"slices"
)

// Process is what a container runtime starts, as the image's config says: the command line is Entrypoint and then Cmd.
type Process struct {
	// User is who it runs as, "name", "uid" or with ":group"; empty where the image sets none, which means root.
	User            string
	Entrypoint, Cmd []string
	// Env has "NAME=value".
	Env        []string
	WorkingDir string
	// Healthcheck is the command by which a runtime may look after the container: "CMD" and a command line, or "CMD-SHELL" and
	// a shell's.
	Healthcheck []string
	// ExposedPorts are the ports that the image declares, "80/tcp", sorted.
	ExposedPorts []string
}

// parseProcess reads the part "config" of an image's config; nil where it cannot be read. Docker's older builders wrote a
// string where the specification has a list.
func parseProcess(raw json.RawMessage) *Process {
	var fields struct {
		Entrypoint, Cmd, Env json.RawMessage
		User, WorkingDir     json.RawMessage
		ExposedPorts         json.RawMessage
		Healthcheck          json.RawMessage
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
	p := &Process{Entrypoint: words(fields.Entrypoint), Cmd: words(fields.Cmd), Env: words(fields.Env)}
	decode(fields.User, &p.User)
	decode(fields.WorkingDir, &p.WorkingDir)
	var ports map[string]json.RawMessage
	decode(fields.ExposedPorts, &ports)
	p.ExposedPorts = slices.Sorted(maps.Keys(ports))
	var check struct{ Test json.RawMessage }
	decode(fields.Healthcheck, &check)
	p.Healthcheck = words(check.Test)
	return p
}
