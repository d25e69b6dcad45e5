package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/casarerpa/fleet/internal/issuer/issuertest"
)

// startIssuer starts an OpenID issuer whose one person has these groups, and a
// port for an orchestrator that has to know its own address.
func startIssuer(ts *testscript.TestScript, _ bool, groups []string) {
	tb, ok := ts.Value(testKey{}).(testing.TB)
	if !ok {
		ts.Check(errors.New("a script is no test"))
	}
	up := issuertest.New(tb)
	up.Claims = map[string]any{"groups": groups, "preferred_username": "Ada", "email": "ada@example.org"}
	ts.Setenv("ISSUER", up.URL)
	ts.Setenv("ISSUER_CLIENT", up.Client)
	ts.Setenv("ISSUER_SECRET", up.Secret)
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(errors.Join(err, l.Close()))
	ts.Setenv("PORT", port)
}

// browse opens a page as a browser does that trusts one more authority, follows
// where it is sent, asks for a second page with the cookies that it was given,
// and writes what that says into a file. The ways it went are the output.
func browse(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: browse CA-FILE FIRST-URL SECOND-URL FILE")
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM([]byte(ts.ReadFile(args[0]))) {
		ts.Fatalf("%s holds no certificate", args[0])
	}
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	client := &http.Client{
		Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			ts.Logf("sent on to %s%s", r.URL.Host, r.URL.Path)
			if len(via) > 10 {
				return errors.New("sent on for ever")
			}
			return nil
		},
	}
	defer client.CloseIdleConnections()
	for _, at := range args[1:3] {
		req, err := http.NewRequest(http.MethodGet, at, http.NoBody) //nolint:noctx // the script ends with its test
		ts.Check(err)
		req.Header.Set("Accept", "text/html,*/*;q=0.8")
		resp, err := client.Do(req)
		ts.Check(err)
		text, err := io.ReadAll(resp.Body)
		ts.Check(errors.Join(err, resp.Body.Close()))
		ts.Logf("%s at %s%s?%s", resp.Status, resp.Request.URL.Host, resp.Request.URL.Path, strings.Split(resp.Request.URL.RawQuery, "&")[0])
		ts.Check(os.WriteFile(ts.MkAbs(args[3]), append([]byte(resp.Request.URL.RequestURI()+"\n"), text...), 0o600))
	}
}
