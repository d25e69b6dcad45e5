package file

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
)

func fileActions() map[string]engine.Func {
	return map[string]engine.Func{
		"Read File":        readFile,
		"Write File":       writeFile,
		"Append File":      appendFile,
		"Delete File":      deleteFile,
		"Copy File":        copyFile,
		"Move File":        moveFile,
		"File Exists":      fileExists,
		"Get File Size":    fileSize,
		"Get File Info":    fileInfo,
		"Create Directory": createDirectory,
		"List Files":       listFiles,
		"List Directory":   listDirectory,
	}
}

func dataActions() map[string]engine.Func {
	return map[string]engine.Func{
		"Read CSV":      readCSV,
		"Write CSV":     writeCSV,
		"Read JSON":     readJSON,
		"Write JSON":    writeJSON,
		"Zip Files":     zipFiles,
		"Unzip Files":   unzipFiles,
		"Image Convert": convertImages,
	}
}

// byAction runs the single node that the setting action names. Asking whether
// a file exists is the one action without the output success.
func byAction(actions map[string]engine.Func, def string) engine.Func {
	return func(ctx context.Context, c *engine.Call) (engine.Result, error) {
		action := c.Text("action")
		if action == "" {
			action = def
		}
		run, ok := actions[action]
		if !ok {
			c.Set("success", false)
			return engine.Result{}, engine.Fail("ValueError", "Unknown action: %s (known: %s)", action,
				strings.Join(slices.Sorted(maps.Keys(actions)), ", "))
		}
		if action == "File Exists" {
			return run(ctx, c)
		}
		return reporting(run)(ctx, c)
	}
}
