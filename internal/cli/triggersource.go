package cli

import (
	"cmp"
	"net"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// triggerSourceFlags are what can be set of triggers that look for files or mail.
type triggerSourceFlags struct {
	File      string        `help:"of files: a folder with a pattern for names, such as /in/orders/*.pdf" placeholder:"PATTERN"`
	FileRobot fleet.RobotID `help:"of files: the robot that looks, in a folder that it was given by --root" placeholder:"ID"`
	Settle    time.Duration `help:"of files: for how long size and time must stand still; 2s" placeholder:"DURATION"`
	Existing  bool          `help:"of files: those that lie there already count too"`

	IMAP         string        `name:"imap" help:"of mail: the IMAP server, with a port if it is not the usual one" placeholder:"HOST"`
	IMAPUser     string        `name:"imap-user" help:"of mail: whose mailbox" placeholder:"NAME"`
	IMAPSecret   string        `name:"imap-secret" help:"of mail: the secret of the vault with the password, as NAME or NAME.FIELD" placeholder:"NAME"`
	IMAPFolder   string        `name:"imap-folder" help:"of mail: the folder; INBOX" placeholder:"NAME"`
	IMAPSecurity string        `name:"imap-security" help:"of mail: tls or starttls; tls" placeholder:"WAY"`
	IMAPEvery    time.Duration `name:"imap-every" help:"of mail: the pause between two looks; 1m" placeholder:"DURATION"`
}

// sources changes the rule of a trigger by the flags for files and mail.
func (f *triggerSourceFlags) sources(was client.Trigger, c *client.TriggerChange) error {
	if f.File != "" || f.FileRobot != "" || f.Settle != 0 || f.Existing {
		if was.File == nil && (f.File == "" || f.FileRobot == "") {
			return fleet.Invalid("file", "A trigger for files needs --file and --file-robot.")
		}
		c.File = &fleet.FileRule{}
		if was.File != nil {
			*c.File = *was.File
		}
		c.File.Path, c.File.RobotID = cmp.Or(f.File, c.File.Path), cmp.Or(f.FileRobot, c.File.RobotID)
		c.File.SettleSeconds = cmp.Or(wholeSeconds(f.Settle), c.File.SettleSeconds)
		c.File.Existing = f.Existing || c.File.Existing
	}
	if f.IMAP+f.IMAPUser+f.IMAPSecret+f.IMAPFolder+f.IMAPSecurity == "" && f.IMAPEvery == 0 {
		return nil
	}
	if was.Email == nil && (f.IMAP == "" || f.IMAPUser == "" || f.IMAPSecret == "") {
		return fleet.Invalid("imap", "A trigger for mail needs --imap, --imap-user and --imap-secret.")
	}
	c.Email = &fleet.EmailRule{}
	if was.Email != nil {
		*c.Email = *was.Email
	}
	m := c.Email
	if f.IMAPSecurity != "" && fleet.MailSecurity(f.IMAPSecurity) != m.Security {
		m.Security, m.Port = fleet.MailSecurity(f.IMAPSecurity), 0 // the usual one of the other way
	}
	if f.IMAP != "" {
		m.Host, m.Port = f.IMAP, 0
		if host, port, err := net.SplitHostPort(f.IMAP); err == nil {
			m.Host = host
			if m.Port, err = strconv.Atoi(port); err != nil {
				return fleet.Invalid("imap", "The port of --imap must be a number; got %q.", port)
			}
		}
	}
	m.Username, m.Secret, m.Folder = cmp.Or(f.IMAPUser, m.Username), cmp.Or(f.IMAPSecret, m.Secret), cmp.Or(f.IMAPFolder, m.Folder)
	m.EverySeconds = cmp.Or(wholeSeconds(f.IMAPEvery), m.EverySeconds)
	return nil
}

func wholeSeconds(d time.Duration) int { return int(d / time.Second) }
