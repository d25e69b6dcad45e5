package transfer

import "github.com/casarerpa/fleet/fleet"

// Status is what can be said of a store without opening it.
type Status struct {
	Database   string         `json:"database"` // sqlite or postgres
	Where      string         `json:"where"`    // folder, or host and name; never a password
	Schema     int            `json:"schema"`   // number of its newest migration; 0: there is none
	Program    int            `json:"program_schema"`
	StoreID    string         `json:"store_id,omitempty"`
	Generation int64          `json:"generation,omitempty"`
	Bytes      int64          `json:"bytes"`
	Tables     []TableStatus  `json:"tables"`
	Members    []fleet.Member `json:"members"`
	Held       bool           `json:"held"` // SQLite: by a process that runs
}

// TableStatus is how many rows a table has.
type TableStatus struct {
	Name     string `json:"name"`
	Rows     int64  `json:"rows"`
	Estimate bool   `json:"estimate,omitempty"` // of the database's own statistics
}
