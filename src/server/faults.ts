import { Type } from '@sinclair/typebox';
import type { Static } from '@sinclair/typebox';
import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';
import type { Guid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import { invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Instant } from '../clock/clock.ts';
import { listAll } from '../state/list-all.ts';
import type { State } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import type { FindUnmetPolicy } from '../identity/entra/conditional-access.ts';
import type { OperationFault } from '../providers/kusto/operation-record.ts';
import type { VaultFault } from '../vault/faults.ts';
import { faultTable } from './fault-records.ts';

/** Trouble that a user asks for, as a rule. `vault` and `operation` narrow a vault rule down; without them it hits all. */
export const faultRuleSchema = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('vault'),
      vault: Type.Optional(Type.String({ maxLength: 24 })),
      operation: Type.Optional(Type.String({ maxLength: 40 })),
      /** An HTTP status (429 or 5xx), or `down`: connections break. */
      effect: Type.Union([
        Type.Literal('down'),
        Type.Object(
          {
            status: Type.Union([429, 500, 502, 503, 504].map((status) => Type.Literal(status))),
            retryAfterSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 3600 })),
          },
          { additionalProperties: false },
        ),
      ]),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      kind: Type.Literal('operations'),
      /** Resource manager operations of clusters take so long on the Kustody clock. */
      takesSeconds: Type.Integer({ minimum: 0, maximum: 86_400 }),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      /** Cluster operations end as the real service ends a key change without working vault access: `Failed`, `Internal Server Error`. */
      kind: Type.Literal('internalServerError'),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      /** Vaults have the service's limits of operations in ten seconds: beyond them they answer 429. */
      kind: Type.Literal('vaultLimits'),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      /** Tokens issued before now count as expired. */
      kind: Type.Literal('tokenExpiry'),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      /** A policy of Conditional Access keeps users from tokens, all or the one of this user principal name: AADSTS50076 or 53003. */
      kind: Type.Literal('conditionalAccess'),
      grant: Type.Union([Type.Literal('block'), Type.Literal('multifactor')]),
      user: Type.Optional(Type.String({ maxLength: 113 })),
    },
    { additionalProperties: false },
  ),
]);

export type FaultRule = Static<typeof faultRuleSchema>;
export type StoredFault = FaultRule & { readonly id: Guid; readonly since: number };

/** Compiled for the first rule that comes: most servers never see one, and all would wait for it. */
const isFaultRule = (rule: Json): rule is FaultRule =>
  (faultRuleCheck ??= new Ajv({ allErrors: false }).compile<FaultRule>(faultRuleSchema))(rule);
let faultRuleCheck: ValidateFunction<FaultRule> | undefined;

/** The rules in force. Records are the truth; the copy in memory is read by planes on every request. */
export interface Faults {
  list(): readonly StoredFault[];
  /** @returns undefined for what is no rule */
  add(rule: Json): Promise<StoredFault | undefined>;
  clear(): Promise<void>;
  /** The records were changed by others. */
  reload(): Promise<void>;
  ofVault(vault: string, operation: string | undefined): VaultFault | undefined;
  vaultLimits(): boolean;
  ofOperation(): OperationFault;
  tokenExpired(issuedAt: Instant): boolean;
  unmetPolicy: FindUnmetPolicy;
}

export async function openFaults(parts: {
  readonly state: State;
  readonly randomBytes: RandomBytes;
  readonly wallNow: () => Instant;
}): Promise<Faults> {
  const { state, randomBytes, wallNow } = parts;
  let rules: readonly StoredFault[] = [];
  const load = async (): Promise<void> => {
    rules = (await listAll(state, faultTable)).map((record) => record.value);
  };
  await load();
  return {
    list: () => rules,
    reload: load,
    async add(rule) {
      if (!isFaultRule(rule)) return undefined;
      const stored: StoredFault = { ...rule, id: newGuid(randomBytes), since: wallNow() };
      await state.commit({ write: [writeRecord(faultTable, stored.id, null, stored)] });
      await load();
      return stored;
    },
    async clear() {
      const all = await listAll(state, faultTable);
      await state.commit({ write: all.map((record) => writeRecord(faultTable, record.id, record.version, null)) });
      await load();
      invariant(rules.length === 0, 'no fault is left after all were cleared');
    },
    ofVault(vault, operation) {
      for (const rule of rules) {
        if (rule.kind !== 'vault') continue;
        if (rule.vault !== undefined && rule.vault.toLowerCase() !== vault) continue;
        if (rule.operation !== undefined && rule.operation.toLowerCase() !== operation?.toLowerCase()) continue;
        return rule.effect === 'down' ? 'drop' : rule.effect;
      }
      return undefined;
    },
    vaultLimits: () => rules.some((rule) => rule.kind === 'vaultLimits'),
    ofOperation() {
      const slow = rules.find((rule) => rule.kind === 'operations');
      const fails = rules.some((rule) => rule.kind === 'internalServerError');
      return { takesMs: (slow?.takesSeconds ?? 0) * 1000, fails };
    },
    tokenExpired: (issuedAt) => rules.some((rule) => rule.kind === 'tokenExpiry' && issuedAt < rule.since),
    unmetPolicy(name) {
      const isOf = (user: string | undefined): boolean => (user ?? name).toLowerCase() === name.toLowerCase();
      for (const rule of rules)
        if (rule.kind === 'conditionalAccess' && isOf(rule.user)) return { policyId: rule.id, grant: rule.grant };
      return undefined;
    },
  };
}
