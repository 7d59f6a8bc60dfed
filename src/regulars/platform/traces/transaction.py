"""A transaction whose statements are counted, and whose events and jobs know what they came of."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regulars.platform.db.transaction import Deferrable, JsonValue, Rows, Statement, Transaction

if TYPE_CHECKING:
    from regulars.platform.traces.tracer import Tracer

TRACEPARENT = "traceparent"


@dataclass
class TracedTransaction(Transaction):
    """What a service gets to work with where traces are wanted."""

    tracer: "Tracer | None" = None
    statements: int = 0
    round_trips: int = 0

    @property
    def traceparent(self) -> str | None:
        """What is traced now."""
        return None if self.tracer is None else self.tracer.current()

    async def read(self, *statements: Statement) -> list[Rows]:
        """Run statements, counted."""
        self._count(len(statements))
        return await super().read(*statements)

    async def read_last(self, *statements: Statement) -> list[Rows]:
        """Run the last statements, counted."""
        self._count(len(statements))
        return await super().read_last(*statements)

    async def send(self) -> None:
        """Send, a round trip more where something is asked."""
        if any(question for _, question in self._writes):
            self._count(0)
        await super().send()

    async def defer(self, task: Deferrable, **arguments: JsonValue) -> None:
        """Enqueue a job that knows what it came of."""
        origin = self.traceparent
        await super().defer(task, **(arguments if origin is None else {**arguments, TRACEPARENT: origin}))

    async def commit(self) -> None:
        """Commit, a round trip more."""
        if not self._has_ended:
            self._count(0)
        await super().commit()

    async def _execute_writes(self) -> None:
        self.statements += len(self._writes)
        await super()._execute_writes()

    def _count(self, statements: int) -> None:
        self.statements += statements
        self.round_trips += 1
