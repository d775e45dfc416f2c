// test/http/openapi.js: is an answer one that worker/openapi.json describes?
//
//   const problems = new OpenApi(document).problems(verb, path, response)
//   response: {code, headers (names in lower case), body (text)}
//
// OpenAPI 3.0's schemas are JSON Schema but for "nullable"; ajv does the rest.

'use strict';

const Ajv = require('ajv');

class OpenApi {
  constructor(document) {
    this.document = document;
    this.ajv = new Ajv({ strict: false, allErrors: true });
    this.ajv.addSchema({ $id: 'openapi', components: { schemas: jsonSchema(document.components.schemas) } });
    this.compiled = new Map();
    this.seen = new Set();
  }

  // The operation that a request belongs to, undefined when the document has none.
  operation(verb, path) {
    const method = verb === 'HEAD' ? 'get' : verb.toLowerCase();
    const segments = trimmed(path.split('?')[0]).split('/');

    for (const [template, item] of Object.entries(this.document.paths)) {
      const operation = this.resolve(item)[method];

      if (operation !== undefined && matches(trimmed(template).split('/'), segments)) {
        this.seen.add(`${method} ${template}`);
        return operation;
      }
    }
    return undefined;
  }

  // What is wrong with an answer; [] when nothing is.
  problems(verb, path, response) {
    const operation = this.operation(verb, path);

    if (operation === undefined)
      return response.code === 404 ? [] : [`${verb} ${path} answers ${response.code}, and is not in openapi.json`];
    const described = operation.responses[response.code];

    if (described === undefined)
      return [`openapi.json has no ${response.code} for ${operation.operationId}`];
    return [
      ...this.headerProblems(this.resolve(described), response),
      ...(verb === 'HEAD' || response.body === '' ? [] : this.bodyProblems(this.resolve(described), response)),
    ];
  }

  headerProblems(described, response) {
    return Object.entries(described.headers ?? {})
      .filter(([name, header]) => this.resolve(header).required && response.headers[name.toLowerCase()] === undefined)
      .map(([name]) => `header ${name} is missing`);
  }

  bodyProblems(described, response) {
    const type = (response.headers['content-type'] ?? '').split(';')[0];
    const content = (described.content ?? {})[type];

    if (content === undefined)
      return [`openapi.json has no body of type "${type}" for ${response.code}`];
    if (type !== 'application/json')
      return [];
    const validate = this.validator(content.schema);
    let value;

    try {
      value = JSON.parse(response.body);
    } catch (error) {
      return [`body is not JSON: ${error.message}`];
    }
    return validate(value) ? [] : validate.errors.map((e) => `body${e.instancePath}: ${e.message}`);
  }

  validator(schema) {
    const key = JSON.stringify(schema);

    if (!this.compiled.has(key))
      this.compiled.set(key, this.ajv.compile(jsonSchema(schema)));
    return this.compiled.get(key);
  }

  // What a {"$ref": "#/..."} stands for; anything else as it is.
  resolve(value) {
    if (value.$ref === undefined)
      return value;
    return value.$ref.split('/').slice(1)
      .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'))
      .reduce((at, part) => at[part], this.document);
  }
}

function trimmed(path) {
  return path.replace(/\/$/, '');
}

function matches(template, segments) {
  return template.length === segments.length && template.every((part, i) =>
    /^\{.*\}$/.test(part) ? segments[i] !== '' : part.toLowerCase() === segments[i].toLowerCase());
}

// nullable becomes a choice; references lead into the schema "openapi".
function jsonSchema(value) {
  if (Array.isArray(value))
    return value.map(jsonSchema);
  if (value === null || typeof value !== 'object')
    return value;
  const { nullable, ...rest } = value;
  const schema = Object.fromEntries(Object.entries(rest).map(([key, inner]) =>
    [key, key === '$ref' && typeof inner === 'string' ? inner.replace(/^#/, 'openapi#') : jsonSchema(inner)]));

  return nullable === true ? { anyOf: [{ type: 'null' }, schema] } : schema;
}

module.exports = { OpenApi };
