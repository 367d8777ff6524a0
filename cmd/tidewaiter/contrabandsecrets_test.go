package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const (
	upperDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	alphabet    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	hexDigits   = "0123456789abcdef"
	base64Set   = alphabet + "+/"
)

// randomOf gives n letters of a set, the same ones for the same seed.
func randomOf(seed, set string, n int) string {
	sum := sha256.Sum256([]byte(seed))
	r := mathrand.New(mathrand.NewChaCha8(sum))
	b := make([]byte, n)
	for i := range b {
		b[i] = set[r.IntN(len(set))]
	}
	return string(b)
}

// testPrivateKey is an unencrypted private key, for nothing.
func testPrivateKey(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(sum[:]))
	if err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func rsaKey(t *testing.T) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func ecKey(t *testing.T) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

// openSSHKey is an unencrypted key in the form of ssh-keygen: https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.key
func openSSHKey() string {
	sum := sha256.Sum256([]byte("ssh"))
	private := ed25519.NewKeyFromSeed(sum[:])
	public := string(private.Public().(ed25519.PublicKey))
	str := func(s string) string { return string([]byte{0, 0, byte(len(s) >> 8), byte(len(s))}) + s }
	key := str("ssh-ed25519") + str(public)
	secret := "\x01\x02\x03\x04\x01\x02\x03\x04" + key + str(string(private)) + str("test@example.test")
	for i := 1; len(secret)%8 != 0; i++ {
		secret += string(byte(i))
	}
	body := "openssh-key-v1\x00" + str("none") + str("none") + str("") + "\x00\x00\x00\x01" + str(key) + str(secret)
	return string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: []byte(body)}))
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// leaked are the secrets themselves, by name; none may be shown.
func leaked() map[string]string {
	hexOf := func(seed string, n int) string { return randomOf(seed, hexDigits, n) }
	jwt := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return map[string]string{
		"aws id":     "AKIA" + randomOf("aws", upperDigits, 16),
		"aws":        randomOf("aws secret", base64Set, 40),
		"github":     "ghp_" + randomOf("github", alphabet, 36),
		"github pat": "github_pat_" + randomOf("pat1", alphabet, 22) + "_" + randomOf("pat2", alphabet, 59),
		"gitlab":     "glpat-" + randomOf("gitlab", alphabet, 20),
		"slack":      "xoxb-" + randomOf("s1", "123456789", 12) + "-" + randomOf("s2", "123456789", 12) + "-" + randomOf("s3", alphabet, 24),
		"slack hook": "https://hooks.slack.com/services/T" + randomOf("h1", upperDigits, 8) + "/B" + randomOf("h2", upperDigits, 8) + "/" + randomOf("h3", alphabet, 24),
		"npm":        "npm_" + randomOf("npm", alphabet, 36),
		"pypi":       "pypi-AgEIcHlwaS5vcmcC" + randomOf("pypi", alphabet, 150),
		"stripe":     "sk_live_" + randomOf("stripe", alphabet, 24),
		"sendgrid":   "SG." + randomOf("sg1", alphabet, 22) + "." + randomOf("sg2", alphabet, 43),
		"twilio":     hexOf("twilio", 32),
		"mailgun":    "key-" + hexOf("mailgun", 32),
		"google":     "AIza" + randomOf("google", alphabet+"_-", 35),
		"openai":     "sk-proj-" + randomOf("openai1", alphabet, 74) + "T3BlbkFJ" + randomOf("openai2", alphabet, 74),
		"anthropic":  "sk-ant-api03-" + randomOf("anthropic", alphabet+"_-", 93) + "AA",
		"database":   randomOf("database", alphabet, 18),
		"yaml":       randomOf("yaml", alphabet+"!#%", 16),
		"properties": randomOf("properties", alphabet, 20),
		"python":     randomOf("python", alphabet, 24),
		"netrc":      randomOf("netrc", alphabet, 20),
		"git":        randomOf("git", alphabet, 22),
		"docker":     randomOf("docker", alphabet, 20),
		"kube":       randomOf("kube", alphabet, 40),
		"azure":      randomOf("azure", base64Set, 86) + "==",
		"terraform":  randomOf("terraform", alphabet, 20),
		"jwt": jwt(`{"alg":"HS256","typ":"JWT"}`) + "." + jwt(`{"sub":"svc-deploy","aud":"api.acme.test","iat":1760000000}`) + "." +
			randomOf("jwt", alphabet+"_-", 43),
		"env":     randomOf("env", alphabet, 20),
		"label":   "glpat-" + randomOf("label", alphabet, 20),
		"history": "npm_" + randomOf("history", alphabet, 36),
		"run":     "ghp_" + randomOf("run", alphabet, 36),
		"basic":   randomOf("basic", alphabet, 18),
	}
}

// secretsLab has secrets of every kind.
func secretsLab(t *testing.T) (*lab, map[string]string) {
	s := leaked()
	l := &lab{gone: []string{"app/.env", "build/id_rsa"}}
	add := func(layer int, path, rule, content string) {
		l.plants = append(l.plants, plant{layer: layer, path: path, content: content, rule: rule, mode: 0o600})
	}
	add(1, "root/.aws/credentials", `aws`, "[default]\naws_access_key_id = "+s["aws id"]+"\naws_secret_access_key = "+s["aws"]+"\n")
	add(1, "root/.ssh/id_ed25519", `key`, openSSHKey())
	add(1, "root/server.key", `key`, rsaKey(t))
	add(1, "etc/ssl/private/app.pem", `key`, ecKey(t))
	add(1, "etc/tls.key", `key`, testPrivateKey("tls"))
	add(1, "root/.netrc", `netrc|password|credential`, "machine api.acme.test\n  login deploy\n  password "+s["netrc"]+"\n")
	add(1, "root/.git-credentials", `git|url|credential|basic`, "https://deploy:"+s["git"]+"@git.acme.test\n")
	add(1, "root/.docker/config.json", `docker|registry|auth`, `{"auths":{"registry.acme.test":{"auth":"`+base64Of("deploy:"+s["docker"])+`"}}}`)
	add(1, "root/.kube/config", `kube|token|key|certificate`, "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    token: "+s["kube"]+"\n")
	add(2, "app/.env", `github|slack|database|url|postgres|password`, "DATABASE_URL=postgres://app:"+s["database"]+"@db.acme.test/app\nGITHUB_TOKEN="+s["github"]+"\nSLACK_TOKEN="+s["slack"]+"\n")
	add(2, "build/id_rsa", `key`, rsaKey(t))
	add(2, "app/.npmrc", `npm`, "registry=https://registry.npmjs.org/\n//registry.npmjs.org/:_authToken="+s["npm"]+"\n")
	add(2, "root/.pypirc", `pypi`, "[pypi]\nusername = __token__\npassword = "+s["pypi"]+"\n")
	add(2, "app/config/database.yml", `password|secret|credential`, "production:\n  adapter: postgresql\n  username: app\n  password: '"+s["yaml"]+"'\n")
	add(2, "app/application.properties", `password|secret|credential`, "spring.datasource.url=jdbc:postgresql://db/app\nspring.datasource.password="+s["properties"]+"\n")
	add(2, "app/settings.py", `secret|password|credential|key`, "DEBUG = False\nSECRET_KEY = '"+s["python"]+"'\n")
	add(2, "app/lib.jar", `password|secret|credential`, zipOf("application.properties", "db.password="+s["properties"]+"\n"))
	add(3, "app/stripe.js", `stripe`, "const stripe = require('stripe')('"+s["stripe"]+"');\n")
	add(3, "app/mail.rb", `sendgrid`, "SENDGRID = '"+s["sendgrid"]+"'\n")
	add(3, "app/twilio.env", `twilio|token|secret`, "TWILIO_ACCOUNT_SID=AC"+randomOf("sid", hexDigits, 32)+"\nTWILIO_AUTH_TOKEN="+s["twilio"]+"\n")
	add(3, "app/mailgun.ini", `mailgun|key`, "[mail]\nmailgun_api_key = "+s["mailgun"]+"\n")
	add(3, "app/maps.html", `google|gcp`, "<script src=\"https://maps.googleapis.com/maps/api/js?key="+s["google"]+"\"></script>\n")
	add(3, "app/ai.py", `openai`, "client = OpenAI(api_key=\""+s["openai"]+"\")\n")
	add(3, "app/ai.ts", `anthropic`, "const key = '"+s["anthropic"]+"';\n")
	add(3, "app/ci.yml", `gitlab`, "variables:\n  TOKEN: "+s["gitlab"]+"\n")
	add(3, "app/pat.txt", `github`, s["github pat"]+"\n")
	add(3, "app/notify.sh", `slack`, "curl -X POST -d @- "+s["slack hook"]+"\n")
	add(3, "app/azure.config", `azure`, "DefaultEndpointsProtocol=https;AccountName=acmestore;AccountKey="+s["azure"]+";EndpointSuffix=core.windows.net\n")
	add(3, "app/terraform.tfstate", `password|terraform|secret`, `{"version":4,"resources":[{"type":"aws_db_instance","instances":[{"attributes":{"username":"app","password":"`+s["terraform"]+`"}}]}]}`+"\n")
	add(3, "app/token.txt", `jwt|json-web|authorization`, "Authorization: Bearer "+s["jwt"]+"\n")
	add(3, "app/fetch.sh", `basic|url|credential`, "curl https://deploy:"+s["basic"]+"@artifacts.acme.test/x.tar.gz\n")
	l.labels = map[string]string{"com.acme.token": s["label"], "org.opencontainers.image.source": "https://git.acme.test/shop"}
	l.config = map[string]any{"Env": []string{"PATH=/usr/bin:/bin", "DB_PASSWORD=" + s["env"], "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE"}}
	l.instructions = map[int]string{3: "RUN |1 NPM_TOKEN=" + s["history"] + " /bin/sh -c npm ci # buildkit"} // shown without the token
	l.empty = []string{"ENV DB_PASSWORD=" + s["env"], "LABEL com.acme.token=" + s["label"], "RUN /bin/sh -c git clone https://x-access-token:" + s["run"] + "@git.acme.test/lib # buildkit"}
	return l, s
}

func TestPlantedSecrets(t *testing.T) {
	l, secrets := secretsLab(t)
	l.plants = append(l.plants, honestSecrets()...)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	ref := l.build(t)
	out, _ := told(t, labNow(), exitDone, "scan", "--format", "json", ref)
	for name, s := range secrets {
		if strings.Contains(out, s) {
			t.Errorf("the report shows the secret %q", name)
		}
	}
	r := reportOf(t, out)
	var inFiles []alarm
	said := map[string][]string{}
	for i, a := range secretAlarms(r) {
		if f := r.Secrets.Found[i]; f.In == "file" {
			inFiles = append(inFiles, a)
		} else if a.quieted == "" {
			said[string(f.In)] = append(said[string(f.In)], a.String())
		}
	}
	slices.SortFunc(l.plants, func(a, b plant) int { return strings.Compare(a.path, b.path) })
	l.expectAnyInstruction(t, inFiles)
	for in, most := range map[string]int{"env": 1, "label": 1, "history": 2} {
		if n := len(said[in]); n == 0 || n > most {
			t.Errorf("in %s: %q; want 1 to %d", in, said[in], most)
		}
	}
}

// expectAnyInstruction is expect for layers whose instruction holds a secret itself.
func (l *lab) expectAnyInstruction(t *testing.T, alarms []alarm) {
	t.Helper()
	for i := range alarms {
		if n := alarms[i].place.Layer; n != nil && *n == 3 {
			alarms[i].place.Instruction = l.instruction(3)
		}
	}
	l.expect(t, alarms)
}

func TestHonestImageHasNoSecret(t *testing.T) {
	l := honestLab()
	noAlarm(t, "secret", secretAlarms(searched(t, l.build(t))))
}

// honestSecrets are files with what looks like secrets and is none.
func honestSecrets() []plant {
	sum := func(seed string, n int) string { return randomOf(seed, hexDigits, n) }
	integrity := base64Of(randomOf("sri", base64Set, 64))
	contents := map[string]string{
		"app/README.md":             "    export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n    export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n    token: <your-token-here>\n    GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
		"app/.env.example":          "DB_PASSWORD=changeme\nAPI_KEY=your-api-key\nSECRET_KEY=\nSTRIPE_KEY=sk_test_...\nDATABASE_URL=postgres://user:password@localhost:5432/app\nTOKEN=${TOKEN}\n",
		"app/values.yaml":           "password: ${DB_PASSWORD}\nsecret: {{ .Values.secret }}\napiKey: null\nexistingSecret: app-secret\nsecretKeyRef:\n  name: db\n  key: password\ntokenReviewUrl: https://kubernetes.default.svc\n",
		"app/package-lock.json":     `{"name":"app","lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","resolved":"https://registry.npmjs.org/a/-/a-1.0.0.tgz","integrity":"sha512-` + integrity + `=="}}}` + "\n",
		"app/yarn.lock":             "\"@babel/core@^7.0.0\":\n  version \"7.24.0\"\n  resolved \"https://registry.yarnpkg.com/@babel/core/-/core-7.24.0.tgz#" + sum("yarn", 40) + "\"\n  integrity sha512-" + integrity + "==\n",
		"app/go.sum":                "github.com/a/b v1.0.0 h1:" + randomOf("gosum", base64Set, 43) + "=\ngithub.com/a/b v1.0.0/go.mod h1:" + randomOf("gomod", base64Set, 43) + "=\n",
		"app/poetry.lock":           "[[package]]\nname = \"token-bucket\"\nfiles = [{file = \"x.whl\", hash = \"sha256:" + sum("poetry", 64) + "\"}]\n",
		"app/auth.py":               "import os\nAPI_KEY = os.environ[\"API_KEY\"]\npassword = getpass.getpass('Password: ')\nSECRET = config.get('secret_key')\ntoken = generate_token()\nPASSWORD_HASHERS = ['django.contrib.auth.hashers.PBKDF2PasswordHasher']\nAUTH_TOKEN_HEADER = 'X-Auth-Token'\n",
		"app/auth.js":               "const password = process.env.PASSWORD || '';\nconst apiKey = req.headers['x-api-key'];\nexport const TOKEN_KEY = 'auth.token.storage';\nthis.secret = options.secret;\nif (!passwordsMatch) throw new Error('password: wrong username or password');\n",
		"app/dist/main.min.js":      "!function(e){var t={};function n(r){if(t[r])return t[r].exports;var token=\"data-token\",password=\"input[type=password]\",a=\"" + randomOf("min", alphabet, 64) + "\";return e[r].call(i.exports,i,i.exports,n)}}([]);\n",
		"app/dist/main.js.map":      `{"version":3,"mappings":"` + randomOf("map", base64Set, 600) + `"}`,
		"app/cert.pem":              "-----BEGIN CERTIFICATE-----\n" + randomOf("cert", base64Set, 64) + "\n-----END CERTIFICATE-----\n",
		"app/pub.pem":               "-----BEGIN PUBLIC KEY-----\n" + randomOf("pub", base64Set, 64) + "\n-----END PUBLIC KEY-----\n",
		"root/.ssh/known_hosts":     "git.example.test ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + randomOf("known", base64Set, 43) + "\n",
		"root/.ssh/authorized_keys": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ" + randomOf("authorized", base64Set, 340) + " me@example.test\n",
		"app/.git/refs/heads/main":  sum("git", 40) + "\n",
		"app/docs/jwt.md":           "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c\n",
		"app/node_modules/jsonwebtoken/test/priv.pem": testPrivateKey("test"),
		"app/i18n/en.json":                            `{"password":"Password","forgotPassword":"Forgot your password?","apiKey":"API key","token":"Access token","secret":"Client secret"}`,
		"app/openapi.yaml":                            "securitySchemes:\n  apiKey:\n    type: apiKey\n    name: X-API-KEY\n  password:\n    type: string\n    format: password\n    example: correct-horse\n",
		"app/nginx.conf":                              "proxy_set_header Authorization $http_authorization;\nssl_certificate_key /etc/ssl/private/site.key;\nproxy_pass http://user:$pass@backend;\n",
		"etc/app/uuid.conf":                           "client_id = 123e4567-e89b-12d3-a456-426614174000\ntoken_endpoint = https://login.example.test/oauth/token\nkey_file = /etc/keys/app.key\n",
		"app/pom.xml":                                 "<server><id>x</id><password>${env.NEXUS_PASSWORD}</password></server>\n",
		"app/test_login.py":                           "def test_login(client):\n    r = client.post('/login', json={'username': 'bob', 'password': 'hunter2'})\n    assert r.status_code == 200\n",
		"app/docker-compose.yml":                      "services:\n  db:\n    image: postgres\n    environment:\n      POSTGRES_PASSWORD: example\n",
		"usr/share/perl/lib.pm":                       "my $password = shift;\nmy $key = md5_hex('" + sum("perl", 32) + "');\n",
	}
	var list []plant
	for path, content := range contents {
		layer := 1
		if strings.HasPrefix(path, "app/") {
			layer = 3
		}
		list = append(list, plant{layer: layer, path: path, content: content})
	}
	return list
}
