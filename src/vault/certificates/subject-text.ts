import 'reflect-metadata';
import { Name } from '@peculiar/x509';

/** Attribute types that Windows, and so the service, writes in its own way. */
const windowsNames: Readonly<Record<string, string>> = {
  S: '2.5.4.8',
  STREET: '2.5.4.9',
  T: '2.5.4.12',
  SERIALNUMBER: '2.5.4.5',
};
const shownNames: Readonly<Record<string, string>> = { ST: 'S' };

/** @throws for a text that is no distinguished name */
export const subjectName = (text: string): Name => new Name(text, windowsNames);

/** The empty text is one, too. */
export function isSubject(text: string): boolean {
  if (text === '') return true;
  try {
    return subjectName(text).toArrayBuffer().byteLength > 2;
  } catch {
    return false;
  }
}

/** As the service shows the subject of a certificate: the last part first. */
export function subjectText(name: Name): string {
  const parts = name.toJSON().map((part) =>
    Object.entries(part)
      .flatMap(([type, values]) => values.map((value) => `${shownNames[type] ?? type}=${quoted(value)}`))
      .join(' + '),
  );
  return parts.toReversed().join(', ');
}

const quoted = (value: string): string => (/[,+="\r\n<>#;]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
