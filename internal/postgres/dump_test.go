package postgres

import "testing"

// TestPasswordsStayHidden: whatever the form of the address, what stands on a command line has no password.
func TestPasswordsStayHidden(t *testing.T) {
	tests := []struct{ address, rest, password string }{
		{"postgres://user:s%40cret@host:5432/db?sslmode=require", "postgres://user@host:5432/db?sslmode=require", "s@cret"},
		{"postgresql://host/db?password=secret&user=u", "postgresql://host/db?user=u", "secret"},
		{"postgres://user@/db?host=/run", "postgres://user@/db?host=/run", ""},
		{"host=h password=secret user=u", "host=h user=u", "secret"},
		{"password='a \\' b' host=h", "host=h", "a ' b"},
		{"host=h user=password", "host=h user=password", ""},
	}
	for _, tt := range tests {
		if rest, password := withoutPassword(tt.address); rest != tt.rest || password != tt.password {
			t.Errorf("%s: %q and %q", tt.address, rest, password)
		}
	}
}
