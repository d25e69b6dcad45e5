package client

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
)

// EnrolmentRequest asks for a token with which machines enrol themselves.
type EnrolmentRequest struct {
	NamePattern string   `json:"name_pattern,omitempty"` // default: any id
	Environment string   `json:"environment,omitempty"`
	Pool        string   `json:"pool,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Uses        int      `json:"uses,omitempty"`               // default: 1
	LifeSeconds int64    `json:"expires_in_seconds,omitempty"` // default: an hour
}

// NewEnrolment is a token with its secret, which is shown this once.
type NewEnrolment struct {
	fleet.Enrolment
	Token string `json:"token"`
}

// CreateEnrolment makes a token. It is not repeated when its answer is lost: the
// secret of the first one would be lost with it.
func (c *Client) CreateEnrolment(ctx context.Context, r EnrolmentRequest) (out NewEnrolment, err error) {
	err = c.send1(ctx, http.MethodPost, at("enrolments"), r, &out)
	return out, err
}

// ListEnrolments returns all tokens of the tenant, without secrets.
func (c *Client) ListEnrolments(ctx context.Context) ([]fleet.Enrolment, error) {
	var out struct {
		Enrolments []fleet.Enrolment `json:"enrolments"`
	}
	err := c.get(ctx, at("enrolments"), nil, &out)
	return out.Enrolments, err
}

// RevokeEnrolment ends a token; robots that it made stay.
func (c *Client) RevokeEnrolment(ctx context.Context, id fleet.ID) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("enrolments", string(id)), safe: true})
	return err
}

// EnrolRequest is what a machine says of itself.
type EnrolRequest struct {
	RobotID  fleet.RobotID `json:"robot_id"`
	Name     string        `json:"name,omitempty"`
	Hostname string        `json:"hostname,omitempty"`
}

// Enrolled is a new robot with its key, which is shown this once.
type Enrolled struct {
	Robot  fleet.Robot `json:"robot"`
	KeyID  fleet.ID    `json:"key_id"`
	APIKey string      `json:"api_key"`
}

// Enrol makes a robot of this machine. The client's key is the enrolment token.
// It is not repeated when its answer is lost: it would count a second use.
func (c *Client) Enrol(ctx context.Context, r EnrolRequest) (out Enrolled, err error) {
	err = c.send1(ctx, http.MethodPost, at("robots", "enrol"), r, &out)
	return out, err
}
