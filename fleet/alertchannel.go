package fleet

import (
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
)

// AlertChannel is a way in which people are told. There is one without anybody
// having made it, [LogChannel].
type AlertChannel struct {
	ID          ID           `json:"channel_id"`
	Tenant      TenantID     `json:"tenant_id"`
	Name        string       `json:"name"` // unique in its tenant, whatever the case of its letters
	Description string       `json:"description,omitempty"`
	Kind        ChannelKind  `json:"kind"`
	Webhook     *WebhookWay  `json:"webhook,omitempty"` // of kind webhook
	Email       *EmailWay    `json:"email,omitempty"`   // of kind email
	Enabled     bool         `json:"enabled"`
	Default     bool         `json:"default"`  // rules that name no channel use it
	Resolved    bool         `json:"resolved"` // it is told of the end of an incident too
	State       ChannelState `json:"-"`

	Revision  int64     `json:"revision"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	CreatedBy string    `json:"created_by,omitempty"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// ChannelState is what changes while a channel is used.
type ChannelState struct {
	Streak int64     // notices in a row that could not be sent
	Fault  string    // why the last one could not
	LastOK time.Time // when one was sent
}

// ChannelKind says by what a channel tells.
type ChannelKind string

// The kinds of channels.
const (
	ChannelWebhook ChannelKind = "webhook"
	ChannelEmail   ChannelKind = "email"
	ChannelLog     ChannelKind = "log"
)

// ChannelKinds lists those that people make.
func ChannelKinds() []ChannelKind { return []ChannelKind{ChannelWebhook, ChannelEmail} }

// LogChannelID names the log of the server.
const LogChannelID ID = "log"

// LogChannel is the log of the server: it is told where no other channel is.
func LogChannel(tenant TenantID) AlertChannel {
	return AlertChannel{ID: LogChannelID, Tenant: tenant, Name: "log", Description: "The log of the server. It is told where no other channel is.", Kind: ChannelLog, Enabled: true}
}

// WebhookWay is a web address that is called. The call is signed as Standard
// Webhooks say, by a secret that is shown once.
type WebhookWay struct {
	URL string `json:"url"`
}

// EmailWay is a mail server and who gets a message.
type EmailWay struct {
	Host     string       `json:"host"`
	Port     int          `json:"port,omitempty"`     // 465, or 587 with starttls
	Security MailSecurity `json:"security,omitempty"` // tls
	Username string       `json:"username,omitempty"` // empty: no sign-in
	// Secret names where the password is: a secret of the vault, or one of its
	// fields as NAME.FIELD.
	Secret string   `json:"secret,omitempty"`
	From   string   `json:"from"`
	To     []string `json:"to"`
}

// Figures of channels.
const (
	MaxMailTo          = 20
	maxChannelURL      = 2000
	ChannelFailingFrom = 3 // notices in a row that could not be sent make an incident
)

// Key is the name as it is compared.
func (c *AlertChannel) Key() string { return strings.ToLower(c.Name) }

// Normal fills in what follows from the choices made.
func (c *AlertChannel) Normal() {
	if c.Kind != ChannelWebhook {
		c.Webhook = nil
	}
	if c.Kind != ChannelEmail {
		c.Email = nil
	}
	e := c.Email
	if e == nil {
		return
	}
	if e.Security == "" {
		e.Security = MailTLS
	}
	if e.Port == 0 {
		e.Port = 465
		if e.Security == MailStartTLS {
			e.Port = 587
		}
	}
}

// Validate checks all that can be set, except what the use cases look up.
func (c *AlertChannel) Validate() error {
	if err := ValidateName("name", c.Name, 128); err != nil {
		return err
	}
	if c.Key() == string(LogChannelID) {
		return Invalid("name", "The name log is that of the server's log.")
	}
	if len([]rune(c.Description)) > MaxAlertText {
		return Invalid("description", "description may have at most %d characters.", MaxAlertText)
	}
	switch c.Kind {
	case ChannelWebhook:
		return c.Webhook.validate()
	case ChannelEmail:
		return c.Email.validate()
	case ChannelLog:
		return Invalid("kind", "The log is there already: rules name it as log.")
	}
	return Invalid("kind", "kind must be %s; got %q.", Listed(ChannelKinds()), clip(string(c.Kind), 40))
}

func (w *WebhookWay) validate() error {
	if w == nil || w.URL == "" {
		return Invalid("webhook.url", "A channel of kind webhook needs the address that it calls.")
	}
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || len(w.URL) > maxChannelURL || u.Hostname() == "" || u.Opaque != "":
		return Invalid("webhook.url", "webhook.url must be a web address of at most %d characters; got %q.", maxChannelURL, clip(w.URL, 80))
	case u.Scheme != "https":
		return Invalid("webhook.url", "webhook.url must begin with https://.")
	case u.User != nil:
		return Invalid("webhook.url", "webhook.url holds no name and no password: it is shown to people.")
	case u.Fragment != "":
		return Invalid("webhook.url", "webhook.url has no part after '#'.")
	}
	return nil
}

func (e *EmailWay) validate() error {
	if e == nil {
		return Invalid("email", "A channel of kind email needs its mail server and who gets the messages.")
	}
	if !mailHost.MatchString(e.Host) && net.ParseIP(e.Host) == nil || len(e.Host) > 253 {
		return Invalid("email.host", "A channel of kind email needs the name of a mail server.")
	}
	if err := within([]bound{{"email.port", e.Port, 1, 65535}}); err != nil {
		return err
	}
	if !slices.Contains([]MailSecurity{MailTLS, MailStartTLS}, e.Security) {
		return Invalid("email.security", "email.security must be tls or starttls; got %q.", clip(string(e.Security), 40))
	}
	if (e.Username == "") != (e.Secret == "") {
		return Invalid("email.secret", "email.username and email.secret come together, or not at all.")
	}
	if e.Secret != "" {
		if err := validateSecretField("email.secret", e.Secret); err != nil {
			return err
		}
	}
	if len(e.Username) > 320 || strings.ContainsFunc(e.Username, isControl) {
		return Invalid("email.username", "email.username is text of at most 320 bytes.")
	}
	if len(e.To) == 0 || len(e.To) > MaxMailTo {
		return Invalid("email.to", "email.to names 1 to %d addresses; got %d.", MaxMailTo, len(e.To))
	}
	if err := validateMailAddress("email.from", e.From); err != nil {
		return err
	}
	for _, a := range e.To {
		if err := validateMailAddress("email.to", a); err != nil {
			return err
		}
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func validateMailAddress(field, text string) error {
	a, err := mail.ParseAddress(text)
	if err != nil || a.Name != "" || a.Address != text || len(text) > 320 || strings.ContainsFunc(text, func(r rune) bool { return isControl(r) || r > '~' }) {
		return Invalid(field, "%s must be a mail address such as robots@example.org; got %q.", field, clip(text, 80))
	}
	return nil
}
