// Package rest holds the nodes that talk HTTP: requests, downloads, uploads,
// headers, OAuth.
//
// Every request goes through the host, which looks at each address after name
// resolution; the package must not import net/http. An HTTP status is an
// answer and never fails a request node: what fails is a request that got no
// answer. Nothing here logs a token.
package rest

import (
	"context"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// Nodes returns the behaviour of every node type of the family.
func Nodes() engine.Set {
	return engine.Set{
		"HttpRequestNode":          reporting(request),
		"HttpSuperNode":            reporting(super),
		"HttpDownloadFileNode":     reporting(downloadNode),
		"HttpUploadFileNode":       reporting(upload),
		"ParseJsonResponseNode":    reporting(parseResponse),
		"SetHttpHeadersNode":       engine.Func(setHeaders),
		"BuildUrlNode":             engine.Func(buildURL),
		"HttpAuthNode":             engine.Func(authHeaders),
		"OAuth2AuthorizeNode":      engine.Func(authorize),
		"OAuth2CallbackServerNode": engine.Func(awaitCallback),
		"OAuth2TokenExchangeNode":  engine.Func(exchangeToken),
		"OAuth2TokenValidateNode":  engine.Func(validateToken),
	}
}

// reporting also sets success and error when the node fails. A node that got
// an answer sets them by itself.
func reporting(run engine.Func) engine.Func {
	return func(ctx context.Context, c *engine.Call) (engine.Result, error) {
		result, err := run(ctx, c)
		if err != nil {
			c.Set("success", false)
			c.Set("error", err.Error())
		}
		return result, err
	}
}

// need reads a text that must not be empty.
func need(c *engine.Call, name string) (string, error) {
	if text := strings.TrimSpace(c.Text(name)); text != "" {
		return text, nil
	}
	return "", engine.Fail("ValueError", "%s is required", name)
}

// flag reads a switch that counts as def when nothing says otherwise.
func flag(c *engine.Call, name string, def bool) bool {
	if !c.Has(name) {
		return def
	}
	return c.Bool(name)
}

// object reads an object that may also be given as JSON text.
func object(c *engine.Call, name string) (*value.Map, error) {
	v := value.Plain(c.Param(name))
	if text, ok := v.(string); ok {
		if strings.TrimSpace(text) == "" {
			return value.NewMap(), nil
		}
		parsed, err := value.Loads(text)
		if err != nil {
			return nil, engine.Fail("JSONDecodeError", "%s is not valid JSON: %s", name, err)
		}
		v = parsed
	}
	switch m := v.(type) {
	case nil:
		return value.NewMap(), nil
	case *value.Map:
		return m, nil
	default:
		return nil, engine.Fail("TypeError", "%s must be an object, not %s", name, value.TypeName(v))
	}
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

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
