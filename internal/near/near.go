// Package near says how alike two names are, for those who tell somebody what may
// have been meant.
//
// It must not know what is named, or decide how alike is near enough.
package near

// Distance counts the bytes that have to be put in, taken out or changed to make
// one text of the other.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
