// Package bench measures the product beside its peers and beside the database
// alone; see README.md. It is a module of its own, so that the product does not
// depend on what it is compared with. It only has tests: a run of them starts
// everything and writes report.json and report.svg.
//
// It must not make anybody faster than an installation would be: databases and
// peers run with the settings that they recommend, and what is acknowledged is
// durable. Figures are ratios of rounds that alternated in one run.
package bench
