// Package original runs programs that behave as the robots of the original do:
// the calls in their order, their headers, their bodies, their parsers and their
// habits when something fails. They are written from the contract with these
// programs and share no code with the orchestrator. A subtest has the name of
// the row of the contract that it holds (P3, W1, R27, D2, M8).
package original
