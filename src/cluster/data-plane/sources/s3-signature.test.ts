import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { SourceRequest } from './pinned-requests.ts';
import { readSourceAddress } from './source-address.ts';
import { openFile } from './storage-sources.ts';

// Keys of AWS's own examples; signatures as botocore 1.44.8 makes them (S3SigV4Auth).
const id = 'AKIAIOSFODNN7EXAMPLE';
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const now = Date.UTC(2026, 10, 30, 12, 34, 56);

/** What is asked of the host for an address, and what comes. */
async function asked(text: string): Promise<{ sent: SourceRequest; bytes: string }> {
  const { url, credential } = readSourceAddress(text, []);
  if (credential.kind === 'managedIdentity' || credential.kind === 'impersonation') throw new Error('No proof.');
  const requests: SourceRequest[] = [];
  const opened = await openFile(
    { url, credential },
    (request) => {
      requests.push(request);
      const body = Readable.from([Buffer.from('1,a\n')]) as unknown as IncomingMessage;
      return Promise.resolve({ status: 200, headers: { 'content-length': '4' }, body });
    },
    { signal: undefined, wallClock: () => now },
  );
  const pieces: Uint8Array[] = [];
  for await (const piece of opened.stream) pieces.push(piece);
  const [sent] = requests;
  if (sent === undefined || requests.length !== 1) throw new Error('One request was to be sent.');
  return { sent, bytes: Buffer.concat(pieces).toString() };
}

describe('an object of Amazon S3', () => {
  it.each([
    [
      ...(['us-east-1', 'https://examplebucket.s3.us-east-1.amazonaws.com/rows.csv', undefined] as const),
      '3e6f5b3791d796900c42829d3d9c484809fa5fdd0dda4894f081b228ef52fae6',
    ],
    [
      ...(['eu-central-1', "https://examplebucket.s3.eu-central-1.amazonaws.com/a b/c+d/ä!'()*~.csv"] as const),
      'https://examplebucket.s3.eu-central-1.amazonaws.com/a%20b/c%2Bd/%C3%A4%21%27%28%29%2A~.csv',
      '8cb3096cff6bc7cfb88de6b6406b8b9fb8ec495ee495d7501ca9b8ab22bb65f1',
    ],
    [
      'ap-southeast-2',
      'https://examplebucket.s3.ap-southeast-2.amazonaws.com/in/rows.csv.gz?versionId=3sL4kqtJlcpXroDTDmJ%2BrmSpXd3dIbrHY',
      undefined,
      '8ff8038c56c9a7f13e34e91e42e28970bd5d2d8fc90ec6dc08a942f03595ed4b',
    ],
    [
      ...(['us-gov-west-1', 'https://example.bucket.s3.us-gov-west-1.amazonaws.com/x//z%2Fw.csv'] as const),
      'https://example.bucket.s3.us-gov-west-1.amazonaws.com/x//z/w.csv',
      '4b4ae33c1351f0323a5204caaebc45270954ff4f0dbc853ec85713bc746d2b05',
    ],
  ])('of %s is asked for under its access keys: %s', async (region, address, url, signature) => {
    const { sent, bytes } = await asked(`${address};AwsCredentials=${id},${secret}`);
    expect(bytes).toBe('1,a\n');
    expect(sent).toMatchObject({ method: 'GET', url: url ?? address });
    expect(sent.headers).toMatchObject({
      'x-amz-date': '20261130T123456Z',
      authorization: `AWS4-HMAC-SHA256 Credential=${id}/20261130/${region}/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
    });
    expect(JSON.stringify(sent)).not.toContain(secret);
  });

  it('that is public, or whose address is signed, is asked for as it is', async () => {
    const address = 'https://examplebucket.s3.us-east-1.amazonaws.com/a+b.csv?X-Amz-Signature=00';
    const { sent } = await asked(address);
    expect(sent.url).toBe(address);
    expect(sent.headers).not.toHaveProperty('authorization');
  });
});

describe('access keys of Amazon', () => {
  it.each([
    ['https://files.example/rows.csv', `${id},${secret}`],
    ['https://examplebucket.s3.us-east-1.amazonaws.com.example/rows.csv', `${id},${secret}`],
    ['https://s3.us-east-1.amazonaws.com/examplebucket/rows.csv', `${id},${secret}`],
    ['https://mybox.blob.core.windows.net/in/rows.csv', `${id},${secret}`],
  ])('are for buckets alone: %s', (address, keys) => {
    expect(() => readSourceAddress(`${address};AwsCredentials=${keys}`, [])).toThrow(/are for https:\/\/BUCKET/);
  });

  it.each([id, `${id},`, `,${secret}`, `${id} ${secret}`, `${id},${secret},token`])('are two: %s', (keys) => {
    const address = `https://examplebucket.s3.us-east-1.amazonaws.com/rows.csv;AwsCredentials=${keys}`;
    expect(() => readSourceAddress(address, [])).toThrow(/is followed by the id of an access key/);
    expect(() => readSourceAddress(address, [])).not.toThrow(secret);
  });

  it('are not in the name of what they open', () => {
    const address = `https://examplebucket.s3.us-east-1.amazonaws.com/rows.csv;AwsCredentials=${id},${secret}`;
    expect(readSourceAddress(address, []).name).toBe('https://examplebucket.s3.us-east-1.amazonaws.com/rows.csv');
  });
});
