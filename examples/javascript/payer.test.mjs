// node --test examples/javascript   (Node 20 or later; a payer must run: payer-sandbox serve)
// Each test has a payer of its own: a session in the path.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import test from "node:test";

const ORIGIN = process.env.PAYER_URL ?? "http://127.0.0.1:8080";

function payer(selection = "") {
  const url = `${ORIGIN}/s/${selection}~${randomUUID()}`;
  const call = async (method, path, body) => {
    const answer = await fetch(`${url}/_sandbox/${path}`, { method, body: body && JSON.stringify(body) });
    const said = await answer.json();
    assert.equal(answer.status, 200, said.message);
    return said;
  };
  return {
    fhir: `${url}/fhir`,
    auth: `${url}/auth`,
    advance: (by) => call("POST", "clock", { advance: by }),
    failNext: (times, when, then) => call("POST", "fail-next", { times, when, then }),
    review: () => call("GET", "review"),
    journal: async (query = "") => (await call("GET", `journal?${query}`)).entries,
  };
}

// What is under test: asks again when it is told to wait.
async function patiently(url, tries = 5) {
  const answer = await fetch(url);
  if (![429, 503].includes(answer.status) || tries === 1) return answer;
  const seconds = Number(answer.headers.get("Retry-After") ?? 1);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return patiently(url, tries - 1);
}

test("waits as long as the payer says", async () => {
  const here = payer();
  await here.failNext(2, { path: "/fhir/metadata" }, { do: "refuse", status: 429, retry_after: 1 });
  assert.equal((await patiently(`${here.fhir}/metadata`)).status, 200);
  assert.deepEqual((await here.journal("path=/fhir")).map((entry) => entry.status), [429, 429, 200]);
});

test("the payer says how we behaved", async () => {
  const here = payer();
  await here.failNext(1, { path: "/fhir/metadata" }, { do: "refuse", status: 429, retry_after: 1 });
  await patiently(`${here.fhir}/metadata`);
  const { rows } = await here.review();
  assert.equal(rows.find((row) => row.id === "retry-after").result, "pass");
  assert.deepEqual(rows.filter((row) => row.result === "fail"), []);
});

test("a refusal says why, and how to repair it", async () => {
  const here = payer();
  await fetch(`${here.fhir}/Patient`);
  const [refused] = await here.journal("refused=true");
  assert.match(refused.why, /No bearer token/);
});

test("the clock is this test's own", async () => {
  const here = payer("baseline");
  const before = Date.parse((await here.advance("PT0S")).now);
  const after = Date.parse((await here.advance("P90D")).now);
  assert.ok(after - before >= 90 * 86_400_000);
});
