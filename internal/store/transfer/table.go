package transfer

import (
	"cmp"
	"fmt"
	"strings"
)

// Kind is the type of a column, as both databases mean it.
type Kind uint8

// The kinds, and what a Row holds for each. Null is nil in all of them.
const (
	Int   Kind = iota + 1 // int64
	Float                 // float64
	Text                  // string
	Bytes                 // []byte, not nil
	Time                  // int64, microseconds since 1970, UTC
	Bool                  // bool
)

var kinds = map[string]Kind{"int": Int, "float": Float, "text": Text, "bytes": Bytes, "time": Time, "bool": Bool}

// String is the kind's word.
func (k Kind) String() string {
	for word, kind := range kinds {
		if kind == k {
			return word
		}
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Column is one column of a table.
type Column struct {
	Name string
	Kind Kind
}

// Table is one table of the schema.
type Table struct {
	Name    string
	Columns []Column
	Keys    []int // places of the key's columns, in the key's order
	Logs    bool  // SQLite keeps it in the file of the logs
}

// Row is one row of a table, a value for each column.
type Row []any

// Key is the row's key for people.
func (t *Table) Key(r Row) string {
	parts := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		parts[i] = show(r[k])
	}
	return strings.Join(parts, ", ")
}

// compare puts two rows in the order of the key. Texts compare byte by byte, as
// both databases do.
func (t *Table) compare(a, b Row) int {
	for _, k := range t.Keys {
		var c int
		switch x := a[k].(type) {
		case int64:
			y, _ := b[k].(int64)
			c = cmp.Compare(x, y)
		case string:
			y, _ := b[k].(string)
			c = cmp.Compare(x, y)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// Names lists the columns, for a statement.
func (t *Table) Names() string { return join(t.Columns, func(c Column) string { return c.Name }) }

// Order lists the columns of the key, for a statement.
func (t *Table) Order() string {
	return join(t.Keys, func(i int) string { return t.Columns[i].Name })
}

func join[T any](list []T, text func(T) string) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = text(e)
	}
	return strings.Join(parts, ", ")
}

// Tables lists the tables in an order in which they can be filled: what others
// refer to comes first. Tests hold it against both schemas.
func Tables() []Table {
	return []Table{
		table("store_meta", "one", "one:int store_id:text generation:int created_at:time pepper_check:text"),
		table("tenant_heads", "tenant_id", `tenant_id:text seq:int job_seq:int pending:int assigned:int running:int
			cancelling:int needs_decision:int completed:int failed:int cancelled:int timed_out:int share_weight:int
			served_ms:int`),
		table("keys", "id", `id:text tenant_id:text kind:text name:text robot_id:text environment:text role:text hash:text
			hint:text created_at:time expires_at:time revoked_at:time description:text scopes:text environments:text
			ranges:text owner_id:text replaced_by:text last_used_ip:text first_used_at:time last_used_at:time
			late_used_at:time warned_at:time ended_at:time created_by:text`),
		table("key_uses", "tenant_id key_id day", "tenant_id:text key_id:text day:int uses:int"),
		table("revocations", "tenant_id", "tenant_id:text number:int"),
		table("enrolments", "id", `id:text tenant_id:text name_pattern:text environment:text pool:text tags:text hash:text
			hint:text uses_max:int uses:int created_at:time created_by:text expires_at:time revoked_at:time`),
		table("users", "id", `tenant_id:text id:text name:text name_key:text email:text role:text disabled:bool password:text version:int
			issuer:text subject:text created_at:time updated_at:time signed_in_at:time`),
		table("sign_ins", "tenant_id user_id id", `tenant_id:text id:text user_id:text kind:text created_at:time seen_at:time ends_at:time
			address:text agent:text`),
		table("user_tokens", "hash", `hash:text tenant_id:text user_id:text sign_in_id:text kind:text created_at:time expires_at:time
			used_at:time`),
		table("sign_in_guards", "tenant_id subject", "tenant_id:text subject:text failures:int since:time locked_until:time"),
		table("workflow_bodies", "hash", "hash:text body:bytes"),
		table("workflows", "id", `id:text tenant_id:text name:text newest:int hash:text created_at:time updated_at:time
			deleted_at:time`),
		table("workflow_versions", "workflow_id version", `workflow_id:text version:int tenant_id:text hash:text
			requires:text node_count:int created_at:time created_by:text placement:text retry:text retry_safety:text`),
		table("robots", "tenant_id id", `tenant_id:text id:text name:text hostname:text environment:text
			capabilities:text tags:text os:text arch:text agent_version:text wished_slots:int slot_limit:int
			admin_mode:text session_epoch:int session_id:text member_id:text last_assigned_at:time
			quarantine_until:time created_at:time deleted_at:time pool:text facts:text pinned:text shared_with:text mode_until:time mode_note:text
			drain_deadline:time on_deadline:text drain_then:text lost_ms:int suspect_ms:int`),
		table("robot_samples", "robot_id tenant_id", `robot_id:text tenant_id:text last_seen:time reported_status:text
			cpu_percent:float memory_percent:float memory_mb:float disk_percent:float`),
		table("commands", "id", `id:text tenant_id:text robot_id:text kind:text state:text requested_by:text instance_id:text
			message:text created_at:time delivered_at:time ended_at:time expires_at:time`),
		table("queues", "tenant_id id", "tenant_id:text id:text name_key:text body:text version:int deleted_at:time"),
		table("queue_heads", "tenant_id queue_id", `tenant_id:text queue_id:text fresh:int in_progress:int successful:int failed:int
			abandoned:int retried:int deleted:int postponed:int`),
		table("queue_items", "id", `id:text tenant_id:text queue_id:text status:text postponed:bool rank:int due:int chain_id:text
			retry_no:int lost_no:int previous_id:text next_id:text priority:int reference:text deadline:time risk_at:time
			not_before:time overdue:bool robot_id:text robot_name:text job_id:text epoch:int holder:text claim_key:text
			lease_until:time started_at:time completed_at:time duration_ms:int error_type:text error_message:text
			exception_type:text review:text reviewer:text labels:text version:int created_at:time updated_at:time holder_id:text`),
		table("queue_item_data", "item_id", "item_id:text tenant_id:text data:bytes output:bytes comments:text"),
		table("queue_references", "tenant_id queue_id reference", "tenant_id:text queue_id:text reference:text chain_id:text until:time"),
		table("calendars", "tenant_id id", "tenant_id:text id:text name_key:text body:text revision:int"),
		table("schedules", "tenant_id id", `tenant_id:text id:text name:text workflow_id:text body:text enabled:bool revision:int
			cursor_at:time since_at:time due_at:time runs:int successes:int failures:int streak:int last_run_at:time
			last_job_id:text deleted_at:time`),
		table("schedule_fires", "schedule_id fire_at source", `schedule_id:text fire_at:time source:text tenant_id:text kind:text
			due_at:time outcome:text job_id:text reason:text moved:bool made_at:time open:bool ended_at:time job_state:text late:text
			watch_at:time`),
		table("schedule_ends", "job_id", "job_id:text tenant_id:text schedule_id:text state:text ended_at:time"),
		table("schedule_backfills", "tenant_id schedule_id id", "tenant_id:text schedule_id:text id:text body:text running:bool"),
		table("triggers", "tenant_id id", `tenant_id:text id:text name_key:text kind:text path:text body:text
			enabled:bool revision:int since_seq:int fired:int successes:int failures:int streak:int last_fired_at:time
			last_job_id:text deleted_at:time robot_id:text place:text fault:text`),
		table("trigger_firings", "id", `id:text tenant_id:text trigger_id:text at:time outcome:text job_id:text reason:text key:text
			claims:bool about:text depth:int open:bool ended_at:time job_state:text`),
		table("trigger_heads", "tenant_id", "tenant_id:text seq:int"),
		table("alert_rules", "tenant_id id", `tenant_id:text id:text name_key:text body:text revision:int`),
		table("alert_channels", "tenant_id id", `tenant_id:text id:text name_key:text body:text revision:int streak:int fault:text last_ok_at:time`),
		table("alert_silences", "tenant_id id", `tenant_id:text id:text name_key:text body:text revision:int`),
		table("incidents", "id", `id:text tenant_id:text rule_id:text rule_name:text kind:text severity:text state:text cause:text
			title:text subject:text subject_id:text count:int data:text first_at:time last_at:time opened_at:time
			acknowledged_at:time acknowledged_by:text note:text resolved_at:time resolved_by:text step:int
			escalate_at:time due_at:time`),
		table("alert_notices", "id", `id:text tenant_id:text incident_id:text channel_id:text kind:text state:text attempts:int fault:text
			held:bool due_at:time created_at:time sent_at:time`),
		table("alert_heads", "tenant_id", `tenant_id:text seq:int`),
		table("webhooks", "tenant_id id", `tenant_id:text id:text name_key:text body:text enabled:bool revision:int seq:int replay_from:int replay_to:int
			missed:int state:text failing_since:time hold_until:time deleted_at:time`),
		table("webhook_deliveries", "webhook_id seq", `webhook_id:text seq:int tenant_id:text event_id:text kind:text subject:text event_at:time
			state:text open:bool tries:int next_at:time ended_at:time status:int reason:text body:text log:text version:int`),
		table("webhook_secrets", "tenant_id webhook_id number", `tenant_id:text webhook_id:text number:int key_version:int sealed:text until:time`),
		table("views", "tenant_id id", "tenant_id:text id:text page:text owner:text name_key:text body:text revision:int"),
		table("bulk_operations", "tenant_id id", "tenant_id:text id:text version:int body:text ended_at:time"),
		table("bulk_targets", "tenant_id bulk_id wave position", `tenant_id:text bulk_id:text position:int robot_id:text wave:int state:text
			reason:text command_id:text job_id:text made_id:text`),
		table("sessions", "id", `id:text tenant_id:text robot_id:text session_epoch:int member_id:text transport:text
			instance_id:text boot_id:text journal_id:text features:text resume_hash:text opened_at:time closed_at:time
			reason:text`),
		table("journals", "robot_id tenant_id journal_id", `robot_id:text tenant_id:text journal_id:text
			committed_report_id:int`),
		table("lanes", "id", `id:int tenant_id:text environment:text requires:text target_robot_id:text waiting:int class:text
			placement:text`),
		table("jobs", "id", `id:text tenant_id:text seq:int name:text workflow_id:text workflow_name:text
			workflow_version:int workflow_hash:text state:text waiting_on:text waiting_code:text waiting_since:time
			epoch:int epoch_skipped:int version:int robot_id:text target_robot_id:text priority:int environment:text
			requires:text created_at:time available_at:time not_before:time deadline:time expires_at:time
			assigned_at:time first_started_at:time started_at:time ended_at:time timeout_ms:int max_retries:int
			max_lost:int retry_delay_ms:int retry_factor:float retry_max_delay_ms:int retry_jitter:float
			retry_on_timeout:bool retry_safety:text retries_used:int lost_used:int rejected_by:int stop_reason:text
			stop_deadline:time stop_force:bool cancel_outcome:text cancel_too_late:bool end_reason:text
			error_class:text error_code:text dead_letter:bool dead_letter_reason:text retry_of:text submitted_by:text
			lane_id:int placement:text labels:text dependency_rule:text on_unmet:text deps_open:int parent_id:text
			sticky_key:text children:int wait_limit_ms:int fill_inputs:bool
			retry_classes:text segment:int segments:int schedule_id:text fire_at:time`),
		table("dead_letters", "tenant_id job_id", "tenant_id:text job_id:text at:time reprocessed_at:time reprocessed_by:text"),
		table("job_parents", "child_id parent_id", "child_id:text parent_id:text tenant_id:text position:int"),
		table("job_data", "job_id", `job_id:text tenant_id:text variables:bytes result:bytes error:bytes duration_ms:int
			traceparent:text checkpoint:bytes checkpoint_epoch:int checkpoint_node:text checkpoint_reason:text
			resumes:bytes resumes_from:text`),
		table("attempts", "job_id epoch", `job_id:text epoch:int tenant_id:text robot_id:text session_epoch:int
			start_mode:text offered_at:time accept_by:time started_at:time running_at:time ended_at:time
			silent_since:time slot_free_at:time renew_seq:int progress:int current_node:text message:text outcome:text
			slots_after:int slots_max:int token_hash:text late_result:bool`),
		table("refusals", "job_id robot_id", `job_id:text robot_id:text tenant_id:text until:time reason:text count:int`),
		table("effects", "job_id node effect_key", `job_id:text node:text effect_key:text tenant_id:text epoch:int
			state:text outcome:bytes begun_at:time ended_at:time`),
		table("idempotency_keys", "tenant_id route key", `tenant_id:text route:text key:text request_hash:text
			job_id:text expires_at:time`),
		table("events", "tenant_id seq", `tenant_id:text seq:int id:text at:time kind:text subject:text subject_id:text
			subject_seq:int from_state:text to_state:text epoch:int actor:text data:bytes`),
		table("usual_robots", "workflow_id robot_id", `tenant_id:text workflow_id:text robot_id:text
			is_default:bool priority:int notes:text created_at:time`),
		table("node_overrides", "workflow_id node_id", `tenant_id:text workflow_id:text node_id:text placement:text same_as:text
			reason:text is_active:bool created_at:time created_by:text`),
		table("ties", "tenant_id sticky_key", "tenant_id:text sticky_key:text robot_id:text until:time"),
		table("reservations", "id", "tenant_id:text id:text name:text body:text"),
		table("environments", "tenant_id name", "tenant_id:text name:text body:text"),
		table("audit_heads", "tenant_id", "tenant_id:text seq:int hash:text cut_seq:int cut_hash:text"),
		table("audit", "tenant_id seq", `tenant_id:text seq:int at:time action:text actor_id:text object_kind:text object_id:text
			outcome:text body:text prev_hash:text hash:text`),
		table("audit_checkpoints", "tenant_id seq", "tenant_id:text seq:int at:time body:text"),
		table("secrets", "tenant_id name", "tenant_id:text name:text body:text exclusive:bool"),
		table("secret_uses", "tenant_id name job_id epoch", "tenant_id:text name:text job_id:text epoch:int"),
		table("secret_values", "tenant_id name environment robot_id", `tenant_id:text name:text environment:text robot_id:text
			version:int key_version:int sealed:text`),
		table("assets", "tenant_id name", "tenant_id:text name:text body:text"),
		table("tenants", "tenant_id", "tenant_id:text weight:int suspended:bool running_most:int body:text"),
		table("rollup_heads", "tenant_id", "tenant_id:text seq:int at:time sampled_at:time"),
		table("rollups", "tenant_id span dim at key", `tenant_id:text span:int dim:text at:time key:text label:text sample:text
			created:int completed:int failed:int timed_out:int cancelled:int run_ms:int waited:int wait_ms:int busy_ms:int
			capacity_ms:int samples:int pending_sum:int pending_max:int online_sum:int runs:bytes waits:bytes lost:int disconnects:int`),
		table("artifacts", "job_id epoch name", `job_id:text epoch:int name:text tenant_id:text node:text media:text size:int sha256:text
			created_at:time body:bytes`),
		table("robot_hours", "tenant_id robot_id at", "tenant_id:text robot_id:text at:time body:text minutes:bytes"),
		table("members", "id", `id:text incarnation:text version:text address:text renew_seq:int started_at:time`),
		table("leases", "name", `name:text member_id:text term:int renew_seq:int`),
		logs(table("log_heads", "job_id epoch", `job_id:text epoch:int tenant_id:text next_line:int bytes:int dropped:int`)),
		logs(table("log_lines", "job_id epoch line", `job_id:text epoch:int line:int tenant_id:text at:time rank:int
			level:text node:text message:text`)),
		logs(table("steps", "job_id epoch seq ended", `job_id:text epoch:int seq:int ended:int tenant_id:text node:text node_type:text
			iteration:text branch:text status:text started_at:time ended_at:time error:text`)),
	}
}

// table reads a description. What is wrong in one is found by the first test.
func table(name, key, columns string) Table {
	t := Table{Name: name}
	at := map[string]int{}
	for i, text := range strings.Fields(columns) {
		column, kind, _ := strings.Cut(text, ":")
		at[column] = i
		t.Columns = append(t.Columns, Column{column, kinds[kind]})
	}
	for column := range strings.FieldsSeq(key) {
		t.Keys = append(t.Keys, at[column])
	}
	return t
}

func logs(t Table) Table {
	t.Logs = true
	return t
}
