/** Light, dark and paper; nothing is loaded from anywhere. */
export const pageStyle = `
:root { --ink: #1c2330; --soft: #5a6475; --line: #d9dee7; --paper: #ffffff; --card: #f5f7fa; --accent: #1f5fbf; --good: #146c43; --goodback: #e3f4ea; --bad: #a4161a; --badback: #fdeaea; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --soft: #9aa5b6; --line: #323b4a; --paper: #12161d; --card: #1b212b; --accent: #7fb0f5; --good: #7bd3a2; --goodback: #14301f; --bad: #ff9a9a; --badback: #3a1718; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 72rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .8rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .5rem; }
p { margin: .4rem 0; }
p, li, h1, h2, h3, .long { overflow-wrap: anywhere; }
.soft { color: var(--soft); }
code, .id { font: .84em/1.5 ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", "Liberation Mono", monospace; overflow-wrap: anywhere; }
.verdict { margin: 1.6rem 0; padding: 1rem 1.2rem; border-radius: .5rem; font-size: 1.1rem; font-weight: 600; background: var(--goodback); color: var(--good); border: 1px solid currentColor; }
.verdict.bad { background: var(--badback); color: var(--bad); }
.verdict.open { background: var(--card); color: var(--ink); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; margin: 1.2rem 0; padding: 0; list-style: none; }
.facts li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem; }
.facts b { display: block; font-size: 1.45rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.facts span { color: var(--soft); font-size: .86rem; }
.cluster { border: 1px solid var(--line); border-radius: .6rem; padding: 1.1rem 1.2rem; margin: 1rem 0; }
.cluster > h3 { margin: 0 0 .8rem; font-size: 1.1rem; }
.chain { display: grid; grid-template-columns: 1fr auto 1fr auto 1fr; gap: .6rem; align-items: stretch; }
.chain div { background: var(--card); border-left: .25rem solid var(--accent); border-radius: .3rem; padding: .6rem .8rem; min-width: 0; }
.chain i { align-self: center; color: var(--soft); font-style: normal; font-size: .8rem; text-align: center; }
.chain b { display: block; }
.state { font-size: .78rem; font-weight: 600; padding: .1rem .5rem; border-radius: 1rem; border: 1px solid currentColor; vertical-align: middle; margin-left: .4rem; color: var(--good); }
.state.off { color: var(--bad); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; margin-top: .9rem; }
th { text-align: left; color: var(--soft); font-weight: 600; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem .35rem 0; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.t, .whole { white-space: nowrap; font-variant-numeric: tabular-nums; }
.limits { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1.2rem .9rem 2.2rem; }
.limits li { margin: .45rem 0; }
@media screen and (max-width: 46rem) { .chain { grid-template-columns: 1fr; } .chain i { text-align: left; } td.id, .long { min-width: 9rem; } }
@page { margin: 14mm 12mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #444; } }
@media print { :root { --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --card: #fff; --accent: #000; --good: #000; --goodback: #fff; --bad: #000; --badback: #fff; color-scheme: light; } body { max-width: none; padding: 0; font-size: 10.5pt; } h1, h2, h3 { break-after: avoid; } .verdict, .facts, .chain, tr, .limits li { break-inside: avoid; } .cluster, .limits { box-decoration-break: clone; } .wide { overflow: visible; } table { font-size: 8.5pt; } .facts { grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); } thead { display: table-header-group; } }
`;

/** For tables that are wider than a sheet is high. */
export const landscapeStyle = `
@page { size: A4 landscape; }
`;
