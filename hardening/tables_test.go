package hardening

import (
	"strings"
	"testing"

	"tidewaiter/image"
)

func TestNamesOfSecrets(t *testing.T) {
	for name, want := range map[string]bool{
		"DB_PASSWORD": true, "PGPASSWORD": true, "MYSQL_ROOT_PASSWORD": true, "MYSQL_PWD": true, "NPM_TOKEN": true, "GITHUB_TOKEN": true, "API_KEY": true, "APIKEY": true, "api-key": true,
		"AWS_SECRET_ACCESS_KEY": true, "SECRET_KEY_BASE": true, "DJANGO_SECRET_KEY": true, "CLIENT_SECRET": true, "SMTP_PASS": true, "TOKEN_2": true, "NPM_AUTH": true, "GOOGLE_CREDENTIALS": true,
		"PWD": false, "OLDPWD": false, "GPG_KEY": false, "GPG_KEYS": false, "PUBLIC_KEY": false, "NEXT_PUBLIC_API_KEY": false, "PASSWORD_FILE": false, "TOKEN_URL": false, "KEYBOARD": false,
		"SECRET_NAME": false, "PATH": false, "AUTHOR": false, "TOKENIZERS_PARALLELISM": false, "KEY": false, "AWS_ACCESS_KEY_ID": false, "SSH_AUTH_SOCK": false, "COMPASS": false,
	} {
		if secretName(name) != want {
			t.Error(name)
		}
	}
	for value, want := range map[string]bool{"hunter2": true, "12345678": true, "a b": true, "": false, "true": false, "3600": false, "/run/secrets/x": false, "${TOKEN}": false, "basic": false,
		"A035C8C19219BA821ECEA86B64E628F8D684696D": false, "{{ token }}": false} {
		if couldBeSecret(value) != want {
			t.Errorf("%q", value)
		}
	}
}

func TestCommandsThatRunWhatTheyFetch(t *testing.T) {
	for command, want := range map[string]bool{
		"curl -fsSL https://deb.nodesource.com/setup_20.x | bash -":                     true,
		"curl -sSf https://sh.rustup.rs | sh -s -- -y":                                  true,
		"wget -qO- 'https://x.test/a?b=1&c=2' | sudo -E bash -":                         true,
		`bash -c "$(curl -fsSL https://x.test/install.sh)"`:                             true,
		"bash <(curl -s https://x.test/i)":                                              true,
		"eval \"$(wget -O - https://x.test)\"":                                          true,
		"curl https://bootstrap.pypa.io/get-pip.py | python3":                           true,
		"curl https://x.test | python3 - && true":                                       true,
		"curl -sL https://x.test/a.gz | gunzip | sh":                                    true,
		"curl x | PREFIX=/opt /bin/sh":                                                  true,
		"curl -fsSL https://x.test/a.tgz | tar xz":                                      false,
		"curl -fsSL https://x.test/key.asc | gpg --dearmor -o /k":                       false,
		"curl -s https://x.test/v | python3 -c 'import json,sys; json.load(sys.stdin)'": false,
		"curl -s https://x.test/v | jq -r .tag":                                         false,
		"curl -o a https://x.test/a && echo abc a | sha256sum -c && sh a":               false,
		"echo 'abc  a' | sha256sum -c; bash build.sh":                                   false,
		"wget -O python.tar.xz https://x.test && find / | xargs -r strip":               false,
		"curl -s x | shasum":                                                            false,
		"apt-get install -y curl; ls | sh":                                              false,
	} {
		if got := pipedToShell.MatchString(command) || substituted.MatchString(command); got != want {
			t.Error(command)
		}
	}
}

func TestCommandsThatUpdateAlone(t *testing.T) {
	for command, want := range map[string]bool{
		"apt-get update": true, "apt-get update -y && apt-get clean": true, "apt update": true, "apk update": true, "apk --no-cache update": true, "yum makecache": true,
		"apt-get -o Acquire::Retries=3 update": true, "apt-get update -qq && rm -rf /var/lib/apt/lists/*": true,
		"apt-get update && apt-get install -y curl": false, "apt-get update; apt-get -y upgrade": false, "apk update && apk add curl": false, "apt-get update && ./setup.sh": false,
		"apt-get update && npx playwright install-deps": false, "yum update -y": false, "npm update": false, "pip install x": false, "apt-get update && bash /tmp/i": false,
	} {
		if got := updates.MatchString(command) && !installs.MatchString(command); got != want {
			t.Error(command)
		}
	}
}

func TestCommandsThatSwitchCheckingOff(t *testing.T) {
	for command, want := range map[string]bool{
		"curl -k https://x.test": true, "curl -fsSLk https://x.test": true, "curl --insecure https://x.test": true, "wget --no-check-certificate https://x.test": true,
		"pip install --trusted-host pypi.test x": true, "npm config set strict-ssl false": true, "git -c http.sslVerify=false clone x": true, "git config --global http.sslVerify false": true,
		"apt-get install -y --allow-unauthenticated x": true, "apk add --allow-untrusted a.apk": true, "yum install -y --nogpgcheck x": true, "dnf --setopt=gpgcheck=0 install x": true,
		"zypper --no-gpg-checks in x": true, "NODE_TLS_REJECT_UNAUTHORIZED=0 npm ci": true,
		"curl -fsSL https://x.test -o k": false, "curl -o kernel https://x.test": false, "apk add --no-cache x": false, "apt-get install -y --no-install-recommends curl": false,
		"curl -sS https://x.test | grep -k": false, "wget -qO- https://x.test/-k": false, "apt-key add - ": false,
	} {
		if off.MatchString(command) != want {
			t.Error(command)
		}
	}
}

func TestCommandsThatLetEverybodyWrite(t *testing.T) {
	for command, want := range map[string]bool{
		"chmod 777 /app": true, "chmod -R 0777 /app": true, "chmod a+w /x": true, "chmod -R a+rwX /x": true, "chmod o+rw /x": true, "chmod ugo=rw x": true, "chmod go+w x": true, "chmod 666 /x": true,
		"chmod 1777 /tmp": false, "chmod 755 /x": false, "chmod +x /x": false, "chmod u+w /x": false, "chmod g+w /x": false, "chmod g=u /etc/passwd": false, "chmod a+rx x": false, "chmod -R g+rwX,o-rwx x": false, "chmod 2775 x": false,
	} {
		if chmodWide.MatchString(command) != want {
			t.Error(command)
		}
	}
}

func TestKeysOfInstructions(t *testing.T) {
	for text, want := range map[string]bool{"A=1 B=2": true, "B 2": true, `"B"="2"`: true, "XB=1": false, "A=B=1": false, "A=1 'B'='2'": true, "": false, "BB=1 B": true} {
		if sets(text, "B") != want {
			t.Error(text)
		}
	}
}

func TestPinnedCommits(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef01234567"
	for source, want := range map[string]bool{"https://x.test/r.git#" + id: true, "https://x.test/r.git#" + id + ":dir": true, "https://x.test/r.git?ref=" + id: true, "https://x.test/r.git#main": false, "https://x.test/" + id: false} {
		if pinnedCommit(source) != want {
			t.Error(source)
		}
	}
}

func FuzzReaders(f *testing.F) {
	f.Add("root::0:0:root:/root:/bin/sh\n", "PermitRootLogin=yes\n%x ALL=NOPASSWD: ALL")
	f.Fuzz(func(t *testing.T, passwd, config string) {
		for _, at := range []string{"etc/passwd", "etc/shadow", "etc/sudoers", "etc/sudoers.d/a", "etc/ssh/sshd_config"} {
			for _, text := range []string{passwd, config} {
				n := readerOf(at)(strings.Split(text, "\n"))
				for _, line := range n.Lines {
					if len(line) > 200 {
						t.Errorf("%s: a line of %d bytes", at, len(line))
					}
				}
			}
		}
		j := &judging{Subject: &Subject{Image: &image.Image{Process: &image.Process{}}}, steps: []step{{kind: "RUN", text: config}, {kind: "ADD", text: passwd}}, check: &Check{}, patience: longestSearch}
		for _, look := range []func(*judging){curlPipeShell, chmodAll, verificationOff, updateAlone, addFromURL, addInsteadOfCopy, privilegedBuild, argSecret} {
			look(j)
		}
	})
}
