package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// SecretFile says whether a file of secrets, given to "throng serve" by the setting of that name, can be read, and by whom
// else. What is in it is said by the caller, and told to nobody.
func SecretFile(setting, file, holds string) Check {
	c := Check{Name: setting}
	if _, err := readKeyFile(file); err != nil {
		return c.keyFileFailed(file, err)
	}
	may, err := strangers(file)
	switch {
	case err != nil:
		return c.keyFileFailed(file, err)
	case may != "":
		c.Level = Warn
		c.Found = fmt.Sprintf("%s: every user of this machine may %s it, and it holds %s", file, may, holds)
		c.Advice = grant(file)
	default:
		c.Found = fmt.Sprintf("%s: holds %s, and is not for every user of this machine", file, holds)
	}
	return c
}

// IsSecret tells whether a file of keys of tokens would let who reads it make tokens: all but public keys and certificates
// would. A file that cannot be read may be one.
func IsSecret(file string) bool {
	text, err := readKeyFile(file)
	switch {
	case err != nil, bytes.Contains(text, []byte("PRIVATE KEY-----")):
		return true
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return false
	case bytes.Contains(text, []byte(`"kty"`)):
		return bytes.Contains(text, []byte(`"oct"`)) || bytes.Contains(text, []byte(`"d"`))
	}
	return true
}

// strangers tells what every user of the machine may do with a file, folders on the way considered: read, change, or nothing.
func strangers(file string) (may string, err error) {
	file, err = filepath.Abs(file)
	if err != nil {
		return "", err
	}
	if file, err = filepath.EvalSymlinks(file); err != nil {
		return "", err
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	switch mode := info.Mode().Perm(); {
	case mode&0o002 != 0:
		may = "change"
	case mode&0o004 != 0:
		may = "read"
	default:
		return "", nil
	}
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return "", err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return "", nil
		}
		if dir == filepath.Dir(dir) {
			return may, nil
		}
	}
}

// grant tells how to let the server read a file, and nobody else.
func grant(file string) string {
	return fmt.Sprintf("chown root:throng %s && chmod 640 %s   # throng is the group of the user that serves", quoted(file), quoted(file))
}

// readKeyFile reads a file, whose length is bounded. What is no file, such as a pipe, would never end.
func readKeyFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &os.PathError{Op: "read", Path: name, Err: errors.New("not a file")}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = &os.PathError{Op: "read", Path: name, Err: fmt.Errorf("longer than %s", size(maxKeyFile))}
	}
	return text, err
}
