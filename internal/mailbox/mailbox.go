package mailbox

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/outbound"
)

// Options say how mailboxes are reached.
type Options struct {
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	TLS  *tls.Config // nil: the system's authorities
}

// Mailboxes reads them. Safe for concurrent use.
type Mailboxes struct{ o Options }

// New makes a reader.
func New(o Options) *Mailboxes { return &Mailboxes{o} }

// The bounds of one look.
const (
	maxConnection = 64 << 20  // bytes that a server may send
	maxBody       = 256 << 10 // bytes of a message that are read
	maxText       = 64 << 10  // bytes of its text that are told
)

// Read gives the messages after a place, the oldest first, at most so many. Of no
// place, which is a zero one, there are none, and the end is where the mailbox
// ends now. Where the server has given the numbers anew, messages count by when
// they came, and those of the very second of the last one by their marks.
func (m *Mailboxes) Read(ctx context.Context, rule fleet.EmailRule, password string, after fleet.MailPlace, limit int) (list []fleet.MailMessage, end fleet.MailPlace, err error) {
	s, err := m.open(ctx, rule, password)
	if err != nil {
		return nil, after, err
	}
	defer s.close()
	if after.Validity == 0 {
		end, err = s.end(fleet.MailPlace{})
		return nil, end, s.fault("look at the folder", err)
	}
	uids, err := s.after(after)
	if err != nil {
		return nil, after, s.fault("search the folder", err)
	}
	if after.Validity != s.box.UIDValidity && len(uids) == 0 {
		end, err = s.end(after)
		return nil, end, s.fault("look at the folder", err)
	}
	end = after
	for uid := range slices.Values(uids[:min(limit, len(uids))]) {
		one, ok, err := s.message(uid)
		if err != nil {
			return nil, after, s.fault("fetch a message", err)
		}
		if !ok { // it was deleted meanwhile
			continue
		}
		end.Validity, end.UID = s.box.UIDValidity, uint32(uid)
		one.Place = came(end, one.Received, markOf(&one))
		end = one.Place
		list = append(list, one)
	}
	return list, end, nil
}

// Newest gives the newest message of a folder; ok is false if there is none.
func (m *Mailboxes) Newest(ctx context.Context, rule fleet.EmailRule, password string) (one fleet.MailMessage, ok bool, err error) {
	s, err := m.open(ctx, rule, password)
	if err != nil {
		return one, false, err
	}
	defer s.close()
	uid, err := s.newest()
	if err != nil || uid == 0 {
		return one, false, s.fault("look at the folder", err)
	}
	one, ok, err = s.message(uid)
	return one, ok, s.fault("fetch a message", err)
}

// session is one connection with a folder opened.
type session struct {
	host   string
	conn   *metered
	client *imapclient.Client
	box    *imap.SelectData
	stop   func() bool
}

func (m *Mailboxes) open(ctx context.Context, rule fleet.EmailRule, password string) (*session, error) {
	address := net.JoinHostPort(rule.Host, strconv.Itoa(rule.Port))
	s := &session{host: rule.Host}
	raw, err := m.o.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, s.fault("connect", err)
	}
	s.conn = &metered{Conn: raw}
	s.stop = context.AfterFunc(ctx, func() { _ = raw.Close() }) // whatever waits for it ends
	if err := s.greet(ctx, m.o.TLS, rule); err != nil {
		s.close()
		return nil, err
	}
	if err := s.client.Login(rule.Username, password).Wait(); err != nil {
		s.close()
		return nil, s.fault("sign in", err)
	}
	if s.box, err = s.client.Select(rule.Folder, &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		s.close()
		return nil, s.fault("open the folder "+rule.Folder, err)
	}
	if s.box.UIDValidity == 0 {
		s.close()
		return nil, s.fault("open the folder "+rule.Folder, errors.New("it does not number its messages"))
	}
	return s, nil
}

// greet encrypts the connection and waits for the server's greeting.
func (s *session) greet(ctx context.Context, config *tls.Config, rule fleet.EmailRule) error {
	config = config.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.ServerName, config.MinVersion = rule.Host, tls.VersionTLS12
	if rule.Security == fleet.MailStartTLS {
		client, err := imapclient.NewStartTLS(s.conn, &imapclient.Options{TLSConfig: config})
		if err != nil {
			return s.fault("encrypt the connection", err)
		}
		s.client = client
		return nil
	}
	secure := tls.Client(s.conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return s.fault("encrypt the connection", err)
	}
	s.client = imapclient.New(secure, &imapclient.Options{})
	return s.fault("greet", s.client.WaitGreeting())
}

func (s *session) close() {
	s.stop()
	if s.client != nil {
		_ = s.client.Close() // nothing was written
	}
	_ = s.conn.Close()
}

// fault says what could not be done with which server.
func (s *session) fault(what string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*fleet.Error](err); ok { // of the guard: its words and its code
		return outbound.Shown(e, s.host)
	}
	if s.conn != nil && s.conn.over.Load() {
		err = errTooMuch
	}
	return fleet.Errorf(fleet.CodeUnavailable, "mailbox", "The mail server %s: %s: %w.", s.host, what, outbound.Shown(err, s.host))
}

// newest is the number of the newest message; 0 if there is none.
func (s *session) newest() (imap.UID, error) {
	if s.box.NumMessages == 0 {
		return 0, nil
	}
	found, err := s.client.Fetch(imap.SeqSetNum(s.box.NumMessages), &imap.FetchOptions{UID: true}).Collect()
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0].UID, nil
}

// end is where the folder ends now.
func (s *session) end(after fleet.MailPlace) (fleet.MailPlace, error) {
	end := after
	end.Validity, end.UID = s.box.UIDValidity, 0
	if s.box.UIDNext > 0 {
		end.UID = uint32(s.box.UIDNext) - 1
	}
	uid, err := s.newest()
	if err != nil || uid == 0 {
		return end, err
	}
	end.UID = max(end.UID, uint32(uid))
	list, err := s.arrivals([]imap.UID{uid})
	if err != nil || len(list) == 0 || list[0].at.Before(end.At) {
		return end, err
	}
	beside, err := s.client.UIDSearch(since(list[0].at), nil).Wait()
	if err != nil {
		return end, err
	}
	list, err = s.arrivals(slices.DeleteFunc(beside.AllUIDs(), func(u imap.UID) bool { return u > uid }))
	for _, a := range list {
		end = came(end, a.at, a.mark)
	}
	return end, err
}

// after finds what came after a place, in the order of the numbers.
func (s *session) after(place fleet.MailPlace) ([]imap.UID, error) {
	same := place.Validity == s.box.UIDValidity
	criteria := &imap.SearchCriteria{}
	if same {
		criteria.UID = []imap.UIDSet{{imap.UIDRange{Start: imap.UID(place.UID) + 1}}} // to the end
	} else if !place.At.IsZero() {
		criteria = since(place.At)
	}
	found, err := s.client.UIDSearch(criteria, nil).Wait()
	if err != nil {
		return nil, err
	}
	uids := found.AllUIDs()
	slices.Sort(uids)
	if same { // a range to the end has the last message in any case
		return slices.DeleteFunc(uids, func(u imap.UID) bool { return u <= imap.UID(place.UID) }), nil
	}
	list, err := s.arrivals(uids)
	uids = uids[:0]
	for _, a := range list {
		if a.at.After(place.At) || a.at.Equal(place.At) && !marked(place, a.mark) {
			uids = append(uids, a.uid)
		}
	}
	slices.Sort(uids)
	return uids, err
}

// since finds what came at a time or later, and some that came before: servers
// look at the date alone, in zones of their own.
func since(at time.Time) *imap.SearchCriteria {
	return &imap.SearchCriteria{Since: at.AddDate(0, 0, -1)}
}

// arrival is when a message came, and what tells it from others of that second.
type arrival struct {
	uid  imap.UID
	at   time.Time
	mark string
}

func (s *session) arrivals(uids []imap.UID) ([]arrival, error) {
	if len(uids) == 0 {
		return nil, nil
	}
	list, err := s.client.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, InternalDate: true, Envelope: true}).Collect()
	out := make([]arrival, 0, len(list))
	for _, m := range list {
		var one fleet.MailMessage
		addressed(&one, m.Envelope)
		out = append(out, arrival{m.UID, m.InternalDate.UTC(), markOf(&one)})
	}
	return out, err
}

// metered ends a connection whose server sends too much.
type metered struct {
	net.Conn
	read int64
	over atomic.Bool
}

var errTooMuch = errors.New("it sends more than is read of a mailbox at once")

// Read counts.
func (m *metered) Read(p []byte) (int, error) {
	if m.read > maxConnection {
		m.over.Store(true)
		return 0, errTooMuch
	}
	n, err := m.Conn.Read(p)
	m.read += int64(n)
	return n, err
}
