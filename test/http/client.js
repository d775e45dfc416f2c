// test/http/client.js: the client of Durable Functions, from npm, against our server.
//
//   node client.js ORIGIN [KEY]
//
// The client takes its URLs from the data of a binding, which the Functions host makes; here they are made of the
// origin.  Prints "ok - WHAT" or "not ok - WHAT" for each step, in the two ways in which the client makes URLs.

'use strict';

const assert = require('assert');

// without it the client takes every host for the emulator's
process.env.WEBSITE_HOSTNAME = 'localhost';
const df = require('durable-functions');

// What the host gives to a function with a durableClient binding.
function bindingData(origin, key, isLocal) {
  const base = `${origin}/runtime/webhooks/durabletask`;
  const query = `taskHub=pgdf&connection=Storage${key === undefined ? '' : `&code=${encodeURIComponent(key)}`}`;
  const instance = `${base}/instances/INSTANCEID`;

  return {
    taskHubName: 'pgdf',
    creationUrls: {
      createNewInstancePostUri: `${base}/orchestrators/{functionName}[/{instanceId}]?${query}`,
      createAndWaitOnNewInstancePostUri:
        `${base}/orchestrators/{functionName}[/{instanceId}]?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&${query}`,
    },
    managementUrls: {
      id: 'INSTANCEID',
      statusQueryGetUri: `${instance}?${query}`,
      sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
      terminatePostUri: `${instance}/terminate?reason={text}&${query}`,
      suspendPostUri: `${instance}/suspend?reason={text}&${query}`,
      resumePostUri: `${instance}/resume?reason={text}&${query}`,
      rewindPostUri: `${instance}/rewind?reason={text}&${query}`,
      restartPostUri: `${instance}/restart?${query}`,
      purgeHistoryDeleteUri: `${instance}?${query}`,
    },
    baseUrl: base,
    requiredQueryStringParameters: query,
    ...(isLocal ? { rpcBaseUrl: `${base}/` } : {}),
  };
}

function makeClient(data) {
  const input = df.input.durableClient();

  return df.getClient({ options: { extraInputs: [input] }, extraInputs: { get: () => data } });
}

async function until(client, id, status) {
  const end = Date.now() + 30000;

  for (;;) {
    const now = await client.getStatus(id);

    if (now.runtimeStatus === status)
      return now;
    assert(Date.now() < end, `instance ${id} is ${now.runtimeStatus}, expected ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// Each step is given the client and a word that makes its ids its own.
const steps = {
  'start, with an input, and its status': async (client) => {
    const id = await client.startNew('echoes', { input: { a: [1, 'ü'] } });

    assert.match(id, /^[0-9a-f]{32}$/);
    const status = await until(client, id, 'Completed');

    assert.deepStrictEqual(status.output, { a: [1, 'ü'] });
    assert.deepStrictEqual(status.input, { a: [1, 'ü'] });
    assert.strictEqual(status.name, 'echoes');
    assert(status.createdTime instanceof Date && !Number.isNaN(status.createdTime.getTime()));
  },
  // the client sends "" for no input
  'start, with an id and nothing else': async (client, word) => {
    assert.strictEqual(await client.startNew('echoes', { instanceId: `${word}-1` }), `${word}-1`);
    assert.strictEqual((await until(client, `${word}-1`, 'Completed')).output, '');
  },
  'start what is not registered is an error': async (client) => {
    await assert.rejects(client.startNew('nobody'), /400/);
  },
  'status of what is unknown is an error': async (client) => {
    await assert.rejects(client.getStatus('unknown'), /404/);
  },
  'status with history': async (client, word) => {
    const status = await client.getStatus(`${word}-1`, { showHistory: true, showHistoryOutput: true, showInput: false });

    assert.strictEqual(status.instanceId, `${word}-1`);
  },
  'list all, page by page': async (client, word) => {
    // more than a page
    await Promise.all(Array.from({ length: 120 }, (_, i) => client.startNew('echoes', { instanceId: `${word}-list-${i}` })));
    const all = await client.getStatusAll();

    assert.strictEqual(all.filter((one) => one.instanceId.startsWith(`${word}-list-`)).length, 120);
    assert.strictEqual(new Set(all.map((one) => one.instanceId)).size, all.length);
  },
  'list by time and status': async (client, word) => {
    await until(client, `${word}-list-0`, 'Completed');
    const some = await client.getStatusBy({
      createdTimeFrom: new Date(Date.now() - 600000), createdTimeTo: new Date(Date.now() + 600000),
      runtimeStatus: [df.OrchestrationRuntimeStatus.Completed],
    });

    assert(some.some((one) => one.instanceId === `${word}-list-0`));
    assert(some.every((one) => one.runtimeStatus === 'Completed'));
  },
  'raise an event': async (client, word) => {
    await client.startNew('waits', { instanceId: `${word}-event` });
    await client.raiseEvent(`${word}-event`, 'go', { b: 1 });
    assert.deepStrictEqual((await until(client, `${word}-event`, 'Completed')).output, { b: 1 });
    // the client takes 410 for done
    await client.raiseEvent(`${word}-event`, 'go', 1);
    await assert.rejects(client.raiseEvent('unknown', 'go', 1), /No instance/);
  },
  'suspend and resume': async (client, word) => {
    await client.startNew('waits', { instanceId: `${word}-pause` });
    await client.suspend(`${word}-pause`, 'a break');
    await until(client, `${word}-pause`, 'Suspended');
    await client.resume(`${word}-pause`, 'on');
    await until(client, `${word}-pause`, 'Running');
    await assert.rejects(client.suspend('unknown', 'x'), /No instance/);
  },
  'terminate, with a reason': async (client, word) => {
    await client.terminate(`${word}-pause`, 'no%20use');
    assert.strictEqual((await until(client, `${word}-pause`, 'Terminated')).output, 'no use');
    await client.terminate(`${word}-pause`, 'again');
    await assert.rejects(client.terminate('unknown', 'x'), /No instance/);
  },
  'rewind': async (client, word) => {
    await client.startNew('fails', { instanceId: `${word}-fail` });
    await until(client, `${word}-fail`, 'Failed');
    await client.rewind(`${word}-fail`, 'once more');
    await until(client, `${word}-fail`, 'Failed');
    await assert.rejects(client.rewind('unknown', 'x'), /No instance/);
  },
  'wait for the end': async (client, word) => {
    await client.startNew('echoes', { instanceId: `${word}-wait`, input: 'out' });
    const answer = await client.waitForCompletionOrCreateCheckStatusResponse(undefined, `${word}-wait`, {
      timeoutInMilliseconds: 20000, retryIntervalInMilliseconds: 50,
    });

    assert.strictEqual(answer.status, 200);
    assert.strictEqual(await answer.json(), 'out');
  },
  'links of an instance lead to it': async (client, word) => {
    const links = client.createHttpManagementPayload(`${word}-1`);
    const answer = await fetch(links.statusQueryGetUri);

    assert.strictEqual((await answer.json()).instanceId, `${word}-1`);
  },
  'purge one': async (client, word) => {
    assert.strictEqual((await client.purgeInstanceHistory(`${word}-1`)).instancesDeleted, 1);
    assert.strictEqual((await client.purgeInstanceHistory(`${word}-1`)).instancesDeleted, 0);
  },
  'purge by time and status': async (client, word) => {
    await until(client, `${word}-list-119`, 'Completed');
    const result = await client.purgeInstanceHistoryBy({
      createdTimeFrom: new Date(Date.now() - 600000), runtimeStatus: [df.OrchestrationRuntimeStatus.Completed],
    });

    assert(result.instancesDeleted >= 1);
    await assert.rejects(client.getStatus(`${word}-list-0`), /404/);
  },
};

async function main([origin, key]) {
  for (const isLocal of key === undefined ? [false, true] : [false]) {
    const way = isLocal ? 'local endpoint' : 'management URLs';
    const client = makeClient(bindingData(origin, key, isLocal));

    for (const [what, step] of Object.entries(steps)) {
      try {
        await step(client, isLocal ? 'l' : 'm');
        console.log(`ok - ${way}: ${what}`);
      } catch (error) {
        console.log(`not ok - ${way}: ${what}`);
        console.log(`# ${String(error.stack).replace(/\n/g, '\n# ')}`);
      }
    }
  }
}

main(process.argv.slice(2));
