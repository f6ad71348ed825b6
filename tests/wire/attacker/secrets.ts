import { describe, expect, it } from 'vitest';
import { sample } from '../../support/sample.ts';
import type { Attacked, Outcome } from './attacked.ts';
import { audiences, db, hosts } from './attacked.ts';

/** In one piece nowhere else. */
const canary = 'canary-7Q2hJx';
const word = 'canary7Q2hJx';

/** Queries that fail at each stage, each with a literal that nobody should read in an answer or the log. */
const failing: readonly string[] = [
  `print x = "${canary}" | where nothing_like_it == 1`,
  `print x = "${canary}`,
  `print x = "${canary}" | frobnicate`,
  `print x = toint(dynamic("${canary}"), 2)`,
  `print x = datetime("${canary}")`,
  `print x = "${canary}" + 1`,
  `print x = extract("(${canary}[", 1, "a")`,
  `print x = "a" matches regex "(${canary}["`,
  `print x = replace_regex("a", "(?P<${word}", "b")`,
  `print x = parse_json("${canary}") | evaluate bag_unpack(x)`,
  `print x = "${canary}" | evaluate sql_request(x)`,
  `externaldata(x: string)["https://localhost/x?sig=${canary}"]`,
  `print x = make_string(-1, "${canary}")`,
  `print x = strrep("${canary}", 100000000)`,
  `range x from 1 to "${canary}" step 1`,
  `datatable(x: long) ["${canary}"]`,
  `print x = format_datetime(now(), "${canary}")`,
  `print x = "${canary}" | mv-apply y = x on (nothing)`,
  `print series_fit_line("${canary}")`,
  `Rows | take "${canary}"`,
];

/** The same mistakes with literals that their author hides. */
const hidden: readonly string[] = [...failing, `print datetime("${canary.repeat(20)}")`]
  .filter((csl) => /"(?=[^"]*canary)/.test(csl))
  .flatMap((csl) => ['h"', 'h@"'].map((begin) => csl.replace(/"(?=[^"]*canary)/, begin)));

/** An error without the places where it tells the query: `@text`, `@token`, and what stands after `Query:`. */
const untold = (answer: string): string =>
  answer.replaceAll(/"@(?:text|token)":"(?:[^"\\]|\\.)*"/g, '').replaceAll(/Query: '(?:[^'\\\n]|\\.)*'/g, '');

export function describeSecrets(attacked: () => Attacked): void {
  const logged = (): string => attacked().log.join('');

  describe('no secret comes out again', () => {
    // As the service does, an error tells whoever sent a query that query, and what of it is wrong.
    it.each(sample(failing, 4))('into the log, of a query that fails: %s', async (csl) => {
      const answers = [await attacked().query(csl), await attacked().post('/v2/rest/query', { db, csl })];
      answers.push(await attacked().mgmt(`.set-or-append Rows <| ${csl}`));
      answers.push(await attacked().post('/v2/rest/query', { db, csl }, undefined, { accept: 'text/plain' }));
      expect(answers.some(({ status }) => status >= 400)).toBe(true);
      // A literal out of form is told in words, too.
      const told = answers.filter(({ status }) => status >= 400 && !/\bdatetime\("/.test(csl));
      for (const { text } of told) expect(untold(text)).not.toContain(canary);
      expect(logged()).not.toContain(canary);
    });

    it.each(sample(hidden, 4))('of a query that hides its literal, not even to whoever sent it: %s', async (csl) => {
      const answers = [await attacked().query(csl), await attacked().post('/v2/rest/query', { db, csl })];
      answers.push(await attacked().mgmt(`.set-or-append Rows <| ${csl}`));
      for (const { status, text } of answers) if (status >= 400) expect(text).not.toContain(canary);
      expect(logged()).not.toContain(canary);
    });

    it('of data that is refused', async () => {
      const authorization = `Bearer ${await attacked().tokenFor(audiences.cluster)}`;
      const row = { n: 1, s: canary };
      for (const [format, body] of [
        ['csv', `1,${canary}\n2,"${canary}`],
        ['json', `{"n":1,"s":"${canary}"}\n{"s":"${canary}",}`],
        ['multijson', `[{"s":"${canary}"}`],
        ['parquet', JSON.stringify(row)],
        ['tsv', `1\t"${canary}"x`],
      ] as const) {
        const path = `/v1/rest/ingest/${db}/Rows?streamFormat=${format}`;
        const answer = await attacked().attempt(hosts.cluster, 'POST', path, { headers: { authorization }, body });
        expect(answer.status).toBe(400);
        expect(answer.text).not.toContain(canary);
      }
      const inline = await attacked().mgmt(`.ingest inline into table Rows <| 1,"${canary}`);
      expect(inline).toMatchObject({ status: 400 });
      for (const { text } of [inline, await attacked().mgmt('.show ingestion failures')])
        expect(text).not.toContain(canary);
      expect(logged()).not.toContain(canary);
    });

    it('of bodies that the other planes refuse', async () => {
      const broken = `{"kty":"RSA","value":"${canary}","client_secret":"${canary}"`;
      const send = async (plane: 'arm' | 'vault', method: string, path: string, body: string): Promise<Outcome> => {
        const authorization = `Bearer ${await attacked().tokenFor(audiences[plane])}`;
        const headers = {
          authorization,
          'content-type': 'application/json',
          cookie: canary,
          'x-ms-client-request-id': canary,
        };
        return attacked().attempt(hosts[plane], method, path, { headers, body });
      };
      const value = Buffer.from(canary).toString('base64url');
      const answers = [
        await send('arm', 'PUT', `${attacked().group}?api-version=2021-04-01`, broken),
        await send('vault', 'POST', '/keys/k/create?api-version=7.4', broken),
        await send(
          'vault',
          'POST',
          '/keys/k/wrapkey?api-version=7.4',
          `{"alg":"${word}","value":"${value}"}`.replace(word, 'none'),
        ),
        await send('vault', 'POST', '/keys/k/unwrapkey?api-version=7.4', `{"alg":"RSA-OAEP","value":"${value}"}`),
        await send('vault', 'POST', '/keys/k/decrypt?api-version=7.4', `{"alg":"RSA-OAEP-256","value":"${value}"}`),
      ];
      for (const { status, text } of answers) {
        expect(status).toBe(400);
        expect(text).not.toContain(canary);
        expect(text).not.toContain(value);
      }
      expect(logged()).not.toContain(canary);
      expect(logged()).not.toContain(value);
    });

    it('of who signs in, rightly or wrongly', async () => {
      const { owner } = attacked();
      const sign = (secret: string, more: Record<string, string> = {}) =>
        attacked().attempt(hosts.entra, 'POST', `/${owner.tenantId}/oauth2/v2.0/token?x=${canary}`, {
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({
            ...{ grant_type: 'client_credentials', client_id: owner.appId, client_secret: secret },
            ...{ scope: `${audiences.vault}/.default`, ...more },
          }).toString(),
        });
      expect(await sign(owner.secret)).toMatchObject({ status: 200 });
      const wrong = [
        await sign(canary),
        await sign(owner.secret.slice(1)),
        await sign(owner.secret, { client_assertion: canary }),
        await sign(owner.secret, { grant_type: 'password', username: 'x', password: canary }),
      ];
      for (const { status, text } of wrong.slice(0, 2)) {
        expect(status).toBe(401);
        expect(text).not.toContain(owner.secret.slice(1));
      }
      for (const { text } of wrong) expect(text).not.toContain(canary);
      expect(logged()).not.toContain(canary);
    });

    it('of all that was signed with, asked and answered so far', async () => {
      const { owner, people, server, tokenFor } = attacked();
      const tokens = await Promise.all(Object.values(audiences).map((audience) => tokenFor(audience)));
      const secrets = [owner, ...Object.values(people)].map(({ secret }) => secret);
      const text = logged();
      expect(text.length).toBeGreaterThan(1_000);
      expect(text).toContain('"plane":"kusto"'); // the lines of the cluster's process are among them
      for (const secret of [
        ...tokens,
        ...tokens.map((token) => token.split('.')[2] ?? ''),
        ...secrets,
        server.controlToken,
      ])
        expect(text).not.toContain(secret);
      expect(text).not.toMatch(/PRIVATE KEY|eyJ[\w-]{20}|Bearer |etc.passwd/);
    });
  });
}
