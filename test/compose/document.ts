import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');

/** As much of the compose specification as the file uses; closed, so that a slip in a key shows. */
const healthcheckSchema = Type.Object(
  {
    test: Type.Array(Type.String(), { minItems: 2 }),
    interval: Type.String(),
    timeout: Type.String(),
    retries: Type.Integer(),
    start_period: Type.String(),
  },
  { additionalProperties: false },
);
const conditionSchema = Type.Union([Type.Literal('service_healthy'), Type.Literal('service_completed_successfully')]);
const serviceSchema = Type.Object(
  {
    image: Type.String(),
    build: Type.Optional(Type.Literal('.')),
    entrypoint: Type.Optional(Type.Array(Type.String())),
    command: Type.Optional(Type.Array(Type.String())),
    environment: Type.Optional(Type.Record(Type.String(), Type.String())),
    ports: Type.Optional(Type.Array(Type.String())),
    volumes: Type.Optional(Type.Array(Type.String())),
    ulimits: Type.Optional(Type.Object({ nofile: Type.Object({ soft: Type.Integer(), hard: Type.Integer() }) })),
    healthcheck: Type.Optional(healthcheckSchema),
    depends_on: Type.Optional(Type.Record(Type.String(), Type.Object({ condition: conditionSchema }))),
    cap_drop: Type.Optional(Type.Array(Type.String())),
    security_opt: Type.Optional(Type.Array(Type.String())),
    restart: Type.Union([Type.Literal('unless-stopped'), Type.Literal('no')]),
    stop_grace_period: Type.Optional(Type.String({ pattern: '^[0-9]+s$' })),
  },
  { additionalProperties: false },
);
const composeSchema = Type.Object(
  {
    name: Type.String(),
    services: Type.Record(Type.String(), serviceSchema),
    volumes: Type.Record(Type.String(), Type.Null()),
  },
  { additionalProperties: false },
);

export const { services, volumes } = Value.Parse(
  composeSchema,
  parse(readFileSync(join(root, 'compose.yaml'), 'utf8')),
);

/** @throws Error when there is none of this name */
export function service(name: string) {
  const found = services[name];
  if (found === undefined) throw new Error(`compose.yaml has no service ${name}`);
  return found;
}

/** A demanded variable, with what to do when it is not set. */
export const DEMANDED = /^\$\{(TIDEMARK_[A-Z_]+):\?[^}]+\}$/;
