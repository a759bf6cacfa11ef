"""Start, await and stop programs in one way, so that none outlives the process that started it.

    with Program([sys.executable, "-m", "http.server"], log=Path("server.out"), ready=answers):
        ...

It needs only the standard library.
"""

from apps.processes.account import Account, unprivileged_account
from apps.processes.program import NotReadyError, Program, Ready
from apps.processes.signals import exit_on

__all__ = ["Account", "NotReadyError", "Program", "Ready", "exit_on", "unprivileged_account"]
