package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
)

// Bounds on the tags that are listed.
const (
	tagsPerPage = 1000
	maxTagPages = 20
)

// Tags lists the tags of a registry's repository, as the registry orders them. Where it has more than 20,000, the rest is not asked for:
// cut says so.
func Tags(ctx context.Context, repository string, o Options) (tags []string, cut bool, err error) {
	_, rest := parseReference(repository)
	ref, err := parseName(rest, o)
	if err != nil {
		return nil, false, err
	}
	reg, err := connect(ctx, ref.Context(), o)
	if err != nil {
		return nil, false, err
	}
	defer reg.Close()
	query := fmt.Sprintf("n=%d", tagsPerPage)
	for range maxTagPages {
		page, next, err := reg.tags(ctx, query)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, false, fmt.Errorf("%s: no such repository in the registry", plainName(ref.Context().Name()))
		}
		if err != nil {
			return nil, false, err
		}
		tags = append(tags, page[:min(len(page), tagsPerPage)]...)
		if next == "" || next == query {
			return tags, false, nil
		}
		query = next
	}
	return tags, true, nil
}

// tags gives one page of the list, and the query for the next one (OCI distribution specification, "Listing tags").
func (r *registry) tags(ctx context.Context, query string) (tags []string, next string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	resp, err := r.request(ctx, http.MethodGet, "tags/list?"+query, 0, 0)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	raw, err := readDocument(resp.Body, plainName(r.repo.Name())+": list of tags")
	if err != nil {
		return nil, "", err
	}
	var page struct {
		Tags []string `json:"tags"`
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return nil, "", fmt.Errorf("%s: the registry's list of tags cannot be read", plainName(r.repo.Name()))
	}
	if m := nextPage.FindStringSubmatch(resp.Header.Get("Link")); m != nil {
		next = m[1] // of a link only the query is taken: it leads nowhere else
	}
	return page.Tags, next, nil
}
