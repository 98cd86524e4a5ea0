import { z } from 'zod';
import {
  answerSchema,
  classifiedSchema,
  errorSchema,
  explanationSchema,
  healthSchema,
  modelSchema,
  problemSchema,
  refusedSchema,
  type ModelBody,
} from './answer-schema.ts';
import { urlBodySchema } from './read-uploads.ts';
import { PROBLEMS, type ProblemCode } from './serve-error.ts';

type Json = Readonly<Record<string, unknown>>;

/** The API's description in the form of OpenAPI 3.1, made of the schemas that the server itself goes by. */
export function openApiDocument({ version, limits }: ModelBody): Json {
  const schemas = schemaComponents();
  const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
  const json = (name: string, description: string): Json => ({
    description,
    content: { 'application/json': { schema: ref(name) } },
  });
  const anywhere = problemResponses(json, ANYWHERE);
  const binary: Json = { type: 'string', format: 'binary' };
  const one = (schema: Json): Json => ({ schema });
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sepal',
      version,
      description: 'Names what is in an image.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      '/api/predict': {
        post: {
          operationId: 'predict',
          summary: 'classify one image or several',
          description: `Up to ${limits.images} images. Where some are refused, the others are answered all the same; where all are, the first one's problem is the answer.`,
          parameters: [
            parameter('top', 'how many classes to tell', { type: 'integer', minimum: 1, maximum: 1000, default: 5 }),
            parameter('explain', 'also give Grad-CAM maps and the image as the model saw it', {
              type: 'boolean',
              default: false,
            }),
          ],
          requestBody: {
            required: true,
            content: {
              'multipart/form-data': one({
                type: 'object',
                properties: {
                  image: { type: 'array', items: binary, description: 'files, under any name' },
                  url: { type: 'array', items: { type: 'string' }, description: 'addresses of images' },
                },
              }),
              'application/json': one(ref('Urls')),
              'image/*': one(binary),
              'application/octet-stream': one(binary),
            },
          },
          responses: { 200: json('Answer', 'the likeliest classes of each image'), ...problemResponses(json) },
        },
      },
      '/api/model': {
        get: {
          operationId: 'model',
          summary: 'what is served',
          responses: { 200: json('Model', 'model and limits'), ...anywhere },
        },
      },
      '/healthz': {
        get: {
          operationId: 'health',
          summary: 'whether the server takes requests',
          responses: {
            200: json('Health', 'it does'),
            ...anywhere,
            503: {
              description: 'it is about to stop, or still loading its model',
              content: { 'application/json': one({ anyOf: [ref('Health'), ref('Error')] }) },
            },
          },
        },
      },
      '/metrics': {
        get: {
          operationId: 'metrics',
          summary: "counters and times in Prometheus's text form",
          responses: {
            200: { description: 'metrics', content: { 'text/plain': one({ type: 'string' }) } },
            ...anywhere,
          },
        },
      },
    },
    components: { schemas },
  };
}

/** Schemas that the description names. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  Answer: answerSchema,
  Classified: classifiedSchema,
  Error: errorSchema,
  Explanation: explanationSchema,
  Health: healthSchema,
  Model: modelSchema,
  Problem: problemSchema,
  Refused: refusedSchema,
  Urls: urlBodySchema,
};

function schemaComponents(): Record<string, Json> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}`, io: 'output' });
  // Each schema stands by its name already.
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $id: _id, $schema: _dialect, ...schema }]) => [name, schema]),
  );
}

/** What a request to any path may be refused for, before it is looked at. */
const ANYWHERE: readonly ProblemCode[] = ['WRONG_HOST', 'STARTING'];

/** Refusals, all of one status together. */
function problemResponses(
  json: (name: string, description: string) => Json,
  codes = Object.keys(PROBLEMS) as readonly ProblemCode[],
): Record<string, Json> {
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      json('Error', same.map((code) => `${code}: ${PROBLEMS[code][1]}`).join('; ')),
    ]),
  );
}

const parameter = (name: string, description: string, schema: Json): Json => ({
  name,
  in: 'query',
  description,
  schema,
});
