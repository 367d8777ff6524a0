package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewaiter/trust"
)

// When this test program runs under the name of a plugin, it is one: its keys are the PEM files that are named.
func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "sigstore-kms-") {
		if err := plugin(os.Args[1], os.Args[2], os.Stdin, os.Stdout); err != nil {
			answer, _ := json.Marshal(map[string]string{"errorMessage": err.Error()})
			fmt.Printf("%s", answer)
			os.Exit(1) //nolint:forbidigo // a program of its own
		}
		os.Exit(0) //nolint:forbidigo // as above
	}
	os.Exit(m.Run()) //nolint:forbidigo // as tests do
}

// plugin is a key management service by sigstore's protocol, version 1, written after its description.
func plugin(version, arguments string, in io.Reader, out io.Writer) error {
	var asked struct {
		InitOptions struct {
			KeyResourceID string      `json:"keyResourceID"`
			HashFunc      crypto.Hash `json:"hashFunc"`
		} `json:"initOptions"`
		MethodName string `json:"methodName"`
	}
	if err := json.Unmarshal([]byte(arguments), &asked); err != nil || version != "v1" {
		return fmt.Errorf("version %s: %w", version, err)
	}
	text, err := os.ReadFile(asked.InitOptions.KeyResourceID)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return err
	}
	signer := key.(crypto.Signer)
	if asked.MethodName == "publicKey" {
		der, err := x509.MarshalPKIXPublicKey(signer.Public())
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(map[string]any{"publicKey": map[string]any{"publicKeyPEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}})
	}
	message, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if strings.HasSuffix(asked.InitOptions.KeyResourceID, "liar.pem") {
		message = append(message, '!')
	}
	signature, err := signer.Sign(rand.Reader, digest(asked.InitOptions.HashFunc, message), asked.InitOptions.HashFunc)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(map[string]any{"signMessage": map[string]any{"signature": signature}})
}

// plugged puts this test program on the path as a plugin, and keeps a key with it.
func plugged(t *testing.T, file string, key crypto.Signer) (name string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(must(os.Executable()), filepath.Join(dir, "sigstore-kms-testkms")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	path := filepath.Join(dir, file)
	der := must(x509.MarshalPKCS8PrivateKey(key))
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return "testkms://" + path
}

func TestPlugin(t *testing.T) {
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	for name, key := range map[string]crypto.Signer{
		"P-256":   must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"P-384":   must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"Ed25519": edwards,
	} {
		t.Run(name, func(t *testing.T) {
			k, err := OpenPlugin(t.Context(), plugged(t, "key.pem", key))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := k.SignBundle(t.Context(), trust.StatementType, statement(t))
			if err != nil {
				t.Fatal(err)
			}
			if _, by, err := (Keys{k.Public()}).VerifyStatement(must(ParseBundle(raw))); err != nil || !strings.HasPrefix(by.Name, "testkms://") {
				t.Errorf("by %v, %v", by, err)
			}
			if !k.Public().key.(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
				t.Error("it is another key")
			}
		})
	}
}

func TestPluginThatFails(t *testing.T) {
	name := plugged(t, "liar.pem", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
	k, err := OpenPlugin(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Sign([]byte("tea")); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("a signature of something else: %v", err)
	}
	for name, want := range map[string]string{
		"testkms:///no/such/key": "no such file",
		"otherkms://key":         "sigstore-kms-otherkms, which would sign with it, is not on the path",
		"acme.key":               "write NAME://KEY",
		"../evil://key":          "write NAME://KEY",
		"testkms://":             "write NAME://KEY",
	} {
		if _, err := OpenPlugin(t.Context(), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
