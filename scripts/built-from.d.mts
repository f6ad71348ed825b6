export function recordBuild(root: string, files: readonly string[], startedMs: number): void;
export function isBuilt(root: string): boolean;
