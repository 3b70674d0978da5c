// node-fhir-server-core over resources in memory: `node fhir.cjs PORT FOLDER guide|classes|plain`.
// `guide` makes an instance of the package's own class of what it has stored, as its guide does; `classes`
// has the instances ready; `plain` answers finished objects.
const fs = require('fs')
const path = require('path')
const { initialize, resolveSchema, constants } = require('@asymmetrik/node-fhir-server-core')

const [port, folder, how] = process.argv.slice(2)
const VERSION = constants.VERSIONS['4_0_1']
const kind = (name) => resolveSchema(VERSION, name)
const [Claim, Bundle, Entry] = ['explanationofbenefit', 'bundle', 'bundleentry'].map(kind)
const shaped = how === 'classes' ? (each) => new Claim(each) : (each) => each
const answered = how === 'guide' ? (each) => new Claim(each) : (each) => each

const byPatient = new Map()
const byId = new Map()
for (const name of fs.readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  const claims = JSON.parse(fs.readFileSync(path.join(folder, name))).map(shaped)
  byPatient.set(path.parse(name).name, claims)
  for (const claim of claims) byId.set(claim.id, claim)
}

function searchset(claims) {
  const base = `http://127.0.0.1:${port}/4_0_1/ExplanationOfBenefit/`
  const entry = claims.map((resource) => ({ fullUrl: base + resource.id, resource, search: { mode: 'match' } }))
  const bundle = { resourceType: 'Bundle', type: 'searchset', total: claims.length, entry }
  return how !== 'plain' ? new Bundle({ ...bundle, entry: entry.map((each) => new Entry(each)) }) : bundle
}

const service = {
  search: async (args) => searchset((byPatient.get(String(args.patient)) ?? []).map(answered)),
  searchById: async (args) => answered(byId.get(args.id)),
}
const profiles = { ExplanationOfBenefit: { service, versions: [VERSION] } }
initialize({ profiles, logging: { level: 'error' } }).listen(Number(port), () => console.log('ready'))
