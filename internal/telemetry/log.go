package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/redact"
)

// LogOptions say how log lines are written.
type LogOptions struct {
	Level    string           // debug, info, warn, error
	Format   string           // text, json, or auto: text if Terminal
	Terminal bool             // whether the writer is one
	Redactor *redact.Redactor // may be nil
}

// NewLogger makes the logger of a program. Text lines carry the time of day,
// the level, the message and the attributes; JSON lines carry the full time.
func NewLogger(w io.Writer, o LogOptions) (*slog.Logger, error) {
	var level slog.Level
	if o.Level != "" {
		if err := level.UnmarshalText([]byte(o.Level)); err != nil {
			return nil, fleet.Invalid("log-level", "log-level must be debug, info, warn or error; got %q.", o.Level)
		}
	}
	w = &lineWriter{to: w, redactor: o.Redactor}
	opts := &slog.HandlerOptions{Level: level}
	switch {
	case o.Format == "json", (o.Format == "auto" || o.Format == "") && !o.Terminal:
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	case o.Format == "text", o.Format == "auto", o.Format == "":
		opts.ReplaceAttr = shortTime
		return slog.New(slog.NewTextHandler(w, opts)), nil
	}
	return nil, fleet.Invalid("log-format", "log-format must be auto, text or json; got %q.", o.Format)
}

// Discard is a logger that writes nothing.
func Discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// shortTime keeps lines short for people; the day is on their wall.
func shortTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
		return slog.String(slog.TimeKey, a.Value.Time().Format("15:04:05.000"))
	}
	return a
}

// lineWriter masks secrets. A slog handler writes one line per call, so no
// secret is cut in two here and nothing has to be held back.
type lineWriter struct {
	to       io.Writer
	redactor *redact.Redactor
}

func (w *lineWriter) Write(p []byte) (int, error) {
	if w.redactor == nil {
		return w.to.Write(p)
	}
	if _, err := io.WriteString(w.to, w.redactor.Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Err is the attribute of an error. The cause that people do not see is in it.
func Err(err error) slog.Attr {
	if err == nil {
		return slog.Attr{}
	}
	if cause := fleet.AsError(err).Unwrap(); cause != nil && !strings.Contains(err.Error(), cause.Error()) {
		return slog.String("error", fmt.Sprintf("%s (%s)", err, cause))
	}
	return slog.String("error", err.Error())
}

type contextKey struct{}

// With puts attributes on the context: the request's id, the job's. Logged adds them.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	old, _ := ctx.Value(contextKey{}).([]slog.Attr)
	return context.WithValue(ctx, contextKey{}, append(slices.Clip(old), attrs...))
}

// Logged returns the logger with what With put on the context.
func Logged(ctx context.Context, log *slog.Logger) *slog.Logger {
	attrs, _ := ctx.Value(contextKey{}).([]slog.Attr)
	for _, a := range attrs {
		log = log.With(a)
	}
	return log
}
