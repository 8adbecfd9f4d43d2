"""What a person makes of an answer: it is as the contract says, or it is wrong and says how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_PROBLEM = "urn:banyan:problem:"
_EXAMPLE = 400


class WrongError(Exception):
    """An answer that is not right: what is wrong, the same words each time, and one example of it."""

    def __init__(self, what: str, example: object = "") -> None:
        super().__init__(what)
        self.example = str(example)[:_EXAMPLE]


class Answer:
    """One response, read to its end."""

    __slots__ = ("body", "etag", "kind", "path", "retry_after", "status")

    def __init__(self, path: str, status: int, body: bytes, kind: str, etag: str, retry_after: str) -> None:
        self.path, self.status, self.body, self.kind = path, status, body, kind
        self.etag, self.retry_after = etag.removeprefix("W/"), retry_after

    def expect(self, *statuses: int) -> None:
        """Raises WrongError for any other status."""
        if self.status not in statuses:
            wanted = " or ".join(map(str, statuses))
            raise WrongError(
                f"{self.status} {self.slug()}".rstrip() + f" instead of {wanted}",
                f"{self.path} {self.text()}",
            )

    def refuses(self, status: int, slug: str) -> bool:
        return self.status == status and self.slug() == slug

    def slug(self) -> str:
        """Which problem it is; nothing if it is none."""
        if not self.kind.startswith("application/problem+json"):
            return ""
        return str(self._parsed().get("type", "")).removeprefix(_PROBLEM)

    def document(self, shape: AbstractSet[str]) -> Any:
        """The JSON object, which has exactly these members."""
        document = self._parsed()
        if not isinstance(document, dict):
            raise WrongError("the answer is no JSON object", f"{self.path} {self.text()}")
        self._compare(document, shape)
        return document

    def items(self, shape: AbstractSet[str]) -> list[Any]:
        """The items of a list, each of which has exactly these members."""
        items = self.document(_PAGE)["items"]
        for item in items:
            self._compare(item, shape)
        return list(items)

    def is_list(self) -> None:
        """A list by the look of it; for those whose items nobody needs."""
        if not (self.body.startswith(b'{"items":[') and self.body.endswith(b"}")):
            raise WrongError("the answer is no list", f"{self.path} {self.text()}")

    def is_page(self, *parts: bytes) -> None:
        """A whole HTML page with these parts in it."""
        if self.kind != "text/html; charset=utf-8" or not self.body.rstrip().endswith(b"</html>"):
            raise WrongError("the answer is no whole page", f"{self.path} {self.kind} {self.body[-200:]!r}")
        for part in parts:
            if part not in self.body:
                raise WrongError("the page lacks what it is about", f"{self.path} has no {part!r}")

    def text(self) -> str:
        return self.body[:_EXAMPLE].decode(errors="replace")

    def _parsed(self) -> Any:
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise WrongError("the answer is no JSON", f"{self.path} {error} {self.text()}") from None

    def _compare(self, document: dict[str, Any], shape: AbstractSet[str]) -> None:
        if document.keys() != shape:
            differing = ", ".join(sorted(document.keys() ^ shape))
            raise WrongError(f"the answer's members are not the contract's: {differing}", self.path)


_PAGE = frozenset({"items", "next_cursor"})
