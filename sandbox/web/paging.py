"""Page tokens: opaque, signed, bound to the tenant, the patient and the query they continue."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer

from sandbox.core.errors import bad_request
from sandbox.store.ledger import digest


class Pages:
    """Signs and reads the `_page` parameter of one reader (a tenant and a patient)."""

    def __init__(self, key: str, reader: str):
        self._serializer = URLSafeSerializer(key, salt=f"page:{reader}")

    def token(self, query: str, after: int, number: int) -> str:
        """A token that continues `query` (path and parameters) after a key, as page `number`."""
        text: str = self._serializer.dumps([digest(query)[:16], after, number])
        return text

    def read(self, query: str, token: str | None) -> tuple[int, int]:
        """(key to continue after, page number from 1). Raises BadRequest for a token that was not
        issued by this payer for this query."""
        if token is None:
            return 0, 1
        try:
            bound, after, number = self._serializer.loads(token)
        except (BadSignature, ValueError, TypeError):
            bad_request("_page is not a page token of this server", "_page")
        if bound != digest(query)[:16]:
            bad_request("_page belongs to another query", "_page")
        return int(after), int(number)
