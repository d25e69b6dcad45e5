package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/breaker"
	"github.com/casarerpa/fleet/internal/outbound"
)

// Options say how others are reached.
type Options struct {
	// Client makes calls. It must not follow redirects.
	Client *http.Client
	// Dial connects to mail servers.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Breakers keeps mail servers that do not answer from being asked all the time;
	// nil: none does.
	Breakers *breaker.Set
	TLS      *tls.Config // of mail servers; nil: the system's authorities
	// Name is how this program introduces itself to mail servers.
	Name string
}

// Sender tells others. Safe for concurrent use.
type Sender struct{ o Options }

// New makes a sender.
func New(o Options) *Sender {
	if o.Name == "" {
		o.Name = "localhost"
	}
	return &Sender{o}
}

// Sign makes the signature of a call, as Standard Webhooks say: over its id, its
// time and its body, by a secret that begins with whsec_.
func Sign(secret, id string, at time.Time, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return "", fleet.Errorf(fleet.CodeInvalid, "secret_form", "The secret of the channel is no whsec_ secret.")
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil)), nil
}

// maxAnswer is how much of an answer is read, so that its connection can be used
// again.
const maxAnswer = 4 << 10

// Webhook calls an address; only an answer of 2xx is success.
func (s *Sender) Webhook(ctx context.Context, address, secret, id string, at time.Time, body []byte) error {
	signature, err := Sign(secret, id, at, body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil || req.URL.Scheme != "https" {
		return fleet.Errorf(fleet.CodeInvalid, "webhook_address", "The address of the channel is no https address.")
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	req.Header.Set("User-Agent", "casare-fleet")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("Webhook-Signature", signature)
	resp, err := s.o.Client.Do(req)
	if err != nil {
		err = outbound.Shown(err, req.URL.Hostname())
		if e, ok := errors.AsType[*fleet.Error](err); ok { // of the guard: its words and its code
			return e
		}
		return fleet.Errorf(fleet.CodeUnavailable, "webhook_call", "The call of %s failed: %w.", req.URL.Host, err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // whatever it says
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fleet.Errorf(fleet.CodeUnavailable, "webhook_answer", "%s has answered %d %s.", req.URL.Host, resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return nil
}
