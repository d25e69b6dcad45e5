package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/breaker"
)

// postOffice is a mail server that speaks as much SMTP as is needed.
type postOffice struct {
	t        *testing.T
	listener net.Listener
	config   *tls.Config
	trusted  *tls.Config // of clients that trust it
	way      fleet.MailSecurity
	offers   string // after AUTH
	refuses  string // a command that is answered with 550

	mu       sync.Mutex
	signedIn string
	letters  []string
	to       []string
}

// newPostOffice listens; its certificate is one of example.com.
func newPostOffice(t *testing.T, way fleet.MailSecurity, change func(p *postOffice)) (*postOffice, *Sender, fleet.EmailWay) {
	t.Helper()
	authority := httptest.NewTLSServer(nil)
	t.Cleanup(authority.Close)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{t: t, listener: listener, config: authority.TLS, way: way, offers: "PLAIN LOGIN"}
	if change != nil {
		change(p)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer func() { _ = conn.Close() }(); p.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); all.Wait() })
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, listener.Addr().String())
	}
	p.trusted = authority.Client().Transport.(*http.Transport).TLSClientConfig
	return p, New(Options{Dial: dial, Name: "fleet.example.com"}), fleet.EmailWay{
		Host: "example.com", Port: 25, Security: way, Username: "ada", Secret: "mail", From: "fleet@example.com", To: []string{"on@example.com", "call@example.com"},
	}
}

func (p *postOffice) serve(conn net.Conn) {
	if p.way == fleet.MailTLS {
		conn = tls.Server(conn, p.config)
	}
	in := bufio.NewReader(conn)
	say := func(text string) { _, _ = io.WriteString(conn, text+"\r\n") }
	say("220 example.com")
	secret := func(text string) string {
		b, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		return string(b)
	}
	encrypted := p.way == fleet.MailTLS
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		word := strings.ToUpper(strings.Fields(line + " ")[0])
		if p.refuses != "" && strings.HasPrefix(strings.ToUpper(line), p.refuses) {
			say("550 no, and your password is sesame")
			continue
		}
		switch word {
		case "EHLO":
			if encrypted {
				say("250-example.com\r\n250 AUTH " + p.offers)
			} else {
				say("250-example.com\r\n250 STARTTLS")
			}
		case "STARTTLS":
			say("220 go")
			secure := tls.Server(conn, p.config)
			if secure.HandshakeContext(p.t.Context()) != nil {
				return
			}
			conn, in, encrypted = secure, bufio.NewReader(secure), true
		case "AUTH":
			fields := strings.Fields(line)
			who := ""
			if fields[1] == "PLAIN" {
				who = strings.ReplaceAll(secret(fields[2]), "\x00", "/")
			} else {
				for _, ask := range []string{"Username:", "Password:"} {
					say("334 " + base64.StdEncoding.EncodeToString([]byte(ask)))
					answer, err := in.ReadString('\n')
					if err != nil {
						return
					}
					who += "/" + secret(answer)
				}
			}
			p.mu.Lock()
			p.signedIn = who
			p.mu.Unlock()
			say("235 welcome")
		case "DATA":
			say("354 go")
			var letter strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				letter.WriteString(strings.TrimPrefix(line, "."))
			}
			p.mu.Lock()
			p.letters = append(p.letters, letter.String())
			p.mu.Unlock()
			say("250 taken")
		case "RCPT":
			p.mu.Lock()
			p.to = append(p.to, line)
			p.mu.Unlock()
			say("250 well")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 well")
		}
	}
}

func trusting(t *testing.T, p *postOffice) *tls.Config {
	t.Helper()
	return p.trusted.Clone()
}

func TestMail(t *testing.T) {
	for _, way := range []fleet.MailSecurity{fleet.MailTLS, fleet.MailStartTLS} {
		for _, offers := range []string{"PLAIN LOGIN", "LOGIN"} {
			t.Run(string(way)+" "+offers, func(t *testing.T) {
				p, s, rule := newPostOffice(t, way, func(p *postOffice) { p.offers = offers })
				s.o.TLS = trusting(t, p)
				err := s.Mail(t.Context(), rule, "sesame", "n-1", then, "Rückstand\r\nBcc: spy@example.com", "Zeile 1\r\n.\r\nZeile 2: ü\r\n")
				if err != nil {
					t.Fatal(err)
				}
				if len(p.letters) != 1 || !strings.HasSuffix(p.signedIn, "ada/sesame") || len(p.to) != 2 {
					t.Fatalf("%d letters of %q to %v", len(p.letters), p.signedIn, p.to)
				}
				r, err := mail.CreateReader(strings.NewReader(p.letters[0]))
				if err != nil {
					t.Fatal(err)
				}
				subject, _ := r.Header.Subject()
				id, _ := r.Header.MessageID()
				to, _ := r.Header.AddressList("To")
				if subject != "Rückstand  Bcc: spy@example.com" || id != "n-1@example.com" || len(to) != 2 || r.Header.Get("Bcc") != "" {
					t.Errorf("subject %q, id %q, to %v", subject, id, to)
				}
				part, err := r.NextPart()
				if err != nil {
					t.Fatal(err)
				}
				text, _ := io.ReadAll(part.Body)
				if string(text) != "Zeile 1\r\n.\r\nZeile 2: ü\r\n" {
					t.Errorf("text %q", text)
				}
			})
		}
	}
}

func TestMailIsRefused(t *testing.T) {
	for command, want := range map[string]string{
		"EHLO": "sign in", "AUTH": "sign in", "MAIL": "name the sender", "RCPT": "name the receiver", "DATA": "hand over",
	} {
		p, s, rule := newPostOffice(t, fleet.MailTLS, func(p *postOffice) { p.refuses = command })
		s.o.TLS = trusting(t, p)
		err := s.Mail(t.Context(), rule, "sesame", "n", then, "x", "y")
		if err == nil || !strings.Contains(err.Error(), want) || len(p.letters) != 0 {
			t.Errorf("%s: %v", command, err)
		}
	}
	// Nothing is said to a server that nobody vouches for, or that does not encrypt.
	for _, way := range []fleet.MailSecurity{fleet.MailTLS, fleet.MailStartTLS} {
		p, s, rule := newPostOffice(t, way, nil)
		if err := s.Mail(t.Context(), rule, "sesame", "n", then, "x", "y"); err == nil || !strings.Contains(err.Error(), "encrypt") || p.signedIn != "" {
			t.Errorf("%s without trust: %v", way, err)
		}
	}
	p, s, rule := newPostOffice(t, fleet.MailStartTLS, func(p *postOffice) { p.refuses = "STARTTLS" })
	s.o.TLS = trusting(t, p)
	if err := s.Mail(t.Context(), rule, "sesame", "n", then, "x", "y"); err == nil || !strings.Contains(err.Error(), "encrypt") || p.signedIn != "" {
		t.Errorf("without encryption: %v", err)
	}
	// A server that says nothing holds nobody up.
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	s.o.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, silent.Addr().String())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Mail(ctx, rule, "sesame", "n", then, "x", "y"); err == nil {
		t.Error("a server that says nothing has taken the message")
	}
}

// A mail server that does not answer is left alone for a while; one that refuses what
// somebody sends it is asked on, also for others.
func TestMailServerThatDoesNotAnswerRests(t *testing.T) {
	p, sender, way := newPostOffice(t, fleet.MailTLS, func(p *postOffice) { p.offers, p.refuses = "PLAIN", "MAIL FROM" })
	sender.o.TLS = trusting(t, p)
	sender.o.Breakers = breaker.NewSet(breaker.Options{Failures: 3, OpenFor: time.Hour})
	send := func(way fleet.EmailWay) error {
		return sender.Mail(t.Context(), way, "sesame", "id", time.Now(), "subject", "text")
	}
	for range 5 {
		if err := send(way); err == nil || fleet.AsError(err).Reason != "mail" {
			t.Fatalf("one that refuses: %v", err)
		}
	}
	there := sender.o.Dial
	calls := 0
	sender.o.Dial = func(context.Context, string, string) (net.Conn, error) { calls++; return nil, errors.New("no route") }
	for range 5 {
		if err := send(way); err == nil {
			t.Fatal("it is sent")
		}
	}
	if err := send(way); calls != 3 || fleet.AsError(err).Reason != "breaker_open" {
		t.Errorf("%d calls, then %v", calls, err)
	}
	sender.o.Dial = there
	other := way
	other.Port = 26
	if err := send(other); err == nil || fleet.AsError(err).Reason != "mail" {
		t.Errorf("another server: %v", err)
	}
}
