import type { BlockChange } from '../../authz/role-changes.ts';
import { instant } from '../../clock/clock.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import { parseTimespan, ticksPerMillisecond } from '../../kql/values/ticks.ts';
import type { BlockedPrincipal } from '../catalog/blocked-principal.ts';
import { blockedNow } from '../catalog/blocked-principal.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf } from './instants.ts';
import { typeText } from './principal-commands.ts';

const columns =
  'PrincipalType: string, PrincipalDisplayName: string, PrincipalObjectId: string, PrincipalFQN: string, Application: string, User: string, BlockedUntil: datetime, Reason: string';

const blockedMax = 1_000;
const textMax = 1_000;
/** Where no period is said. */
const longMs = 3_650 * 86_400_000;

const rowsOf = ({ data, clock }: CommandContext): readonly Row[] =>
  blockedNow(data.clusterSettings(), clock.now()).map(
    ({ principalType, displayName, objectId, fqn, application, user, until, reason }) => [
      ...[typeText(principalType), displayName, objectId, fqn, application, user, ticksOf(until), reason],
    ],
  );

/** Order: the directory says who is meant, and that it begins is recorded → the settings of the cluster, in one commit → that it is done is
 * recorded. */
async function changed(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, clock, roles } = context;
  if (roles === undefined)
    throw new KqlError('notSupported', `The management command ${command.kind} is not supported here.`);
  const action = command.kind.startsWith('Add') ? 'add' : 'drop';
  const text = command.required('Principal');
  const change: BlockChange = { command: command.kind, scope: 'cluster', action, principals: [text] };
  const about = { application: textOf(command, 'AppName'), user: textOf(command, 'UserName') };
  const now = clock.now();
  const more = { ...about, until: instant(now + periodMs(command)), reason: textOf(command, 'Reason') };
  const { principals } = await roles.change(change, 'Started');
  const named = principals.map((one): BlockedPrincipal => ({ ...one, ...more }));
  const isMeant = (one: BlockedPrincipal): boolean =>
    one.application === about.application &&
    one.user === about.user &&
    // Of somebody who is gone from the directory the command may say what is shown.
    (named.some(({ fqn }) => fqn === one.fqn) || one.fqn.toLowerCase() === text.trim().toLowerCase());
  try {
    await data.changeClusterSettings((held) => {
      const kept = blockedNow(held, now).filter((one) => !isMeant(one));
      if (action === 'drop') return { ...held, blockedPrincipals: kept };
      if (kept.length >= blockedMax)
        throw new KqlError('notSupported', `A cluster blocks at most ${blockedMax} principals.`);
      return { ...held, blockedPrincipals: [...kept, ...named] };
    });
  } catch (error) {
    await roles.change(change, 'Failed');
    throw error;
  }
  await roles.change(change, 'Succeeded');
  return rowsOf(context);
}

function textOf(command: Command, part: string): string {
  const text = command.optional(part) ?? '';
  if (text.length > textMax)
    throw new KqlError('semantic', `The text of ${part} is longer than ${textMax} characters.`);
  return text;
}

function periodMs(command: Command): number {
  const text = command.optional('Period');
  if (text === undefined) return longMs;
  const ticks = parseTimespan(innerText(text));
  if (ticks === undefined || ticks <= 0n)
    throw new KqlError('semantic', `'${text.slice(0, 100)}' is no period in which somebody is blocked.`);
  return Math.min(Number(ticks / ticksPerMillisecond), longMs);
}

/** Who is blocked is denied whatever else it may do; an administrator of the cluster alone takes that back.
 * @see Kusto "Access control", blocking principals manually */
export const blockedPrincipalCommands: readonly CommandRow[] = [
  {
    kinds: { ShowClusterBlockedPrincipals: '.show cluster blockedprincipals' },
    permission: 'anyone',
    columns,
    run: (_command, context) => rowsOf(context),
  },
  {
    kinds: {
      AddClusterBlockedPrincipals:
        ".add cluster blockedprincipals 'aaduser=jane@example.com' application 'Reports' period 4d reason 'Too many queries'",
      DropClusterBlockedPrincipals: ".drop cluster blockedprincipals 'aaduser=jane@example.com' application 'Reports'",
    },
    permission: 'clusterAdmin',
    columns,
    run: changed,
  },
];
