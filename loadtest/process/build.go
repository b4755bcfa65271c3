package process

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Build builds the server in a folder and returns the path of the binary. It needs the go command and a working directory within
// the module. What the compiler says goes to standard error.
func Build(ctx context.Context, folder string) (path string, err error) {
	path = filepath.Join(folder, "throng")
	build := Command(ctx, "go", "build", "-buildvcs=false", "-o", path, "throng")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("go build: %w", err)
	}
	return path, nil
}
