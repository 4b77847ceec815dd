"""The same request twice is done once: what a request with an Idempotency-Key was answered is kept for a day.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.sites.tables import Answer

MOST = 200  # letters of a key
_DAY = 24 * 3600


def once(
    session: Session, place: str, key: str | None, asked: dict[str, Any], do: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What `do` answers; or what it answered when the same was asked under this key. The caller's transaction keeps
    both or none.
    """
    if key is None:
        return do()
    if not 0 < len(key) <= MOST or not key.isprintable():
        raise InvalidInput.of("Idempotency-Key", f"1자에서 {MOST}자까지의 글자여야 합니다.")
    fingerprint = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    if kept := session.get(Answer, (place, key)):
        if kept.request != fingerprint:
            raise InvalidInput.of("Idempotency-Key", "이 열쇠로 다른 내용을 보낸 적이 있습니다. 새 열쇠를 써 주세요.")
        return json.loads(kept.answer)
    answer = do()
    now = int(time.time())
    session.execute(delete(Answer).where(Answer.at < now - _DAY))
    session.add(
        Answer(place=place, key=key, request=fingerprint, answer=json.dumps(answer, ensure_ascii=False), at=now)
    )
    return answer
