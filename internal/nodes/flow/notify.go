package flow

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// maxAnswer is how much of a webhook's answer is kept.
const maxAnswer = 1 << 20

// webhookNotify posts a message. An answer of 400 or more is the receiver's
// trouble and not a failure of the step.
func webhookNotify(ctx context.Context, c *engine.Call) (engine.Result, error) {
	status, answer, err := post(ctx, c)
	c.Set("success", err == nil && status < 400)
	if err != nil {
		c.Set("response", err.Error())
		return engine.Result{}, err
	}
	c.Set("response", answer)
	if status >= 400 {
		c.Note("the webhook answered with status " + value.Str(int64(status)))
	}
	return engine.Continue(), nil
}

func post(ctx context.Context, c *engine.Call) (status int, answer string, err error) {
	url := c.Text("webhook_url")
	if url == "" {
		return 0, "", engine.Failed("No webhook URL provided")
	}
	timeout, err := c.Float("timeout", 30)
	if err != nil {
		return 0, "", err
	}
	retries, err := c.Int("retry_count", 0)
	if err != nil {
		return 0, "", err
	}
	delay, err := c.Float("retry_delay", 2)
	if err != nil {
		return 0, "", err
	}
	details, _ := c.Param("error_details").(*value.Map)
	if details == nil {
		if text, ok := c.Param("error_details").(string); ok && text != "" {
			details = value.MapOf("details", text)
		}
	}
	body, err := value.Dumps(payload(c.Text("format"), c.Text("message"), details), value.Options{Indent: -1, EnsureASCII: true})
	if err != nil {
		return 0, "", err
	}
	for attempt := int64(0); ; attempt++ {
		status, answer, err = send(ctx, c.Host(), url, body, seconds(timeout))
		if (err == nil && status < 500) || attempt >= retries {
			return status, answer, err
		}
		if waitErr := engine.Pause(ctx, seconds(delay)); waitErr != nil {
			return 0, "", waitErr
		}
	}
}

func send(ctx context.Context, host engine.Host, url, body string, timeout time.Duration) (int, string, error) {
	resp, err := host.Fetch(ctx, &engine.Request{
		Method: "POST", URL: url, Body: strings.NewReader(body),
		Header:          map[string][]string{"Content-Type": {"application/json"}},
		Timeout:         timeout,
		FollowRedirects: true, MaxRedirects: 10,
	})
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	return resp.Status, string(text), err
}

// payload has the shape that the receiver understands.
func payload(format, message string, details *value.Map) *value.Map {
	if details == nil {
		details = value.NewMap()
	}
	fields := func(keys string, limit int, inline ...any) []any {
		list := []any{}
		name, text, _ := strings.Cut(keys, ",")
		for k, v := range details.All() {
			shown := []rune(value.Str(v))
			if limit > 0 && len(shown) > limit {
				shown = shown[:limit]
			}
			list = append(list, value.MapOf(append([]any{name, k, text, string(shown)}, inline...)...))
		}
		return list
	}
	blocks := func(block *value.Map) []any {
		if details.Len() == 0 {
			return []any{}
		}
		return []any{block}
	}
	switch format {
	case "slack":
		return value.MapOf("text", message, "attachments", blocks(value.MapOf(
			"color", "danger", "title", "Error Details", "fields", fields("title,value", 0, "short", true))))
	case "discord":
		return value.MapOf("content", message, "embeds", blocks(value.MapOf(
			"title", "Error Details", "color", int64(0xe74c3c), "fields", fields("name,value", 1024, "inline", true))))
	case "teams":
		return value.MapOf("@type", "MessageCard", "themeColor", "FF0000", "summary", message,
			"sections", []any{value.MapOf("activityTitle", message, "facts", fields("name,value", 0))})
	}
	return value.MapOf("message", message, "details", details, "source", "CasareRPA")
}
