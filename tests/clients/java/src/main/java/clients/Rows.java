package clients;

import com.azure.core.credential.TokenCredential;
import com.microsoft.azure.kusto.data.Client;
import com.microsoft.azure.kusto.data.ClientFactory;
import com.microsoft.azure.kusto.data.auth.ConnectionStringBuilder;
import com.microsoft.azure.kusto.data.exceptions.DataServiceException;
import com.microsoft.azure.kusto.ingest.IngestClientFactory;
import com.microsoft.azure.kusto.ingest.IngestionProperties;
import com.microsoft.azure.kusto.ingest.StreamingIngestClient;
import com.microsoft.azure.kusto.ingest.source.StreamSourceInfo;

import java.io.ByteArrayInputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;

/** A table of a database, by kusto-data and kusto-ingest. */
final class Rows implements AutoCloseable {
  private final String database;
  private final Client client;
  private final StreamingIngestClient streaming;

  Rows(String uri, String database, TokenCredential credential) throws URISyntaxException {
    final var connection = ConnectionStringBuilder.createWithTokenCredential(uri, credential);
    this.database = database;
    client = ClientFactory.createClient(connection);
    streaming = IngestClientFactory.createStreamingIngestClient(connection);
  }

  /** Two rows by a command, one by streaming ingestion. */
  void write() throws Exception {
    client.executeMgmt(database, ".create table Log (Level: string, Text: string)");
    client.executeMgmt(database, ".alter table Log policy streamingingestion enable");
    client.executeMgmt(database, ".ingest inline into table Log <| Info,one\nInfo,two");
    final var properties = new IngestionProperties(database, "Log");
    properties.setDataFormat(IngestionProperties.DataFormat.CSV);
    final var row = new ByteArrayInputStream("Info,three".getBytes(StandardCharsets.UTF_8));
    streaming.ingestFromStream(new StreamSourceInfo(row), properties);
  }

  /** How many rows there are, or `refused` while the cluster has not its key. */
  String count() throws Exception {
    try {
      final var answer = client.executeQuery(database, "Log | count").getPrimaryResults();
      answer.next();
      return String.valueOf(answer.getLong(0));
    } catch (DataServiceException error) {
      if (!error.getMessage().contains("cluster-key")) throw error;
      return "refused";
    }
  }

  @Override
  public void close() {
    streaming.close();
  }
}
