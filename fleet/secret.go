package fleet

import (
	"encoding/json"
	"regexp"
	"slices"
	"time"
)

// Secret is what is known of a secret without its values, which no reader of the
// API ever gets.
type Secret struct {
	Tenant      TenantID `json:"tenant_id"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	// Environments and Workflows bound which jobs may have it; empty: all.
	Environments []string      `json:"environments"`
	Workflows    []ID          `json:"workflows"`
	Values       []SecretValue `json:"values"` // where it has one; narrowest wins
	// Exclusive: one job may have it at a time, as an account that lets nobody sign
	// in twice. HeldBy are the jobs that have it now, shown of exclusive ones.
	Exclusive bool      `json:"exclusive"`
	HeldBy    []ID      `json:"held_by,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// SecretValue says that a secret has a value for some jobs, and of which fields.
type SecretValue struct {
	Place
	Fields    []string  `json:"fields"`
	Version   int64     `json:"version"` // rises with each change
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// Place is the jobs that a value is for: those on one robot, those of one
// environment, or all.
type Place struct {
	Environment string  `json:"environment,omitempty"`
	RobotID     RobotID `json:"robot_id,omitempty"`
}

// Narrowest picks the place that says most about a job in an environment on a
// robot: the robot's own, then the environment's, then that of all; -1 for none.
func Narrowest(places []Place, environment string, robot RobotID) int {
	if robot != "" {
		if i := slices.Index(places, Place{RobotID: robot}); i >= 0 {
			return i
		}
	}
	if environment != "" {
		if i := slices.Index(places, Place{Environment: environment}); i >= 0 {
			return i
		}
	}
	return slices.Index(places, Place{})
}

// MayHave says whether a job of a workflow in an environment may have the secret.
func (s *Secret) MayHave(workflow ID, environment string) bool {
	return (len(s.Environments) == 0 || slices.Contains(s.Environments, environment)) &&
		(len(s.Workflows) == 0 || slices.Contains(s.Workflows, workflow))
}

// The bounds of secrets and assets.
const (
	MaxSecretFields = 16
	MaxSecretBytes  = 64 << 10 // of one field
	MaxAssetBytes   = 64 << 10
	MaxPlaces       = 1000 // values of one secret or asset
)

var vaultName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$`)

// ValidateVaultName checks the name of a secret, of a field of one, or of an
// asset: it stands in workflows, with a dot between secret and field.
func ValidateVaultName(field, name string) error {
	if !vaultName.MatchString(name) {
		return Invalid(field, "%s must be 1 to 64 letters, digits, - or _, and begin with a letter or digit; got %q.", field, clip(name, 80))
	}
	return nil
}

// Validate checks what can be set beside the values.
func (s *Secret) Validate() error {
	if err := ValidateVaultName("name", s.Name); err != nil {
		return err
	}
	if len([]rune(s.Description)) > 500 {
		return Invalid("description", "description may have at most 500 characters.")
	}
	if len(s.Environments) > 100 || len(s.Workflows) > 1000 {
		return Invalid("workflows", "A secret may name at most 100 environments and 1000 workflows.")
	}
	for _, e := range s.Environments {
		if err := ValidateEnvironment(e); err != nil {
			return err
		}
	}
	for _, id := range s.Workflows {
		if !id.Valid() {
			return Invalid("workflows", "workflows holds ids of workflows; got %q.", clip(string(id), 80))
		}
	}
	return nil
}

// Validate checks a place.
func (p Place) Validate() error {
	switch {
	case p.Environment != "" && p.RobotID != "":
		return Invalid("environment", "A value is for one environment or for one robot, not for both.")
	case p.Environment != "":
		return ValidateEnvironment(p.Environment)
	case p.RobotID != "":
		_, err := ParseRobotID(string(p.RobotID))
		return err
	}
	return nil
}

// Asset is a setting that workflows share and that may be read.
type Asset struct {
	Tenant      TenantID        `json:"tenant_id"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Type        AssetType       `json:"type"`
	Value       json.RawMessage `json:"value,omitempty"` // for all; none if left out
	Values      []AssetValue    `json:"values"`          // narrower ones
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
	UpdatedBy   string          `json:"updated_by,omitempty"`
}

// AssetValue is what an asset is for some jobs.
type AssetValue struct {
	Place
	Value json.RawMessage `json:"value"`
}

// AssetType is what an asset's values are.
type AssetType string

// The types of assets.
const (
	AssetText   AssetType = "text"
	AssetNumber AssetType = "number"
	AssetBool   AssetType = "bool"
	AssetJSON   AssetType = "json"
)

// For is the value for a job; false if there is none.
func (a *Asset) For(environment string, robot RobotID) (json.RawMessage, bool) {
	places := make([]Place, len(a.Values))
	for i := range a.Values {
		places[i] = a.Values[i].Place
	}
	if i := Narrowest(places, environment, robot); i >= 0 {
		return a.Values[i].Value, true
	}
	return a.Value, len(a.Value) > 0
}

// Validate checks the asset with all its values.
func (a *Asset) Validate() error {
	if err := ValidateVaultName("name", a.Name); err != nil {
		return err
	}
	if len([]rune(a.Description)) > 500 {
		return Invalid("description", "description may have at most 500 characters.")
	}
	if len(a.Values) > MaxPlaces {
		return Invalid("values", "An asset may have at most %d values; got %d.", MaxPlaces, len(a.Values))
	}
	if len(a.Value) > 0 {
		if err := a.check("value", a.Value); err != nil {
			return err
		}
	} else if len(a.Values) == 0 {
		return Invalid("value", "An asset needs a value, or values for some environments or robots.")
	}
	seen := map[Place]bool{}
	for _, v := range a.Values {
		if err := v.Validate(); err != nil {
			return err
		}
		if v.Place == (Place{}) || seen[v.Place] {
			return Invalid("values", "Each of values is for an environment or a robot, and there is one for each.")
		}
		seen[v.Place] = true
		if err := a.check("values", v.Value); err != nil {
			return err
		}
	}
	return nil
}

// check holds a value against the type.
func (a *Asset) check(field string, value json.RawMessage) error {
	if len(value) > MaxAssetBytes {
		return Invalid(field, "%s may have at most %d bytes.", field, MaxAssetBytes)
	}
	var into any
	switch a.Type {
	case AssetText:
		into = new(string)
	case AssetNumber:
		into = new(float64)
	case AssetBool:
		into = new(bool)
	case AssetJSON:
		into = new(any)
	default:
		return Invalid("type", "type must be text, number, bool or json; got %q.", clip(string(a.Type), 40))
	}
	if string(value) == "null" && a.Type != AssetJSON || json.Unmarshal(value, into) != nil {
		return Invalid(field, "%s must be of type %s.", field, a.Type)
	}
	return nil
}
