import type { RouteRow } from '../../src/http/route-rows.ts';
import { portalRows } from '../../src/portal/portal-rows.ts';
import { controlRows } from '../../src/server/control-rows.ts';
import { code, madeFrom, table, wrapped } from './markdown.ts';

const whoMay: Readonly<Record<RouteRow['access'], string>> = {
  anybody: 'anybody',
  session: 'token, portal',
  token: 'token',
  page: 'portal',
};

/** The page docs/api.md: every route of the control API and of the portal. */
export function apiPage(): string {
  return [
    '# The control API',
    '',
    madeFrom('the rows that its routes are held to'),
    '',
    wrapped(
      '`https://localhost:{port}`, where `kustody run` gives the address as `KUSTODY_CONTROL` and the token as `KUSTODY_CONTROL_TOKEN`; both are in `control.json` of the data directory, too. Requests have `Authorization: Bearer {token}`; whoever has the token may do everything. Bodies and answers are JSON, bodies of at most 64 KiB. The portal speaks this and, under `/portal/planes`, the APIs of Azure, and nothing else. [openapi.json](openapi.json) has the shapes of bodies and answers, as OpenAPI 3.1.',
    ),
    '',
    '```',
    'curl --cacert "$KUSTODY_DATA_DIR/ca.pem" \\',
    '  --header "Authorization: Bearer $KUSTODY_CONTROL_TOKEN" "$KUSTODY_CONTROL/status"',
    '```',
    '',
    wrapped(
      'An error is `{"error": {"code", "message"}}`. Beside those of a route there are `Unauthorized` (401, no token, or a wrong one), `NoSession` (401) and `ForeignOrigin` (403) for pages of the portal, and `NotForPortal` (403) for what a session does not get.',
    ),
    '',
    ...section('Control', controlRows),
    ...section('Portal', portalRows),
  ].join('\n');
}

function section(title: string, rows: readonly RouteRow[]): readonly string[] {
  return [
    `## ${title}`,
    '',
    ...table(
      ['Request', 'For', 'Does', 'Errors'],
      rows.map((row) => [
        code(`${row.method} ${pathOf(row)}`),
        whoMay[row.access],
        [row.says, ...Object.entries(row.query ?? {}).map(([name, says]) => `${code(`?${name}=`)} ${says}.`)].join(' '),
        Object.entries(row.errors ?? {})
          .map(([error, status]) => `${status} ${code(error)}`)
          .join(', '),
      ]),
    ),
    '',
  ];
}

const pathOf = ({ path }: RouteRow): string => path.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{path}');

/** The file docs/openapi.json. */
export function openApi(): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const row of [...controlRows, ...portalRows]) {
    const methods = row.method === 'ANY' ? ['get', 'post', 'put', 'patch', 'delete'] : [row.method.toLowerCase()];
    for (const method of methods) (paths[pathOf(row)] ??= {})[method] = operationOf(row, method);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Kustody control API', version: '1', description: 'See api.md.', license: { name: 'MIT' } },
    servers: [{ url: 'https://localhost:{port}', variables: { port: { default: '443' } } }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        page: { type: 'apiKey', in: 'header', name: 'x-kustody-page', description: 'With the cookie of the session.' },
      },
      schemas: {
        Error: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['code', 'message'],
              properties: { code: { type: 'string' }, message: { type: 'string' } },
            },
          },
        },
      },
    },
  };
}

const security: Readonly<Record<RouteRow['access'], readonly object[]>> = {
  anybody: [],
  session: [{ token: [] }, { page: [] }],
  token: [{ token: [] }],
  page: [{ page: [] }],
};

function operationOf(row: RouteRow, method: string): unknown {
  const { says, query = {}, body, answer, status = 200, mediaType = 'application/json', errors = {} } = row;
  const inPath = [...pathOf(row).matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }));
  const inQuery = Object.entries(query).map(([name, description]) => ({
    ...{ name, in: 'query', description, schema: { type: 'string' } },
  }));
  const statuses = new Set([...Object.values(errors), ...(row.access === 'anybody' ? [] : [401, 403])]);
  const codesOf = (wanted: number): string =>
    Object.entries(errors)
      .filter(([, one]) => one === wanted)
      .map(([name]) => name)
      .join(', ');
  return {
    operationId: `${method}${pathOf(row).replaceAll(/[^A-Za-z]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: says,
    security: security[row.access],
    ...(inPath.length + inQuery.length === 0 ? {} : { parameters: [...inPath, ...inQuery] }),
    ...(body === undefined ? {} : { requestBody: { content: { 'application/json': { schema: body } } } }),
    responses: {
      [status]: {
        description: says,
        ...(answer === undefined && row.mediaType === undefined
          ? {}
          : { content: { [mediaType]: answer === undefined ? {} : { schema: answer } } }),
      },
      ...Object.fromEntries(
        [...statuses].toSorted().map((one) => [
          one,
          {
            description: codesOf(one) || (one === 401 ? 'Unauthorized, NoSession' : 'ForeignOrigin, NotForPortal'),
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
          },
        ]),
      ),
    },
  };
}
