// Package filelock lets one process at a time do something: a lock is a file
// that the system holds for a process, and that ends with it at the latest,
// also by kill -9. It is not a lock between goroutines. Begin with Take.
package filelock
