package webhook_test

import (
	"os"
	"testing"

	"github.com/parley-api/parley/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
