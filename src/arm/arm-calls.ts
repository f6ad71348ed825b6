import type { Caller } from '../authz/caller.ts';
import type { Json } from '../base/json.ts';
import type { ArmMethod, ArmReply } from './arm-operation.ts';
import { armErrors } from './arm-errors.ts';
import type { Admitted, ArmPipeline } from './pipeline.ts';
import { parsePath } from './resource-path.ts';

/** A request of the resource manager to itself, in the name of whoever caused it. */
interface ArmCall {
  readonly method: ArmMethod;
  /** Not encoded: `/subscriptions/…`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly caller: Caller;
  readonly correlationId: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Every call goes through all checks that a request over the wire goes through, but for the token: its caller was verified before. */
export interface ArmCalls {
  /** @throws ArmError */
  send(call: ArmCall): Promise<ArmReply>;
  /** Whether it could be sent, as far as can be said without its body. @throws ArmError */
  check(call: ArmCall): Promise<Admitted>;
}

const origin = 'https://management.azure.com';

/** @throws ArmError 400 for what is no Unicode text, which only a value of JSON can be */
function encodedPath(path: string): string {
  try {
    return encodeURI(path);
  } catch {
    throw armErrors.InvalidRequestUri();
  }
}

export function createArmCalls(pipeline: () => ArmPipeline): ArmCalls {
  const messageOf = (call: ArmCall): Parameters<ArmPipeline['admit']>[0] => {
    const { method, path, query, caller, correlationId, headers = {} } = call;
    const encoded = encodedPath(path);
    return {
      ...{ method, caller, correlationId, headers, origin },
      segments: parsePath(encoded),
      query: new Map(Object.entries(query).map(([name, value]) => [name.toLowerCase(), value])),
      url: `${encoded}?${new URLSearchParams(query).toString()}`,
    };
  };
  return {
    check: async (call) => pipeline().check(messageOf(call)),
    send: async (call) => pipeline().run(await pipeline().admit(messageOf(call)), call.body),
  };
}
