// Package rest holds the nodes that talk HTTP: requests, downloads, uploads,
// headers, OAuth.
//
// Every request goes through the host, which looks at each address after name
// resolution; the package must not import net/http. An HTTP status is an
// answer and never fails a request node: what fails is a request that got no
// answer. Nothing here logs a token.
package rest

import (
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
)

// Nodes returns the behaviour of every node type of the family.
func Nodes() engine.Set {
	return engine.Set{
		"HttpRequestNode":          engine.Reporting(request),
		"HttpSuperNode":            engine.Reporting(super),
		"HttpDownloadFileNode":     engine.Reporting(downloadNode),
		"HttpUploadFileNode":       engine.Reporting(upload),
		"ParseJsonResponseNode":    engine.Reporting(parseResponse),
		"SetHttpHeadersNode":       engine.Func(setHeaders),
		"BuildUrlNode":             engine.Func(buildURL),
		"HttpAuthNode":             engine.Func(authHeaders),
		"OAuth2AuthorizeNode":      engine.Func(authorize),
		"OAuth2CallbackServerNode": engine.Func(awaitCallback),
		"OAuth2TokenExchangeNode":  engine.Func(exchangeToken),
		"OAuth2TokenValidateNode":  engine.Func(validateToken),
	}
}

// need reads a text that must not be empty.
func need(c *engine.Call, name string) (string, error) {
	if text := strings.TrimSpace(c.Text(name)); text != "" {
		return text, nil
	}
	return "", engine.Fail("ValueError", "%s is required", name)
}

// milliseconds is the value of a timeout from which on it cannot be seconds:
// saved files write 30000 for half a minute.
const milliseconds = 1000

// timeout reads a timeout in seconds.
func timeout(c *engine.Call, def float64) (time.Duration, error) {
	n, err := c.Float("timeout", def)
	if err != nil {
		return 0, err
	}
	if n <= 0 {
		n = def
	}
	if n > milliseconds {
		n /= 1000
	}
	return seconds(n), nil
}

// seconds is a duration of at most a day.
func seconds(n float64) time.Duration {
	return time.Duration(min(max(n, 0), 86400) * float64(time.Second))
}
