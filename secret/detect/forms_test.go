package detect

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// form is a text as it stands in a file of a path, with the rules that find something there.
type form struct {
	path, text string
	rules      []string
}

// The secrets below were made for these tests. A letter is put in where a token would be taken for a real one by those who look after sources.
func made(text string) string { return strings.ReplaceAll(text, "~~", "") }

func TestSecretsAreFoundInTheFormsThatFilesHave(t *testing.T) {
	assigned := []string{"assigned-secret"}
	for _, f := range []form{
		{"app/.env", "DB_PASSWORD=tr0ub4dor\n", assigned},
		{"app/.env", "SESSION_SECRET=9f86d081884c7d659a2feaa0c55ad015\n", assigned},
		{"app/.env", "export MAIL_PASS='Kx9!vbQ2'\n", assigned},
		{"env", "REDIS_PASSWORD=h3lloW0rld", assigned},
		{"app/config.yml", "database:\n  user: app\n  password: s3cr3tPw9 # of staging\n", assigned},
		{"app/config.json", `{"user": "app", "password": "Zx81spectrum"}`, assigned},
		{"app/k8s.yaml", "env:\n- name: DB_PASSWORD\n  value: Zx81spectrum\n", assigned},
		{"app/settings.py", "SECRET_KEY = 'k3v9-q2#x8b!m4z7n1c5l0p6w'\n", assigned},
		{"app/main.go", `var apiToken string = "c0ffee1badd00d2faced3b0bada55e4e"`, assigned},
		{"app/index.js", "const client = new Client({ apiKey: 'q7Hs82Kd0aLz71mNx5Vb' })\n", assigned},
		{"app/wp-config.php", "define('DB_PASSWORD', 'uns3cur3pw');\n", assigned},
		{"app/web.config", `<add key="Password" value="33f!!lloppa" />`, assigned},
		{"app/settings.xml", "<server><password>Tr4vel.Mug</password></server>", assigned},
		{"app/db.properties", "jdbc.password=Tr4velMug\n", assigned},
		{"history", "RUN mysql --password=Tr4velMug42 -e 'select 1'", assigned},
		{"app/.env", "DATABASE_URL=postgres://app:k2j4h5g6f7@db.internal/app\n", []string{"url-credentials"}},
		{"root/.git-credentials", "https://joe:k2j4h5g6f7@github.com\n", []string{"url-credentials"}},
		{"root/.netrc", "machine api.internal\n  login joe\n  password k2j4h5g6f7\n", []string{"netrc-password"}},
		{"root/.pgpass", "db.internal:5432:app:joe:k2j4h5g6f7\n", []string{"pgpass"}},
		{"root/.docker/config.json", `{"auths": {"r.internal": {"auth": "am9lOmsyajRoNWc2Zjc="}}}`, []string{"docker-registry-auth"}},
		{"app/.npmrc", "//r.internal/:_authToken=1f9d3c5b-7e2a-4c6d-9b8f-0a1e2d3c4b5a\n", []string{"npm-auth"}},
		{"etc/shadow", "root:$6$kQ9z$Vb3n8Xc7Lm2Pq4Rt6Yw1Zs5Dd9Ff0Gg3Hh7Jj2Kk8Ll4Mm6Nn1Bb5Vv9Cc3Xx7Zz:19000:0:99999:7:::\n", []string{"password-hash"}},
		{"srv/www/.htpasswd", "joe:$apr1$k2j4h5g6$Vb3n8Xc7Lm2Pq4Rt6Yw1Z.\n", []string{"password-hash"}},
		{"app/config/master.key", "9f86d081884c7d659a2feaa0c55ad015", []string{"rails-master-key"}},
		{"app/secret.yaml", "apiVersion: v1\nkind: Secret\ndata:\n  password: azJqNGg1ZzZmNw==\n", []string{"kubernetes-secret"}},
		{"app/a.txt", made("token: gh~~p_k2J4h5G6f7D8s9A0q1W2e3R4t5Y6u7I8o9P0"), []string{"github-pat"}},
		{"app/a.txt", made("xo~~xb-2048193657-2048193657482-k2J4h5G6f7D8s9A0q1W2e3R4"), []string{"slack-token"}},
		{"app/a.txt", made("https://hooks.slack.com/serv~~ices/T0K2J4H5G/B6F7D8S9A/k2J4h5G6f7D8s9A0q1W2e3R4"), []string{"slack-webhook"}},
		{"app/a.txt", "curl -u joe:k2j4h5g6f7 https://api.internal/v1\n", []string{"curl-credentials"}},
		{"app/a.sh", "mysqldump -u root -pPonyStableDoor shop > x.sql\n", []string{"mysql-password"}},
		{"app/a.sh", "sshpass -p PonyStableDoor ssh joe@build.internal\n", []string{"sshpass-password"}},
		{"app/a.sh", "docker login -u ci -p PonyStableDoor r.internal\n", []string{"registry-login"}},
		{"history", "RUN echo 'joe:PonyStable7' | chpasswd", []string{"chpasswd-password"}},
		{"app/a.sh", "redis-cli -h cache -a PonyStableDoor ping\n", []string{"redis-password"}},
		{"app/a.sh", "openssl rsa -passin pass:PonyStableDoor -in a.key\n", []string{"openssl-passphrase"}},
		{"app/a.txt", "curl -X POST \\\n  -u joe:PonyStable7 https://api.internal/v1\n", []string{"curl-credentials"}},
		{"app/a.sh", "curl -H 'X-Api-Token: k2J4h5G6f7D8' https://api.internal/v1\n", []string{"http-header-token"}},
		{"etc/ldap/ldap.conf", "binddn cn=admin,dc=acme\nbindpw PonyStableDoor\n", []string{"directive-password"}},
		{"etc/redis/redis.conf", "# requirepass foobared\nrequirepass PonyStableDoor\n", []string{"directive-password"}},
		{"app/odbc.txt", "Driver={SQL Server};Server=db;Uid=sa;Pwd=PonyStableDoor;\n", []string{"connection-string-password"}},
		{"app/Gemfile.env", "BUNDLE_GEMS__ACME__COM=c52411ac:91a77f11\n", []string{"bundler-credentials"}},
		{"app/a.txt", "ZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKemRXSWlPaUpxYjJVaUxDSnliMnhsSWpvaVlXUnRhVzRpZlEuazJKNGg1RzZmN0Q4czlBMHExVzJlM1I0dDVZNnU3SThvOVAwazJKNGg1Rw==", []string{"json-web-token"}},
		{"app/secret.yaml", "apiVersion: v1\ndata:\n  .dockercfg: |\n    eyJhdXRocyI6eyJyLmludGVybmFsIjp7ImF1dGgiOiJrMmo0aDVnNiJ9fX0=\nkind: 'Secret'\n", []string{"kubernetes-secret"}},
		{"app/a.txt", "API_TOKEN ::= \"k2J4h5G6f7D8s9A0q1W2\"\n", assigned},
		{"app/a.txt", "<apiToken>\n    k2J4h5G6f7D8s9A0q1W2\n</apiToken>\n", assigned},
		{"app/a.txt", "ASANA_KEY = \"k2J4h5G6f7D8s9A0\"\n", assigned},
		{"app/a.txt", "Authorization: Bearer k2J4h5G6f7D8s9A0q1W2e3R4t5", []string{"http-authorization"}},
	} {
		if got := rulesFor(t, f.path, f.text); !cmp.Equal(got, f.rules) {
			t.Errorf("%s: %q: found %v, want %v", f.path, f.text, got, f.rules)
		}
	}
}

func TestWhatOnlyLooksLikeASecretIsLeftAlone(t *testing.T) {
	for _, f := range []form{
		{path: "app/.env", text: "DB_PASSWORD=changeme\nAPI_TOKEN=${TOKEN}\nSECRET=<your secret>\nSECRET_KEY=\nNEXT=1\n"},
		{path: "app/.env", text: "DB_PASSWORD_FILE=/run/secrets/db\nTOKEN_TTL=3600s\nKEYCLOAK_URL=http://sso.internal\n"},
		{path: "app/docker-compose.yml", text: "environment:\n  POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-postgres}\nsecrets:\n  db_password:\n    file: ./db.txt\n"},
		{path: "app/locales/de.json", text: `{"password": "Passwort", "forgotPassword": "Passwort vergessen?", "token": "Zeichen"}`},
		{path: "app/login.js", text: "const password = req.body.password\nif (token === 'abc') {}\nform.append('password', password)\nconst tokenType = 'Bearer'\n"},
		{path: "app/schema.json", text: `{"properties": {"password": {"type": "string"}, "token": {"$ref": "#/definitions/token"}}}`},
		{path: "app/package-lock.json", text: `{"integrity": "sha512-k2J4h5G6f7D8s9A0q1W2e3R4t5Y6u7I8o9P0==", "resolved": "https://registry.npmjs.org/tokens/-/tokens-1.0.0.tgz"}`},
		{path: "app/a.js", text: "https://user:password@example.com/ http://localhost:3000/@scope/name"},
		{path: "app/a.c", text: "hf_servingcellpriorityparametersdescription_h_prio, sk_buff, key_1234"},
		{path: "etc/ssl/certs/ca.pem", text: "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----\n"},
		{path: "app/pem.go", text: `const begin = "-----BEGIN PRIVATE KEY-----"` + "\n" + `const end = "-----END PRIVATE KEY-----"`},
		{path: "etc/shadow", text: "root:*:19000:0:99999:7:::\ndaemon:!:19000:0:99999:7:::\n"},
		{path: "etc/pam.d/common-password", text: "password\trequisite\t\t\tpam_deny.so\npassword [success=1 default=ignore] pam_unix.so obscure yescrypt\n"},
		{path: "app/a.sh", text: "docker run --name mysql -p3306:3306 mysql\ncurl -u user:pass https://api.internal\ncurl -u joe:$TOKEN https://api.internal\nmysql -p\"$PASSWORD\" shop\n"},
		{path: "app/a.sh", text: "echo \"root:$ROOT_PASSWORD\" | chpasswd\ncurl -H \"Authorization: Bearer $TOKEN\" https://api.internal\n"},
		{path: "app/a.txt", text: made("xo~~xb-123-YourSlackTokenGoesHere xo~~xp-572370529330-573807301142-572331691188-####")},
		{path: "app/a.cc", text: "api_token::name = \"k2J4h5G6f7D8s9A0q1W2\""},
		{path: "app/secret.yaml", text: "kind: Secret\ndata:\n  username: YWRtaW4xMg==\n"},
		{path: "usr/lib/python3/dist-packages/a.py", text: "password = 'Tr4velMug42'\n"},
		{path: "env", text: "PATH=/usr/local/sbin:/usr/bin"},
		{path: "env", text: "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D"},
		{path: "history", text: "RUN --mount=type=secret,id=token TOKEN=$(cat /run/secrets/token) make"},
	} {
		if got := rulesFor(t, f.path, f.text); len(got) > 0 {
			t.Errorf("%s: %q: found %v", f.path, f.text, got)
		}
	}
}

func TestExamplesAreKnownForWhatTheyAre(t *testing.T) {
	key := "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEAk2J4h5G6f7D8s9A0q1W2e3R4t5Y6u7I8o9P0k2J4h5G6f7D8\n", 8) + "-----END RSA PRIVATE KEY-----\n"
	for _, f := range []struct{ path, text, known string }{
		{"env", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "documentation-example"},
		{"usr/lib/node_modules/a/test/fixtures/key.pem", key, "test-data"},
		{"usr/share/doc/openssl/key.pem", key, "documentation-example"},
		{"srv/app/key.pem", key, ""},
	} {
		for _, s := range detector(t).Detect(f.path, []byte(f.text)) {
			if s.Known != f.known {
				t.Errorf("%s: known for %q, want %q", f.path, s.Known, f.known)
			}
		}
	}
}

func TestASecretIsNeverShown(t *testing.T) {
	for _, raw := range []string{"", "abc", "hunter2!!", "k2J4h5G6f7D8s9A0q1W2e3R4t5Y6u7I8o9P0", "\x1b[31mabcdefghijklmnopqrst"} {
		shown := strings.TrimSuffix(redact(raw), "****")
		if len(shown) > 4 || len(raw) > 0 && len(shown)*5 > len(raw) || strings.Contains(shown, "\x1b") {
			t.Errorf("%q is shown as %q", raw, shown)
		}
	}
}

func detector(t *testing.T) *Detector {
	t.Helper()
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rulesFor gives the rules of what is found and not known.
func rulesFor(t *testing.T, path, text string) []string {
	t.Helper()
	var rules []string
	for _, f := range detector(t).Detect(path, []byte(text)) {
		if f.Known == "" {
			rules = append(rules, f.Rule)
		}
	}
	return rules
}
