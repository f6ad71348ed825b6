import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assignRole } from '../../support/arm-assignments.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';
import { recordedEvents } from '../../support/audit-events.ts';

interface ActivityPage {
  readonly value: readonly Readonly<Record<string, unknown>>[];
  readonly nextLink?: string;
}

let arm: ArmFixture;
beforeAll(async () => {
  arm = await startArm();
});
afterAll(() => arm[Symbol.asyncDispose]());

const minute = 60_000;
const subscription = () => `/subscriptions/${arm.subscriptionId}`;
const groupNamed = (name: string) => `${subscription()}/resourceGroups/${name}`;
const put = (path: string, version: string, body: unknown, as = arm.owner) =>
  arm.send('PUT', `${path}?api-version=${version}`, { body, as });
const since = () => new Date(arm.clock.now() - minute).toISOString();
const until = () => new Date(arm.clock.now() + minute).toISOString();

async function activity(filter: string, options: { readonly select?: string; readonly as?: typeof arm.owner } = {}) {
  const select = options.select === undefined ? '' : `&$select=${options.select}`;
  const path = `${subscription()}/providers/Microsoft.Insights/eventtypes/management/values`;
  const query = `api-version=2015-04-01&$filter=${encodeURIComponent(filter)}${select}`;
  return arm.send('GET', `${path}?${query}`, { as: options.as ?? arm.owner });
}

const inTime = (more = '') => `eventTimestamp ge '${since()}' and eventTimestamp le '${until()}'${more}`;
const eventsOf = async (group: string) =>
  ((await activity(inTime(` and resourceGroupName eq '${group}'`))).body as ActivityPage).value;
const status = (event: Readonly<Record<string, unknown>>) => (event['status'] as { value: string }).value;

describe('the activity log', () => {
  it('ActivityLogs_List: has what was done, by whom, and what allowed it, in the schema of the service', async () => {
    const group = groupNamed('logged');
    const correlation = 'aaaaaaaa-1111-4111-8111-111111111111';
    const made = await arm.send('PUT', `${group}?api-version=2024-11-01`, {
      body: { location: 'eastus' },
      headers: { 'x-ms-correlation-request-id': correlation },
    });
    expect(made.status).toBe(201);
    const events = await eventsOf('logged');
    expect(events.map(status)).toEqual(['Succeeded', 'Started']);
    const [ended, begun] = events;
    expect(ended?.['operationId']).toBe(begun?.['operationId']);
    expect(ended?.['eventDataId']).not.toBe(begun?.['eventDataId']);
    const action = 'Microsoft.Resources/subscriptions/resourceGroups/write';
    expect(ended).toMatchObject({
      authorization: {
        ...{ action, scope: group },
        evidence: { role: 'Owner', roleAssignmentScope: subscription(), principalId: arm.owner.objectId },
      },
      caller: arm.owner.appId,
      channels: 'Operation',
      claims: {
        appid: arm.owner.appId,
        'http://schemas.microsoft.com/identity/claims/objectidentifier': arm.owner.objectId,
      },
      correlationId: correlation,
      category: { value: 'Administrative', localizedValue: 'Administrative' },
      eventName: { value: 'EndRequest' },
      eventTimestamp: new Date(arm.clock.now()).toISOString(),
      submissionTimestamp: new Date(arm.clock.now()).toISOString(),
      level: 'Informational',
      operationName: { value: action },
      resourceGroupName: 'logged',
      resourceProviderName: { value: 'Microsoft.Resources' },
      resourceId: group,
      status: { value: 'Succeeded' },
      subStatus: { value: 'Created', localizedValue: 'Created (HTTP Status Code: 201)' },
      subscriptionId: arm.subscriptionId,
      tenantId: arm.tenantId,
      httpRequest: { method: 'PUT', clientIpAddress: expect.stringMatching(/^(127\.0\.0\.1|::1)$/) as string },
      properties: { entity: group, statusCode: 'Created' },
    });
  });

  it('says who got which role, and who had it taken away, as the Azure CLI asks', async () => {
    const group = groupNamed('granted');
    await put(group, '2024-11-01', { location: 'eastus' });
    const reader = `${subscription()}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7`;
    const path = `${group}/providers/Microsoft.Authorization/roleAssignments/11111111-aaaa-4aaa-8aaa-111111111111`;
    const properties = { roleDefinitionId: reader, principalId: arm.owner.objectId, principalType: 'ServicePrincipal' };
    expect((await put(path, '2022-04-01', { properties })).status).toBe(201);
    expect((await arm.send('DELETE', `${path}?api-version=2022-04-01`)).status).toBe(200);
    const told = (await eventsOf('granted'))
      .filter((event) => (event['operationName'] as { value: string }).value.includes('roleAssignments'))
      .map((event) => [status(event), event['properties'] as Readonly<Record<string, string>>] as const);
    expect(told.map(([what]) => what)).toEqual(['Succeeded', 'Started', 'Succeeded', 'Started']);
    const [revoked, , given, asked] = told.map(([, one]) => one);
    expect(JSON.parse(asked?.['requestbody'] ?? '')).toEqual({ properties });
    expect(given).not.toHaveProperty('responseBody');
    expect(JSON.parse(revoked?.['responseBody'] ?? '')).toMatchObject({
      properties: { principalId: arm.owner.objectId, roleDefinitionId: reader, scope: group },
    });
    for (const event of await eventsOf('logged')) expect(event['properties']).not.toHaveProperty('requestbody');
  });

  it('has refusals, by their code alone, and no reads', async () => {
    await put(groupNamed('refusals'), '2024-11-01', { location: 'eastus' });
    const reader = arm.addPrincipal('reader');
    await assignRole(arm, 'Reader', reader.objectId, groupNamed('refusals'));
    const identity = `${groupNamed('refusals')}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one`;
    expect(await put(identity, '2023-01-31', { location: 'eastus' }, reader)).toMatchObject({ status: 403 });
    expect(await put(identity, '2023-01-31', { location: 'do-not-repeat-me' })).toMatchObject({ status: 400 });
    expect((await arm.send('GET', `${groupNamed('refusals')}?api-version=2024-11-01`)).status).toBe(200);
    const events = await eventsOf('refusals');
    const failed = events.filter((event) => status(event) === 'Failed');
    expect(failed.map(({ caller }) => caller)).toContain(reader.appId);
    expect(failed).toContainEqual(
      expect.objectContaining({
        level: 'Error',
        subStatus: { value: 'Forbidden', localizedValue: 'Forbidden (HTTP Status Code: 403)' },
        properties: expect.objectContaining({
          statusMessage: '{"error":{"code":"AuthorizationFailed"}}',
        }) as unknown,
      }),
    );
    expect(JSON.stringify(events)).not.toContain('do-not-repeat-me');
    expect(events.map((event) => (event['operationName'] as { value: string }).value)).not.toContain(
      'Microsoft.Resources/subscriptions/resourceGroups/read',
    );
  });

  it('is filtered, and shows what is selected', async () => {
    await put(groupNamed('filtered'), '2024-11-01', { location: 'eastus' });
    const where = ` and resourceUri eq '${groupNamed('filtered')}' and status eq 'succeeded' and caller eq '${String(arm.owner.appId)}'`;
    const found = (await activity(inTime(where), { select: 'eventName,resourceId' })).body as ActivityPage;
    expect(found.value).toEqual([
      { eventName: { value: 'EndRequest', localizedValue: 'End request' }, resourceId: groupNamed('filtered') },
    ]);
    // The Azure CLI writes times without quotes, and some without a zone.
    for (const zone of ['Z', '', '+00:00']) {
      const [from, to] = [since(), until()].map((time) => time.replace('Z', zone));
      const plain = `eventTimestamp ge ${from} and eventTimestamp le ${to}`;
      expect(((await activity(plain)).body as ActivityPage).value.length, zone).toBeGreaterThan(2);
    }
    const later = `eventTimestamp ge '${new Date(arm.clock.now() + 1).toISOString()}' and eventTimestamp le '${until()}'`;
    expect((await activity(later)).body).toEqual({ value: [] });
  });

  it.each([
    ['', 'from when on'],
    ["resourceGroupName eq 'g'", 'from when on'],
    ["eventTimestamp ge '2001-01-01T00:00:00Z'", '90 days'],
    ["eventTimestamp ge 'soon'", "'soon' is no time"],
    ["eventTimestamp ge '{since}' and levels eq 'Error'", "'levels eq' is not supported"],
    ["eventTimestamp ge '{since}' or status eq 'x'", "'or' is not supported"],
  ])('refuses the filter "%s" by name', async (filter, text) => {
    const answer = await activity(filter.replace('{since}', since()));
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.text).toContain(text);
  });

  it('refuses to select what no event has', async () => {
    expect(await activity(inTime(), { select: 'secrets' })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('secrets') as string } },
    });
  });

  it('is shown to who may read it, and to nobody else', async () => {
    const stranger = arm.addPrincipal('stranger');
    expect(await activity(inTime(), { as: stranger })).toMatchObject({
      status: 403,
      body: { error: { code: 'AuthorizationFailed' } },
    });
    await assignRole(arm, 'Reader', stranger.objectId, subscription());
    expect(await activity(inTime(), { as: stranger })).toMatchObject({ status: 200 });
  });

  it('comes in pages, the newest first, each event once', async () => {
    const before = (await recordedEvents(arm.state)).length;
    for (let at = 0; at < 130; at++) await put(groupNamed('paged'), '2024-11-01', { location: 'eastus' });
    expect((await recordedEvents(arm.state)).length - before).toBe(260);
    let answer = await activity(inTime(" and resourceGroupName eq 'paged'"));
    const seen: unknown[] = [];
    const pages: number[] = [];
    for (;;) {
      const { value, nextLink } = answer.body as ActivityPage;
      seen.push(...value.map((event) => event['eventDataId']));
      pages.push(value.length);
      if (nextLink === undefined) break;
      const { pathname, search } = new URL(nextLink);
      answer = await arm.send('GET', `${pathname}${search}`);
    }
    expect(pages).toEqual([200, 60]);
    expect(new Set(seen).size).toBe(260);
  });

  it('EventCategories_List: names what events are of', async () => {
    const answer = await arm.send('GET', '/providers/Microsoft.Insights/eventcategories?api-version=2015-04-01');
    expect(answer.body).toMatchObject({
      value: expect.arrayContaining([{ value: 'Administrative', localizedValue: 'Administrative' }]) as unknown,
    });
  });
});
