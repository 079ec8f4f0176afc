import { afterAll, beforeAll, describe } from 'vitest';
import { declareAudits } from './graphql-over-http.js';
import { startTestServer, type TestServer } from './test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.door.drain(1_000));

describe('GraphQL over HTTP', () => declareAudits(() => server.graphql));
