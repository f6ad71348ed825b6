import { describe, expect, it } from 'vitest';
import type { RecordedPair } from '../../scripts/fidelity/mend-recordings.mjs';
import { mendRecording } from '../../scripts/fidelity/mend-recordings.mjs';

const vault = 'https://v.vault.azure.net';
/** @param seconds of the answer's time within a minute */
const pair = (method: string, path: string, status: number, seconds: number, more: object = {}): RecordedPair => ({
  ...{ method, url: `${vault}${path}?api-version=7.4`, status, reqHeaders: {}, reqBody: '', respBody: '{}' },
  respHeaders: { date: `Thu, 04 May 2017 22:54:${String(seconds).padStart(2, '0')} GMT` },
  ...more,
});
const named = (pairs: readonly RecordedPair[]): string[] =>
  pairs.map(({ method, url, status }) => `${method} ${new URL(url).pathname} ${String(status)}`);
const waiting = (pairs: readonly RecordedPair[]): boolean[] =>
  mendRecording(pairs).map(({ reqHeaders }) => reqHeaders['prefer'] === 'wait');

describe('recordings before they are played', () => {
  it('have no body where an answer cannot have one', () => {
    const bodies = (status: number, respBody: string): string | undefined =>
      mendRecording([pair('DELETE', '/deletedkeys/k', status, 0, { respBody })])[0]?.respBody;
    expect(bodies(204, '[]')).toBe('');
    expect(bodies(200, '[]')).toBe('[]');
    expect(bodies(204, '{"error":{}}')).toBe('{"error":{}}');
  });

  it('have the same short beginning of a long value wherever it is', () => {
    const value = 'a-_B'.repeat(8001);
    const [backup, restore] = mendRecording([
      pair('POST', '/certificates/c/backup', 200, 0, { respBody: JSON.stringify({ value }) }),
      pair('POST', '/certificates/restore', 200, 0, { reqBody: JSON.stringify({ value }) }),
    ]);
    expect(backup?.respBody).toBe(restore?.reqBody);
    expect(backup?.respBody).toBe(JSON.stringify({ value: value.slice(0, 1000) }));
    const short = pair('GET', '/secrets/s', 200, 0, { respBody: JSON.stringify({ value: 'a'.repeat(31_000) }) });
    expect(mendRecording([short])).toEqual([short]);
  });

  it('find a deleted object before it is purged or recovered in the same second, and only then', () => {
    const found = pair('GET', '/deletedsecrets/s', 200, 18);
    const gone = pair('GET', '/deletedsecrets/s', 404, 18);
    const purge = pair('DELETE', '/deletedsecrets/s', 204, 18);
    const recovery = pair('POST', '/deletedsecrets/s/recover', 200, 18);
    const order = (...pairs: RecordedPair[]): string[] => named(mendRecording(pairs));
    expect(order(purge, found, found)).toEqual(named([found, found, purge]));
    expect(order(recovery, pair('GET', '/secrets/s', 404, 18), found)).toEqual([
      ...named([found, recovery]),
      'GET /secrets/s 404',
    ]);
    expect(order(purge, gone)).toEqual(named([purge, gone]));
    const later = pair('GET', '/deletedsecrets/s', 200, 19);
    expect(order(purge, later)).toEqual(named([purge, later]));
    const other = pair('GET', '/deletedsecrets/t', 200, 18);
    expect(order(purge, other)).toEqual(named([purge, other]));
    const refused = pair('DELETE', '/deletedsecrets/s', 403, 18);
    expect(order(refused, found)).toEqual(named([refused, found]));
  });

  it('let time pass before what succeeded seconds after a deletion, a recovery or a purge', () => {
    const deletion = pair('DELETE', '/keys/k', 200, 10);
    const look = (status: number, seconds: number) => pair('GET', '/deletedkeys/k', status, seconds);
    expect(waiting([deletion, look(404, 10), look(404, 20), look(200, 30)])).toEqual([false, false, false, true]);
    expect(waiting([deletion, look(200, 11)])).toEqual([false, false]);
    expect(waiting([deletion, pair('GET', '/deletedkeys/other', 200, 30)])).toEqual([false, false]);
    const recovery = pair('POST', '/deletedkeys/k/recover', 200, 20);
    expect(waiting([recovery, pair('GET', '/keys/k', 200, 40)])).toEqual([false, true]);
    const restore = (collection: string) => pair('POST', `/${collection}/restore`, 200, 40);
    const purge = pair('DELETE', '/deletedkeys/k', 204, 20);
    expect(waiting([purge, restore('keys'), restore('secrets')])).toEqual([false, true, false]);
  });
});
