"""Programs that we start: one way to start them, wait for them and stop them, so that none outlives whoever started it.

    with Program([sys.executable, "-m", "http.server"], log=Path("server.out"), ready=answers):
        ...

Needs nothing but the standard library.
"""

from apps.processes.account import Account, unprivileged_account
from apps.processes.program import NotReadyError, Program, Ready
from apps.processes.signals import exit_on

__all__ = ["Account", "NotReadyError", "Program", "Ready", "exit_on", "unprivileged_account"]
