// Command tidewaiter looks after the security of container images: what is aboard, what is known to be wrong
// with it, and what can be fixed.
//
// This package only wires: flags in, the rooms of the house called in their order, a report out. What a finding
// means is decided above it; what a user typed is decided here.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], std())
	stop()
	os.Exit(code)
}
