"""What is answered without a model: time, date, weather, share prices, lottery numbers, help. It knows no function
and no model.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from kogpt_funcs.assistant import clock, help_card, lotto, stock, weather
from kogpt_funcs.assistant.asked import Answer, Asked

__all__ = ["Answer", "Asked", "answer"]

#: In this order; the first one that the message is meant for answers.
_PROVIDERS: tuple[Callable[[Asked], Answer | None], ...] = (
    clock.time,
    clock.date,
    weather.weather,
    stock.price,
    lotto.numbers,
    help_card.card,
)


def answer(message: str, name: str = "", rng: random.Random | None = None) -> Answer | None:
    """The answer of the provider that `message` is meant for; None if it is meant for none. `name` is the
    companion's.
    """
    asked = Asked(message, name, rng or random.Random())
    return next((found for provider in _PROVIDERS if (found := provider(asked))), None)
