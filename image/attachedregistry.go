package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// maxReferrerPages bounds the pages of a registry's list of referrers.
const maxReferrerPages = 16

// ties finds what a registry has attached to a manifest. All places are asked at once: each is a request, and most answer that there is
// nothing.
func (r *registry) ties(ctx context.Context, store *ociStore, digest string) ([]tie, []BlindSpot) {
	tags := []string{fallbackTag(digest)}
	for _, suffix := range cosignSuffixes {
		tags = append(tags, fallbackTag(digest)+suffix)
	}
	documents, errs := make([][]byte, len(tags)), make([]error, len(tags)+1)
	var referrers []descriptor
	var all sync.WaitGroup
	for i, tag := range tags {
		all.Go(func() { documents[i], errs[i] = r.document(ctx, "manifests/"+tag) })
	}
	all.Go(func() { referrers, errs[len(tags)] = r.referrers(ctx, digest) })
	all.Wait()

	ties := tiesTo(digest, ByReferrer, "", referrers)
	for i, raw := range documents {
		switch {
		case errs[i] != nil: // it is told below
		case i == 0:
			m, err := parseManifest(raw)
			if err == nil && !m.isIndex() {
				err = errNoList
			}
			if errs[i] = err; err == nil {
				ties = append(ties, tiesTo(digest, ByReferrersTag, tags[i], m.Manifests)...)
			}
		default:
			d := descriptor{Digest: digestOf(raw), Size: int64(len(raw))}
			store.keep(d.Digest, raw)
			ties = append(ties, tiesTo(digest, ByCosignTag, tags[i], []descriptor{d})...)
		}
	}
	return ties, r.unanswered(digest, append(tags, "the list of referrers"), errs)
}

// tiesTo gives a list in an order of its own: a registry may answer in any.
func tiesTo(digest string, how How, tag string, list []descriptor) []tie {
	var ties []tie
	for _, d := range list {
		ties = append(ties, tie{d, Attachment{how, tag, digest}})
	}
	slices.SortStableFunc(ties, func(a, b tie) int { return cmp.Compare(a.Digest, b.Digest) })
	return ties
}

// unanswered tells what a registry was asked in vain.
func (r *registry) unanswered(digest string, asked []string, errs []error) []BlindSpot {
	var spots []BlindSpot
	for i, err := range errs {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s cannot be read: %w", asked[i], err)
			spots = append(spots, BlindSpot{Kind: UnreadablePaper, Where: "attestations of " + digest, Message: oneLine(err)})
		}
	}
	return spots
}

// nextPage finds the query of the next page in a Link header (RFC 8288).
var nextPage = regexp.MustCompile(`^<[^>?]*\?([^>#]*)>;\s*rel="?next"?`)

// referrers asks a registry for the list of a manifest's referrers. One that has no such list is [fs.ErrNotExist].
func (r *registry) referrers(ctx context.Context, digest string) ([]descriptor, error) {
	var list []descriptor
	path := "referrers/" + digest
	for range maxReferrerPages {
		entries, next, err := r.referrersPage(ctx, path)
		if err != nil {
			return list, err
		}
		if list = append(list, entries...); next == "" || len(list) > maxListed {
			return list, nil
		}
		path = "referrers/" + digest + "?" + next
	}
	return list, fmt.Errorf("it has more than %d pages: the rest is not read", maxReferrerPages)
}

// knowsNoReferrers says whether a registry answers so, beside by 404, to what it does not know.
func knowsNoReferrers(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusNotImplemented:
		return true
	}
	return false
}

func (r *registry) referrersPage(ctx context.Context, path string) (entries []descriptor, next string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	resp, err := r.request(ctx, http.MethodGet, path, 0, 0)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	raw, err := readDocument(resp.Body, "list of referrers")
	if err != nil {
		return nil, "", err
	}
	m, err := parseManifest(raw)
	if err != nil && !strings.HasPrefix(resp.Header.Get("Content-Type"), indexType) {
		// By the specification this is another page than the list: of a registry that answers so to what it does not know.
		return nil, "", fs.ErrNotExist
	}
	if err != nil {
		return nil, "", fmt.Errorf("list of referrers: %w", err)
	}
	if link := nextPage.FindStringSubmatch(resp.Header.Get("Link")); link != nil {
		if query, err := url.ParseQuery(link[1]); err == nil {
			next = query.Encode()
		}
	}
	return m.Manifests, next, nil
}
