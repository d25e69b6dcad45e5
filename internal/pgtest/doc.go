// Package pgtest gives tests a real PostgreSQL that nobody has to prepare: a
// private cluster in a temporary folder, on a free port of 127.0.0.1, with the
// settings that PostgreSQL has by default (fsync included), and a PgBouncer in
// front of it for those who ask.
//
// A test package that wants databases hands its TestMain over:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// The first call of Database starts the cluster that all tests of the package
// share; Main stops it. Tests that stop and kill PostgreSQL start a cluster of
// their own with New.
//
// FLEET_TEST_POSTGRES, a superuser's URL, names a server to use instead of the
// shared cluster. Where there is no PostgreSQL at all, a test is skipped by name
// and says what is missing; with STRICT=1 it fails.
//
// It is for tests: no program imports it. It never touches a cluster of the
// system, never kills a process that it did not start, and leaves nothing
// behind: on Linux PostgreSQL dies with the test program even if that is
// killed, and the next start sweeps the folder.
//
// Each child process is started and awaited by one goroutine that owns it and
// ends with it.
package pgtest
