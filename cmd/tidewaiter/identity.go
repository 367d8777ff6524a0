package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"tidewaiter/trust/signature"
)

// The variables that an identity token is taken from: sigstore's own, and where a job of GitHub Actions asks for one
// (https://docs.github.com/en/actions/reference/security/oidc).
const (
	tokenVariable              = "SIGSTORE_ID_TOKEN"
	actionsTokenURLVariable    = "ACTIONS_ID_TOKEN_REQUEST_URL"
	actionsTokenSecretVariable = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)

// identityAudience is whom the token is for: Fulcio takes no other.
const identityAudience = "sigstore"

// maxToken bounds an identity token, in bytes.
const maxToken = 64 << 10

// identityToken gives the token of who signs: the one that is named, or its file's, or that of the surroundings.
func identityToken(ctx context.Context, named string) (string, error) {
	switch {
	case looksLikeToken(named):
		return named, nil
	case named != "":
		raw, err := os.ReadFile(named)
		token := strings.TrimSpace(string(raw[:min(len(raw), maxToken)]))
		if err != nil || !looksLikeToken(token) { // what was named may be a secret: it is not shown
			return "", errors.New("--identity-token: neither an identity token (a JSON web token) nor a file that can be read and holds one")
		}
		return token, nil
	case os.Getenv(tokenVariable) != "":
		return os.Getenv(tokenVariable), nil
	case os.Getenv(actionsTokenURLVariable) != "":
		return actionsToken(ctx, os.Getenv(actionsTokenURLVariable), os.Getenv(actionsTokenSecretVariable))
	}
	return "", fmt.Errorf("who signs is not known: give --identity-token, set %s, or in GitHub Actions give the job the permission id-token: write", tokenVariable)
}

// looksLikeToken knows a JSON web token: three parts, of which the first begins an object in base64.
func looksLikeToken(text string) bool {
	return strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") == 2
}

// actionsToken asks GitHub Actions who the job is.
func actionsToken(ctx context.Context, address, secret string) (string, error) {
	token, err := askActions(ctx, address, secret)
	if err != nil {
		return "", fmt.Errorf("GitHub Actions gives no identity token: %w", err)
	}
	return token, nil
}

func askActions(ctx context.Context, address, secret string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	query := u.Query()
	query.Set("audience", identityAudience)
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "bearer "+secret)
	client := http.Client{Transport: signature.Guarded{}, Timeout: 30 * time.Second}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxToken))
	if err != nil {
		return "", err
	}
	var answer struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || resp.StatusCode != http.StatusOK || answer.Value == "" {
		return "", errors.New("it answered " + resp.Status)
	}
	return answer.Value, nil
}
