package main

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/postgres"
)

// A backup is a tar archive of two files: what is in it, and the database in the format of pg_restore.
const (
	manifestName = "manifest.json"
	dumpName     = "database.dump"
	backupFormat = 1
)

// manifest says what a backup has in it.
type manifest struct {
	Format    int               `json:"format"`
	Program   string            `json:"program"`
	CreatedAt time.Time         `json:"created_at"`
	Server    int               `json:"server"` // major version of the PostgreSQL
	Bytes     int64             `json:"bytes"`  // of the dump
	SHA256    string            `json:"sha256"` // of the dump
	Contents  postgres.Contents `json:"contents"`
}

func (m manifest) String() string {
	rows := int64(0)
	for _, t := range m.Contents.Tables {
		rows += t.Rows
	}
	return fmt.Sprintf("revision %d of %s, %d rows in %d tables, %d bytes, SHA-256 %s",
		m.Contents.Revision, m.CreatedAt.UTC().Format(time.RFC3339), rows, len(m.Contents.Tables), m.Bytes, m.SHA256)
}

type backupCmd struct {
	File string `arg:"" help:"File to write; one that is there is replaced when the new one is complete."`
}

// Run saves the database as it is at one moment, with what it takes to know that it is whole. Writes go on meanwhile.
func (c *backupCmd) Run(e *env) error {
	return e.withDatabase(0, func(ctx context.Context, url string, pool *pgxpool.Pool) (err error) {
		m := manifest{Format: backupFormat, Program: programVersion(), CreatedAt: time.Now().UTC().Truncate(time.Second)}
		if m.Server, err = postgres.ServerMajor(ctx, pool); err != nil {
			return err
		}
		tools, err := postgres.FindTools(ctx, e.database.PostgresBin, m.Server)
		if err != nil {
			return err
		}
		work, err := os.MkdirTemp(filepath.Dir(c.File), ".parley-backup-")
		if err != nil {
			return fmt.Errorf("the folder of the backup cannot be written to: %w", err)
		}
		defer os.RemoveAll(work)
		dump := filepath.Join(work, dumpName)
		err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			var snapshot string
			if err := tx.QueryRow(ctx, "select pg_export_snapshot()").Scan(&snapshot); err != nil {
				return err
			}
			if m.Contents, err = postgres.ReadContents(ctx, tx); err != nil {
				return schemaMissing(err)
			}
			return tools.Dump(ctx, url, snapshot, dump)
		})
		if err != nil {
			return err
		}
		if m.Bytes, m.SHA256, err = sum(dump); err != nil {
			return err
		}
		archive := filepath.Join(work, "backup")
		if err := writeBackup(archive, m, dump); err != nil {
			return err
		}
		if err := os.Rename(archive, c.File); err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.stdout, "%s: %s\n", c.File, m)
		return err
	})
}

// sum is the size and the checksum of a file.
func sum(path string) (int64, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// writeBackup writes an archive, which only its owner may read: API keys are in it, as hashes, and secrets of webhooks.
func writeBackup(path string, m manifest, dump string) (err error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	from, err := os.Open(dump)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	archive := tar.NewWriter(to)
	if err := archive.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(text)), ModTime: m.CreatedAt}); err != nil {
		return err
	}
	if _, err := archive.Write(text); err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: dumpName, Mode: 0o600, Size: m.Bytes, ModTime: m.CreatedAt}); err != nil {
		return err
	}
	if _, err := io.Copy(archive, from); err != nil {
		return err
	}
	return errors.Join(archive.Close(), to.Sync())
}

type restoreCmd struct {
	File  string `arg:"" help:"File that parley backup has written."`
	Check bool   `help:"Only look whether the file is whole, and say what is in it."`
}

// Run brings a backup into an empty database, and then compares all of it with what was saved.
func (c *restoreCmd) Run(e *env) error {
	m, err := readBackup(c.File, checkDump)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.Check {
		_, err := fmt.Fprintf(e.stdout, "%s is whole: %s\n", c.File, m)
		return err
	}
	return e.withDatabase(0, func(ctx context.Context, url string, pool *pgxpool.Pool) error {
		if err := c.fits(ctx, e, pool, m); err != nil {
			return err
		}
		server, err := postgres.ServerMajor(ctx, pool)
		if err != nil {
			return err
		}
		// A file is read by programs that are as new as those that wrote it.
		tools, err := postgres.FindTools(ctx, e.database.PostgresBin, max(server, m.Server))
		if err != nil {
			return err
		}
		_, err = readBackup(c.File, func(_ manifest, dump io.Reader) error { return tools.Restore(ctx, url, dump) })
		if err != nil {
			return err
		}
		var restored postgres.Contents
		err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			restored, err = postgres.ReadContents(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
		if difference := m.Contents.Difference(restored); difference != "" {
			return fmt.Errorf("what was restored is not what was saved: it has %s; do not use this database", difference)
		}
		_, err = fmt.Fprintf(e.stdout, "Restored and compared: %s\n", m)
		return err
	})
}

// fits refuses what this program or this database cannot take.
func (c *restoreCmd) fits(ctx context.Context, e *env, pool *pgxpool.Pool, m manifest) error {
	migrator, err := postgres.NewMigrator(pool)
	if err != nil {
		return err
	}
	defer migrator.Close()
	if newest := migrator.Newest(); m.Contents.Schema > newest {
		return fmt.Errorf("%s was made by parley %s, with a schema that this program does not know yet (migration %d, it knows %d): use a newer one", c.File, m.Program, m.Contents.Schema, newest)
	}
	switch tables, err := postgres.CountTables(ctx, pool); {
	case err != nil:
		return err
	case tables > 0:
		return fmt.Errorf("%s is not empty, it has %d tables, and a restore never overwrites: make a new database and name it by DATABASE_URL, or have a new private one by PARLEY_DATA_DIR", e.database, tables)
	}
	return nil
}

// readBackup reads what an archive says of itself, and hands its dump on.
func readBackup(path string, use func(m manifest, dump io.Reader) error) (m manifest, err error) {
	f, err := os.Open(path)
	if err != nil {
		return m, err
	}
	defer f.Close()
	archive := tar.NewReader(f)
	header, err := archive.Next()
	if err != nil || header.Name != manifestName {
		return m, errors.New("this is no file that parley backup has written, or its beginning is spoiled")
	}
	const most = 16 << 20 // bytes; a few hundred for each table are usual
	if err := json.NewDecoder(io.LimitReader(archive, most)).Decode(&m); err != nil {
		return m, fmt.Errorf("it is spoiled: what it says of itself cannot be read (%w)", err)
	}
	if m.Format != backupFormat {
		return m, fmt.Errorf("it has the format %d, and this program reads %d", m.Format, backupFormat)
	}
	if header, err = archive.Next(); err != nil || header.Name != dumpName {
		return m, errors.New("it is spoiled: the database is not in it")
	}
	return m, use(m, archive)
}

// checkDump makes sure that a dump is the one that was saved.
func checkDump(m manifest, dump io.Reader) error {
	h := sha256.New()
	n, err := io.Copy(h, dump)
	switch got := hex.EncodeToString(h.Sum(nil)); {
	case err != nil:
		return fmt.Errorf("it is spoiled: it ends after %d of %d bytes (%w); take another backup", n, m.Bytes, err)
	case n != m.Bytes || got != m.SHA256:
		return fmt.Errorf("it is spoiled: the SHA-256 of its %d bytes is %s, and was %s of %d bytes; take another backup", n, got, m.SHA256, m.Bytes)
	}
	return nil
}
