package dockerfile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInputs(t *testing.T) {
	const source = `# syntax=docker/dockerfile:1
ARG TAG=1
FROM golang:${TAG} AS build
ARG TAG
ARG SITE="https://example.test"
ENV NAME=tool-$TAG
ADD --checksum=sha256:aa ${SITE}/${NAME}.tgz /src/
ADD local.tar git@git.example.test:acme/lib.git#v1 /lib/
RUN --mount=type=cache,target=/root/.cache --mount=type=bind,from=tools,target=/t go build
FROM perl AS unused
RUN rm -rf /
FROM alpine:3 AS tools
FROM scratch
COPY --from=0 /a /a
COPY --from=docker.io/library/busybox:1 /b /b
`
	for name, tt := range map[string]struct {
		args   map[string]string
		target string
		want   []Input
	}{
		"the last stage and what it needs; what comes later is an image": {map[string]string{"TAG": "2"}, "", []Input{
			{FromFrontend, "docker/dockerfile:1", "", 1}, {FromImage, "golang:2", "", 3}, {FromHTTP, "https://example.test/tool-2.tgz", "sha256:aa", 7},
			{FromGit, "git@git.example.test:acme/lib.git#v1", "", 8}, {FromImage, "tools", "", 9}, {FromRun, "go build", "", 9},
			{FromImage, "docker.io/library/busybox:1", "", 15}}},
		"one stage": {nil, "TOOLS", []Input{{FromFrontend, "docker/dockerfile:1", "", 1}, {FromImage, "alpine:3", "", 12}}},
		"by number": {nil, "1", []Input{{FromFrontend, "docker/dockerfile:1", "", 1}, {FromImage, "perl", "", 10}, {FromRun, "rm -rf /", "", 11}}},
	} {
		got, err := Inputs([]byte(source), tt.args, tt.target)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if _, err := Inputs([]byte(source), nil, "none"); err == nil {
		t.Error("there is no such stage")
	}
}
