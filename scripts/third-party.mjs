// What the licences of bundled packages ask of whoever passes the bundle on: each one's own text, beside it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** In what is shipped nothing else may occur. */
const allowed = /^\(?(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|MIT-0|BlueOak-1\.0\.0)(\)?$| OR )/;
const noticeFile = /^(licen[cs]e|notice|copying)/i;

/**
 * @param inputs the bundled files, relative to `root`
 * @throws naming a package of another licence
 */
export function noticesOf(root, inputs) {
  const folders = new Set(inputs.filter((file) => file.includes('node_modules/')).map((file) => packageOf(root, file)));
  return [...new Set([...folders].map(noticeOf))].sort().join('\n');
}

/** The folder of the package: it may hold package.json files without a name, which only tell modules apart. */
function packageOf(root, file) {
  for (let folder = dirname(join(root, file)); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version !== undefined) return folder;
  }
  throw new Error(`${file} belongs to no package.`);
}

function noticeOf(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (typeof license !== 'string' || !allowed.test(license)) {
    throw new Error(`${name} ${version} may not be bundled: its licence is ${license ?? 'not said'}.`);
  }
  const by = typeof author === 'string' ? author : author?.name;
  const texts = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && noticeFile.test(entry.name))
    .map((entry) => readFileSync(join(folder, entry.name), 'utf8').trim());
  const title = `${name} ${version}, ${license}${by === undefined ? '' : `, by ${by}`}`;
  return `${'='.repeat(79)}\n${title}\n\n${texts.join('\n\n')}\n`;
}
