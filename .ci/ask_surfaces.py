"""Asks each surface of a running suite for each function's first example, and checks every answer by its Output
model.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.registry import functions


def page(address: str) -> str:
    with urllib.request.urlopen(f"{address}/") as response:
        html: str = response.read().decode()
    return html


def rest(address: str, function: Function) -> Any:
    body = json.dumps(function.examples[0]).encode()
    request = urllib.request.Request(f"{address}/api/{function.name}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


async def mcp(address: str, function: Function) -> Any:
    from mcp import Client

    async with Client(f"{address}/mcp") as client:
        result = await client.call_tool(function.name, function.examples[0])
    return result.structured_content


def command(function: Function) -> Any:
    line = [sys.executable, "-m", "kogpt_funcs", "call", function.name, json.dumps(function.examples[0])]
    return json.loads(subprocess.run(line, stdout=subprocess.PIPE, check=True).stdout)


def main(address: str) -> None:
    html = page(address)
    for function in functions().values():
        assert function.title in html, f"The page does not show {function.title}."
        answers = {
            "REST": rest(address, function),
            "MCP": asyncio.run(mcp(address, function)),
            "command": command(function),
        }
        for surface, answer in answers.items():
            function.output.model_validate(answer)
            assert any(answer.values()), f"{surface} gave an empty answer for {function.name}."
            print(f"{function.name:18} {surface:8} {json.dumps(answer, ensure_ascii=False)[:120]}")


if __name__ == "__main__":
    main(sys.argv[1])
