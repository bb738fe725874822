"""The threads that carry out the tasks of a plan over one block of sessions.

Here stands which task is taken next, and by whom; what a task does is engine.py's.
"""

import heapq
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from quant_assets.factors.expressions.plan import Plan


class Crew:
    """Threads that take the tasks whose arguments are there, the earliest of the plan first."""

    def __init__(
        self, plan: Plan, task: Callable[[int], None], done: Callable[[int], None]
    ) -> None:
        """`task` computes the task of a place; `done` is told so, by one thread at a time."""
        self.plan, self.task, self.done = plan, task, done
        self.waiting = [len(each.before) for each in self.plan.tasks]
        self.ready = [place for place, count in enumerate(self.waiting) if count == 0]
        self.left = len(self.plan.tasks)
        self.idle = 0
        self.failure: BaseException | None = None
        self.changed = threading.Condition()

    def work(self, pool: ThreadPoolExecutor, threads: int) -> None:
        """Do all tasks; what one of them raises is raised when the others have stopped."""
        for each in [pool.submit(self._worker) for _ in range(threads)]:
            each.result()
        if self.failure:
            raise self.failure

    def _worker(self) -> None:
        place = self._next(None)
        while place is not None:
            try:
                self.task(place)
            except BaseException as failure:
                with self.changed:
                    self.failure, self.left = self.failure or failure, 0
                    self.changed.notify_all()
                return
            place = self._next(place)

    def _next(self, done: int | None) -> int | None:
        with self.changed:
            if done is not None:
                self._finish(done)
            while not self.ready and self.left > 0:
                self.idle += 1
                self.changed.wait()
                self.idle -= 1
            return heapq.heappop(self.ready) if self.left > 0 else None

    def _finish(self, done: int) -> None:
        self.done(done)
        self.left -= 1
        for later in self.plan.after[done]:
            self.waiting[later] -= 1
            if self.waiting[later] == 0:
                heapq.heappush(self.ready, later)
        if self.idle and (self.left <= 0 or len(self.ready) > 1):
            self.changed.notify_all()
