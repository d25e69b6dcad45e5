// Package transfer moves the whole content of a store: from one database to
// another of either kind, into an archive, and out of one.
//
// What it guarantees. A source is one snapshot of its store. A sink takes
// everything or nothing: what was interrupted, refused or found to differ
// leaves no half-filled store. Everything that was written is read back and
// compared before it takes effect: a copy row by row with its source, a restored
// archive by the number and the SHA-256 of each table's rows. Memory does not
// grow with the size of the store: rows stream in the order of their keys.
//
// What an archive is. A tar, compressed with gzip: manifest.json says what it is
// and where it is from, tables/NAME/NNNNNN.jsonl hold the rows as JSON lines,
// and sums.json, the last entry, says how many rows each table has and what they
// hash to. Both databases write the same, so a backup of either restores into
// either.
//
// Texts. PostgreSQL keeps no zero byte and nothing that is not UTF-8; sources
// give U+FFFD for both, so that a store reads the same wherever it lies.
//
// The package knows neither SQL nor a driver: the databases give it a Source and
// a Sink. It must not look at a clock and must not change a row, with one
// exception that it asks of the sink: a restore tells the store that it went back
// in time (ADR-0015).
package transfer
