package command

import (
	"context"
	"fmt"
	"io"
	"strings"

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
	if settings.MaxMemory > 0 {
		machine.Memory.Told = settings.MaxMemory
	}
	checks := doctor.Server(machine, doctor.ServerPlan{Conns: settings.Conns, TLS: settings.IsTLS()})
	checks = append(checks, doctor.DataFolder(settings.Data))
	checks = append(checks, doctorFiles(&settings)...)
	if settings.URL != "" {
		checks = append(checks, doctor.Upgrade(ctx, settings.URL, settings.Idle)...)
	}
	doctor.Print(stdout, checks)
	if doctor.Worst(checks) == doctor.Fail {
		return Failed
	}
	return Done
}

// doctorFiles looks at the certificate and the files of secrets that the server is given.
func doctorFiles(settings *config.Doctor) (checks []doctor.Check) {
	if settings.TLSCert != "" {
		checks = append(checks, doctor.KeyPair(settings.TLSCert, settings.TLSKey),
			doctor.SecretFile("tls-key", settings.TLSKey, "the certificate's key"))
	}
	if len(settings.Secrets) > 0 {
		checks = append(checks, doctor.SecretFile("config", settings.Config, strings.Join(settings.Secrets, ", ")))
	}
	if settings.JWTKey != "" && doctor.IsSecret(settings.JWTKey) {
		checks = append(checks, doctor.SecretFile("jwt-key", settings.JWTKey, "what tokens can be made with"))
	}
	if settings.APIKeys != "" {
		checks = append(checks, doctor.SecretFile("api-keys", settings.APIKeys, "keys of the API"))
	}
	return checks
}
