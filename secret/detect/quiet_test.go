package detect

import "testing"

// What the packages of Debian, of npm, and of Go have, where no package database says that they are packages.
func TestHonestTextsThatNobodyOwnsAreLeftAlone(t *testing.T) {
	for _, f := range []form{
		{path: "opt/w/i18n/es.json", text: `{"yourpassword": "Contraseña:", "password": "パスワード2つを確認", "newpassword": "Лозинка"}`},
		{path: "opt/w/i18n/en.json", text: `{"help-query+includes-token": "help-query+includedin-summary"}`},
		{path: "opt/w/autoload.php", text: `'App\\Auth\\PasswordHandler' => 'MediaWiki\\Auth\\TemporaryPasswordAuthenticationProvider',`},
		{path: "opt/w/props.json", text: "[\n \"password\",\n \"webkitCancelRequest3AnimationFrame\",\n \"privateKey\",\n \"x5Kq81Zp20Lw73Vb64Nc\"\n]"},
		{path: "opt/w/init.sql", text: "INSERT INTO m VALUES (10, 'auth', '0006_require_contenttypes_0002');"},
		{path: "opt/w/form.php", text: `<input type="password" name="d[confirm]"> password='".addcslashes($F1,"'\\")."'`},
		{path: "opt/w/probes", text: `match telnet m|^Password:\xff\xfb\x01\n\rTry again|`},
		{path: "opt/w/keys.md", text: "var rsaPrivateKey = pki.privateKeyToAsn1(privateKey2);\n![rate](https://b.internal/r.svg?token=fh3LMNOVJSWykSjtg1rA8kouSYkJoI)\n"},
		{path: "opt/w/key.ts", text: `const UpstreamPullStrategySymbolKey = "effect/ChannelUpstreamPullStrategy"; const retryToken = 'shouldRetryBasedOnPreconditionAndIdempotencyStrat'`},
		{path: "opt/w/a.d.ts", text: `"rawKey": "SGVsbG8gZnJvbSBHb29nbGUgQ2xvdWQgUGxhdGZvcm0="`},
		{path: "opt/w/url.js", text: "host = u.host; port = u.port; password = u.password;\nh.Set(\"Authorization\", \"Bearer \"+res.AccessTokenOfSession)\n"},
		{path: "opt/w/push.yml", text: `git push "https://x-access-token:${GITHUB_TOKEN}@github.com/${REPOSITORY}.git"`},
		{path: "opt/w/api.html", text: "curl -i -u guest:guest http://localhost:15672/api/vhosts"},
		{path: "opt/w/blobs.sh", text: "mysql -u admin -p`cat pass_file` -h $1"},
		{path: "opt/w/paginators.json", text: `{"result_key": "ContactFlowModulesSummary2List"}`},
	} {
		if got := rulesFor(t, f.path, f.text); len(got) > 0 {
			t.Errorf("%s: %q: found %v", f.path, f.text, got)
		}
	}
}

func TestWhatIsPublishedIsKnown(t *testing.T) {
	const ssh2 = "-----BEGIN PRIVATE KEY-----\\r\\nMC4CAQAwBQYDK2VwBCIEIHKj+sVa9WcD' +\n '/q2DJUJaf43Kptc8xYuUQA4bOFj9vC8T\\r\\n-----END PRIVATE KEY-----"
	key := "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAk2J4h5G6f7D8s9A0q1W2e3R4t5Y6u7I8o9P0k2J4h5G6f7D8\n-----END RSA PRIVATE KEY-----\n"
	for _, f := range []struct{ path, text, known string }{
		{"opt/app/bundle.js", ssh2, "published-test-key"},
		{"opt/app/key.pem", key, ""},
		{"opt/app/credential.d.ts", "For example, `-----BEGIN RSA PRIVATE KEY----- MIIEpQIBAAKCAQEAk2J4h5G6f7D8s9A0q1W2e3R4t5Y6u7I8o9P0k2J4h5G6f7D8. -----END RSA PRIVATE KEY-----`", "documentation-example"},
		{"opt/app/lib/plugins/_test/key.pem", key, "test-data"},
		{"opt/app/test-eu/key.pem", key, ""},
		{"go/pkg/mod/example.org/a@v1.2.3/openpgp/keys_test_data.go", key, "test-data"},
		{"opt/app/man/man8/wg.8", "PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "documentation-example"},
		{"opt/app/etc/wg.conf", "PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", ""},
		{"opt/app/base.py", "Authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW", "documentation-example"},
		{"opt/app/uri.rb", `  # uri = URI("http://john:S3nsit1veK9@my.example.com")`, "documentation-example"},
		{"opt/app/uri.rb", `uri = URI("http://john:S3nsit1veK9@my.example.com")`, ""},
		{"opt/app/settings.env.example", "SESSION_SECRET=9f86d081884c7d659a2feaa0c55ad015", "test-data"},
	} {
		found := detector(t).Detect(f.path, []byte(f.text))
		if len(found) == 0 {
			t.Errorf("%s: %q: nothing found", f.path, f.text)
		}
		for _, s := range found {
			if s.Known != f.known {
				t.Errorf("%s: %s known for %q, want %q", f.path, s.Rule, s.Known, f.known)
			}
		}
	}
}
