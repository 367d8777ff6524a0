package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tidewaiter/trust/signature"
)

// The variables that hold the password of a private key: ours, and cosign's, whose keys are read, too.
const (
	passwordVariable       = envPrefix + "KEY_PASSWORD"
	cosignPasswordVariable = "COSIGN_PASSWORD"
)

// keyUsage says what --key takes where something is signed.
const keyUsage = "private key to sign with: a PEM file, env://NAME for one in a variable, or NAME://KEY for one that sigstore-kms-NAME keeps"

// keyVariablePrefix begins the name of a key that is kept in a variable, as cosign writes it.
const keyVariablePrefix = "env://"

func newKey(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make keys to sign with, and show their public halves",
		Args:  onlyCommands,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeyGenerate(s), newKeyPublic(s))
	return cmd
}

func newKeyGenerate(s streams) *cobra.Command {
	var prefix string
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Make a key pair: NAME.key to sign with, NAME.pub to verify with",
		Long: `Makes a key pair (ECDSA on P-256). The private key lies under a password, in the format of cosign, which can sign with
it as well; keys that cosign generate-key-pair has made can be used here. Files that are there are never overwritten.

The password is asked for on the terminal, or taken from ` + passwordVariable + ` or ` + cosignPasswordVariable + `.`,
		Example: `  tidewaiter key generate --output-key-prefix acme
  tidewaiter db push registry.example.com/acme/advisories --key acme.key`,
		Args: exactArgs(),
		RunE: func(*cobra.Command, []string) error { return keyGenerate(s, prefix) },
	}
	cmd.Flags().StringVar(&prefix, "output-key-prefix", "tidewaiter", "what the names of both files begin with, a directory too")
	return cmd
}

func newKeyPublic(s streams) *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "public",
		Short: "Write the public key of a private one, for those who verify",
		Long: `Writes the public key (PEM) that verifies what --key signs: of a key in a file, or one that a key management service or a hardware
module keeps, which the program sigstore-kms-NAME speaks to.`,
		Example: `  tidewaiter key public --key mykms://release-key > release.pub`,
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if key == "" {
				return errors.New("a private key is missing: give --key FILE, or --key NAME://KEY")
			}
			k, err := signingKey(cmd.Context(), s, key)
			if err != nil {
				return err
			}
			_, err = s.out.Write(k.Public().PEM())
			return err
		},
	}
	cmd.Flags().StringVar(&key, "key", "", keyUsage)
	return cmd
}

func keyGenerate(s streams, prefix string) error {
	private, public := prefix+".key", prefix+".pub"
	for _, name := range []string{private, public} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there and is not overwritten: name others with --output-key-prefix", name)
		}
	}
	secret, err := newPassword(s)
	if err != nil {
		return err
	}
	privatePEM, publicPEM, err := signature.Generate(secret)
	if err != nil {
		return err
	}
	if err := writeNew(private, privatePEM, 0o600); err != nil {
		return err
	}
	if err := writeNew(public, publicPEM, 0o644); err != nil {
		return errors.Join(err, os.Remove(private))
	}
	_, err = fmt.Fprintf(s.out, "%s  keep it secret\n%s  give it to those who are to trust you\n", private, public)
	return err
}

// writeNew writes a file that must not be there.
func writeNew(name string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// password gives the password of a private key: from the environment, or typed in.
func password(s streams, prompt string) (secret []byte, typed bool, err error) {
	for _, name := range []string{passwordVariable, cosignPasswordVariable} {
		if value, ok := os.LookupEnv(name); ok {
			return []byte(value), false, nil
		}
	}
	terminal, ok := s.in.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return nil, false, fmt.Errorf("the password of the key is not known: set %s, or run this on a terminal", passwordVariable)
	}
	fmt.Fprint(s.err, prompt)
	secret, err = term.ReadPassword(int(terminal.Fd()))
	fmt.Fprintln(s.err)
	return secret, true, err
}

// newPassword asks twice, since nobody sees what is typed.
func newPassword(s streams) ([]byte, error) {
	secret, typed, err := password(s, "Password for the new private key: ")
	if err != nil || !typed {
		return secret, err
	}
	again, _, err := password(s, "The same again: ")
	if err == nil && !bytes.Equal(secret, again) {
		err = errors.New("the two passwords are not the same")
	}
	return secret, err
}

// signingKey reads a private key, or opens one that a program keeps.
func signingKey(ctx context.Context, s streams, name string) (*signature.PrivateKey, error) {
	if signature.IsPluginReference(name) && !strings.HasPrefix(name, keyVariablePrefix) {
		return signature.OpenPlugin(ctx, name)
	}
	text, err := readKey(name)
	if err != nil {
		return nil, err
	}
	return signature.ReadPrivateKey(name, text, func() ([]byte, error) {
		secret, _, err := password(s, "Password for "+oneLine(name)+": ")
		return secret, err
	})
}

// trustedKeys reads public keys.
func trustedKeys(names []string) (signature.Keys, error) {
	var keys signature.Keys
	for _, name := range names {
		text, err := readKey(name)
		if err != nil {
			return nil, err
		}
		k, err := signature.ReadPublicKey(name, text)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// readKey reads a key's file, no more of it than a key can have, or a variable.
func readKey(name string) ([]byte, error) {
	if variable, ok := strings.CutPrefix(name, keyVariablePrefix); ok {
		value := os.Getenv(variable)
		if value == "" {
			return nil, fmt.Errorf("key %s: the variable is not set", name)
		}
		return []byte(value), nil
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no such key: %s", name)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 1 << 20
	return io.ReadAll(io.LimitReader(f, most))
}
