import packageDescription from '../../package.json' with { type: 'json' };

/** Of this Kustody, as its package says. */
export const version: string = packageDescription.version;
