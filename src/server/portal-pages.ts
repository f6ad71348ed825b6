import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where the built pages of the portal lie. @param folder of the built scripts (`dist`) */
export const portalDirectory = (folder: string): string => join(folder, 'portal');

/** A package has them; in a clone `npm run build:portal` makes them. */
export const isPortalBuilt = (folder: string): boolean => existsSync(join(portalDirectory(folder), 'index.html.br'));
