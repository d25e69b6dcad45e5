/** An OpenID issuer of one person for the tests, which lets that person in at once. */
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Issuer {
  url: string;
  client: string;
  secret: string;
  claims: Record<string, unknown>; // of the person
  stop: () => Promise<void>;
}

const text = async (r: IncomingMessage): Promise<string> => {
  let out = '';
  for await (const part of r) out += part;
  return out;
};

export async function issuer(claims: Record<string, unknown>): Promise<Issuer> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const codes = new Map<string, { challenge: string; nonce: string; redirect: string }>();
  const self: Issuer = { url: '', client: 'fleet', secret: 'client-secret', claims, stop: () => Promise.resolve() };
  const b64 = (v: unknown) => Buffer.from(JSON.stringify(v)).toString('base64url');
  const token = (nonce: string) => {
    const now = Math.floor(Date.now() / 1000);
    const body = { iss: self.url, aud: self.client, sub: 'person-1', iat: now, nbf: now, exp: now + 600, nonce, ...self.claims };
    const plain = `${b64({ alg: 'RS256', typ: 'JWT', kid: 'k1' })}.${b64(body)}`;
    return `${plain}.${sign('sha256', Buffer.from(plain), privateKey).toString('base64url')}`;
  };
  const server = createServer(async (req, res) => {
    const json = (v: unknown, status = 200) => {
      res.writeHead(status, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(v));
    };
    const at = new URL(req.url ?? '/', self.url);
    const q = at.searchParams;
    switch (at.pathname) {
      case '/.well-known/openid-configuration':
        return json({
          issuer: self.url,
          authorization_endpoint: `${self.url}/authorize`,
          token_endpoint: `${self.url}/token`,
          jwks_uri: `${self.url}/keys`,
          id_token_signing_alg_values_supported: ['RS256'],
        });
      case '/keys':
        return json({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' }] });
      case '/authorize': {
        const code = randomUUID();
        const redirect = q.get('redirect_uri') ?? '';
        codes.set(code, { challenge: q.get('code_challenge') ?? '', nonce: q.get('nonce') ?? '', redirect });
        const back = new URL(redirect);
        back.search = new URLSearchParams({ code, state: q.get('state') ?? '' }).toString();
        res.writeHead(302, { Location: back.href });
        return res.end();
      }
      case '/token': {
        const form = new URLSearchParams(await text(req));
        const grant = codes.get(form.get('code') ?? '');
        codes.delete(form.get('code') ?? '');
        const proof = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url');
        if (!grant || grant.challenge !== proof || grant.redirect !== form.get('redirect_uri')) return json({ error: 'invalid_grant' }, 400);
        return json({ access_token: 'opaque', token_type: 'Bearer', id_token: token(grant.nonce) });
      }
      default:
        return json({}, 404);
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  self.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  self.stop = () => new Promise<void>((done) => server.close(() => done()));
  return self;
}

/** freePort is one that nobody listens on, for a server that has to know its own address. */
export async function freePort(): Promise<number> {
  const s = createServer();
  await new Promise<void>((done) => s.listen(0, '127.0.0.1', done));
  const { port } = s.address() as AddressInfo;
  await new Promise<void>((done) => s.close(() => done()));
  return port;
}
