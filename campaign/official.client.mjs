// Asks a cluster again and again with the official client, as any program under `kustody run` does, and says when it got rows.
import { setTimeout as pause } from 'node:timers/promises';
import { Client, KustoConnectionStringBuilder } from 'azure-kusto-data';

const [host, database, text] = process.argv.slice(2);
const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: id, AZURE_CLIENT_SECRET: secret } = process.env;
const client = new Client(
  KustoConnectionStringBuilder.withAadApplicationKeyAuthentication(`https://${host}`, id, secret, tenant),
);
const now = () => performance.timeOrigin + performance.now();
for (;;) {
  try {
    const answer = await client.execute(database, text);
    const rows = [...answer.primaryResults[0].rows()].length;
    if (rows > 0) process.stdout.write(`rows ${now()}\n`);
  } catch {
    process.stdout.write(`refused ${now()}\n`);
    await pause(20);
  }
}
