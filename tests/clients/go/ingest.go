package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/Azure/azure-kusto-go/azkustodata"
	"github.com/Azure/azure-kusto-go/azkustodata/kql"
	"github.com/Azure/azure-kusto-go/azkustoingest"
)

// queued ingests from a reader and a file, with the table of statuses to wait for, and by managed streaming.
func (w *work) queued(ctx context.Context, client *azkustodata.Client) {
	must(client.Mgmt(ctx, databaseName, kql.New(".create table Queued (Number: long, Text: string)")))
	must(client.Mgmt(ctx, databaseName, kql.New(".alter table Queued policy streamingingestion enable")))
	must(client.Mgmt(ctx, databaseName, kql.New(`.create table Queued ingestion json mapping 'byPath' '[{"column":"Number","Properties":{"Path":"$.a"}},{"column":"Text","Properties":{"Path":"$.b"}}]'`)))
	connection := azkustodata.NewConnectionStringBuilder(clusterURI()).WithTokenCredential(w.credential)
	ingest := must(azkustoingest.New(connection, azkustoingest.WithDefaultDatabase(databaseName), azkustoingest.WithDefaultTable("Queued")))
	defer ingest.Close()
	settled := func(result *azkustoingest.Result, err error) error {
		must(0, err)
		return <-result.Wait(ctx, azkustoingest.WithImmediateFirst(), azkustoingest.WithInterval(100*time.Millisecond))
	}

	once := []azkustoingest.FileOption{
		azkustoingest.FileFormat(azkustoingest.CSV), azkustoingest.FlushImmediately(), azkustoingest.IgnoreFirstRecord(),
		azkustoingest.ReportResultToTable(), azkustoingest.Tags([]string{"ingest-by:once"}), azkustoingest.IfNotExists("once"),
	}
	err := settled(ingest.FromReader(ctx, strings.NewReader("Number,Text\n1,reader\n"), once...))
	check(failure(err) == "" && numberOf(ctx, client, "Queued | where Text == 'reader' | count") == 1, "azkustoingest queues from a reader%s", failure(err))
	err = settled(ingest.FromReader(ctx, strings.NewReader("Number,Text\n1,reader\n"), once...))
	status, _ := azkustoingest.GetIngestionStatus(err)
	check(status == azkustoingest.Skipped, "what has its tag already is %s", status)

	path := filepath.Join(must(os.MkdirTemp("", "queued")), "rows.json")
	must(0, os.WriteFile(path, []byte(`{"a": 2, "b": "file"}`), 0o600))
	fromFile := func(mapping string) error {
		return settled(ingest.FromFile(ctx, path, azkustoingest.IngestionMappingRef(mapping, azkustoingest.JSON),
			azkustoingest.FlushImmediately(), azkustoingest.ReportResultToTable()))
	}
	err = fromFile("byPath")
	check(failure(err) == "" && numberOf(ctx, client, "Queued | where Number == 2 | count") == 1, "and from a file, by a mapping%s", failure(err))
	code, _ := azkustoingest.GetErrorCode(fromFile("none"))
	check(code == "BadRequest_MappingReferenceWasNotFound", "a mapping that is not there is %s", code)
	must(0, os.RemoveAll(filepath.Dir(path)))

	managed := must(azkustoingest.NewManaged(connection, azkustoingest.WithDefaultDatabase(databaseName), azkustoingest.WithDefaultTable("Queued")))
	defer managed.Close()
	must(managed.FromReader(ctx, strings.NewReader("3,streamed\n"), azkustoingest.FileFormat(azkustoingest.CSV)))
	check(numberOf(ctx, client, "Queued | where Number == 3 | count") == 1, "managed streaming streams what is small")
	var large bytes.Buffer
	random := make([]byte, 900)
	for large.Len() < 6_000_000 {
		must(rand.Read(random))
		large.WriteString("4," + base64.StdEncoding.EncodeToString(random) + "\n")
	}
	lines := bytes.Count(large.Bytes(), []byte("\n"))
	// What it packs itself it queues under a name that does not say so.
	err = settled(managed.FromReader(ctx, &large, azkustoingest.FileFormat(azkustoingest.CSV),
		azkustoingest.DontCompress(), azkustoingest.FlushImmediately(), azkustoingest.ReportResultToTable()))
	check(failure(err) == "" && numberOf(ctx, client, "Queued | where Number == 4 | count") == int64(lines), "and queues what is too large%s", failure(err))
}

// failure is what there is to tell of an ingestion that failed.
func failure(err error) string {
	if err == nil {
		return ""
	}
	return ": " + oneLine(err.Error())
}
