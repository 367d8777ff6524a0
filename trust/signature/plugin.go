package signature

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"os/exec"
	"regexp"

	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// pluginReference is the name of a key that a program keeps: PROGRAM://KEY. What has the form of a path or a PEM has no scheme.
var pluginReference = regexp.MustCompile(`^([a-z][a-z0-9+-]*)://(.+)$`)

// IsPluginReference says whether a key's name is one that [OpenPlugin] takes.
func IsPluginReference(name string) bool { return pluginReference.MatchString(name) }

// OpenPlugin opens a key that is kept in a key management service, or a hardware module: NAME://KEY, where the program
// sigstore-kms-NAME on the path speaks to it by sigstore's protocol
// (https://github.com/sigstore/sigstore/tree/main/pkg/signature/kms/cliplugin). The program is run once for each question, until ctx ends.
// Each signature is verified before it is given away.
func OpenPlugin(ctx context.Context, name string) (*PrivateKey, error) {
	k, err := openPlugin(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	return k, nil
}

func openPlugin(ctx context.Context, name string) (*PrivateKey, error) {
	parts := pluginReference.FindStringSubmatch(name)
	if parts == nil {
		return nil, errors.New("not the name of a key that a program keeps: write NAME://KEY")
	}
	program := cliplugin.PluginBinaryPrefix + parts[1]
	asked, err := cliplugin.LoadSignerVerifier(ctx, name, crypto.SHA256)
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("the program %s, which would sign with it, is not on the path", program)
	}
	if err != nil {
		return nil, err
	}
	key, err := asked.PublicKey(options.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("%s does not give its public key: %w", program, err)
	}
	public, err := newPublicKey(name, key)
	if err != nil {
		return nil, err
	}
	h, err := public.hash()
	if err != nil {
		return nil, err
	}
	signing, err := cliplugin.LoadSignerVerifier(ctx, name, h) // the protocol tells the hash when a key is opened
	if err != nil {
		return nil, err
	}
	return &PrivateKey{public: public, sign: func(message, _ []byte, _ crypto.Hash) ([]byte, error) {
		signature, err := signing.SignMessage(bytes.NewReader(message), options.WithContext(ctx))
		if err == nil {
			err = public.Verify(message, signature)
		}
		if err != nil {
			return nil, fmt.Errorf("key %s: %s: %w", name, program, err)
		}
		return signature, nil
	}}, nil
}
