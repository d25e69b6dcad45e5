package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
)

// RobotQuery selects robots of a list; empty fields select all.
type RobotQuery struct {
	Environment string
	Connected   bool // only connected ones
	Page        fleet.Page
}

// RobotPage is a part of a list, by id.
type RobotPage struct {
	Robots []fleet.Robot `json:"robots"`
	Total  int64         `json:"total"`
	Next   string        `json:"next_cursor"`
}

// ListRobots returns a page of robots.
func (c *Client) ListRobots(ctx context.Context, q RobotQuery) (out RobotPage, err error) {
	v := pageQuery(q.Page)
	set(v, "environment", q.Environment)
	set(v, "connected", q.Connected)
	err = c.get(ctx, at("robots"), v, &out)
	return out, err
}

// GetRobot returns one robot with its status.
func (c *Client) GetRobot(ctx context.Context, id fleet.RobotID) (out fleet.Robot, err error) {
	err = c.get(ctx, at("robots", string(id)), nil, &out)
	return out, err
}

// RegisterRequest makes a robot known or changes its name and limits.
type RegisterRequest struct {
	ID           fleet.RobotID `json:"robot_id"`
	Name         string        `json:"name,omitempty"`
	Environment  string        `json:"environment,omitempty"`
	Slots        int           `json:"max_concurrent_jobs,omitempty"` // 0: what the robot asks for
	Capabilities []string      `json:"capabilities,omitempty"`
}

// RegisterRobot makes a robot known. Doing it again changes it.
func (c *Client) RegisterRobot(ctx context.Context, r RegisterRequest) (out fleet.Robot, err error) {
	body, err := encode(r)
	if err != nil {
		return out, err
	}
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("robots", "register"), body: body, safe: true}, &out)
	return out, err
}

// RobotWorkflow fetches, with a robot's key, the document of an attempt that
// the robot holds. The bytes are checked against the hash.
func (c *Client) RobotWorkflow(ctx context.Context, hash string) ([]byte, error) {
	got, err := c.do(ctx, request{method: http.MethodGet, path: at("robot", "workflows", hash), safe: true})
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(got.body); hex.EncodeToString(sum[:]) != hash {
		return nil, fleet.Errorf(fleet.CodeUnavailable, "connection_lost", "The workflow %s came with other content than its hash says.", hash)
	}
	return got.body, nil
}

// PutResult leaves, with a robot's key, a large result for the report that
// will name it, and returns the name: the result's SHA-256.
func (c *Client) PutResult(ctx context.Context, result []byte) (sum string, err error) {
	raw := sha256.Sum256(result)
	sum = hex.EncodeToString(raw[:])
	_, err = c.do(ctx, request{method: http.MethodPut, path: at("robot", "results", sum), body: result, safe: true})
	return sum, err
}
