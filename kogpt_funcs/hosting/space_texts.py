"""The texts of a Space: README.md, app.py, Dockerfile. It reads and writes no file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

APP = '''"""{title}: a Hugging Face Space, written by `kogpt space`. `python app.py` starts it here too."""

import os

os.environ.setdefault("KOGPT_BASE", {base!r})
os.environ.setdefault("GRADIO_SERVER_NAME", "0.0.0.0")

from {module} import launch

if __name__ == "__main__":
    launch({names!r})
'''

DOCKERFILE = """\
# A Docker Space: user 1000, port 7860, and all that it needs fetched while it is built.
FROM debian:bookworm-slim

RUN apt-get update \\
    && apt-get install --yes --no-install-recommends python3 python3-venv ca-certificates \\
    && rm -rf /var/lib/apt/lists/* \\
    && useradd --create-home --uid 1000 user \\
    && install --directory --owner=user /home/user/app
USER user
ENV HOME=/home/user \\
    PATH=/home/user/.venv/bin:$PATH \\
    PYTHONUNBUFFERED=1
WORKDIR /home/user/app

COPY --chown=user requirements.txt .
RUN python3 -m venv /home/user/.venv && pip install --no-cache-dir -r requirements.txt

COPY --chown=user . .
RUN {prepare}

ENV GRADIO_ANALYTICS_ENABLED=False
EXPOSE 7860
CMD ["python", "app.py"]
"""

_README = """\
# {title}

{description}

{english}

페이지는 위에 있습니다. 프로그램에서는 REST(`/api/docs`에 설명이 있습니다)와 MCP(`/mcp`)로 쓸 수 있습니다.

```sh
curl https://USER-SPACE.hf.space/api/{name} --json '{example}'
```

## What it carries

| part | licence |
|---|---|
{licences}
{notice}
## How it was made

`{command}`, then `hf upload USER/SPACE . . --repo-type space` in this folder. Written by
kogpt-funcs {version}; the program is Apache-2.0 (LICENSE).
"""

_GEMMA = """
Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms (GEMMA_TERMS.html). The
base comes as packages by requirements.txt and is cut to Korean on the Space; what is in `weights/gemma/` was trained on
it. Whoever uses or passes them on is bound by the terms and by the uses that they prohibit
(ai.google.dev/gemma/prohibited_use_policy). NOTICE says what was modified.
"""


def readme(
    front: str,
    *,
    title: str,
    description: str,
    english: str,
    name: str,
    example: str,
    licences: Iterable[tuple[str, str]],
    gemma: bool,
    command: str,
    version: str,
) -> str:
    """README.md with its front matter."""
    rows = "\n".join(f"| {part} | {licence} |" for part, licence in licences)
    text = _README.format(
        title=title,
        description=description,
        english=english,
        name=name,
        example=example,
        licences=rows,
        notice=_GEMMA if gemma else "",
        command=command,
        version=version,
    )
    return f"---\n{front}---\n\n{text}"


def app(title: str, base: str, names: Sequence[str] | None, module: str) -> str:
    return APP.format(title=title, base=base, names=list(names) if names else None, module=module)


def dockerfile(prepare: str) -> str:
    return DOCKERFILE.format(prepare=prepare)
