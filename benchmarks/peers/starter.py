"""fhirstarter over resources in memory: models that were validated when they were read (FOLDER).

Annotations are not postponed here: fhirstarter looks at them.
"""

import json
import os
from pathlib import Path

os.environ["FHIR_SEQUENCE"] = "R4B"

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.explanationofbenefit import ExplanationOfBenefit
from fhirstarter import FHIRProvider, FHIRStarter, InteractionContext
from fhirstarter.exceptions import FHIRResourceNotFoundError

by_patient = {
    path.stem: [ExplanationOfBenefit.model_validate(each) for each in json.loads(path.read_bytes())]
    for path in Path(os.environ["FOLDER"]).glob("*.json")
}
by_id = {claim.id: claim for claims in by_patient.values() for claim in claims}

provider = FHIRProvider()


@provider.read(ExplanationOfBenefit)
async def read(context: InteractionContext, id_: str) -> ExplanationOfBenefit:
    if id_ not in by_id:
        raise FHIRResourceNotFoundError
    return by_id[id_]


@provider.search_type(ExplanationOfBenefit)
async def search(context: InteractionContext, patient: str | None) -> Bundle:
    claims = by_patient.get(patient or "", [])
    at = "http://127.0.0.1/ExplanationOfBenefit/"
    entry = [{"fullUrl": at + c.id, "resource": c, "search": {"mode": "match"}} for c in claims]
    return Bundle(type="searchset", total=len(claims), entry=entry)


app = FHIRStarter()
app.add_providers(provider)
