// The product is passed on with its packages inside: under licences that allow it, and with their texts.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot } from '../src/db/migration-files.js';

type NoticesOf = (root: string, inputs: readonly string[]) => string;

let noticesOf: NoticesOf;
let root: string;
beforeEach(async () => {
  const file: string = join(packageRoot(), 'scripts', 'third-party.mjs');
  noticesOf = ((await import(file)) as { noticesOf: NoticesOf }).noticesOf;
  root = mkdtempSync(join(tmpdir(), 'sallyport-bundle-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** @returns its bundled file, below a package.json that only tells how modules are read */
function install(name: string, license?: string): string {
  const folder = join(root, 'node_modules', name);
  mkdirSync(join(folder, 'esm'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '1.2.3', license }));
  writeFileSync(join(folder, 'esm', 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(folder, 'LICENSE.md'), `The text of ${name}.`);
  return `node_modules/${name}/esm/index.js`;
}

it('names each bundled package once, with its licence and its text, and none of our own files', () => {
  const files = [install('one', 'MIT'), install('@scope/two', 'Apache-2.0')];
  const notices = noticesOf(root, [...files, 'node_modules/one/esm/other.js', 'src/main.ts']);
  expect(notices.match(/^\S+ 1\.2\.3, .*$/gm)).toEqual(['@scope/two 1.2.3, Apache-2.0', 'one 1.2.3, MIT']);
  expect(notices).toContain('The text of one.');
  expect(notices).toContain('The text of @scope/two.');
});

it.each([['Elastic-2.0'], ['MIT AND AGPL-3.0'], [undefined]])(
  'builds nothing with a package of licence %s',
  (license) => {
    const file = install('closed', license);
    expect(() => noticesOf(root, [file])).toThrow('closed 1.2.3 may not be bundled');
  },
);
