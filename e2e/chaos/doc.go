// Package chaos runs the real programs and hurts them: it kills and freezes
// orchestrators and robots under load, crashes PostgreSQL, cuts and parts their
// connections, and then asks whether every promise was kept. It holds tests only
// and is imported by nobody.
//
// A world is some orchestrators on one database, SQLite for one or PostgreSQL
// for several, and robots that know them all. Between members and database, and
// between robots and members, stand proxies that can make the network bad. Faults
// follow from a seed, which the test prints.
//
// What is true is written down outside the store: clients remember what they
// asked and were told, the workflows append to a file what is being executed,
// and robots log which attempts they start and complete. At the end the data's
// law runs as SQL, and the store is compared with these records.
//
// Tests take seconds in make test; FLEET_CHAOS_SECONDS, FLEET_CHAOS_CYCLES and
// FLEET_QUEUE_ITEMS (make chaos) make them as long as one likes.
package chaos
