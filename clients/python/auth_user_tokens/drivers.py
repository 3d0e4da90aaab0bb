"""Carry out what the core asks for: in this thread, or in an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import Callable
from typing import Any, Generic

from auth_user_tokens.errors import Late, NoAnswer, StoreError
from auth_user_tokens.events import StepUp
from auth_user_tokens.sender import Sender
from auth_user_tokens.steps import AskUser, Call, Load, LoadKey, Send, Step, Steps, Swap, SwapKey, T, Wait
from auth_user_tokens.stores import MemoryStore, Store

FAILURES = (StoreError, NoAnswer, Late)


class Run(Generic[T]):
    """The core's run. step: what it asks for, None at its end, where `result` is."""

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps
        self.step: Step | None = None
        self.resume()

    @property
    def result(self) -> T:
        return self._result

    def resume(self, result: Any = None, failure: Exception | None = None) -> None:
        """Goes on with what the step gave, or how it failed."""
        try:
            self.step = self._steps.send(result) if failure is None else self._steps.throw(failure)
        except StopIteration as end:
            self.step = None
            self._result: T = end.value

    def close(self) -> None:
        self._steps.close()


class Driver:
    """The store, the way to the service, and sleep. keys: the store of the session's key; ask_user: asks the user for
    what an API wants, in an event loop also by a coroutine."""

    def __init__(
        self,
        store: Store,
        send: Sender,
        keys: Store | None = None,
        ask_user: Callable[[StepUp], Any] | None = None,
    ) -> None:
        self._store, self._send = store, send
        self._keys, self._ask_user = keys, ask_user
        self._sleep, self._asleep = time.sleep, asyncio.sleep

    def run(self, steps: Steps[T]) -> T:
        with contextlib.closing(Run(steps)) as run:
            while run.step is not None:
                self.advance(run, run.step)
            return run.result

    async def arun(self, steps: Steps[T]) -> T:
        with contextlib.closing(Run(steps)) as run:
            while run.step is not None:
                await self.aadvance(run, run.step)
            return run.result

    def advance(self, run: Run[T], step: Step) -> None:
        try:
            result = self.perform(step)
        except FAILURES as failure:
            run.resume(failure=failure)
        else:
            run.resume(result)

    async def aadvance(self, run: Run[T], step: Step) -> None:
        try:
            result = await self.aperform(step)
        except FAILURES as failure:
            run.resume(failure=failure)
        else:
            run.resume(result)

    def perform(self, step: Step) -> Any:
        match step:
            case Load() | Swap():
                return self._stored(step)
            case Wait(seconds):
                self._sleep(seconds)
            case Send():
                return self._send(step)
            case AskUser(step_up):
                return self._ask_user is not None and self._ask_user(step_up) is True
            case Call():
                raise TypeError("whoever makes a call sends it")
        return None

    async def aperform(self, step: Step) -> Any:
        """In a thread what may take its time: a store of files, a request."""
        match step:
            case Wait(seconds):
                return await self._asleep(seconds)
            case AskUser(step_up):
                asked = self._ask_user and self._ask_user(step_up)
                return (await asked if inspect.isawaitable(asked) else asked) is True
            case Load() | Swap() if isinstance(self._store, MemoryStore) and type(step) in (Load, Swap):
                return self._stored(step)
        return await asyncio.to_thread(self.perform, step)

    def _stored(self, step: Load | Swap) -> str | bool | None:
        store = self._keys if isinstance(step, (LoadKey, SwapKey)) else self._store
        assert store is not None, "proofs are made where there is a store for the key"
        try:
            if isinstance(step, Load):
                return store.get()
            return store.swap(step.seen, step.new)
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(f"{type(error).__name__} in the store") from error
