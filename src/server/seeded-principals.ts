import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { FastifyInstance } from 'fastify';
import { listAll } from '../state/list-all.ts';
import type { State } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import type { InstanceEnvironment, SeededPrincipal } from './instance-environment.ts';
import { ControlError } from './control-plane.ts';
import { callLocal, succeeded } from './local-client.ts';
import { seededPrincipalTable } from './seeded-principal-records.ts';

const text = Type.String({ minLength: 1, maxLength: 512 });
/** What `PUT /principals` takes. */
export const sentPrincipalsSchema = Type.Object(
  {
    principals: Type.Array(
      Type.Object(
        {
          name: text,
          objectId: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
          type: Type.Union([Type.Literal('User'), Type.Literal('Group'), Type.Literal('ServicePrincipal')]),
          clientId: Type.Optional(text),
          userPrincipalName: Type.Optional(text),
          secret: Type.Optional(text),
        },
        { additionalProperties: false },
      ),
      { maxItems: 100 },
    ),
  },
  { additionalProperties: false },
);

/** All that are kept at once. */
const principalsMax = 1000;

export async function listSeededPrincipals(state: State): Promise<readonly SeededPrincipal[]> {
  return (await listAll(state, seededPrincipalTable)).map(({ value }) => value);
}

/** Remembers them. One that is known already keeps its secret, unless it is another one by the same name, or has a new secret.
 * @throws ControlError 409 when there are too many */
export async function keepSeededPrincipals(state: State, principals: readonly SeededPrincipal[]): Promise<void> {
  const held = new Map((await listAll(state, seededPrincipalTable)).map((record) => [record.id, record]));
  const fresh = new Map(principals.map((one) => [one.name.toLowerCase(), one]));
  if (new Set([...held.keys(), ...fresh.keys()]).size > principalsMax)
    throw new ControlError(409, 'TooManyPrincipals', `Seeds have named more than ${principalsMax} principals.`);
  const write = [...fresh].map(([id, one]) => {
    const before = held.get(id);
    const kept = before?.value.objectId === one.objectId ? before.value.secret : undefined;
    const secret = one.secret ?? kept;
    const record = { format: 1, ...one, ...(secret === undefined ? {} : { secret }) } as const;
    return writeRecord(seededPrincipalTable, id, before?.version ?? null, record);
  });
  if (write.length > 0) await state.commit({ write });
}

/** `PUT /principals`: remembers those that a seed has made over the wire, from another process. */
export const seededPrincipalRoutes =
  (state: State) =>
  (app: FastifyInstance): void => {
    app.put('/principals', async ({ body }) => {
      if (!Value.Check(sentPrincipalsSchema, body))
        throw new ControlError(400, 'InvalidPrincipals', 'Give {"principals": [...]}, at most 100.');
      await keepSeededPrincipals(state, body.principals);
      return {};
    });
  };

/** For whoever seeds an instance, in whichever process it runs. */
export const principalKeeper =
  (environment: InstanceEnvironment, controlToken: string) =>
  async (principals: readonly SeededPrincipal[]): Promise<void> => {
    const sent = { host: 'localhost', method: 'PUT', path: '/principals', token: controlToken };
    const body = { principals: principals.map((one) => ({ ...one })) };
    succeeded(await callLocal(environment, { ...sent, body }));
  };
