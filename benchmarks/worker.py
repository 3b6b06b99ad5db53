"""One run in a process of its own: ``python -m benchmarks.worker module:function '{"argument": 1}'`` prints its sample."""

from __future__ import annotations

import importlib
import json
import sys
import time

from benchmarks.measure import peak_memory


def main() -> None:
    """Prepare, time the work, print."""
    module, _, function = sys.argv[1].partition(":")
    work = getattr(importlib.import_module(module), function)(**json.loads(sys.argv[2]))
    wall, cpu = time.perf_counter(), time.process_time()
    more = work()
    figures = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "peak": peak_memory(), "more": more or {}}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
