package httpapi

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// ArtifactList is the files that a job left.
type ArtifactList struct {
	Artifacts []fleet.Artifact `json:"artifacts" doc:"By attempt and name; of a job that is cut into segments those of all of them."`
	Bytes     int64            `json:"bytes" doc:"Of all of them."`
}

func (a *API) artifactRoutes() {
	one := Base + "/jobs/{id}/artifacts/{name}"
	where := []*huma.Param{pathParam("id", "The id of the job."), pathParam("name", "The name of the file.")}
	route(a, operation{
		method: http.MethodGet, path: Base + "/jobs/{id}/artifacts", id: "jobs.artifacts", summary: "List the files that a job left",
		may: need(fleet.JobsRead), rate: rateRead,
		description: "What a workflow writes into the folder artifacts of its job is kept when the attempt ends, as long as the job is: files of at most 10 MiB, 200 of a job and 200 MiB in all.",
	}, a.listArtifacts)
	a.routePlain(operation{
		method: http.MethodGet, path: one, id: "jobs.artifact", summary: "Fetch a file that a job left", may: need(fleet.JobsRead), rate: rateExport,
	}, append(where, queryParam("epoch", huma.TypeInteger, "Of this attempt; the newest that has it if left out.")), map[string]*huma.Response{
		"200": {Description: "The bytes, as an attachment. Their type goes by the name.", Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}},
	}, a.getArtifact)
	stored := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[fleet.Artifact](), true, "")
	a.routePlain(operation{
		method: http.MethodPut, path: one, id: "robot.artifact", summary: "Hand over a file of an attempt that the robot has or had",
		may: need(fleet.RobotsConnect), rate: rateRobot, patience: held,
		body: bodyRule{limit: resultBody, types: []string{"application/octet-stream", "application/json"}, schema: func(huma.Registry) *huma.Schema {
			return &huma.Schema{Type: huma.TypeString, Format: "binary"}
		}},
	}, append(where, queryParam("epoch", huma.TypeInteger, "The attempt; the newest if left out."), queryParam("node_id", huma.TypeString, "The node that made it.")),
		map[string]*huma.Response{"200": {Description: "Kept. The same file again changes nothing, another one of its name takes its place.", Content: map[string]*huma.MediaType{
			"application/json": {Schema: stored},
		}}}, a.putArtifact)
}

type artifactsReply struct{ Body ArtifactList }

func showArtifact(f fleet.Artifact) fleet.Artifact { stamp(&f.CreatedAt); return f }

func (a *API) listArtifacts(ctx context.Context, in *JobInput) (*artifactsReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	list, err := a.o.Orchestrator.Jobs.Artifacts(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	out := ArtifactList{Artifacts: showAll(list, showArtifact)}
	for _, f := range list {
		out.Bytes += f.Size
	}
	return &artifactsReply{out}, nil
}

// artifactOf reads which file a request is about.
func artifactOf(r *http.Request) (id fleet.ID, epoch int64, name string, err error) {
	in := &JobInput{ID: r.PathValue("id")}
	if id, err = in.id(); err != nil {
		return "", 0, "", err
	}
	if text := r.URL.Query().Get("epoch"); text != "" {
		if epoch, err = strconv.ParseInt(text, 10, 64); err != nil || epoch < 1 {
			return "", 0, "", fleet.Invalid("epoch", "epoch must be the number of an attempt, from 1.")
		}
	}
	return id, epoch, r.PathValue("name"), nil
}

func (a *API) getArtifact(w http.ResponseWriter, r *http.Request) error {
	id, epoch, name, err := artifactOf(r)
	if err != nil {
		return err
	}
	f, body, err := a.o.Orchestrator.Jobs.Artifact(r.Context(), auth.From(r.Context()), id, epoch, name)
	if err != nil {
		return err
	}
	h := w.Header()
	// Whatever is in it, a browser does not run it.
	h.Set("Content-Type", f.Type)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("ETag", `"`+f.SHA256+`"`)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write(body)
	return ignoreWrite(err)
}

func (a *API) putArtifact(w http.ResponseWriter, r *http.Request) error {
	id, epoch, name, err := artifactOf(r)
	if err != nil {
		return err
	}
	f, err := a.o.Orchestrator.Attempts.PutArtifact(r.Context(), auth.From(r.Context()), orchestrator.ArtifactGift{
		Job: id, Epoch: epoch, Name: name, Node: r.URL.Query().Get("node_id"), Body: callOf(r.Context()).body,
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return ignoreWrite(json.NewEncoder(w).Encode(showArtifact(f)))
}
