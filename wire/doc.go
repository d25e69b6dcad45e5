// Package wire is the robot channel, protocol version 2, as bytes: the frame,
// one struct for each message, the codec with its limits, and close codes.
//
// A frame is a JSON object in one text message of a WebSocket. [Decode] turns
// bytes of the other side into a [Frame], [Encode] does the reverse. What a
// frame means, in which order frames may come and what to do about them is not
// known here: that is package protocol.
//
// The package must not open sockets, read a clock or make ids: times and ids
// are given by whoever sends. It imports the vocabulary only.
//
// Rules that keep two versions of the program talking to each other:
//   - A field that is not known is ignored.
//   - A type that is not known is reported ([UnknownType]) and answered with an
//     error message; the connection stays.
//   - A payload that cannot be read is reported together with the envelope, so
//     that a report with a broken payload can be answered with the verdict
//     invalid instead of coming back for ever.
//   - Only a frame without a readable envelope ends a connection.
//   - Behaviour depends on durations (fields ending in _ms). Instants on the
//     wire are for people, and an unreadable one is no error.
package wire
