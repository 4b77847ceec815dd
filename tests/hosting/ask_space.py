"""`python ask_space.py FOLDER ADDRESS`: asks the page, REST and MCP of a running Space for each of its functions' first
example, and checks every answer by its Output model. It waits until the Space is healthy.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any

sys.path.insert(0, sys.argv[1])

from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.registry import functions

_SECONDS = 800


def get(url: str, body: Any = None) -> str:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as response:
        return response.read().decode()


def wait(address: str) -> dict[str, Any]:
    until = time.monotonic() + _SECONDS
    while True:
        try:
            return json.loads(get(f"{address}/api/health"))
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


async def mcp(address: str, function: Function) -> Any:
    from mcp import Client

    async with Client(f"{address}/mcp") as client:
        result = await client.call_tool(function.name, function.examples[0])
    return result.structured_content


def main(address: str) -> None:
    health = wait(address)
    assert health["functions"] == list(functions())
    page = get(f"{address}/")
    for function in functions().values():
        rest = json.loads(get(f"{address}/api/{function.name}", function.examples[0]))
        for surface, answer in (("REST", rest), ("MCP", asyncio.run(mcp(address, function)))):
            function.output.model_validate(answer)
            assert any(answer.values()), f"{surface} gave an empty answer for {function.name}."
            shown = "on the page" if f"{function.name}-run" in page else "not on the page"
            print(function.name, surface, shown, json.dumps(answer, ensure_ascii=False)[:100])


if __name__ == "__main__":
    main(sys.argv[2])
