package fail

// Point names a place at which a program can be made to die, or an operation
// to fail.
type Point string

// Process is the program in which a point lies.
type Process string

// The programs.
const (
	Orchestrator Process = "orchestrator"
	Robot        Process = "robot"
)

// Spec says where a point lies and what a crash there proves.
type Spec struct {
	Point   Point
	Process Process
	In      string // package below internal and function that calls At; stores may each have their own
	After   string // what has happened
	Before  string // what has not
	Proves  string // rows of the failure table and promises
	Store   string // the only store that has this point; empty: every store
}

// The points of an orchestrator: what a client asks for.
const (
	SubmitBeforeCommit   Point = "submit.before_commit"
	SubmitAfterCommit    Point = "submit.after_commit"
	SubmitReplayed       Point = "submit.replayed"
	BulkStored           Point = "bulk.stored"
	BulkBeforeCommit     Point = "bulk.before_commit"
	BulkAfterCommit      Point = "bulk.after_commit"
	WorkflowBeforeCommit Point = "workflow.before_commit"
	WorkflowAfterCommit  Point = "workflow.after_commit"
	CancelBeforeCommit   Point = "cancel.before_commit"
	CancelAfterCommit    Point = "cancel.after_commit"
	CancelQueued         Point = "cancel.queued"
	RetryBeforeCommit    Point = "retry.before_commit"
	RetryAfterCommit     Point = "retry.after_commit"
	DecideBeforeCommit   Point = "decide.before_commit"
	DecideAfterCommit    Point = "decide.after_commit"
)

// The points of an orchestrator: an attempt.
const (
	OfferBeforeCommit    Point = "offer.before_commit"
	OfferAfterCommit     Point = "offer.after_commit"
	OfferQueued          Point = "offer.queued"
	AcceptReceived       Point = "accept.received"
	AcceptAfterCommit    Point = "accept.after_commit"
	StartQueued          Point = "start.queued"
	RejectBeforeCommit   Point = "reject.before_commit"
	RejectAfterCommit    Point = "reject.after_commit"
	ProgressReceived     Point = "progress.received"
	ProgressAfterCommit  Point = "progress.after_commit"
	BeatReceived         Point = "beat.received"
	BeatAfterCommit      Point = "beat.after_commit"
	LogsReceived         Point = "logs.received"
	LogsAfterCommit      Point = "logs.after_commit"
	StartedReceived      Point = "started.received"
	StartedAfterCommit   Point = "started.after_commit"
	EffectBeginReceived  Point = "effect_begin.received"
	EffectBeginCommitted Point = "effect_begin.after_commit"
	EffectEndReceived    Point = "effect_end.received"
	EffectEndCommitted   Point = "effect_end.after_commit"
	ResultReceived       Point = "result.received"
	ResultAfterCommit    Point = "result.after_commit"
	ResultAcked          Point = "result.acked"
)

// The points of an orchestrator: time, sessions, start and stop.
const (
	TimerDue            Point = "timer.due"
	TimerExpire         Point = "timer.expire"
	TimerStop           Point = "timer.stop"
	TimerAccept         Point = "timer.accept"
	TimerAfterCommit    Point = "timer.after_commit"
	SilenceBeforeCommit Point = "silence.before_commit"
	LoseBeforeCommit    Point = "lose.before_commit"
	LoseAfterCommit     Point = "lose.after_commit"
	RunLimitBefore      Point = "run_limit.before_commit"
	RunLimitAfter       Point = "run_limit.after_commit"
	ReconcileLost       Point = "reconcile.lost"
	HelloBeforeCommit   Point = "hello.before_commit"
	HelloAfterCommit    Point = "hello.after_commit"
	SessionBeforeClose  Point = "session.before_close"
	SessionAfterClose   Point = "session.after_close"
	JoinBeforeCommit    Point = "join.before_commit"
	JoinAfterCommit     Point = "join.after_commit"
	MigrateBefore       Point = "migrate.before_script"
	MigrateBeforeCommit Point = "migrate.before_commit"
	MigrateAfter        Point = "migrate.after_script"
	DrainSent           Point = "drain.sent"
	StopStep            Point = "stop.step"
	StoreBeforeCommit   Point = "store.before_commit"
	StoreLocked         Point = "store.locked"
	StoreCommitSent     Point = "store.commit_sent"
	NotifyBefore        Point = "notify.before"
	LeaseTaken          Point = "lease.taken"
	StoreAfterCommit    Point = "store.after_commit"
)

// The points of a robot.
const (
	RobotHelloSent          Point = "robot.hello_sent"
	RobotWelcomed           Point = "robot.welcomed"
	RobotOfferReceived      Point = "robot.offer_received"
	RobotAcceptWritten      Point = "robot.accept_written"
	RobotAcceptSent         Point = "robot.accept_sent"
	RobotRejectSent         Point = "robot.reject_sent"
	RobotStartReceived      Point = "robot.start_received"
	RobotStartedWritten     Point = "robot.started_written"
	RobotStartedSent        Point = "robot.started_sent"
	RobotRunBegin           Point = "robot.run_begin"
	RobotRunEnd             Point = "robot.run_end"
	RobotEffectBeginWritten Point = "robot.effect_begin_written"
	RobotEffectBeginSent    Point = "robot.effect_begin_sent"
	RobotEffectGo           Point = "robot.effect_go"
	RobotEffectDone         Point = "robot.effect_done"
	RobotEffectEndWritten   Point = "robot.effect_end_written"
	RobotEffectEndSent      Point = "robot.effect_end_sent"
	RobotEndWritten         Point = "robot.end_written"
	RobotResultWritten      Point = "robot.result_written"
	RobotResultSent         Point = "robot.result_sent"
	RobotAckReceived        Point = "robot.ack_received"
	RobotAckWritten         Point = "robot.ack_written"
	RobotCancelReceived     Point = "robot.cancel_received"
	RobotBeatSent           Point = "robot.beat_sent"
	RobotDrainBegun         Point = "robot.drain_begun"
	RobotDrainIdle          Point = "robot.drain_idle"
	JournalReserve          Point = "journal.reserve"
	JournalWrite            Point = "journal.write"
	JournalBeforeSync       Point = "journal.before_sync"
	JournalAfterSync        Point = "journal.after_sync"
	JournalBeforeRename     Point = "journal.before_rename"
	JournalAfterRename      Point = "journal.after_rename"
)
