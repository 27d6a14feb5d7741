// Package steady holds the test of a process that serves for long: the real program, a thousand units on simulated platforms, in real time. Its
// memory and its database stay as they are, and no slot is missed or worked twice. `make test` looks for a minute, `make soak` for an hour.
package steady
