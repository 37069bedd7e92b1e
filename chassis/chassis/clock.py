"""Time as a constructor argument: whatever needs the time takes a `Clock`, so tests can turn it."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Returns seconds since the epoch."""

system_clock: Clock = time.time
