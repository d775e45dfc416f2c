// test/http/contract.js: the cases of a file such as contract.txt, asked of a server.
//
//   node contract.js CASES ORIGIN OPENAPI [NAME=VALUE ...]
//
// Prints "ok - NAME" or "not ok - NAME" for each case, and "# ..." for what is wrong with it.  Beside what a case
// says, every answer is checked against openapi.json, and every error for its form.  Cases run in their order.
//
// A case is a name, a request and what is expected; {x} stands for a variable: api, admin (the two bases), origin,
// those of the command line, and what an earlier case has saved.
//
//   # start: an id of the client's
//   POST {api}/orchestrators/echoes/given
//   > X-Header: value                  a header
//   > body TEXT                        a body without a Content-Type
//   > json TEXT                        a body with Content-Type: application/json
//   > hex 22ff22                       a body of these bytes
//   > size N                           a body that is a JSON string of N bytes
//   < 202                              the code
//   < Location: {origin}/...           a header, exactly
//   < Retry-After ~ ^\d+$              a header, by a regular expression
//   < Retry-After absent
//   < body TEXT | < body empty         the body, every byte
//   < text ~ REGEX                     somewhere in the body
//   < keys a b c                       of the object, in their order
//   < .progress.tasksTotal == 2        a part, as JSON; a number selects from an array, length is its length
//   < .id ~ REGEX                      a part that is a string
//   < save NAME .id | < save NAME header Location
//   < until                            ask again until everything is as expected (30 s at most)

'use strict';

const fs = require('fs');
const http = require('http');
const https = require('https');
const { OpenApi } = require('./openapi.js');

const DEADLINE_MS = 30000;
const JSON_TYPE = 'application/json; charset=utf-8';

function readCases(text) {
  const cases = [];

  for (const line of text.split('\n')) {
    if (line.startsWith('# '))
      cases.push({ name: line.slice(2), verb: null, path: null, sends: [], expects: [] });
    else if (line.startsWith('> '))
      cases.at(-1).sends.push(line.slice(2));
    else if (line.startsWith('< '))
      cases.at(-1).expects.push(line.slice(2));
    else if (line !== '' && !line.startsWith('##'))
      [cases.at(-1).verb, cases.at(-1).path] = line.split(' ');
  }
  return cases;
}

function substitute(text, variables) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => variables[name] ?? whole);
}

function makeRequest(oneCase, variables) {
  const request = { verb: oneCase.verb, path: substitute(oneCase.path, variables), headers: {}, body: null };

  for (const line of oneCase.sends.map((raw) => substitute(raw, variables))) {
    const [, word, rest] = /^(\S+) ?(.*)$/s.exec(line);

    if (word === 'body')
      request.body = Buffer.from(rest);
    else if (word === 'json') {
      request.body = Buffer.from(rest);
      request.headers['Content-Type'] = 'application/json';
    } else if (word === 'hex')
      request.body = Buffer.from(rest, 'hex');
    else if (word === 'size')
      request.body = Buffer.from(`"${'x'.repeat(Number(rest) - 2)}"`);
    else
      request.headers[word.replace(/:$/, '')] = rest;
  }
  return request;
}

function ask(origin, request) {
  const url = new URL(origin);
  const client = url.protocol === 'https:' ? https : http;

  return new Promise((resolve, reject) => {
    const call = client.request({
      host: url.hostname, port: url.port, method: request.verb, path: request.path, headers: request.headers, agent: false,
    }, (answer) => {
      const chunks = [];

      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve({
        code: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks).toString('utf8'),
      }));
    });

    call.setTimeout(90000, () => call.destroy(new Error('no answer')));
    call.on('error', reject);
    call.end(request.body);
  });
}

function parsed(response) {
  try {
    return JSON.parse(response.body);
  } catch {
    return undefined;
  }
}

function part(value, path) {
  return path.split('.').slice(1).filter((key) => key !== '').reduce((at, key) =>
    (at === undefined || at === null ? undefined : at[key]), value);
}

// Text of a JSON value with its keys in order, to compare.
function canonical(value) {
  if (Array.isArray(value))
    return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object')
    return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
  return JSON.stringify(value);
}

// What is wrong with an answer by one line of what is expected, null when nothing is.
function checkLine(line, response, variables) {
  let match;

  if (/^\d{3}$/.test(line))
    return response.code === Number(line) ? null : `code is ${response.code}, expected ${line}`;
  if (line === 'until')
    return null;
  if (line === 'body empty')
    return response.body === '' ? null : 'body is not empty';
  if ((match = /^body (.*)$/s.exec(line)))
    return response.body === match[1] ? null : `body is not ${match[1]}`;
  if ((match = /^text ~ (.*)$/.exec(line)))
    return new RegExp(match[1]).test(response.body) ? null : `body does not match ${match[1]}`;
  if ((match = /^keys (.*)$/.exec(line))) {
    const keys = Object.keys(parsed(response) ?? {}).join(' ');

    return keys === match[1] ? null : `keys are ${keys}, expected ${match[1]}`;
  }
  if ((match = /^(\.\S*) == (.*)$/.exec(line))) {
    const value = canonical(part(parsed(response), match[1]));

    return value === canonical(JSON.parse(match[2])) ? null : `${match[1]} is ${value}, expected ${match[2]}`;
  }
  if ((match = /^(\.\S*) ~ (.*)$/.exec(line))) {
    const value = part(parsed(response), match[1]);

    return typeof value === 'string' && new RegExp(match[2]).test(value) ? null :
      `${match[1]} is ${JSON.stringify(value)}, expected to match ${match[2]}`;
  }
  if ((match = /^save (\w+) header (\S+)$/.exec(line))) {
    variables[match[1]] = response.headers[match[2].toLowerCase()];
    return variables[match[1]] === undefined ? `there is no header ${match[2]}` : null;
  }
  if ((match = /^save (\w+) (\.\S*)$/.exec(line))) {
    variables[match[1]] = part(parsed(response), match[2]);
    return variables[match[1]] === undefined ? `there is no ${match[2]}` : null;
  }
  if ((match = /^(\S+) absent$/.exec(line)))
    return response.headers[match[1].toLowerCase()] === undefined ? null : `header ${match[1]} is there`;
  if ((match = /^(\S+) ~ (.*)$/.exec(line))) {
    const value = response.headers[match[1].toLowerCase()];

    return new RegExp(match[2]).test(value ?? '') ? null : `header ${match[1]} is ${value}, expected to match ${match[2]}`;
  }
  if ((match = /^(\S+): (.*)$/.exec(line))) {
    const value = response.headers[match[1].toLowerCase()];

    return value === match[2] ? null : `header ${match[1]} is ${value}, expected ${match[2]}`;
  }
  return `unknown line: ${line}`;
}

// What no answer may do, whatever the case says.
function checkForm(request, response) {
  const problems = [];
  const type = response.headers['content-type'];
  const value = parsed(response);

  if (response.body !== '' && !/^\/metrics/i.test(request.path)) {
    if (type !== JSON_TYPE)
      problems.push(`content type is ${type}`);
    if (value === undefined)
      problems.push('body is not JSON');
  }
  if (response.code >= 400 && response.body !== '' && value !== undefined && value.runtimeStatus === undefined &&
      (Object.keys(value).join() !== 'Message' || typeof value.Message !== 'string'))
    problems.push('an error is not {"Message": ...}');
  if (response.code >= 400 && /\.c:\d+|PL\/pgSQL|SQL statement|^\s+at /m.test(response.body) && value?.runtimeStatus === undefined)
    problems.push('an error tells where in the code');
  if (request.verb === 'HEAD' && response.body !== '')
    problems.push('HEAD has a body');
  return problems;
}

function check(oneCase, request, response, context) {
  const variables = context.variables;

  return [
    ...oneCase.expects.map((line) =>
      checkLine(/^save /.test(line) ? line : substitute(line, variables), response, variables)),
    ...checkForm(request, response),
    ...context.openapi.problems(request.verb, request.path, response),
  ].filter((problem) => problem !== null);
}

async function run(oneCase, context) {
  const request = makeRequest(oneCase, context.variables);
  const until = oneCase.expects.includes('until') ? Date.now() + DEADLINE_MS : 0;
  let response = await ask(context.origin, request);
  let problems = check(oneCase, request, response, context);

  while (problems.length > 0 && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    response = await ask(context.origin, request);
    problems = check(oneCase, request, response, context);
  }
  if (problems.length > 0)
    problems.push(`${request.verb} ${request.path}: ${response.code} ${JSON.stringify(response.headers)} ${response.body.slice(0, 1000)}`);
  return problems;
}

async function main([file, origin, openapi, ...assignments]) {
  const context = {
    origin,
    openapi: new OpenApi(JSON.parse(fs.readFileSync(openapi, 'utf8'))),
    variables: {
      origin, host: new URL(origin).host,
      api: '/runtime/webhooks/durabletask', admin: '/admin/extensions/DurableTaskExtension',
      ...Object.fromEntries(assignments.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)])),
    },
  };
  const seen = new Set();

  for (const oneCase of readCases(fs.readFileSync(file, 'utf8'))) {
    let problems;

    try {
      problems = await run(oneCase, context);
    } catch (error) {
      problems = [String(error)];
    }
    if (seen.has(oneCase.name))
      problems.push('two cases have this name');
    seen.add(oneCase.name);
    console.log(`${problems.length > 0 ? 'not ok' : 'ok'} - ${oneCase.name}`);
    for (const problem of problems)
      console.log(`# ${problem.replace(/\n/g, '\n# ')}`);
  }
}

main(process.argv.slice(2));
