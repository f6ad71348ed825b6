/** The one node that there is, as commands and errors name it. */
export const node = 'KEngine000000';
