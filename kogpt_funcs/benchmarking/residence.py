"""How much memory a process holds, at rest and while many write long texts on it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from kogpt_funcs.benchmarking.prompts import Prompt
from kogpt_funcs.benchmarking.servers import OurServer
from kogpt_funcs.contract import registry
from kogpt_funcs.models.bases import checkpoints

_ADAPTERS = 4
_LOOK = 0.05  # seconds between two looks at the memory


def resident(pid: int) -> int:
    """Bytes of a process and its children that are in memory."""
    import psutil

    process = psutil.Process(pid)
    return sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))


def peak_of(server: OurServer, base: str, prompts: Sequence[Prompt], new: int) -> tuple[int, int]:
    """How many adapters were loaded, and the most bytes held while all `prompts` are continued by `new` tokens."""
    named = [name for name in registry.functions() if _has_adapter(name, base)][:_ADAPTERS]
    for name in named:
        server.call(name, registry.get(name).examples[0], 1)
    most, over = resident(server.pid), threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(_LOOK):
            most = max(most, resident(server.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        server.write(prompts, new)
    finally:
        over.set()
        watcher.join()
    return len(named), most


def _has_adapter(name: str, base: str) -> bool:
    folder = checkpoints.adapter_folder(name, base)
    return folder is not None and not (folder / "head.safetensors").exists()
