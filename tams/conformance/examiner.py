"""Every answer of a run held against the official document."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from tams.conformance.official import OfficialDocument
from tams.conformance.server import Answer


@dataclass(frozen=True, order=True)
class Complaint:
    """In what the answers of one operation with one status differ from the document."""

    operation: str
    status: int
    difference: str


class Examiner:
    """A watcher that collects complaints; `examined` is the number of answers it has seen.

    Who shows `everything`, an Authorization header or none, may do everything; others may not.
    """

    def __init__(
        self, document: OfficialDocument, base: str, everything: str | None = None
    ) -> None:
        self._everything = everything
        self._document = document
        self._base = base
        self._complaints: set[Complaint] = set()
        self.examined = 0

    def __call__(self, method: str, path: str, answer: Answer) -> None:
        """Examine one answer; what is not of the API is passed over."""
        asked = urlsplit(path.removeprefix(self._base)).path
        template = self._document.path_of(asked)
        if template is None:
            return
        self.examined += 1
        for difference in self._document.complaints(
            method,
            asked,
            answer.status,
            answer.headers,
            answer.body,
            limited=answer.shown != self._everything,
        ):
            self._complaints.add(Complaint(f"{method} {template}", answer.status, difference))

    @property
    def complaints(self) -> tuple[Complaint, ...]:
        """Each difference once, in order."""
        return tuple(sorted(self._complaints))
