package advisory

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

const (
	maxDownload = 16 << 30
	maxList     = 4 << 20
	attempts    = 3
	// maxWait bounds how long a server may ask us to wait before the next attempt.
	maxWait = 30 * time.Second
	// stallTime is how long a server may send nothing before the attempt is given up.
	stallTime = time.Minute
	// keptSuffix ends the name of the file that says where its neighbour came from.
	keptSuffix = ".from"
)

// fetcher keeps a mirror directory.
type fetcher struct {
	dir      string
	client   *http.Client
	wait     time.Duration
	progress func(done, total int64)
	clock    time.Time // zero: the system's
	keyed    []string  // URLs that may hold a key

	mu          sync.Mutex // protects all below
	done, total int64
}

// kept says where a file of the mirror directory came from.
type kept struct {
	URL          string `json:"url"`             // without a password
	Named        bool   `json:"named,omitempty"` // somebody gave the URL
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
	SHA256       string `json:"sha256"`
	Size         int64  `json:"size"`
}

func newFetcher(o UpdateOptions) (*fetcher, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone() // honours HTTPS_PROXY and its kin
	transport.DisableCompression = true                          // a .gz file is to be kept as it is
	transport.ResponseHeaderTimeout = stallTime
	if len(o.CACerts) > 0 {
		pool, err := certificates(o.CACerts)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	f := &fetcher{dir: o.Mirror, wait: o.Wait, progress: o.Progress, clock: o.Now, client: &http.Client{Transport: transport, CheckRedirect: checkRedirect}}
	if f.wait == 0 {
		f.wait = time.Second
	}
	return f, nil
}

func (f *fetcher) now() time.Time {
	if f.clock.IsZero() {
		return time.Now()
	}
	return f.clock
}

func certificates(files []string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, name := range files {
		pem, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates: %s holds no certificate in PEM form", name)
		}
	}
	return pool, nil
}

// checkRedirect does not let a server lead us away from TLS.
func checkRedirect(next *http.Request, before []*http.Request) error {
	if len(before) >= 10 {
		return errors.New("more than 10 redirects")
	}
	if before[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("redirect from https to %s refused", next.URL.Redacted())
	}
	return nil
}

// errPassing marks a failure that may not happen the next time.
var errPassing = errors.New("tried several times")

// again calls try until it succeeds, fails for good, or has failed often enough.
func (f *fetcher) again(ctx context.Context, try func() (wait time.Duration, err error)) error {
	wait := f.wait
	for i := 1; ; i++ {
		asked, err := try()
		if err == nil || ctx.Err() != nil || i == attempts || !errors.Is(err, errPassing) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(max(wait, asked), maxWait)):
		}
		wait *= 2
	}
}

// get asks for a file and hands over the answer if it is 200 or 304. A file that is not there is an fs.ErrNotExist.
func (f *fetcher) get(ctx context.Context, at *url.URL, had kept, use func(*http.Response) error) error {
	return f.again(ctx, func() (time.Duration, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		response, err := f.ask(ctx, at, had)
		if err != nil {
			var failed *url.Error // what it wraps says why; the words before that are net/http's
			if errors.As(err, &failed) {
				err = failed.Err
			}
			return 0, fmt.Errorf("cannot fetch %s: %w (%w)", f.shown(at), err, errPassing)
		}
		defer response.Body.Close()
		stall := time.AfterFunc(stallTime, func() { cancel(fmt.Errorf("nothing came for %v (%w)", stallTime, errPassing)) })
		defer stall.Stop()
		response.Body = io.NopCloser(counting{response.Body, func(n int64) {
			stall.Reset(stallTime)
			f.advance(n, 0)
		}})
		if err := checkStatus(response); err != nil {
			return retryAfter(response), fmt.Errorf("%s: %w", f.shown(at), err)
		}
		if err := use(response); err != nil {
			return 0, fmt.Errorf("%s: %w", f.shown(at), cmp.Or(context.Cause(ctx), err))
		}
		return 0, nil
	})
}

// ask sends a request for a file, of which we may have a copy.
func (f *fetcher) ask(ctx context.Context, at *url.URL, had kept) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "tidewaiter")
	if had.ETag != "" {
		request.Header.Set("If-None-Match", had.ETag)
	}
	if had.LastModified != "" {
		request.Header.Set("If-Modified-Since", had.LastModified)
	}
	return f.client.Do(request)
}

func checkStatus(r *http.Response) error {
	switch r.StatusCode {
	case http.StatusOK, http.StatusNotModified:
		return nil
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%s (%w)", r.Status, fs.ErrNotExist)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%s (%w)", r.Status, fs.ErrPermission)
	}
	if r.StatusCode >= 500 || r.StatusCode == http.StatusTooManyRequests || r.StatusCode == http.StatusRequestTimeout {
		return fmt.Errorf("%s (%w)", r.Status, errPassing)
	}
	return errors.New(r.Status)
}

func retryAfter(r *http.Response) time.Duration {
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

func (f *fetcher) advance(done, total int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done += done
	f.total += total
	if f.progress != nil {
		f.progress(f.done, max(f.done, f.total))
	}
}

// text fetches a small file.
func (f *fetcher) text(ctx context.Context, at *url.URL) (string, error) {
	var data []byte
	err := f.get(ctx, at, kept{}, func(r *http.Response) (err error) {
		if data, err = readAtMost(r.Body, maxList); err != nil && !errors.Is(err, errTooLarge) {
			err = fmt.Errorf("%w (%w)", err, errPassing)
		}
		return err
	})
	return string(data), err
}

// fetch brings one file up to date, and says whether it had changed.
func (f *fetcher) fetch(ctx context.Context, r remote) (changed bool, err error) {
	if r.url == nil {
		return false, fs.ErrNotExist
	}
	had := f.kept(r.path)
	if stat, err := os.Stat(f.file(r.path)); err != nil || stat.Size() != had.Size || had.URL != f.shown(r.url) {
		had = kept{}
	}
	ask := had
	if i := f.increments(r.path, had); i.SHA256 != "" {
		ask.ETag, ask.LastModified = i.ArchiveETag, i.ArchiveModified
	}
	err = f.get(ctx, r.url, ask, func(response *http.Response) error {
		if response.StatusCode == http.StatusNotModified {
			return nil
		}
		if isArchive(r.path) && had.SHA256 != "" {
			some, err := f.fetchChanged(ctx, r, had, response)
			if err == nil || ctx.Err() != nil {
				changed = some
				return cmp.Or(err, ctx.Err())
			}
		}
		f.advance(0, max(response.ContentLength, 0))
		now := kept{URL: f.shown(r.url), Named: r.named, ETag: response.Header.Get("ETag"), LastModified: response.Header.Get("Last-Modified")}
		if err := f.store(r.path, response.Body, &now); err != nil {
			return err
		}
		changed = now.SHA256 != had.SHA256
		if isArchive(r.path) {
			return f.dropIncrements(r.path)
		}
		return nil
	})
	return changed, err
}

// store writes a file beside its place, looks whether it is what its name says, and moves it there.
func (f *fetcher) store(name string, body io.Reader, k *kept) (err error) {
	place := f.file(name)
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(place), ".*.part")
	if err != nil {
		return err
	}
	defer func() {
		temp.Close()
		if err != nil {
			os.Remove(temp.Name())
		}
	}()
	sum := sha256.New()
	k.Size, err = io.Copy(io.MultiWriter(temp, sum), io.LimitReader(body, maxDownload+1))
	switch {
	case err != nil:
		return fmt.Errorf("%w (%w)", err, errPassing)
	case k.Size > maxDownload:
		return errTooLarge
	}
	k.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if err := checkKind(name, temp, k.Size); err != nil {
		return err
	}
	// Without its neighbour a file is fetched anew: it is gone first and written last.
	if err := errors.Join(f.forget(name), temp.Chmod(0o644), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), place); err != nil {
		return err
	}
	return f.remember(name, *k)
}

// checkKind refuses what is not the kind of file that its name says, such as a page that says "please log in".
func checkKind(name string, r io.ReaderAt, size int64) error {
	var head [1]byte
	if n, _ := r.ReadAt(head[:], 0); n == 0 {
		return errors.New("the file is empty")
	}
	var err error
	switch path.Ext(name) {
	case ".zip":
		_, err = zip.NewReader(r, size)
	case ".gz":
		if head[0] != 0x1f {
			err = errors.New("not gzip")
		}
	case ".json":
		if !bytes.ContainsAny(head[:], "{[ \t\r\n\xef") {
			err = errors.New("not JSON")
		}
	}
	return err
}

func (f *fetcher) file(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// kept reads what is known of a file; nothing, if it was not fetched by us.
func (f *fetcher) kept(name string) kept {
	var k kept
	data, err := os.ReadFile(f.file(name) + keptSuffix)
	if err != nil || json.Unmarshal(data, &k) != nil {
		return kept{}
	}
	return k
}

func (f *fetcher) remember(name string, k kept) error {
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return os.WriteFile(f.file(name)+keptSuffix, data, 0o644)
}

func (f *fetcher) forget(name string) error {
	err := os.Remove(f.file(name) + keptSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (f *fetcher) remove(name string) error {
	err := errors.Join(f.forget(name), os.Remove(f.file(name)))
	if isArchive(name) {
		err = errors.Join(err, f.dropIncrements(name))
	}
	return err
}

// removeParts removes what interrupted fetches have left; what another update may be writing is younger.
func (f *fetcher) removeParts() error {
	for _, pattern := range []string{"*/.*.part", "osv/*/.*.part"} {
		parts, err := fs.Glob(os.DirFS(f.dir), pattern)
		if err != nil {
			return err
		}
		for _, name := range parts {
			stat, err := os.Stat(f.file(name))
			if err == nil && time.Since(stat.ModTime()) > stallTime*2 {
				err = os.Remove(f.file(name))
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
