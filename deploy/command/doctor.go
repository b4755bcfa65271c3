package command

import (
	"context"
	"fmt"
	"io"

	"throng/deploy/config"
	"throng/loadtest/doctor"
)

// Doctor looks at the machine and says what to change.
func Doctor(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	var settings config.Doctor
	_, code, ok := Parse(&settings, args, environ, stdout, stderr)
	if !ok {
		return code
	}
	machine, err := doctor.Look()
	if err != nil {
		fmt.Fprintln(stderr, "throng:", err)
		return Failed
	}
	checks := append(doctor.Server(machine, settings.Conns), doctor.DataFolder(settings.Data))
	if settings.URL != "" {
		checks = append(checks, doctor.Upgrade(ctx, settings.URL, settings.Idle)...)
	}
	doctor.Print(stdout, checks)
	if doctor.Worst(checks) == doctor.Fail {
		return Failed
	}
	return Done
}
