package postgres

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// bulked is one statement as it is sent: for one row, or for many at once.
type bulked struct {
	name  string
	sql   string
	args  []any
	rows  int
	exact bool // it must touch that many
	later func(*sqlstore.Row)
}

// form says how a statement is sent for many rows at once.
type form struct {
	// types of the arguments, a letter each: t text, i bigint, b boolean,
	// f double precision, z timestamptz, y bytea. T is a text that all rows of
	// one statement share. None: it is sent row by row, in its rank.
	types string
	// keys are the arguments that name the row. Two changes of one row go in two
	// statements, in their order.
	keys []int
	// rank puts statements that touch the same rows in order: a row is there
	// before it changes, and an attempt begins before it ends.
	rank int
	// newest says that the statement writes the row as a whole, whatever was
	// there: of several changes of one row only the newest is sent.
	newest bool
	sql    string // made from the statement
}

// forms are the statements of the main road. What is not here is sent row by
// row, in the same trip.
var forms = makeForms(map[string]form{
	"job.move":                {types: jobMoveTypes, keys: []int{1}, rank: 1}, // comes before an attempt.insert: a job is locked before its attempt
	"attempt.insert":          {types: "tittitzzziiit", keys: []int{0, 1}, rank: 1},
	"attempt.started":         {types: "tizbt", keys: []int{0, 1}, rank: 2},
	"attempt.beat":            {types: "tittitt", keys: []int{0, 1}, rank: 3},
	"attempt.move":            {types: "titzzzzit", keys: []int{0, 1}, rank: 4},
	"secret_use.insert":       {types: "ttti", keys: []int{0, 1, 2, 3}, rank: 5},
	"secret_use.delete":       {rank: 6},
	"job_data.result":         {types: "ttybyi", keys: []int{0}, rank: 6},
	"robot.assigned":          {types: "ttz", keys: []int{0, 1}, rank: 7},
	"robot_sample.put":        {types: "ttztffff", keys: []int{0, 1}, rank: 8},
	"journal.put":             {types: "ttti", keys: []int{0, 1, 2}, rank: 9},
	"lane.count":              {types: "ii", keys: []int{0}, rank: 10},
	"job.insert":              {types: "tt" + jobInsertTypes, keys: []int{0}, rank: 11},
	"job_data.insert":         {types: "ttytyt", keys: []int{0}, rank: 12},
	"log.insert":              {types: "tiitzittt", keys: []int{0, 1, 2}, rank: 13},
	"log.move":                {types: "titiii", keys: []int{0, 1}, rank: 14},
	"workflow_body.put":       {types: "ty", keys: []int{0}, rank: 1},
	"workflow.put":            {types: "tttitzzz", keys: []int{0}, rank: 2, newest: true},
	"workflow_version.insert": {types: "titti" + "zttttbt", keys: []int{0, 1}, rank: 3},
	"audit.insert":            {types: "tiztttttttt", keys: []int{0, 1}, rank: 13},
	"audit.head_put":          {types: "tit", keys: []int{0}, rank: 14, newest: true},
	"queue_item.insert":       {types: "ttt" + "biit" + "iitit" + "zzzb" + "tz", keys: []int{0}, rank: 3},
	"queue_item_data.insert":  {types: "tty", keys: []int{0}, rank: 3},
	"queue_item.move":         {types: queueItemMoveTypes, keys: []int{0}, rank: 4},
	"queue_item_data.put":     {types: "ttyyt", keys: []int{0}, rank: 4},
	"schedule_fire.insert":    {types: "tzttt" + "zttt" + "bzb" + "z", keys: []int{0, 1, 2}, rank: 13},
	"schedule_end.add":        {types: "tttt" + "z", keys: []int{0}, rank: 13},
	"queue_head.count":        {types: "tt" + "iiiiiiii", keys: []int{0, 1}, rank: 14},
	// The head is taken as late as can be; what is numbered by it comes after.
	"head.grow":    {rank: 15},
	"job.number":   {types: "tT" + jobInsertTypes, keys: []int{0}, rank: 16},
	"event.number": {types: "itTztttittity", keys: []int{1}, rank: 17},
})

const (
	jobMoveTypes = "ttiti" + // tenant, id, epoch, state, version: the guard
		"tttziit" + // state, waiting on, code, since, epoch, version, robot
		"zzzzzz" + // available, not before, assigned, first started, started, ended
		"iii" + "tzb" + "tbt" + // budgets, stop, cancel outcome, too late, end reason
		"ttbtiizii" // error class and code, dead letter and reason, lane, open parents, limits of the wait and the run; children: the guard too
	queueItemMoveTypes = "tti" + // id, tenant, version: the guard
		"tbiii" + "tt" + "zzzb" + // state, postponed, place in line, priority; reference, retry; times, overdue
		"tttitt" + "zzzi" + // robot and its name, job, epoch, holder, claim; times
		"ttttttizt" // error, review, reviewer, labels, version, time of the change, principal that holds it
	jobInsertTypes = "itttitt" + "ttz" + // after id and tenant: its number, its workflow, its state and what it waits for
		"ititt" + "zzzzz" + // version, target, priority, environment, needs; its times
		"iii" + "ifif" + "btt" + "ti" + // limits and budgets, back-off, retry rules, by whom, lane
		"ttt" + "ttitib" + "t" + "iii" + "tz" // placement, sticky key, labels; what it depends on, is a part of, and needs at its release; rules of error classes; epoch and segments; schedule and its instant
)

var parameter = regexp.MustCompile(`\$(\d+)`)

// makeForms turns `insert … values (…)` and `update … where …` into the same
// over rows that are sent as arrays.
func makeForms(list map[string]form) map[string]form {
	for _, s := range sqlstore.All() {
		f, ok := list[s.Name]
		if !ok || f.types == "" {
			continue
		}
		var columns, arrays []string
		for i, letter := range f.types {
			n := strconv.Itoa(i + 1)
			if letter == 'T' {
				continue
			}
			columns = append(columns, "c"+n)
			arrays = append(arrays, "$"+n+"::"+pgType(letter)+"[]")
		}
		rows := " from unnest(" + strings.Join(arrays, ", ") + ") as v(" + strings.Join(columns, ", ") + ") "
		text := parameter.ReplaceAllStringFunc(s.SQL, func(p string) string {
			if n, _ := strconv.Atoi(p[1:]); n <= len(f.types) && f.types[n-1] == 'T' {
				return p + "::text"
			}
			return "v.c" + p[1:]
		})
		if before, list, ok := strings.Cut(text, "values ("); ok {
			end := closing(list)
			f.sql = before + "select " + list[:end] + rows + list[end+1:]
		} else {
			at := strings.LastIndex(text, "where ")
			if strings.HasPrefix(text, "insert") { // it selects from a table already
				rows = "," + strings.TrimPrefix(rows, " from")
			}
			f.sql = text[:at] + rows + text[at:]
		}
		list[s.Name] = f
	}
	return list
}

// closing is where the bracket closes that was open at the beginning.
func closing(text string) int {
	open := 1
	for i, c := range text {
		switch c {
		case '(':
			open++
		case ')':
			open--
		}
		if open == 0 {
			return i
		}
	}
	return len(text)
}

func pgType(letter rune) string {
	switch letter {
	case 'i':
		return "bigint"
	case 'b':
		return "boolean"
	case 'f':
		return "double precision"
	case 'z':
		return "timestamptz"
	case 'y':
		return "bytea"
	}
	return "text"
}

// bulk puts kept statements of one kind together. What it leaves in place is
// the order of changes of one row.
func bulk(list []kept) []bulked {
	type place struct {
		rank, turn   int
		name, shared string
	}
	groups := map[place][]kept{}
	var order []place
	turns := map[string]int{}
	for i := range list {
		k := &list[i]
		f := forms[k.stmt.Name]
		p := place{rank: f.rank, name: k.stmt.Name}
		if f.types != "" {
			if at := strings.IndexByte(f.types, 'T'); at >= 0 {
				p.shared, _ = k.args[at].(string)
			}
			k.row = rowOf(k, f.keys)
			if p.turn = turns[k.row]; f.newest {
				p.turn = 0
			}
			turns[k.row]++
		} else {
			p.turn = len(order) // as it came
		}
		if groups[p] == nil {
			order = append(order, p)
		}
		groups[p] = append(groups[p], *k)
	}
	slices.SortStableFunc(order, func(a, b place) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return a.turn - b.turn
	})
	out := make([]bulked, 0, len(order))
	for _, p := range order {
		rows := groups[p]
		if forms[p.name].newest {
			rows = newest(rows)
		}
		if len(rows) == 1 {
			out = append(out, bulked{p.name, rows[0].stmt.SQL, rows[0].args, 1, keep[p.name], rows[0].later})
			continue
		}
		// Rows are locked in the order in which everybody locks them.
		slices.SortFunc(rows, func(a, b kept) int { return strings.Compare(a.row, b.row) })
		f := forms[p.name]
		args := make([]any, len(f.types))
		for i, letter := range f.types {
			args[i] = column(rows, i, letter)
		}
		out = append(out, bulked{p.name, f.sql, args, len(rows), keep[p.name], nil})
	}
	return out
}

// newest leaves the last change of each row.
func newest(rows []kept) []kept {
	last := make(map[string]int, len(rows))
	for i := range rows {
		last[rows[i].row] = i
	}
	out := make([]kept, 0, len(last))
	for i := range rows {
		if last[rows[i].row] == i {
			out = append(out, rows[i])
		}
	}
	return out
}

// rowOf names the row that a statement changes.
func rowOf(k *kept, keys []int) string {
	var b strings.Builder
	b.WriteString(k.stmt.Name)
	for _, i := range keys {
		b.WriteByte(0)
		switch v := k.args[i].(type) {
		case string:
			b.WriteString(v)
		case int64:
			b.WriteString(strconv.FormatInt(v, 10))
		}
	}
	return b.String()
}

// column is one argument of many rows as an array.
func column(rows []kept, i int, letter rune) any {
	switch letter {
	case 'T':
		return rows[0].args[i]
	case 'i':
		return array[int64](rows, i)
	case 'b':
		return array[bool](rows, i)
	case 'f':
		return array[float64](rows, i)
	case 'z':
		return array[time.Time](rows, i)
	case 'y':
		out := make([][]byte, len(rows))
		for k := range rows {
			out[k], _ = rows[k].args[i].([]byte)
		}
		return out
	}
	return array[string](rows, i)
}

// array leaves nil where the argument is.
func array[T any](rows []kept, i int) []*T {
	values := make([]T, len(rows))
	out := make([]*T, len(rows))
	for k := range rows {
		if v, ok := rows[k].args[i].(T); ok {
			values[k] = v
			out[k] = &values[k]
		}
	}
	return out
}
