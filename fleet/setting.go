package fleet

// Setting is one thing that an orchestrator was started with.
type Setting struct {
	Name    string        `json:"name"` // of its flag
	Group   SettingGroup  `json:"group"`
	About   string        `json:"about"`
	Value   string        `json:"value"`
	Default string        `json:"default"`
	Source  SettingSource `json:"source"`
	Env     []string      `json:"environment"` // the names that set it, too
}

// SettingGroup says what a setting is about.
type SettingGroup string

// The groups.
const (
	SettingLimits    SettingGroup = "limits"
	SettingRetention SettingGroup = "retention"
)

// SettingSource says where a value comes from.
type SettingSource string

// The sources. A flag, the environment and the file are one.
const (
	SettingDefault SettingSource = "default"
	SettingGiven   SettingSource = "given"
)
