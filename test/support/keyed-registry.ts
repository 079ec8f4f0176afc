// Takes the place of src/connectors/registry.ts in a build of the product that only tests run: e-mail goes to a provider
// that takes our key. None of the connectors that the product brings has such a provider, and none is pretended to.
import { captureConnector, captureModelConnector } from '../../src/connectors/capture/capture.js';
import { ConnectorError, type Connectors, type MessageConnector } from '../../src/connectors/connector.js';
import type { ConnectorConfig } from '../../src/connectors/registry.js';

/** `MODEL_URL` names the provider. */
export function openConnectors({ dataDir, model }: ConnectorConfig): Connectors {
  const capture = captureConnector(dataDir);
  const mail = model === null ? capture : keyed(model.url);
  const known = new Map([capture, mail].map((one) => [one.name, one.takesIdempotencyKey]));
  return {
    for: (channel) => (channel === 'EMAIL' ? mail : capture),
    model: captureModelConnector(dataDir),
    takesIdempotencyKey: (name) => known.get(name) ?? false,
  };
}

/** One POST per message, with the key in the header of the IETF's draft (draft-ietf-httpapi-idempotency-key-header). */
const keyed = (url: string): MessageConnector => ({
  name: 'keyed',
  takesIdempotencyKey: true,
  async send(message, { idempotencyKey, signal }) {
    const headers = { 'content-type': 'application/json', 'idempotency-key': `"${idempotencyKey}"` };
    const request = { method: 'POST', headers, body: JSON.stringify(message), signal: signal ?? null };
    const response = await fetch(`${url}/messages`, request).catch((cause: unknown) => {
      throw new ConnectorError('unknown', 'The provider was lost.', { cause });
    });
    if (!response.ok) throw new ConnectorError('refused', `The provider refused it (HTTP ${response.status}).`);
    const { id } = (await response.json()) as { id: string };
    return { captured: false, file: null, messageId: id, response: String(response.status) };
  },
});
