// node --test examples/javascript   (Node 20 or later, no packages; a payer must run: payer-sandbox serve)
// An app that shows members their claims, and its tests. The payer signs the member in: no browser is needed.
// Take the three fixes out, and each test fails:   APP_FIXES= node --test examples/javascript/claims.test.mjs
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import test from "node:test";

const ORIGIN = process.env.PAYER_URL ?? "http://127.0.0.1:8080";
const FIXES = (process.env.APP_FIXES ?? "wait,refresh,reference").split(",");

// The app.

class ClaimsApp {
  constructor(payer, tokens) {
    this.payer = payer;
    this.tokens = tokens;
  }

  async get(path) {
    const url = `${this.payer}/fhir/${path}`;
    const send = () => fetch(url, { headers: { Authorization: `Bearer ${this.tokens.access_token}` } });
    let answer = await send();
    while (FIXES.includes("wait") && [429, 503].includes(answer.status)) {
      const seconds = Number(answer.headers.get("Retry-After") ?? 1);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      answer = await send();
    }
    if (FIXES.includes("refresh") && answer.status === 401) {
      await this.refresh(); // expires_in is a promise; a 401 is the truth
      answer = await send();
    }
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return answer.json();
  }

  async refresh() {
    const body = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: this.tokens.refresh_token,
      client_id: "sandbox-app",
    });
    const answer = await fetch(`${this.payer}/auth/token`, { method: "POST", body });
    if (!answer.ok) throw new Error(`the refresh answered ${answer.status}`);
    this.tokens = { ...this.tokens, ...(await answer.json()) }; // the old refresh token no longer works
  }

  async claims() {
    const bundle = await this.get("ExplanationOfBenefit?_count=5");
    return Promise.all(
      bundle.entry.map(async ({ resource }) => ({ id: resource.id, doctor: await this.doctor(resource) })),
    );
  }

  async doctor(claim) {
    try {
      const { name } = await this.get(claim.careTeam[0].provider.reference);
      return name[0].text ?? `${name[0].given?.join(" ")} ${name[0].family}`;
    } catch (problem) {
      if (FIXES.includes("reference")) return "not listed"; // a claim without a doctor is still a claim
      throw problem;
    }
  }
}

// Its tests: each has a payer of its own, a session in the path.

function startPayer(scenario = "") {
  const url = `${ORIGIN}/s/${scenario}~${randomUUID()}`;
  const call = async (method, path, body) => {
    const answer = await fetch(`${url}/_sandbox/${path}`, { method, body: body && JSON.stringify(body) });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  };
  return {
    // The body is what the payer's token endpoint answered, faults included.
    signIn: async (member) => new ClaimsApp(url, await call("POST", "sign-in", { member })),
    advance: (duration) => call("POST", "clock", { advance: duration }),
    failNext: (times, when, then) => call("POST", "fail-next", { times, when, then }),
    journal: async (query) => (await call("GET", `journal?${query}`)).entries,
  };
}

test("waits when the payer is busy", async () => {
  const payer = startPayer();
  const app = await payer.signIn("maria");
  const tooMany = { do: "refuse", status: 429, retry_after: 1 };
  await payer.failNext(2, { resource: "ExplanationOfBenefit" }, tooMany);
  assert.equal((await app.claims()).length, 5);
  assert.equal((await payer.journal("status=429")).length, 2);
});

test("refreshes when the access token expires early", async () => {
  const payer = startPayer("token-expires-early");
  const app = await payer.signIn("walter");
  await payer.advance("PT2M");
  assert.equal((await app.get("Patient")).total, 1);
  assert.equal((await payer.journal("path=/fhir/Patient&status=401")).length, 1);
});

test("shows a claim whose doctor cannot be read", async () => {
  const payer = startPayer("broken-references");
  const app = await payer.signIn("maria");
  const claims = await app.claims();
  assert.equal(claims.length, 5);
  assert.deepEqual(new Set(claims.map((claim) => claim.doctor)), new Set(["not listed"]));
});
