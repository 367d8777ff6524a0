package main

import (
	"slices"
	"strings"
	"testing"
)

// hardeningLab does all that an image should not.
func hardeningLab() *lab {
	return &lab{
		plants: []plant{
			{layer: 1, path: "usr/local/bin/suid", content: program(true, true, "", 900), mode: 0o4755},
			{layer: 1, path: "opt/data/", mode: 0o777},
			{layer: 1, path: "opt/app/run.conf", content: "x=1\n", mode: 0o666},
			{layer: 2, path: "var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease", content: "Origin: Debian\n"},
			{layer: 2, path: "root/.npm/_cacache/index-v5/00/11/22", content: "x\n"},
			{layer: 2, path: "root/.cache/pip/http/a/b/c", content: "x\n"},
			{layer: 2, path: "usr/sbin/sshd", content: program(true, true, "", 900), mode: 0o755},
			{layer: 2, path: "usr/bin/sudo", content: program(true, true, "", 900), mode: 0o4755},
			{layer: 2, path: "etc/sudoers.d/app", content: "app ALL=(ALL) NOPASSWD:ALL\n", mode: 0o440},
			{layer: 3, path: "etc/passwd", content: "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\napp::1000:1000::/:/bin/sh\n", mode: 0o666},
			{layer: 3, path: "etc/shadow", content: "root:*:20000::::::\ntoor::20000::::::\n", mode: 0o644},
		},
		config: map[string]any{
			"User": "root", "ExposedPorts": map[string]any{"22/tcp": map[string]any{}, "80/tcp": map[string]any{}},
			"Env": []string{"PATH=.:/usr/bin:/bin", "DB_PASSWORD=" + randomOf("hardening", alphabet, 16), "FLASK_DEBUG=1"}, "Cmd": []string{"/bin/sh", "-c", "node server.js"},
		},
		instructions: map[int]string{
			1: "ADD https://example.com/tool.tar.gz /opt/ # buildkit", 2: "RUN /bin/sh -c curl -fsSL https://get.example.com | bash # buildkit",
			3: "RUN /bin/sh -c apt-get update # buildkit", 4: "RUN /bin/sh -c chmod -R 777 /opt # buildkit",
		},
		empty: []string{"ENV DB_PASSWORD=" + randomOf("hardening", alphabet, 16), "EXPOSE map[22/tcp:{} 80/tcp:{}]", "USER root", "ARG GITHUB_TOKEN", "CMD [\"/bin/sh\" \"-c\" \"node server.js\"]"},
	}
}

func TestDangerousByConstruction(t *testing.T) {
	alarms := hardeningAlarms(searched(t, hardeningLab().build(t), "--all"))
	byCheck := map[string][]string{}
	for _, a := range alarms {
		byCheck[a.rule] = append(byCheck[a.rule], a.place.Path+" "+a.detail+" | "+a.place.Instruction)
	}
	for _, want := range []struct{ check, in, instruction string }{
		{"user-root", "", "USER root"},
		{"setuid", "usr/local/bin/suid", "ADD https"},
		{"world-writable", "opt/data", "ADD https"},
		{"world-writable", "opt/app/run.conf", "ADD https"},
		{"env-secret", "DB_PASSWORD", "ENV DB_PASSWORD"},
		{"add-from-url", "", "ADD https"},
		{"package-cache", "apt", "curl"},
		{"package-cache", "npm", "curl"},
		{"package-cache", "pip", "curl"},
		{"ssh-server", "usr/sbin/sshd", "curl"},
		{"sudo", "usr/bin/sudo", "curl"},
		{"sudo-without-password", "etc/sudoers.d/app", "curl"},
		{"uid-zero", "toor", "apt-get update"},
		{"empty-password", "toor", "apt-get update"},
		{"writable-system-file", "etc/passwd", "apt-get update"},
		{"shadow-readable", "etc/shadow", "apt-get update"},
		{"privileged-port", "22", "EXPOSE"},
		{"curl-pipe-shell", "", "curl"},
		{"update-alone", "", "apt-get update"},
		{"chmod-777", "", "chmod"},
		{"build-argument-secret", "GITHUB_TOKEN", "ARG"},
		{"path-unsafe", "", ""},
		{"debug-mode", "FLASK_DEBUG", ""},
		{"healthcheck", "", ""},
		{"label-missing", "", ""},
		{"shell-form", "", ""},
	} {
		if !slices.ContainsFunc(byCheck[want.check], func(s string) bool {
			what, by, _ := strings.Cut(s, " | ")
			return strings.Contains(what, want.in) && strings.Contains(by, want.instruction)
		}) {
			t.Errorf("missed: %s of %q by %q; found %q", want.check, want.in, want.instruction, byCheck[want.check])
		}
	}
}

// Explicit root and no user at all are told apart, and an honest image shouts nothing.
func TestHonestImageIsHardened(t *testing.T) {
	noAlarm(t, "hardening", hardeningAlarms(searched(t, honestLab().build(t))))
	unset := hardeningAlarms(searched(t, (&lab{}).build(t), "--all"))
	if !slices.ContainsFunc(unset, func(a alarm) bool { return a.rule == "user-unset" }) || slices.ContainsFunc(unset, func(a alarm) bool { return a.rule == "user-root" }) {
		t.Errorf("without a user: %v", unset)
	}
}
