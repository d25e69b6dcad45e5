package runnertest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/casarerpa/fleet/workflow/value"
)

// Serve starts the local server that the index describes and returns its
// address. It ends with the test.
func Serve(t testing.TB, dir string) string {
	t.Helper()
	srv := httptest.NewServer(routes(dir))
	t.Cleanup(srv.Close)
	return srv.URL
}

func routes(dir string) http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v *value.Map) {
		text, err := value.Dumps(v, value.Options{Indent: -1})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
	self := func(r *http.Request) string { return "http://" + r.Host + r.URL.Path }
	mux.HandleFunc("GET /v1/data", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, value.MapOf("items", []any{value.MapOf("id", int64(1)), value.MapOf("id", int64(2))}, "total", int64(2)))
	})
	mux.HandleFunc("GET /httpbin/get", func(w http.ResponseWriter, r *http.Request) {
		answer(w, value.MapOf("args", value.NewMap(), "url", self(r)))
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		parsed, err := value.Parse(body)
		if err != nil {
			parsed = nil
		}
		answer(w, value.MapOf("data", string(body), "json", parsed, "url", self(r)))
	})
	mux.HandleFunc("GET /file.bin", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "0123456789") })
	mux.Handle("GET /www/", http.FileServer(http.Dir(filepath.Join(dir, "fixtures"))))
	return mux
}
