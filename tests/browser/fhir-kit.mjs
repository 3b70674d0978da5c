// npm's fhir-kit-client against a payer: {base, token, patient} as JSON on stdin, what it saw on stdout.
import { readFileSync } from "node:fs"
import { CapabilityTool, Client } from "fhir-kit-client"

const { base, token, patient } = JSON.parse(readFileSync(0, "utf8"))
const client = new Client({ baseUrl: base, bearerToken: token })
const EOB = "ExplanationOfBenefit"
const ids = (bundle) =>
    (bundle.entry ?? []).filter((entry) => entry.search.mode === "match").map((entry) => entry.resource.id)

/** Every page of a search, by the client's own `nextPage` (and back from the last one). */
async function walk(first) {
    const pages = [first]
    for (let next; (next = client.nextPage({ bundle: pages.at(-1) })); ) pages.push(await next)
    const back = [pages.at(-1)]
    for (let previous; (previous = client.prevPage({ bundle: back.at(-1) })); ) back.push(await previous)
    return { pages: pages.map(ids), back: back.map(ids), total: first.total }
}

const smart = await client.smartAuthMetadata()
const tool = new CapabilityTool(await client.capabilityStatement())
const person = await client.read({ resourceType: "Patient", id: patient })
const search = (searchParams, options) => client.search({ resourceType: EOB, searchParams, options })
const one = await search({ patient, _count: 1 })
const claim = one.entry[0].resource
const missing = await client.read({ resourceType: EOB, id: "nobody" }).catch((problem) => problem.response)

console.log(JSON.stringify({
    smart: { authorize: String(smart.authorizeUrl), token: String(smart.tokenUrl) },
    searchable: tool.searchParamsFor({ resourceType: EOB }),
    can: ["read", "vread", "search-type", "create"].filter((code) => tool.resourceCan(EOB, code)),
    family: person.name[0].family,
    walked: await walk(await search({ patient, _count: 7 })),
    sorted: await walk(await search({ patient, _sort: "-service-date", "service-date": ["ge2020", "lt2100"], _count: 7 })),
    posted: ids(await search({ patient, type: "pharmacy,oral" }, { postSearch: true })),
    got: ids(await search({ patient, type: "pharmacy,oral" })),
    included: (await search({ patient, _include: [`${EOB}:insurer`, `${EOB}:coverage`] })).entry
        .filter((entry) => entry.search.mode === "include").map((entry) => entry.resource.resourceType),
    insurer: (await client.resolve({ reference: claim.insurer.reference })).resourceType,
    version: (await client.vread({ resourceType: EOB, id: claim.id, version: claim.meta.versionId })).id === claim.id,
    history: (await client.history({ resourceType: EOB, id: claim.id })).type,
    everything: await walk(await client.operation({ resourceType: "Patient", id: patient, name: "everything", method: "GET", input: { _count: 30 } })),
    batch: (await client.batch({ body: { resourceType: "Bundle", type: "batch", entry: [
        { request: { method: "GET", url: `Patient/${patient}` } }, { request: { method: "GET", url: "Patient/nobody" } }] } }))
        .entry.map((entry) => entry.response.status),
    missing: { status: missing.status, type: missing.data.resourceType },
}))
