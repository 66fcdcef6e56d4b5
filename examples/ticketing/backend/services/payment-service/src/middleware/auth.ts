import { createVerify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';

const path = process.env.JWT_PUBLIC_KEY_PATH || join(process.env.HOME ?? '/', 'boxoffice-secrets', 'jwt-public.pem');

/** Lets a request pass whose bearer token the platform's key signed. */
export async function requireToken(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
  const [head, body, signature] = token.split('.');
  const verify = createVerify('RSA-SHA256').update(`${head}.${body}`);
  if (!signature || !verify.verify(readFileSync(path, 'utf8'), signature, 'base64url')) {
    await reply.status(401).send({ error: 'not authorised' });
  }
}
