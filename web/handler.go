package web

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// nonceMark stands in the page where the nonce of the answer goes.
const nonceMark = "__CSP_NONCE__"

// missing is the page of a program that was built without the interface.
const missing = "The web interface is not in this build. Run `make ui-dist`.\n"

// Handler serves the interface. It is safe for concurrent use.
type Handler struct {
	files map[string]*file
	page  []byte // index.html; nil: there is none
}

// file is one of the built files, ready to be sent.
type file struct {
	kind   string
	plain  []byte
	packed []byte // gzip; nil: not worth it
	etag   string
}

// New reads everything that was built, once.
func New(dist fs.FS) (*Handler, error) {
	h := &Handler{files: map[string]*file{}}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "build.sum" || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		text, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		if name == "index.html" {
			h.page = text
			return nil
		}
		f, err := prepare(name, text)
		if err != nil {
			return err
		}
		h.files["/"+name] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the web interface: %w", err)
	}
	return h, nil
}

func prepare(name string, text []byte) (*file, error) {
	sum := sha256.Sum256(text)
	f := &file{kind: typeOf(name), plain: text, etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
	if ext := path.Ext(name); ext == ".woff2" || ext == ".png" || len(text) < 512 {
		return f, nil
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	f.packed = b.Bytes()
	return f, nil
}

// typeOf does not ask the system's tables, which differ from machine to machine.
func typeOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".json", ".webmanifest":
		return "application/json"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// ServeHTTP answers with a file, or with the page for every other address that
// looks like one of the interface's.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.TLS != nil {
		head.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET and HEAD.", http.StatusMethodNotAllowed)
		return
	}
	if f, ok := h.files[r.URL.Path]; ok {
		f.serve(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/assets/") || (path.Ext(r.URL.Path) != "" && !strings.HasPrefix(r.URL.Path, "/local/")) {
		http.NotFound(w, r)
		return
	}
	h.servePage(w, r)
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Type", f.kind)
	head.Set("ETag", f.etag)
	head.Set("Vary", "Accept-Encoding")
	head.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(r.URL.Path, "/assets/") {
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if f.packed != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		head.Set("Content-Encoding", "gzip")
		body = f.packed
	}
	send(w, r, http.StatusOK, body)
}

// servePage sends index.html with a nonce of its own.
func (h *Handler) servePage(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	if h.page == nil {
		head.Set("Content-Type", "text/plain; charset=utf-8")
		send(w, r, http.StatusNotFound, []byte(missing))
		return
	}
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails
	nonce := base64.RawURLEncoding.EncodeToString(raw)
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Security-Policy", policy(nonce))
	send(w, r, http.StatusOK, bytes.ReplaceAll(h.page, []byte(nonceMark), []byte(nonce)))
}

// policy lets the page talk with this server alone.
func policy(nonce string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + nonce + "'; style-src-attr 'unsafe-inline'; " +
		"img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
}

func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that has gone needs no answer
	}
}

// IsAPI says whether an address belongs to the API and not to the interface.
func IsAPI(urlPath string) bool {
	for _, prefix := range []string{"/api", "/ws", "/health", "/metrics", "/hooks", "/webhooks"} {
		if urlPath == prefix || strings.HasPrefix(urlPath, prefix+"/") {
			return true
		}
	}
	return false
}

// With serves the API's addresses from one handler and all others from the
// interface.
func With(api http.Handler, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if IsAPI(r.URL.Path) {
			api.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}
