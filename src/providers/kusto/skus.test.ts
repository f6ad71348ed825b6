import { describe, expect, it } from 'vitest';
import { coresPerNode, skuRows } from './skus.ts';

describe('sizes of machines', () => {
  it.each([
    ['Dev(No SLA)_Standard_D11_v2', 2],
    ['Dev(No SLA)_Standard_E2a_v4', 2],
    ['Standard_D13_v2', 8],
    ['Standard_D14_v2', 16],
    ['Standard_DS13_v2+1TB_PS', 8],
    ['Standard_DS14_v2+4TB_PS', 16],
    ['Standard_D32d_v4', 32],
    ['Standard_L4s', 4],
    ['Standard_L16as_v3', 16],
    ['Standard_E64i_v3', 64],
    ['Standard_E80ids_v4', 80],
    ['Standard_E16as_v5+3TB_PS', 16],
    ['Standard_EC8ads_v5', 8],
  ])('%s has %i processors', (name, cores) => {
    expect(coresPerNode(name)).toBe(cores);
  });

  it('all tell them', () => {
    for (const { name } of skuRows) expect([2, 4, 8, 16, 32, 64, 80]).toContain(coresPerNode(name));
  });
});
