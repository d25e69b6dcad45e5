package calendar

import (
	"archive/zip"
	_ "embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/near"
)

// zoneData are the rules of all zones, as Go's own distribution carries them in
// lib/time/zoneinfo.zip. They are built in and come before those of the system, so
// that a schedule means the same on every machine; time.LoadLocation would ask the
// system first. To renew them, copy that file of a newer Go, and its version.
//
//go:embed zoneinfo.zip
var zoneData string

// ZoneVersion names the edition of the IANA data that is built in.
const ZoneVersion = "2025c"

// zoneFiles are the files of the data by the names of their zones.
var zoneFiles = sync.OnceValue(func() map[string]*zip.File {
	out := map[string]*zip.File{}
	z, err := zip.NewReader(strings.NewReader(zoneData), int64(len(zoneData)))
	if err != nil { // TestZonesAreBuiltIn
		return out
	}
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, "/") && f.Name != "Factory" {
			out[f.Name] = f
		}
	}
	return out
})

// zones are those that were read: no more than there are names.
var zones sync.Map

// Zone finds a zone by its IANA name; none is UTC.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	if zone, ok := zones.Load(name); ok {
		return zone.(*time.Location), nil //nolint:forcetypeassert // nothing else is stored
	}
	zone, err := readZone(name)
	if err != nil {
		return nil, err
	}
	zones.Store(name, zone)
	return zone, nil
}

func readZone(name string) (*time.Location, error) {
	f, there := zoneFiles()[name]
	if !there {
		e := fleet.Invalid("timezone", "There is no time zone %q.", clip(name))
		e.Reason = "timezone_unknown"
		return nil, e.WithFix(zoneFix(name))
	}
	r, err := f.Open()
	if err != nil {
		return nil, fleet.Internal(fmt.Errorf("read the zone %s: %w", name, err))
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fleet.Internal(fmt.Errorf("read the zone %s: %w", name, err))
	}
	zone, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, fleet.Internal(fmt.Errorf("read the zone %s: %w", name, err))
	}
	return zone, nil
}

// zoneFix names zones that may have been meant.
func zoneFix(name string) string {
	near := nearZones(name)
	if len(near) == 0 {
		return "Write a name of the IANA list such as Europe/Berlin or America/New_York."
	}
	return "Did you mean " + strings.Join(near, " or ") + "?"
}

// nearZones lists up to three zones whose names, or whose cities, differ from a
// text by two letters at most, the nearest first.
func nearZones(text string) []string {
	if len(text) < 3 || len(text) > 64 {
		return nil
	}
	text = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), " ", "_"))
	var by [3][]string
	for _, name := range slices.Sorted(maps.Keys(zoneFiles())) {
		lower := strings.ToLower(name)
		far := near.Distance(text, lower)
		if i := strings.LastIndexByte(lower, '/'); i >= 0 {
			far = min(far, near.Distance(text, lower[i+1:]))
		}
		if far < len(by) {
			by[far] = append(by[far], name)
		}
	}
	all := slices.Concat(by[0], by[1], by[2])
	return all[:min(3, len(all))]
}
