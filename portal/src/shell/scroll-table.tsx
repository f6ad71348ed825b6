import {
  makeStyles,
  Table,
  TableBody,
  TableHeader,
  TableHeaderCell,
  TableRow,
  tokens,
} from '@fluentui/react-components';
import type { ReactNode } from 'react';

const useStyles = makeStyles({
  // A column is as wide as its longest word: what does not fit is moved to. Only what is longer than any word is broken: ids, addresses.
  wide: {
    overflowX: 'auto',
    '& table': { minWidth: '640px', tableLayout: 'auto' },
    '& td': { maxWidth: '36ch', overflowWrap: 'break-word' },
  },
});

/** Classes for cells. */
export const useCellStyles = makeStyles({
  mono: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: 'anywhere' },
  broken: { overflowWrap: 'anywhere' },
});

export interface ScrollTableProps {
  readonly label: string;
  /** Names; with a class where a column has a width of its own. */
  readonly columns: readonly (string | { readonly name: string; readonly className: string })[];
  /** `TableRow`s. */
  readonly children: ReactNode;
}

/** A table that moves sideways in itself on a narrow screen, by keyboard, too. */
export function ScrollTable({ label, columns, children }: ScrollTableProps) {
  return (
    <div className={useStyles().wide} tabIndex={0} role="region" aria-label={`Table: ${label}`}>
      <Table size="small" aria-label={label}>
        <TableHeader>
          <TableRow>
            {columns
              .map((column) => (typeof column === 'string' ? { name: column, className: '' } : column))
              .map(({ name, className }) => (
                <TableHeaderCell key={name} className={className}>
                  {name}
                </TableHeaderCell>
              ))}
          </TableRow>
        </TableHeader>
        <TableBody>{children}</TableBody>
      </Table>
    </div>
  );
}
