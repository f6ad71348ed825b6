/** What a cluster process is told that asks for the key of the second layer: one of the platform, which the main process has. Never logged. */
export interface InfrastructureKeyAnswer {
  /** Undefined: the cluster has no double encryption. */
  readonly key: Uint8Array | undefined;
}
