package fleet

import (
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Artifact is a file that a job left: a picture of a page, a list that it made.
// Its bytes are kept apart from it. Those of each attempt are its own.
type Artifact struct {
	JobID     ID        `json:"job_id"`
	Tenant    TenantID  `json:"-"`
	Epoch     int64     `json:"epoch"` // the attempt
	Name      string    `json:"name"`
	Node      string    `json:"node_id,omitempty"` // that made it, if it is known
	Type      string    `json:"type"`              // media type, by its name
	Size      int64     `json:"size"`
	SHA256    string    `json:"sha256"`
	CreatedAt time.Time `json:"created_at"`
}

// What is kept of one job at most. An artifact travels and is stored in one
// piece, so it is bounded as a document is.
const (
	MaxArtifact      = 10 << 20
	MaxArtifacts     = 200
	MaxArtifactBytes = 200 << 20
	maxArtifactName  = 200
)

// ArtifactFolder is the folder within that of a job whose files are kept.
const ArtifactFolder = "artifacts"

// ValidateArtifactName refuses names that could mean a place on the disk of
// whoever fetches the file.
func ValidateArtifactName(name string) error {
	bad := name == "" || strings.HasPrefix(name, ".") || utf8.RuneCountInString(name) > maxArtifactName || !utf8.ValidString(name)
	for _, r := range name {
		bad = bad || r == '/' || r == '\\' || r == ':' || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}
	if bad {
		return Invalid("name", "The name of an artifact has 1 to %d characters, begins with no dot, and has no slash, colon or control character; got %s.", maxArtifactName, clip(name, 80))
	}
	return nil
}

// artifactTypes are told apart here, so that they are the same on every machine.
var artifactTypes = map[string]string{
	".txt": "text/plain", ".log": "text/plain", ".md": "text/markdown", ".csv": "text/csv", ".tsv": "text/tab-separated-values", ".json": "application/json",
	".jsonl": "application/x-ndjson", ".xml": "application/xml", ".html": "text/html", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
	".gif": "image/gif", ".webp": "image/webp", ".svg": "image/svg+xml", ".pdf": "application/pdf", ".zip": "application/zip",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// ArtifactType is the media type of a name. What is in the file is not looked at.
func ArtifactType(name string) string {
	if t, ok := artifactTypes[strings.ToLower(path.Ext(name))]; ok {
		return t
	}
	return "application/octet-stream"
}
