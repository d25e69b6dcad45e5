package fleet

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Trigger starts jobs of a workflow when something happens: a web call comes, a
// queue has work, the log of facts tells of an event, a file lies in a folder of a
// robot, or a message comes into a mailbox. Each firing is a row, whatever became
// of it: a [Firing].
type Trigger struct {
	ID          ID       `json:"trigger_id"`
	Tenant      TenantID `json:"tenant_id"`
	Name        string   `json:"name"` // unique in its tenant, whatever the case of its letters
	Description string   `json:"description,omitempty"`
	WorkflowID  ID       `json:"workflow_id"`
	Version     int      `json:"version"` // of the workflow; 0: whatever is newest when a job is made
	// JobTemplate is what its jobs have in common. A value of its inputs that is
	// {"pointer": "/a/b"} is taken from what the trigger was told; with "default"
	// beside it, that stands where there is nothing.
	JobTemplate

	Kind    TriggerKind  `json:"kind"`
	Webhook *WebhookRule `json:"webhook,omitempty"` // of kind webhook
	Queue   *QueueRule   `json:"queue,omitempty"`   // of kind queue
	Event   *EventRule   `json:"event,omitempty"`   // of kind event
	File    *FileRule    `json:"file,omitempty"`    // of kind file
	Email   *EmailRule   `json:"email,omitempty"`   // of kind email

	Enabled bool   `json:"enabled"`
	Note    string `json:"note,omitempty"` // why it is disabled
	// CooldownSeconds is the least time between two firings that start a job.
	CooldownSeconds int `json:"cooldown_seconds"`
	MaxActive       int `json:"max_active"` // jobs of it that have not ended; 0: any number
	// Filter must hold of what the trigger was told, by JSON Pointers.
	Filter []Comparison `json:"filter,omitempty"`
	// PauseAfterFailures disables the trigger after so many of its jobs in a row
	// have failed or timed out; 0: never.
	PauseAfterFailures int `json:"pause_after_failures"`

	Revision  int64     `json:"revision"` // counts changes that somebody made; the ETag
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by,omitempty"`
	DeletedAt time.Time `json:"deleted_at,omitzero"`

	TriggerState `json:"-"`
}

// TriggerState is what changes while a trigger is at work.
type TriggerState struct {
	// Since is the number of the event up to which it looks at nothing: where the
	// log ended when it was made or enabled.
	Since     int64
	Fired     int64 // jobs that it started
	Successes int64 // of those that have ended
	Failures  int64
	Streak    int64 // failures since the last success
	LastFired time.Time
	LastJob   ID
	// Place is how far the source was read, for those that keep it: a mailbox.
	Place string
	// Fault is why it cannot look at its source now; empty if it can.
	Fault string
}

// TriggerKind says what a trigger waits for.
type TriggerKind string

// The kinds.
const (
	TriggerWebhook TriggerKind = "webhook"
	TriggerQueue   TriggerKind = "queue"
	TriggerEvent   TriggerKind = "event"
	TriggerFile    TriggerKind = "file"
	TriggerEmail   TriggerKind = "email"
)

// WebhookRule says who may call a trigger, and how.
type WebhookRule struct {
	Path string      `json:"path,omitempty"` // below /webhooks/; empty: by its id alone
	Auth WebhookAuth `json:"auth"`
	// Secret names what the caller must have: a secret of the vault, or one of its
	// fields as NAME.FIELD.
	Secret string `json:"secret"`
	// Header is where the signature or the key stands, for senders that name it
	// otherwise than is usual.
	Header string `json:"header,omitempty"`
	// DeliveryHeader names a delivery, so that a repeated one is known again.
	DeliveryHeader string `json:"delivery_header,omitempty"`
}

// Address is the path below /webhooks/: that of another tenant than the default
// one begins with its id, so that no tenant can take the paths of another.
func (w *WebhookRule) Address(tenant TenantID) string {
	if tenant == DefaultTenant {
		return w.Path
	}
	return string(tenant) + "/" + w.Path
}

// ValidHookAddress says whether a text could be the id of a trigger or the path
// of one, with or without its tenant.
func ValidHookAddress(text string) bool {
	if owner, path, ok := strings.Cut(text, "/"); ok {
		return tenantForm.MatchString(owner) && webhookPath.MatchString(path)
	}
	return ID(text).Valid() || webhookPath.MatchString(text)
}

// WebhookAuth is how a caller proves that it may call.
type WebhookAuth string

// The ways. Signatures are over the body as it came.
const (
	WebhookKey      WebhookAuth = "api_key" // in a header, as it is
	WebhookBearer   WebhookAuth = "bearer"
	WebhookSHA256   WebhookAuth = "hmac_sha256" // GitHub's form, and the usual one
	WebhookSHA384   WebhookAuth = "hmac_sha384"
	WebhookSHA512   WebhookAuth = "hmac_sha512"
	WebhookSHA1     WebhookAuth = "hmac_sha1" // weak; for senders that know nothing else
	WebhookStripe   WebhookAuth = "stripe"
	WebhookStandard WebhookAuth = "standard_webhooks"
)

// WebhookAuths lists them.
func WebhookAuths() []WebhookAuth {
	return []WebhookAuth{WebhookKey, WebhookBearer, WebhookSHA256, WebhookSHA384, WebhookSHA512, WebhookSHA1, WebhookStripe, WebhookStandard}
}

// QueueRule says how many jobs work off a queue.
type QueueRule struct {
	QueueID     ID  `json:"queue_id"`
	MinItems    int `json:"min_items"`     // fewer start nothing
	ItemsPerJob int `json:"items_per_job"` // one job for each so many
	MaxJobs     int `json:"max_jobs"`      // at once
}

// EventRule says which facts start a job.
type EventRule struct {
	Types []EventKind `json:"types"` // such as job.completed
	// Workflow is the only one whose jobs count; for events of jobs.
	Workflow ID `json:"workflow_id,omitempty"`
}

// The bounds of triggers.
const (
	MaxTriggerSeconds  = 30 * 24 * 3600
	MaxTriggerActive   = 1000
	MaxTriggerItems    = 1_000_000
	MaxTriggerTypes    = 16
	MaxTriggerDepth    = 8 // a chain of triggers that is deeper is a loop
	MaxWebhookBody     = 1 << 20
	WebhookRemembers   = 24 * time.Hour  // deliveries, so that a repeated one starts no second job
	WebhookWindow      = 5 * time.Minute // a signed time may lie so far off
	MaxDeliveryID      = 256
	maxWebhookHeader   = 64
	maxWebhookPath     = 128
	maxTriggerTypeText = 64
)

var (
	webhookPath  = regexp.MustCompile(`^[a-z0-9][a-z0-9._~-]*$`)
	headerForm   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)
	noHookHeader = []string{"authorization", "cookie", "host", "content-length", "content-type", "connection", "transfer-encoding"}
)

// Key is the name as it is compared.
func (t *Trigger) Key() string { return strings.ToLower(t.Name) }

// Normal fills in what follows from the choices made.
func (t *Trigger) Normal() {
	if t.Kind != TriggerWebhook {
		t.Webhook = nil
	} else if t.Webhook == nil {
		t.Webhook = &WebhookRule{}
	}
	if t.Webhook != nil && t.Webhook.Auth == "" {
		t.Webhook.Auth = WebhookKey
	}
	if t.Kind != TriggerQueue {
		t.Queue = nil
	}
	if q := t.Queue; q != nil {
		for _, n := range []struct {
			field *int
			usual int
		}{{&q.MinItems, 1}, {&q.ItemsPerJob, 1}, {&q.MaxJobs, 10}} {
			if *n.field == 0 {
				*n.field = n.usual
			}
		}
	}
	if t.Kind != TriggerEvent {
		t.Event = nil
	}
	t.normalSource()
}

// Validate checks all that can be set, except what the use cases look up.
func (t *Trigger) Validate() error {
	if err := ValidateName("name", t.Name, 128); err != nil {
		return err
	}
	if len([]rune(t.Description)) > MaxScheduleNote || len([]rune(t.Note)) > MaxScheduleNote {
		return Invalid("description", "description and note may have at most %d characters.", MaxScheduleNote)
	}
	if !t.WorkflowID.Valid() {
		return Invalid("workflow_id", "A trigger needs the id of the workflow that it runs.")
	}
	if err := within([]bound{
		{"version", t.Version, 0, 1 << 30},
		{"cooldown_seconds", t.CooldownSeconds, 0, MaxTriggerSeconds},
		{"max_active", t.MaxActive, 0, MaxTriggerActive},
		{"pause_after_failures", t.PauseAfterFailures, 0, MaxFailuresInRow},
		{"queue_timeout_seconds", t.QueueTimeoutSeconds, 0, MaxScheduleSeconds},
		{"run_timeout_seconds", t.RunTimeoutSeconds, 0, MaxScheduleSeconds},
	}); err != nil {
		return err
	}
	if err := ValidateDocumentConditions("filter", t.Filter); err != nil {
		return err
	}
	if err := t.JobTemplate.validate(); err != nil {
		return err
	}
	if err := checkPointers(t.Inputs); err != nil {
		return err
	}
	switch t.Kind {
	case TriggerWebhook:
		return t.Webhook.validate()
	case TriggerQueue:
		return t.Queue.validate(len(t.Filter), t.CooldownSeconds > 0 || t.MaxActive > 0)
	case TriggerEvent:
		return t.Event.validate()
	case TriggerFile:
		return t.File.validate()
	case TriggerEmail:
		return t.Email.validate()
	}
	return Invalid("kind", "kind must be webhook, queue, event, file or email; got %q.", clip(string(t.Kind), 40))
}

func (w *WebhookRule) validate() error {
	if !slices.Contains(WebhookAuths(), w.Auth) {
		return Invalid("webhook.auth", "webhook.auth must be one of %s; got %q.", Listed(WebhookAuths()), clip(string(w.Auth), 40))
	}
	if w.Path != "" && (len(w.Path) > maxWebhookPath || !webhookPath.MatchString(w.Path)) {
		return Invalid("webhook.path", "webhook.path is lower-case letters, digits, '.', '_', '~' and '-', at most %d characters; got %q.", maxWebhookPath, clip(w.Path, 80))
	}
	if err := validateSecretField("webhook.secret", w.Secret); err != nil {
		return err
	}
	for field, name := range map[string]string{"webhook.header": w.Header, "webhook.delivery_header": w.DeliveryHeader} {
		if name == "" {
			continue
		}
		if len(name) > maxWebhookHeader || !headerForm.MatchString(name) || slices.Contains(noHookHeader, strings.ToLower(name)) {
			return Invalid(field, "%s names a header of letters, digits and '-', at most %d characters, and none that HTTP itself uses; got %q.", field, maxWebhookHeader, clip(name, 80))
		}
	}
	return nil
}

func (q *QueueRule) validate(filters int, more bool) error {
	switch {
	case q == nil || !q.QueueID.Valid():
		return Invalid("queue.queue_id", "A trigger of kind queue needs the id of its queue.")
	case q.MinItems < 1 || q.MinItems > MaxTriggerItems:
		return Invalid("queue.min_items", "queue.min_items must be between 1 and %d; got %d.", MaxTriggerItems, q.MinItems)
	case q.ItemsPerJob < 1 || q.ItemsPerJob > MaxTriggerItems:
		return Invalid("queue.items_per_job", "queue.items_per_job must be between 1 and %d; got %d.", MaxTriggerItems, q.ItemsPerJob)
	case q.MaxJobs < 1 || q.MaxJobs > MaxTriggerActive:
		return Invalid("queue.max_jobs", "queue.max_jobs must be between 1 and %d; got %d.", MaxTriggerActive, q.MaxJobs)
	case more:
		return Invalid("cooldown_seconds", "A trigger of kind queue starts as many jobs as its rule says; it takes neither cooldown_seconds nor max_active.").WithFix("Set queue.max_jobs.")
	case filters > 0:
		return Invalid("filter", "A trigger of kind queue looks at how much there is to do, not at single items; it takes no filter.")
	}
	return nil
}

func (e *EventRule) validate() error {
	if e == nil || len(e.Types) == 0 || len(e.Types) > MaxTriggerTypes {
		return Invalid("event.types", "A trigger of kind event needs 1 to %d types of events, such as job.completed.", MaxTriggerTypes)
	}
	for _, kind := range e.Types {
		if !slices.Contains(EventKinds(), kind) {
			return Invalid("event.types", "There is no type of event %q.", clip(string(kind), maxTriggerTypeText)).WithFix("GET /api/v1/events shows them; api/events.json lists all.")
		}
		if strings.HasPrefix(string(kind), "trigger.") {
			return Invalid("event.types", "A trigger cannot wait for triggers: %s.", kind)
		}
	}
	if e.Workflow != "" && !e.Workflow.Valid() {
		return Invalid("event.workflow_id", "event.workflow_id is the id of a workflow; got %q.", clip(string(e.Workflow), 80))
	}
	return nil
}

// Listed is words with commas between them.
func Listed[T ~string](words []T) string {
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = string(w)
	}
	return strings.Join(parts, ", ")
}

// fromPayload is an input that is taken from what a trigger was told.
type fromPayload struct {
	Pointer *string         `json:"pointer"`
	Default json.RawMessage `json:"default"`
}

// pointed reads an input as one; ok is false for a fixed value.
func pointed(raw json.RawMessage) (p fromPayload, ok bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || fields["pointer"] == nil || len(fields) > 2 || len(fields) == 2 && fields["default"] == nil {
		return p, false
	}
	return p, json.Unmarshal(raw, &p) == nil && p.Pointer != nil
}

func checkPointers(inputs json.RawMessage) error {
	var fields map[string]json.RawMessage
	if len(inputs) == 0 || json.Unmarshal(inputs, &fields) != nil {
		return nil // validated before
	}
	for name, raw := range fields {
		if p, ok := pointed(raw); ok && *p.Pointer != "" && (*p.Pointer)[0] != '/' {
			return Invalid("inputs."+clip(name, 80), "A pointer begins with '/', or is empty for all that was told; got %q.", clip(*p.Pointer, 80))
		}
	}
	return nil
}

// Fill makes the inputs of a job from fixed values and from what the trigger was
// told. missing names a pointer that leads nowhere and has no default.
func (t *Trigger) Fill(payload json.RawMessage) (inputs json.RawMessage, missing string, err error) {
	if len(t.Inputs) == 0 {
		return nil, "", nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(t.Inputs, &fields); err != nil {
		return nil, "", Internal(err)
	}
	for name, raw := range fields {
		p, ok := pointed(raw)
		if !ok {
			continue
		}
		found, there := Pointer(payload, *p.Pointer)
		switch {
		case there:
			fields[name] = found
		case p.Default != nil:
			fields[name] = p.Default
		case missing == "" || name < missing:
			missing = name
		}
	}
	if missing != "" {
		return nil, missing, nil
	}
	inputs, err = json.Marshal(fields)
	return inputs, "", err
}
