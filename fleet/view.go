package fleet

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// View is a way of looking at a list that somebody keeps: a page with what is in
// its address, under a name. It is somebody's own, or shared in the tenant.
type View struct {
	ID        ID                `json:"view_id"`
	Tenant    TenantID          `json:"-"`
	Page      string            `json:"page"` // such as robots or jobs
	Name      string            `json:"name"` // unique among those of its page that are shared, or of one owner
	Query     map[string]string `json:"query"`
	Shared    bool              `json:"shared"`
	Owner     string            `json:"-"` // empty: it is shared
	Revision  int64             `json:"revision"`
	CreatedAt time.Time         `json:"created_at"`
	CreatedBy string            `json:"created_by,omitempty"`
	UpdatedAt time.Time         `json:"updated_at"`
	UpdatedBy string            `json:"updated_by,omitempty"`
}

// The bounds of views.
const (
	MaxViews      = 200 // of one owner, and as many shared ones
	maxViewName   = 60
	maxViewQuery  = 40 // entries
	maxViewText   = 4000
	maxViewFields = 60
)

var viewPage = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// Key is the name as it is compared.
func (v *View) Key() string { return strings.ToLower(v.Name) }

// Validate checks all that can be set.
func (v *View) Validate() error {
	if !viewPage.MatchString(v.Page) {
		return Invalid("page", "page is the name of a page in small letters, such as robots or jobs; got %q.", clip(v.Page, 40))
	}
	if err := ValidateName("name", v.Name, maxViewName); err != nil {
		return err
	}
	if len(v.Query) > maxViewQuery {
		return Invalid("query", "query may have at most %d entries; got %d.", maxViewQuery, len(v.Query))
	}
	size := 0
	for name, text := range v.Query {
		size += len(name) + len(text)
		if name == "" || len(name) > maxViewFields || !utf8.ValidString(name) || !utf8.ValidString(text) || strings.ContainsRune(name+text, 0) {
			return Invalid("query", "query holds texts by names of at most %d characters.", maxViewFields)
		}
	}
	if size > maxViewText {
		return Invalid("query", "query may have at most %d characters; got %d.", maxViewText, size)
	}
	return nil
}
