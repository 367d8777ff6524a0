package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"tidewaiter/trust/signature"
)

const signingHelp = `It is signed with --key: a private key of tidewaiter key generate or of cosign, any in PEM form, or NAME://KEY for one in a key
management service or a hardware module, which the program sigstore-kms-NAME speaks to (sigstore's plugins). A key under a password
takes it from the terminal, ` + passwordVariable + ` or ` + cosignPasswordVariable + `.

With --keyless there is no key: sigstore's public services, or those that are named, give a certificate for who an identity token
says you are, and show to everybody that you signed. The token is --identity-token, ` + tokenVariable + `, or what GitHub Actions
gives a job with the permission id-token: write.`

// signingOptions are the choices of every command that signs a statement about an image and attaches it.
type signingOptions struct {
	key     string
	keyless bool
	// token is an identity token, or the file of one.
	token string
	// config is the file of a signing configuration; the addresses come before what it says.
	config                   string
	fulcio, rekor, timestamp string
	// bundle and statement are files to write what is signed to, and what would be signed.
	bundle, statement string
	noUpload          bool
}

func (o *signingOptions) addSigning(f *pflag.FlagSet) {
	f.StringVar(&o.key, "key", "", keyUsage)
	f.StringVar(&o.bundle, "bundle", "", "write what is signed to this file too, as a sigstore bundle")
	f.BoolVar(&o.noUpload, "no-upload", false, "attach nothing: what is signed goes to --bundle, or to standard output")
	f.StringVar(&o.statement, "statement", "", "write what would be signed to this file (-: standard output) and do nothing else: for cosign attest --statement, or another signer")
	f.BoolVar(&o.keyless, "keyless", false, "sign with a certificate for your identity, in place of a key")
	f.StringVar(&o.token, "identity-token", "", "for --keyless: an identity token (OIDC), or the file of one")
	f.StringVar(&o.config, "signing-config", "", "file with sigstore's signing configuration: the services to ask")
	f.StringVar(&o.fulcio, "fulcio-url", "", "for --keyless: the certificate authority")
	f.StringVar(&o.rekor, "rekor-url", "", "transparency log to enter the signature into")
	f.StringVar(&o.timestamp, "timestamp-server-url", "", "timestamp authority (RFC 3161) to confirm the signature's time")
}

// checkSigning finds mistakes before the work is done.
func (o *signingOptions) checkSigning() error {
	switch {
	case o.statement != "" && (o.key != "" || o.keyless || o.bundle != "" || o.noUpload):
		return errors.New("--statement signs nothing: it goes without --key, --keyless, --bundle and --no-upload")
	case o.statement != "":
		return nil
	case o.key != "" && o.keyless:
		return errors.New("--key and --keyless exclude each other")
	case o.key == "" && !o.keyless:
		return errors.New("a key to sign with is missing: give --key FILE (tidewaiter key generate makes one), or --keyless")
	case !o.keyless && (o.token != "" || o.fulcio != ""):
		return errors.New("--identity-token and --fulcio-url are for --keyless")
	}
	return nil
}

// signer gives what signs as the user has asked.
func (o *signingOptions) signer(ctx context.Context, s streams) (signature.Signer, error) {
	services, err := o.services()
	if err != nil {
		return nil, err
	}
	if o.keyless {
		token, err := identityToken(ctx, o.token)
		if err != nil {
			return nil, err
		}
		return services.Signer(nil, token)
	}
	key, err := signingKey(ctx, s, o.key)
	if err != nil || len(services.Logs)+len(services.Timestamps) == 0 {
		return key, err
	}
	return services.Signer(key, "")
}

// services are those that the user has named. For --keyless they are the public ones where none at all are named: who has one of his own
// does not want the rest to be public.
func (o *signingOptions) services() (signature.Services, error) {
	var services signature.Services
	if o.config != "" {
		raw, err := os.ReadFile(o.config)
		if err == nil {
			services, err = signature.ReadServices(raw, time.Now()) // which services work now is no matter of the data's time
		}
		if err != nil {
			return services, fmt.Errorf("--signing-config: %w", err)
		}
	}
	if o.keyless && o.config == "" && o.fulcio == "" && o.rekor == "" && o.timestamp == "" {
		services.Fulcio, services.Logs = signature.PublicFulcio, []signature.Log{{URL: signature.PublicRekor, Version: 1}}
	}
	if o.fulcio != "" {
		services.Fulcio = o.fulcio
	}
	if o.rekor != "" {
		services.Logs = []signature.Log{{URL: o.rekor, Version: 1}}
	}
	if o.timestamp != "" {
		services.Timestamps = []string{o.timestamp}
	}
	return services, nil
}
