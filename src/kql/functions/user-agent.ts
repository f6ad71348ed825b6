import type { UserAgentTarget } from '../algorithms/text/user-agent.ts';
import { isUserAgentTarget, parseUserAgent } from '../algorithms/text/user-agent.ts';
import { KqlError } from '../plan/kql-error.ts';
import { native } from '../sql/native-row.ts';
import { parseJson } from '../sql/native.ts';
import type { FunctionRows } from '../sql/scope.ts';

/** Far longer than any browser's; a pattern may take its time over what somebody made up. */
const charactersMax = 4096;

export const userAgentFunctions: FunctionRows = {
  parse_user_agent: native(
    'parse_user_agent',
    ['string', 'dynamic'],
    'dynamic',
    ([text, lookFor]) => {
      const agent = String(text);
      if (agent.length > charactersMax)
        throw new KqlError(
          'notSupported',
          `parse_user_agent() of more than ${charactersMax} characters is not supported.`,
        );
      return JSON.stringify(parseUserAgent(agent, targetsOf(parseJson(lookFor))));
    },
    { defaults: ['["browser","os","device"]'] },
  ),
};

function targetsOf(lookFor: unknown): ReadonlySet<UserAgentTarget> {
  const names: readonly unknown[] = Array.isArray(lookFor) ? lookFor : [lookFor];
  if (names.length === 0 || !names.every(isUserAgentTarget))
    throw new KqlError('runtime', "parse_user_agent() looks for 'browser', 'os' or 'device'.");
  return new Set(names);
}
