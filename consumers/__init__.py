"""The separate process: a topic → a verb, and the outbox → Kafka. `python -m consumers` runs it.

This page is all that others may use of the package. The functions read the environment themselves and load what they
need when they are called.
"""

import asyncio
import logging
import sys
from collections.abc import Mapping


def run(environment: Mapping[str, str]) -> int:
    """Consume and relay until SIGTERM; answers the exit code.

    Raises `SettingsError` naming every variable at fault. 2: topics are missing, or the port is taken; the log says
    which. 1: something broke that a new process mends.
    """
    from consumers.broker import TopicsMissing
    from consumers.process import ConsumersProcess
    from consumers.settings import ConsumerSettings
    from services.logs import configure_logs

    settings = ConsumerSettings.from_environment(environment)
    configure_logs(settings.log_level)

    async def work() -> int:
        return await ConsumersProcess(settings).run()

    try:
        with asyncio.Runner(loop_factory=_loop_factory) as runner:
            return runner.run(work())
    except (TopicsMissing, OSError) as fault:
        logging.getLogger("tessera.consumer").critical("%s", fault)
        return 2


def _loop_factory() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()
