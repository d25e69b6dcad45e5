package fleet

import (
	"net"
	"path"
	"regexp"
	"strings"
	"time"
)

// FileRule says which files of a robot's machine start a job.
type FileRule struct {
	// RobotID is the robot that looks, in folders that its own policy opens.
	RobotID RobotID `json:"robot_id"`
	// Path is a folder with a pattern for the names in it: /in/orders/*.pdf, or
	// C:\in\*.pdf. Only the name may have wildcards: *, ? and [a-z].
	Path string `json:"path"`
	// SettleSeconds is for how long size and time of a file must stand still.
	SettleSeconds int `json:"settle_seconds"`
	// Existing has also those count that lie there when the robot looks for the
	// first time after the trigger was made or enabled.
	Existing bool `json:"existing,omitempty"`
}

// EmailRule says whose messages start a job: those that come into a folder of a
// mailbox. They are read and left as they are.
type EmailRule struct {
	Host     string       `json:"host"` // an IMAP server
	Port     int          `json:"port"`
	Security MailSecurity `json:"security"`
	Username string       `json:"username"`
	// Secret names the password: a secret of the vault, or one of its fields as
	// NAME.FIELD.
	Secret       string `json:"secret"`
	Folder       string `json:"folder"`
	EverySeconds int    `json:"every_seconds"` // between two looks
}

// MailSecurity is how a connection to a mail server is encrypted; there is none
// without.
type MailSecurity string

// The ways.
const (
	MailTLS      MailSecurity = "tls"
	MailStartTLS MailSecurity = "starttls"
)

// The bounds of files and mail.
const (
	MaxSettleSeconds = 24 * 3600
	MinMailSeconds   = 10
	MaxMailSeconds   = 24 * 3600
	MaxWatchPath     = 1024
	maxMailText      = 256
)

var mailHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// Split parts the path of a rule into its folder and the pattern of names,
// whatever the system of the robot.
func (f *FileRule) Split() (folder, pattern string) {
	i := strings.LastIndexAny(f.Path, `/\`)
	return f.Path[:i+1], f.Path[i+1:]
}

func (f *FileRule) validate() error {
	if f == nil {
		return Invalid("file", "A trigger of kind file needs the robot that looks for files, and a path.")
	}
	if _, err := ParseRobotID(string(f.RobotID)); err != nil {
		return Invalid("file.robot_id", "A trigger of kind file needs the id of the robot that looks for files; got %q.", clip(string(f.RobotID), 80))
	}
	switch {
	case f.Path == "" || len(f.Path) > MaxWatchPath || strings.ContainsAny(f.Path, "\x00\r\n"):
		return Invalid("file.path", "file.path is a folder with a pattern for names, such as /in/orders/*.pdf, at most %d characters.", MaxWatchPath)
	case f.SettleSeconds < 1 || f.SettleSeconds > MaxSettleSeconds:
		return Invalid("file.settle_seconds", "file.settle_seconds must be between 1 and %d; got %d.", MaxSettleSeconds, f.SettleSeconds)
	}
	folder, pattern := f.Split()
	rooted := strings.HasPrefix(folder, "/") || strings.HasPrefix(folder, `\\`) || len(folder) > 2 && folder[1] == ':'
	_, err := path.Match(pattern, "x")
	switch {
	case !rooted:
		return Invalid("file.path", "file.path must begin at a root: /in/*.pdf or C:\\in\\*.pdf; got %q.", clip(f.Path, 80))
	case pattern == "" || err != nil:
		return Invalid("file.path", "file.path must end in a pattern for names, such as *.pdf; got %q.", clip(f.Path, 80))
	case strings.ContainsAny(folder, "*?["):
		return Invalid("file.path", "Only the name in file.path may have wildcards, not its folder; got %q.", clip(f.Path, 80))
	}
	for part := range strings.FieldsFuncSeq(folder, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == ".." {
			return Invalid("file.path", "file.path may not go up by '..'; got %q.", clip(f.Path, 80))
		}
	}
	return nil
}

func (m *EmailRule) validate() error {
	switch {
	case m == nil || !mailHost.MatchString(m.Host) && net.ParseIP(m.Host) == nil || len(m.Host) > 253:
		return Invalid("email.host", "A trigger of kind email needs the name of an IMAP server.")
	case m.Port < 1 || m.Port > 65535:
		return Invalid("email.port", "email.port must be between 1 and 65535; got %d.", m.Port)
	case m.Security != MailTLS && m.Security != MailStartTLS:
		return Invalid("email.security", "email.security must be tls or starttls; got %q.", clip(string(m.Security), 40))
	case m.Username == "" || len(m.Username) > maxMailText || strings.ContainsAny(m.Username, "\x00\r\n"):
		return Invalid("email.username", "email.username is needed, at most %d characters.", maxMailText)
	case len(m.Folder) > maxMailText || strings.ContainsAny(m.Folder, "\x00\r\n"):
		return Invalid("email.folder", "email.folder may have at most %d characters.", maxMailText)
	case m.EverySeconds < MinMailSeconds || m.EverySeconds > MaxMailSeconds:
		return Invalid("email.every_seconds", "email.every_seconds must be between %d and %d; got %d.", MinMailSeconds, MaxMailSeconds, m.EverySeconds)
	}
	return validateSecretField("email.secret", m.Secret)
}

// validateSecretField checks a secret that a rule names, as NAME or NAME.FIELD.
func validateSecretField(at, text string) error {
	name, field, dotted := strings.Cut(text, ".")
	if err := ValidateVaultName(at, name); err != nil {
		return err
	}
	if dotted && !vaultName.MatchString(field) {
		return Invalid(at, "%s is NAME or NAME.FIELD; got %q.", at, clip(text, 80))
	}
	return nil
}

// normalSource fills in what follows from the choices made for files and mail.
func (t *Trigger) normalSource() {
	if t.Kind != TriggerFile {
		t.File = nil
	}
	if t.File != nil && t.File.SettleSeconds == 0 {
		t.File.SettleSeconds = 2
	}
	if t.Kind != TriggerEmail {
		t.Email = nil
	}
	m := t.Email
	if m == nil {
		return
	}
	if m.Security == "" {
		m.Security = MailTLS
	}
	if m.Port == 0 {
		m.Port = map[MailSecurity]int{MailTLS: 993, MailStartTLS: 143}[m.Security]
	}
	if m.Folder == "" {
		m.Folder = "INBOX"
	}
	if m.EverySeconds == 0 {
		m.EverySeconds = 60
	}
}

// Source is what a rule names to be looked at: who changes it begins anew with
// what is there then.
func (t *Trigger) Source() string {
	switch {
	case t.File != nil:
		return string(t.File.RobotID) + "\x00" + t.File.Path
	case t.Email != nil:
		return t.Email.Host + "\x00" + t.Email.Username + "\x00" + t.Email.Folder
	}
	return ""
}

// WatchedFile is a file that a robot found and that stands still.
type WatchedFile struct {
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified_at"`
}

// Watch is what a robot is to look at for a trigger.
type Watch struct {
	Trigger ID `json:"trigger_id"`
	// Since changes whenever the trigger begins anew: what lies there then is
	// none of it, unless existing files count.
	Since         int64  `json:"since"`
	Path          string `json:"path"`
	SettleSeconds int    `json:"settle_seconds"`
	Existing      bool   `json:"existing,omitempty"`
}

// WatchAnswer says what became of a file that a robot told of.
type WatchAnswer struct {
	Outcome FiringOutcome `json:"outcome" enum:"accepted,filtered,cooling,full,duplicate,disabled,refused"`
	JobID   ID            `json:"job_id,omitempty"`
	// AgainSeconds says that the file waits: it is to be told of again then.
	AgainSeconds int `json:"again_seconds,omitempty"`
}

// MailPlace is how far a mailbox was read.
type MailPlace struct {
	Validity uint32    `json:"uidvalidity"` // of the numbers; another one says that they were given anew
	UID      uint32    `json:"uid"`         // the last message that was dealt with
	At       time.Time `json:"at"`          // when the newest of them came
	// Same has the marks of those that came in the very second of the newest,
	// with commas between: mail servers know no finer time, and where the numbers
	// are given anew nothing else tells them from one that was not dealt with.
	Same string `json:"same,omitempty"`
}

// MailMessage is a message as a trigger is told of it.
type MailMessage struct {
	Place       MailPlace        `json:"-"` // after it
	UID         uint32           `json:"uid"`
	Validity    uint32           `json:"uidvalidity"`
	MessageID   string           `json:"message_id"`
	Received    time.Time        `json:"received_at"`
	Date        time.Time        `json:"date,omitzero"`
	From        string           `json:"from"`
	FromName    string           `json:"from_name"`
	To          []string         `json:"to"`
	Cc          []string         `json:"cc"`
	ReplyTo     string           `json:"reply_to"`
	Subject     string           `json:"subject"`
	Text        string           `json:"text"` // the plain text, cut
	Size        int64            `json:"size"`
	Attachments []MailAttachment `json:"attachments"`
}

// MailAttachment is what a message carries.
type MailAttachment struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"` // as it is encoded
}
