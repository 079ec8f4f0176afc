// Which connector serves a channel, by what is configured. What is not configured is captured in a file, and says so.
import { captureConnector, captureModelConnector } from './capture/capture.js';
import type { Connectors } from './connector.js';
import { modelConnector } from './model/model.js';
import { smtpConnector } from './smtp/smtp.js';

export interface ConnectorConfig {
  readonly dataDir: string;
  /** Null: e-mail is captured. */
  readonly smtp: { readonly url: string; readonly from: string | null } | null;
  /** Null: requests to the model are captured. */
  readonly model: { readonly url: string; readonly name: string; readonly apiKey: string | null } | null;
}

export function openConnectors({ dataDir, smtp, model }: ConnectorConfig): Connectors {
  const capture = captureConnector(dataDir);
  const mail = smtp === null ? capture : smtpConnector(smtp);
  const runtime =
    model === null
      ? captureModelConnector(dataDir)
      : modelConnector({ url: model.url, defaultModel: model.name, apiKey: model.apiKey });
  const known = new Map(
    [capture, mail, runtime, captureModelConnector(dataDir)].map((one) => [one.name, one.takesIdempotencyKey]),
  );
  return {
    for: (channel) => (channel === 'EMAIL' ? mail : capture),
    model: runtime,
    takesIdempotencyKey: (name) => known.get(name) ?? false,
  };
}
