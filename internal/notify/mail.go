package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/breaker"
	"github.com/casarerpa/fleet/internal/outbound"
)

// Mail sends a message. The id makes its Message-Id, so a message that comes twice
// can be told.
func (s *Sender) Mail(ctx context.Context, way fleet.EmailWay, password, id string, at time.Time, subject, text string) error {
	body, err := compose(&way, id, at, subject, text)
	if err != nil {
		return fleet.Internal(err)
	}
	address := net.JoinHostPort(strings.ToLower(way.Host), strconv.Itoa(way.Port))
	if s.o.Breakers == nil {
		return s.hand(ctx, address, &way, password, body)
	}
	done, err := s.o.Breakers.Get("mail " + address).Allow()
	if err != nil {
		return err
	}
	outcome := errors.New("the call did not return") // unless it does
	defer func() { done(outcome) }()
	err = s.hand(ctx, address, &way, password, body)
	_, spoke := errors.AsType[*textproto.Error](err)
	switch {
	case spoke: // it may be wrong about a name or a password, but it answers
		outcome = nil
	case err != nil && (outbound.Refused(err) || errors.Is(ctx.Err(), context.Canceled)):
		outcome = breaker.GivenUp()
	default:
		outcome = err
	}
	return err
}

// hand connects and speaks to the server.
func (s *Sender) hand(ctx context.Context, address string, way *fleet.EmailWay, password string, body []byte) error {
	conn, err := s.o.Dial(ctx, "tcp", address)
	if err != nil {
		return fault(way, "connect", err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // whatever waits for it ends
	defer stop()
	return s.talk(ctx, conn, way, password, body)
}

// compose writes a message. Texts are encoded, so that none of them can begin a
// line of the header.
func compose(way *fleet.EmailWay, id string, at time.Time, subject, text string) ([]byte, error) {
	var h mail.Header
	h.SetDate(at)
	h.SetSubject(oneLine(subject))
	h.SetAddressList("From", []*mail.Address{{Name: "Casare Fleet", Address: way.From}})
	to := make([]*mail.Address, len(way.To))
	for i, a := range way.To {
		to[i] = &mail.Address{Address: a}
	}
	h.SetAddressList("To", to)
	_, domain, _ := strings.Cut(way.From, "@")
	h.SetMessageID(id + "@" + domain)
	h.Set("Auto-Submitted", "auto-generated")
	h.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	var out bytes.Buffer
	w, err := mail.CreateSingleInlineWriter(&out, h)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return nil, err
	}
	return out.Bytes(), w.Close()
}

func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// talk speaks SMTP: encrypted from the first byte, or before anything is said.
func (s *Sender) talk(ctx context.Context, conn net.Conn, way *fleet.EmailWay, password string, body []byte) error {
	config := s.o.TLS.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.ServerName, config.MinVersion = way.Host, tls.VersionTLS12
	if way.Security != fleet.MailStartTLS {
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return fault(way, "encrypt the connection", err)
		}
		conn = secure
	}
	c, err := smtp.NewClient(conn, way.Host)
	if err != nil {
		return fault(way, "greet", err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Hello(s.o.Name); err != nil {
		return fault(way, "greet", err)
	}
	if way.Security == fleet.MailStartTLS {
		if err := c.StartTLS(config); err != nil {
			return fault(way, "encrypt the connection", err)
		}
	}
	if way.Username != "" {
		if err := c.Auth(&signIn{way.Username, password, false}); err != nil {
			return fault(way, "sign in", err)
		}
	}
	if err := c.Mail(way.From); err != nil {
		return fault(way, "name the sender", err)
	}
	for _, to := range way.To {
		if err := c.Rcpt(to); err != nil {
			return fault(way, "name the receiver "+to, err)
		}
	}
	w, err := c.Data()
	if err == nil {
		if _, err = w.Write(body); err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		return fault(way, "hand over the message", err)
	}
	_ = c.Quit() // it has the message
	return nil
}

// fault says what could not be done with which server.
func fault(way *fleet.EmailWay, what string, err error) error {
	err = outbound.Shown(err, way.Host)
	if e, ok := errors.AsType[*fleet.Error](err); ok { // of the guard: its words and its code
		return e
	}
	return fleet.Errorf(fleet.CodeUnavailable, "mail", "The mail server %s: %s: %w.", way.Host, what, err)
}

// signIn signs in by PLAIN, or by LOGIN where a server knows nothing better. The
// connection is encrypted by then.
type signIn struct {
	user, password string
	login          bool
}

// Start chooses the way.
func (s *signIn) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS {
		return "", nil, errors.New("the connection is not encrypted")
	}
	for _, way := range server.Auth {
		if strings.EqualFold(way, "PLAIN") {
			return "PLAIN", []byte("\x00" + s.user + "\x00" + s.password), nil
		}
	}
	for _, way := range server.Auth {
		if strings.EqualFold(way, "LOGIN") {
			s.login = true
			return "LOGIN", nil, nil
		}
	}
	return "", nil, errors.New("it offers neither PLAIN nor LOGIN")
}

// Next answers what LOGIN asks.
func (s *signIn) Next(from []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case s.login && strings.HasPrefix(strings.ToLower(string(from)), "user"):
		return []byte(s.user), nil
	case s.login && strings.HasPrefix(strings.ToLower(string(from)), "pass"):
		return []byte(s.password), nil
	}
	return nil, errors.New("it asks for something unknown")
}
