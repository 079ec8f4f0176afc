// A second process for folder-lock: opens the embedded database of the folder it is given, says what came of it, and
// holds the folder until its input ends or it is killed.
import { openEmbedded } from '../../src/db/embedded.js';
import { ConfigurationError } from '../../src/platform/errors.js';

const [dataDir = ''] = process.argv.slice(2);
try {
  const database = await openEmbedded({ dataDir, onFatal: (line) => process.stderr.write(line) });
  await database.owner.organization.create({ data: { id: `org_${process.pid}`, name: 'Held' } });
  process.stdout.write(`open ${process.pid}\n`);
  process.stdin.on('end', () => void database.close().then(() => process.exit(0)));
  process.stdin.resume();
} catch (error) {
  process.stdout.write(`${error instanceof ConfigurationError ? 'refused' : 'broken'}: ${String(error)}\n`);
  process.exit(2);
}
