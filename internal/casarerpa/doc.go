// Package casarerpa reads what is to be kept of an installation of CasareRPA from
// its PostgreSQL.
//
// It must not write there, and it decides nothing about what it reads. Versions of
// that schema differ, and some of its migrations fail, so it reads whatever tables
// and columns exist: what is missing is empty.
package casarerpa
