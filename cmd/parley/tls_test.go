package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// authority vouches for certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
}

func pemFile(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.certificate)
	return a
}

// issue writes a certificate for a name, and its key.
func (a *authority) issue(t *testing.T, certificate, key, name string, until time.Time) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, own.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	ownDER, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	pemFile(t, key, "PRIVATE KEY", ownDER)
	pemFile(t, certificate, "CERTIFICATE", der)
}

// TestServeHTTPS: the server shows the certificate that it is given, and another one when the files change, without a restart;
// also over HTTP/2. Files that do not fit are told of at the start, and passed over later.
func TestServeHTTPS(t *testing.T) {
	folder := t.TempDir()
	certificate, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	environment := []string{"PARLEY_TLS_CERT=" + certificate, "PARLEY_TLS_KEY=" + key}
	wantFailure(t, environment, []string{"serve"}, "cert.pem", "PARLEY_TLS_CERT")
	wantFailure(t, environment[:1], []string{"serve"}, "both, or neither")

	ca := newAuthority(t)
	ca.issue(t, certificate, key, "127.0.0.1", time.Now().Add(time.Hour))
	r := serve(t, append(environment, "PARLEY_DATA_DIR="+dataDir(t))...)
	shown := func(protocols ...string) *x509.Certificate {
		t.Helper()
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool}, ForceAttemptHTTP2: len(protocols) > 0}
		defer transport.CloseIdleConnections()
		response, err := (&http.Client{Transport: transport}).Get(r.url + "/v1/rounds/istanbul-2025-3?fields=id,url")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), `"url":"https://127.0.0.1:`) || len(protocols) > 0 && response.Proto != protocols[0] {
			t.Errorf("%s %s: %s %v", response.Proto, response.Status, body, err)
		}
		return response.TLS.PeerCertificates[0]
	}
	first := shown()
	if again := shown("HTTP/2.0"); !again.Equal(first) {
		t.Error("another certificate without a change")
	}
	port := r.url[strings.LastIndex(r.url, ":")+1:]
	if out, err := command(append(environment, "PORT="+port), "health").CombinedOutput(); err != nil {
		t.Errorf("health: %v: %s", err, out)
	}
	hangUp := func() {
		t.Helper()
		if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	ca.issue(t, certificate, key, "127.0.0.1", time.Now().Add(2*time.Hour))
	hangUp()
	for deadline := time.Now().Add(20 * time.Second); shown().Equal(first); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the certificate is not read again")
		}
	}
	second := shown()
	if err := os.WriteFile(certificate, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp()
	for range 5 {
		if !shown().Equal(second) {
			t.Error("nonsense took the place of a certificate")
		}
	}
	if _, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), &tls.Config{RootCAs: ca.pool, MaxVersion: tls.VersionTLS11}); err == nil { //nolint:gosec // that is the point
		t.Error("it speaks TLS 1.1")
	}
	r.stop(t)
}

// TestDatabaseOverTLS: sslmode=verify-full is kept to, against a real PostgreSQL: with the authority that vouches for it, the
// program serves; with another one, another name, or no encryption, it does not.
func TestDatabaseOverTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	folder := dataDir(t)
	pemFile(t, filepath.Join(folder, "ca.pem"), "CERTIFICATE", ca.certificate.Raw)
	pemFile(t, filepath.Join(folder, "other.pem"), "CERTIFICATE", other.certificate.Raw)
	port := startTLSPostgres(t, ca, folder)
	url := func(host, root, mode string) string {
		return fmt.Sprintf("DATABASE_URL=postgres://parley@%s:%s/postgres?sslmode=%s&sslrootcert=%s", host, port, mode, filepath.Join(folder, root))
	}
	r := serve(t, url("localhost", "ca.pem", "verify-full"))
	if code := status(t, r.url+"/v1/rounds"); code != http.StatusOK {
		t.Errorf("over TLS: %d", code)
	}
	// The doctor goes the same way, and finds what is wrong with this one.
	found, err := command([]string{url("localhost", "ca.pem", "verify-full")}, "doctor").Output()
	if err == nil || !strings.Contains(string(found), "ok    schema") || !strings.Contains(string(found), "fail  database      fsync = off") {
		t.Errorf("doctor: %v: %s", err, found)
	}
	file := filepath.Join(t.TempDir(), "backup")
	ok(t, []string{url("localhost", "ca.pem", "verify-full")}, "backup", file) // pg_dump goes the same way
	r.stop(t)
	wantFailure(t, []string{url("localhost", "other.pem", "verify-full")}, []string{"serve"}, "does not answer", "certificate")
	wantFailure(t, []string{url("127.0.0.1", "ca.pem", "verify-full")}, []string{"serve"}, "does not answer", "127.0.0.1")
	wantFailure(t, []string{url("localhost", "ca.pem", "disable")}, []string{"serve"}, "does not answer")
}

// startTLSPostgres starts a PostgreSQL that takes only encrypted connections, for localhost, and returns its port.
func startTLSPostgres(t *testing.T, ca *authority, folder string) string {
	t.Helper()
	bin := os.Getenv("PARLEY_POSTGRES_BIN")
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin"); bin == "" && len(found) > 0 {
		bin = found[len(found)-1]
	} else if onPath, err := exec.LookPath("initdb"); bin == "" && err == nil {
		bin = filepath.Dir(onPath)
	}
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Dir = folder
		if os.Geteuid() == 0 { // which PostgreSQL refuses to be
			account, err := user.Lookup("postgres")
			if err != nil {
				t.Fatal(err)
			}
			uid, _ := strconv.ParseUint(account.Uid, 10, 32)
			gid, _ := strconv.ParseUint(account.Gid, 10, 32)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
			if err := filepath.Walk(folder, func(path string, _ os.FileInfo, _ error) error { return os.Chown(path, int(uid), int(gid)) }); err != nil {
				t.Fatal(err)
			}
		}
		return cmd
	}
	data := filepath.Join(folder, "data")
	if out, err := run("initdb", "--pgdata="+data, "--username=parley", "--auth=trust", "--encoding=UTF8", "--locale=C").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	certificate, key := filepath.Join(data, "server.crt"), filepath.Join(data, "server.key")
	ca.issue(t, certificate, key, "localhost", time.Now().Add(time.Hour))
	if err := os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte("hostssl all all 127.0.0.1/32 trust\nhostssl all all ::1/128 trust\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	server := run("postgres", "-D", data, "-p", port, "-c", "listen_addresses=localhost", "-c", "unix_socket_directories=", "-c", "ssl=on", "-c", "fsync=off")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Signal(syscall.SIGINT); _ = server.Wait() })
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		// It listens before it serves: its last line there says when it does.
		state, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
		if strings.HasSuffix(strings.TrimSpace(string(state)), "\nready") {
			return port
		}
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL does not serve: %v, %s", err, state)
		}
	}
}

// freeAddress is an address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
