package mailbox

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/outbound"
)

const password = "open sesame"

// office is a real IMAP server with one mailbox.
type office struct {
	*testing.T
	user *imapmemserver.User
	rule fleet.EmailRule
	box  *Mailboxes
	came time.Time
}

func newOffice(t *testing.T, security fleet.MailSecurity) *office {
	t.Helper()
	o := &office{T: t, user: imapmemserver.NewUser("ada", password), came: time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)}
	o.must(o.user.Create("INBOX", nil))
	memory := imapmemserver.New()
	memory.AddUser(o.user)
	own, roots := certificates(t)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return memory.NewSession(), nil, nil
		},
		TLSConfig: own, Logger: log.New(io.Discard, "", 0),
	})
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	o.must(err)
	port := l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it is one
	if security == fleet.MailTLS {
		l = tls.NewListener(l, own)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	o.rule = fleet.EmailRule{Host: "127.0.0.1", Port: port, Security: security, Username: "ada", Secret: "mail", Folder: "INBOX", EverySeconds: 60}
	guard := outbound.New(outbound.Strict(netip.MustParsePrefix("127.0.0.1/32")))
	o.box = New(Options{Dial: guard.Dial, TLS: &tls.Config{RootCAs: roots}})
	return o
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// certificates are those of a server, and who vouches for it.
func certificates(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(own)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, roots
}

// letter is a message in its reader's hands.
type letter struct{ *strings.Reader }

func (l letter) Size() int64 { return l.Reader.Size() }

func (o *office) put(subjects ...string) {
	o.Helper()
	for _, subject := range subjects {
		o.came = o.came.Add(time.Second)
		o.raw("From: Ada <ada@example.org>\r\nTo: shop@example.org, b@example.org\r\nSubject: " + subject + "\r\nMessage-ID: <" + subject + "@x>\r\n" +
			"Date: Fri, 27 Nov 2026 10:00:00 +0100\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello " + subject + "\r\n")
	}
}

func (o *office) raw(text string) {
	o.Helper()
	_, err := o.user.Append("INBOX", letter{strings.NewReader(text)}, &imap.AppendOptions{Time: o.came})
	o.must(err)
}

func (o *office) read(after fleet.MailPlace, limit int) ([]string, fleet.MailPlace) {
	o.Helper()
	list, end, err := o.box.Read(o.Context(), o.rule, password, after, limit)
	o.must(err)
	var subjects []string
	for i := range list {
		subjects = append(subjects, list[i].Subject)
	}
	return subjects, end
}

func (o *office) want(what string, got []string, want string) {
	o.Helper()
	if text := strings.Join(got, " "); text != want {
		o.Errorf("%s: %q, want %q", what, text, want)
	}
}

// Each message comes once, in the order in which they came, from the place on
// that is remembered, also when the server gives its numbers anew.
func TestRead(t *testing.T) {
	for _, security := range []fleet.MailSecurity{fleet.MailTLS, fleet.MailStartTLS} {
		t.Run(string(security), func(t *testing.T) {
			o := newOffice(t, security)
			_, end := o.read(fleet.MailPlace{}, 10)
			if end.Validity == 0 || end.UID != 0 {
				t.Errorf("an empty mailbox ends at %+v", end)
			}
			o.put("a")
			got, end := o.read(end, 10)
			o.want("the first", got, "a")
			_, start := o.read(fleet.MailPlace{}, 10)
			if start != end {
				t.Errorf("it begins at %+v, and was read up to %+v", start, end)
			}
			got, again := o.read(end, 10)
			o.want("nothing new", got, "")
			if again != end {
				t.Errorf("the place moved to %+v", again)
			}
			o.put("b", "c", "d", "e", "f")
			got, end = o.read(end, 2)
			o.want("some", got, "b c")
			got, end = o.read(end, 2)
			o.want("more", got, "d e")
			o.must(o.user.Delete("INBOX"))
			o.must(o.user.Create("INBOX", nil))
			kept := o.came
			for i, subject := range []string{"a", "b", "c", "d", "e", "f", "g"} { // as a server does that was restored
				o.came = kept.Add(time.Duration(i-5) * time.Second)
				o.came = o.came.Add(-time.Second)
				o.put(subject)
			}
			got, end = o.read(end, 10)
			o.want("after the numbers were given anew", got, "f g")
			o.put("h")
			got, end = o.read(end, 10)
			o.want("and on", got, "h")
			_, start = o.read(fleet.MailPlace{}, 10)
			for what, place := range map[string]fleet.MailPlace{"after one that was read": end, "from where it began": start} {
				o.must(o.user.Delete("INBOX"))
				o.must(o.user.Create("INBOX", nil))
				for _, subject := range []string{"i", "h", "j"} { // all in the second of the last
					o.came = o.came.Add(-time.Second)
					o.put(subject)
				}
				got, _ = o.read(place, 10)
				o.want("of the same second "+what, got, "i j")
			}
			o.must(o.user.Delete("INBOX"))
			o.must(o.user.Create("INBOX", nil))
			o.put("h")
			m, ok, err := o.box.Newest(t.Context(), o.rule, password)
			o.must(err)
			if !ok || m.Subject != "h" {
				t.Errorf("the newest is %+v", m)
			}
		})
	}
}

func TestMessage(t *testing.T) {
	o := newOffice(t, fleet.MailTLS)
	o.raw("From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\r\nTo: shop@example.org\r\nCc: c@example.org\r\nReply-To: r@example.org\r\n" +
		"Subject: =?utf-8?b?UmVjaG51bmcgw7w=?=\r\nMessage-ID: <1@x>\r\nDate: Fri, 27 Nov 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/html\r\n\r\n<b>no</b>\r\n--B\r\nContent-Type: text/plain; charset=iso-8859-1\r\n" +
		"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n--B\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"a.pdf\"\r\n" +
		"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--B--\r\n")
	m, ok, err := o.box.Newest(t.Context(), o.rule, password)
	o.must(err)
	got := fmt.Sprintf("%v %s|%s|%v|%v|%s|%s|%s|%q|%+v", ok, m.From, m.FromName, m.To, m.Cc, m.ReplyTo, m.Subject, m.MessageID, m.Text, m.Attachments)
	const want = `true joerg@example.org|Jörg|[shop@example.org]|[c@example.org]|r@example.org|Rechnung ü|1@x|"Grüße"|[{Name:a.pdf Type:application/pdf Size:4}]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !m.Received.Equal(o.came) || m.UID != 1 || m.Size == 0 {
		t.Errorf("%+v", m)
	}
	// One that is larger than what is read, and ones that are nothing.
	o.raw("Subject: large\r\nContent-Type: text/plain\r\n\r\n" + strings.Repeat("x", 4*maxBody))
	m, _, err = o.box.Newest(t.Context(), o.rule, password)
	o.must(err)
	if len(m.Text) != maxText || m.Size < 4*maxBody {
		t.Errorf("%d bytes of text of %d", len(m.Text), m.Size)
	}
	for _, text := range []string{"", "\r\n", "no header at all", "Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\n", "Subject: \x00\xff\r\n\r\n\x00\xff"} {
		o.raw(text)
		if m, ok, err = o.box.Newest(t.Context(), o.rule, password); err != nil || !ok || strings.ContainsAny(m.Subject+m.Text, "\x00") {
			t.Errorf("%q: %+v %v", text, m, err)
		}
	}
}

// What goes wrong is said in words that name the server and never the password.
func TestRefused(t *testing.T) {
	o := newOffice(t, fleet.MailTLS)
	strict := New(Options{Dial: outbound.New(outbound.Strict()).Dial})
	stranger := New(Options{Dial: outbound.New(outbound.Policy{Loopback: true}).Dial})
	for what, c := range map[string]struct {
		box    *Mailboxes
		change func(r *fleet.EmailRule)
		secret string
		want   string
	}{
		"wrong password":      {o.box, func(*fleet.EmailRule) {}, "wrong", "sign in"},
		"no such folder":      {o.box, func(r *fleet.EmailRule) { r.Folder = "nowhere" }, password, "open the folder nowhere"},
		"no such port":        {o.box, func(r *fleet.EmailRule) { r.Port = 1 }, password, "connect"},
		"an address within":   {strict, func(*fleet.EmailRule) {}, password, "network policy refuses it"},
		"an unknown identity": {stranger, func(*fleet.EmailRule) {}, password, "encrypt the connection"},
		"no encryption":       {o.box, func(r *fleet.EmailRule) { r.Security = fleet.MailStartTLS }, password, "encrypt"},
	} {
		rule := o.rule
		c.change(&rule)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, _, err := c.box.Read(ctx, rule, c.secret, fleet.MailPlace{Validity: 1}, 10)
		cancel()
		e, ok := errors.AsType[*fleet.Error](err)
		if !ok || !strings.Contains(e.Message, c.want) || strings.Contains(e.Message, password) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A server that never ends what it says is left.
func TestEndless(t *testing.T) {
	own, roots := certificates(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", own)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "* OK ready\r\n* CAPABILITY IMAP4rev1\r\n")
		for err == nil {
			_, err = io.WriteString(c, "* OK "+strings.Repeat("x", 1<<10)+"\r\n")
		}
	}()
	box := New(Options{Dial: outbound.New(outbound.Policy{Loopback: true}).Dial, TLS: &tls.Config{RootCAs: roots}})
	rule := fleet.EmailRule{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: fleet.MailTLS, Username: "a", Folder: "INBOX"} //nolint:forcetypeassert // it is one
	if _, _, err := box.Read(t.Context(), rule, password, fleet.MailPlace{}, 1); err == nil || !strings.Contains(err.Error(), errTooMuch.Error()) {
		t.Errorf("%v", err)
	}
}
