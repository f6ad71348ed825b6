import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startKustody } from '../../dist/testing.js';
import type { Deed, Form, PlaneRequest } from '../../portal/src/admin/form.ts';
import type { BaseLists } from '../../portal/src/admin/resources.ts';
import type { Thing, ThingKind } from '../../portal/src/admin/thing-kind.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { textMember } from '../../src/base/json.ts';
import { writeBicep } from '../../src/cli/export/bicep-writer.ts';
import { buildGroup } from '../../src/cli/export/build-group.ts';
import { gather } from '../../src/cli/export/gather.ts';
import type { AdministrationStep } from '../support/administration-steps.ts';
import { administrationSteps } from '../support/administration-steps.ts';
import { azureCliFolder, hasAzureCli, startAzureCli } from '../support/azure-cli.ts';
import { planesAsPortal } from '../support/planes-as-portal.ts';

const root = join(import.meta.dirname, '..', '..');
const nothing: Thing = { id: '', name: '', cells: [], resource: {} };
/** Modules that are for browsers: these sources have no types of the document. */
const fromPortal = <T>(path: string): Promise<T> => import(join(root, 'portal', 'src', path)) as Promise<T>;
const { kinds } = await fromPortal<{ kinds: readonly ThingKind[] }>('admin/kinds.ts');
const { listBase } = await fromPortal<{ listBase: (signal: AbortSignal) => Promise<BaseLists> }>('admin/base-lists.ts');
const { perform } = await fromPortal<{
  perform: (steps: readonly PlaneRequest[], signal: AbortSignal) => Promise<void>;
}>('admin/perform.ts');
const { listArm } = await fromPortal<{
  listArm: (path: string, version: string) => Promise<{ items: readonly JsonObject[] }>;
}>('api/arm.ts');
const { callPlaneJson } = await fromPortal<{ callPlaneJson: (host: string, path: string) => Promise<JsonObject> }>(
  'api/planes.ts',
);

const never = new AbortController().signal;

describe('what the forms of the administration say that they do', () => {
  let kustody: Awaited<ReturnType<typeof startKustody>>;
  let environment: Record<string, string>;
  /** Modules find the clients of this repository from there. */
  const modules = mkdtempSync(join(root, 'node_modules', '.administration-'));
  const folder = mkdtempSync(join(tmpdir(), 'kustody-administration-'));

  beforeAll(async () => {
    kustody = await startKustody();
    environment = Object.fromEntries(
      Object.entries({ ...process.env, ...(await kustody.environment()) }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      ),
    );
    vi.stubGlobal('fetch', planesAsPortal(kustody));
    vi.stubGlobal('localStorage', { getItem: () => null });
  });
  afterAll(async () => {
    vi.unstubAllGlobals();
    rmSync(modules, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
    await kustody.close();
  });

  const kindOf = (step: AdministrationStep) => {
    const kind = kinds.find(({ id }) => id === step.kind);
    if (kind === undefined) throw new Error(`no kind '${step.kind}'`);
    return kind;
  };
  const isRow = (thing: Thing, [name, has]: readonly [string, string, ...unknown[]]): boolean =>
    thing.name === name && thing.cells.join('|').includes(has);

  async function look(step: AdministrationStep) {
    const base = await listBase(never);
    const { things, problems, roles = [] } = await kindOf(step).list(base, never);
    return { base: { ...base, roles }, things, problems };
  }

  /** Fills in the form, as somebody does who reads the labels. */
  async function deedOf(step: AdministrationStep): Promise<Deed> {
    const { base, things } = await look(step);
    const thing = step.thing === undefined ? nothing : things.find((one) => isRow(one, step.thing ?? ['', '']));
    if (thing === undefined) throw new Error(`nothing is called ${JSON.stringify(step.thing)}`);
    const forms: readonly Form[] = step.thing === undefined ? kindOf(step).makes : kindOf(step).changes(thing);
    const form = forms.find(({ id }) => id === step.form);
    if (form === undefined) throw new Error(`${step.kind} has no form '${step.form}'`);
    const fields = form.fields(base, thing);
    expect(Object.keys(step.values ?? {}).filter((id) => !fields.some((field) => field.id === id))).toEqual([]);
    const values = fields.map(({ id, kind, choices = [], initial }) => {
      const given = step.values?.[id];
      if (given === undefined) return [id, initial] as const;
      if (kind === 'choice')
        return [id, choices.find(({ label }) => label.startsWith(given))?.value ?? 'none'] as const;
      const identity = base.identities.find((one) => `@${textMember(one, 'name')}` === given);
      const { principalId } = (identity?.['properties'] ?? {}) as { readonly principalId?: string };
      return [id, principalId ?? given] as const;
    });
    return form.deed(Object.fromEntries(values), base, thing);
  }

  async function expectThen(step: AdministrationStep): Promise<void> {
    const { things, problems } = await look(step);
    const found = things.some((one) => isRow(one, step.then));
    const told = `${step.kind} ${step.form}: ${JSON.stringify(step.then)} in ${JSON.stringify(things.map(({ name, cells }) => [name, ...cells]))}`;
    expect(found, told).toBe(step.then[2] !== 'gone');
    expect(problems).toEqual([]);
  }

  const all = (tag: string, assignment: string) => administrationSteps(tag, kustody.objectId, assignment);

  it(
    'is done by the requests, as the portal sends them; Bicep says what an export says of it',
    { timeout: 240_000 },
    async () => {
      const blocks: string[] = [];
      for (const step of all('http', '7f0e5c1e-6f4e-4b5f-9df3-2a9c5b8d0a01')) {
        const deed = await deedOf(step);
        if (deed.bicep !== undefined)
          expect(deed.bicep).toMatch(/^targetScope = '(?:resourceGroup|subscription)'\n\n(?:resource [^]*\n})+\n$/);
        await perform(deed.steps, never);
        await expectThen(step);
        if (isInExport(step)) blocks.push(deed.bicep ?? '');
        if (step.form === 'make-kusto') await expectExported(blocks);
      }
    },
  );

  /** Each line that a form gives stands in the export of what it made, where that has no parameters. */
  async function expectExported(blocks: readonly string[]): Promise<void> {
    const groupId = `/subscriptions/${kustody.subscriptionId}/resourceGroups/g-http`;
    const gathered = await gather(
      {
        get: (path, version) => callPlaneJson('management.azure.com', `${path}?api-version=${version}`),
        list: async (path, version) => (await listArm(path, version)).items,
      },
      groupId,
    );
    const group = buildGroup(gathered, { tenantId: kustody.tenantId, objectId: kustody.objectId, names: new Map() });
    const exported = new Set(writeBicep(group).split('\n').map(withoutNames));
    const own = blocks
      .flatMap((block) => block.split('\n').slice(2))
      .filter((line) => !/ existing = \{|accessPolicies: \[\]/.test(line));
    expect(own.length).toBeGreaterThan(60);
    const wrong = own.filter((line) => !exported.has(withoutNames(line)));
    expect(wrong).toEqual([]);
  }

  it('is done by the modules of TypeScript', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', moduleRunner], {
      ...{ cwd: modules, env: environment, stdio: ['pipe', 'pipe', 'inherit'] },
    });
    try {
      const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const steps = all('ts', '7f0e5c1e-6f4e-4b5f-9df3-2a9c5b8d0a02').filter(({ isPolled }) => isPolled !== true);
      for (const [at, step] of steps.entries()) {
        const { typescript } = await deedOf(step);
        const file = join(modules, `${at}.mjs`);
        writeFileSync(file, typescript);
        child.stdin.write(`${file}\n`);
        expect((await answers.next()).value, typescript).toBe('done');
        await expectThen(step);
      }
    } finally {
      child.kill();
    }
  });

  it.skipIf(!hasAzureCli)('is done by the lines for the Azure CLI', { timeout: 300_000 }, async () => {
    const env = { ...environment, PATH: `${azureCliFolder}:${environment['PATH'] ?? ''}` };
    const cli = await startAzureCli(folder, join(folder, 'az.sock'));
    const run = (lines: readonly string[]) =>
      promisify(execFile)('bash', ['-ec', [cli.bash, ...lines].join('\n')], { env, cwd: folder });
    try {
      await run([
        'az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" -t "$AZURE_TENANT_ID" -o none',
      ]);
      // A command takes long: what makes something, of each kind once.
      const steps = all('az', '7f0e5c1e-6f4e-4b5f-9df3-2a9c5b8d0a03').filter(
        ({ form, isExtension }) => form.startsWith('make') && isExtension !== true,
      );
      for (const step of steps) {
        await run((await deedOf(step)).az);
        await expectThen(step);
      }
    } finally {
      await cli.close();
    }
  });
});

/** What of the steps is in the export as they left it: policies are written with their vault, and a database as it was changed. */
const isInExport = ({ kind, form, then: [, , gone] }: AdministrationStep): boolean =>
  gone === undefined &&
  kind !== 'groups' &&
  form !== 'make-policy' &&
  (form.startsWith('make') ? kind !== 'databases' : kind === 'databases');

/** Runs each module whose path is written to it, and says what came of it. */
const moduleRunner = `
import { createInterface } from 'node:readline';
for await (const file of createInterface({ input: process.stdin }))
  console.log(await import(file).then(() => 'done', (error) => JSON.stringify(error.message)));
`;

/** Names of resources, regions and tenants are parameters and functions in an export. */
const withoutNames = (line: string): string =>
  line
    .replace(/^(resource )\S+/, '$1R')
    .replace(/^(\s*(?:parent|scope): ).*/, '$1P')
    .replace(
      /^(\s*(?:name|location|tenantId|principalId|objectId|roleDefinitionId|keyVaultUri|userIdentity): ).*/,
      '$1N',
    )
    .replace(/^(\s*)'.*userAssignedIdentities.*': \{\}$/, '$1ID')
    .replace(/^(\s*)'\$\{\w+\.id\}': \{\}$/, '$1ID');
