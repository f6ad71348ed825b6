package clients;

import com.azure.core.credential.TokenCredential;
import com.azure.core.util.BinaryData;
import com.microsoft.azure.kusto.data.Client;
import com.microsoft.azure.kusto.data.ClientFactory;
import com.microsoft.azure.kusto.data.auth.ConnectionStringBuilder;
import com.microsoft.azure.kusto.ingest.ColumnMapping;
import com.microsoft.azure.kusto.ingest.IngestClientFactory;
import com.microsoft.azure.kusto.ingest.IngestionMapping.IngestionMappingKind;
import com.microsoft.azure.kusto.ingest.IngestionProperties;
import com.microsoft.azure.kusto.ingest.ManagedStreamingIngestClient;
import com.microsoft.azure.kusto.ingest.QueuedIngestClient;
import com.microsoft.azure.kusto.ingest.result.IngestionResult;
import com.microsoft.azure.kusto.ingest.result.IngestionStatus;
import com.microsoft.azure.kusto.ingest.result.OperationStatus;
import com.microsoft.azure.kusto.ingest.source.BlobSourceInfo;
import com.microsoft.azure.kusto.ingest.source.FileSourceInfo;
import com.microsoft.azure.kusto.ingest.source.StreamSourceInfo;

import java.io.ByteArrayInputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/** Queued ingestion and managed streaming by kusto-ingest, with the table of statuses to wait for. */
final class Queued implements AutoCloseable {
  private static final String TABLE = "Queued";
  /** More than managed streaming streams, packed or not. */
  private static final int LARGE_LINES = 9_000;

  private final String database;
  private final Client client;
  private final QueuedIngestClient queued;
  private final ManagedStreamingIngestClient managed;

  Queued(String uri, String database, TokenCredential credential) throws URISyntaxException {
    final var connection = ConnectionStringBuilder.createWithTokenCredential(uri, credential);
    this.database = database;
    client = ClientFactory.createClient(connection);
    queued = IngestClientFactory.createClient(connection);
    managed = IngestClientFactory.createManagedStreamingIngestClient(connection);
  }

  void ingest() throws Exception {
    client.executeMgmt(database, ".create table Queued (Number: long, Text: string)");
    client.executeMgmt(database, ".alter table Queued policy streamingingestion enable");
    client.executeMgmt(database, ".create table Queued ingestion json mapping 'byPath' "
        + "'[{\"column\":\"Number\",\"Properties\":{\"Path\":\"$.a\"}},{\"column\":\"Text\",\"Properties\":{\"Path\":\"$.b\"}}]'");
    fromStream();
    fromFile();
    fromBlob();
    managedStreaming();
  }

  private void fromStream() throws Exception {
    final IngestionProperties once = properties(IngestionProperties.DataFormat.CSV);
    once.setIgnoreFirstRecord(true);
    once.setIngestByTags(List.of("once"));
    once.setIngestIfNotExists(List.of("once"));
    for (final String expected : List.of("Succeeded", "Skipped"))
      settles("queued from a stream", expected, queued.ingestFromStream(stream("Number,Text\n1,stream\n"), once));
    Seen.check("rows from a stream", "1", count("Text == 'stream'"));
  }

  /** By a mapping of the table's, by one that it has not, and by one that goes along. */
  private void fromFile() throws Exception {
    final Path file = Files.createTempFile("rows", ".json");
    try {
      Files.writeString(file, "{\"a\": 2, \"b\": \"file\"}");
      final FileSourceInfo source = new FileSourceInfo(file.toString());
      final IngestionProperties json = properties(IngestionProperties.DataFormat.JSON);
      json.setIngestionMapping("byPath", IngestionMappingKind.JSON);
      settles("queued from a file", "Succeeded", queued.ingestFromFile(source, json));
      json.setIngestionMapping("none", IngestionMappingKind.JSON);
      settles("by no mapping", "Failed BadRequest_MappingReferenceWasNotFound", queued.ingestFromFile(source, json));
      final ColumnMapping number = new ColumnMapping("Number", "long");
      number.setPath("$.a");
      json.setIngestionMapping(new ColumnMapping[] {number}, IngestionMappingKind.JSON);
      settles("by a mapping of its own", "Succeeded", queued.ingestFromFile(source, json));
      Seen.check("rows from files", "2", count("Number == 2"));
    } finally {
      Files.delete(file);
    }
  }

  /** What is in one of the containers that the cluster gives out. */
  private void fromBlob() throws Exception {
    final var container = queued.getResourceManager().getShuffledContainers().get(0);
    final var blob = container.getAsyncContainer().getBlobAsyncClient(database + "__" + UUID.randomUUID() + ".csv");
    blob.upload(BinaryData.fromString("3,blob\n")).block();
    final var source = new BlobSourceInfo(blob.getBlobUrl() + container.getSas());
    settles("queued from a blob", "Succeeded",
        queued.ingestFromBlob(source, properties(IngestionProperties.DataFormat.CSV)));
    Seen.check("rows from a blob", "1", count("Text == 'blob'"));
  }

  private void managedStreaming() throws Exception {
    final IngestionProperties csv = properties(IngestionProperties.DataFormat.CSV);
    final IngestionResult streamed = managed.ingestFromStream(stream("4,streamed\n"), csv);
    Seen.check("rows as soon as they are streamed", "1", count("Text == 'streamed'"));
    settles("streamed", "Succeeded", streamed);
    final StringBuilder large = new StringBuilder();
    final Random random = new Random(1);
    final byte[] some = new byte[900];
    for (int line = 0; line < LARGE_LINES; line++) {
      random.nextBytes(some);
      large.append("5,").append(Base64.getEncoder().encodeToString(some)).append('\n');
    }
    settles("what is too large is queued", "Succeeded", managed.ingestFromStream(stream(large.toString()), csv));
    Seen.check("rows of it", String.valueOf(LARGE_LINES), count("Number == 5"));
  }

  private IngestionProperties properties(IngestionProperties.DataFormat format) {
    final IngestionProperties made = new IngestionProperties(database, TABLE);
    made.setDataFormat(format);
    made.setFlushImmediately(true);
    made.setReportLevel(IngestionProperties.IngestionReportLevel.FAILURES_AND_SUCCESSES);
    made.setReportMethod(IngestionProperties.IngestionReportMethod.TABLE);
    return made;
  }

  /** Asks the table of statuses until the ingestion has come to an end. */
  private static void settles(String what, String expected, IngestionResult result) throws Exception {
    Seen.comesTo(what, expected, () -> {
      final IngestionStatus found = result.getIngestionStatusCollection().get(0);
      return found.status + (found.status == OperationStatus.Failed ? " " + found.getErrorCode() : "");
    });
  }

  private String count(String condition) throws Exception {
    final var answer = client.executeQuery(database, TABLE + " | where " + condition + " | count").getPrimaryResults();
    answer.next();
    return String.valueOf(answer.getLong(0));
  }

  private static StreamSourceInfo stream(String text) {
    return new StreamSourceInfo(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
  }

  @Override
  public void close() throws Exception {
    queued.close();
    managed.close();
  }
}
