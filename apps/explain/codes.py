"""The codes of causes, declared once: what happened, what to do now, what follows by itself, and the page with more."""

from __future__ import annotations

from dataclasses import dataclass

PAGE = "docs/causes.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One kind of cause.

    `what` is a clause for a sentence. `advice` is what to do now; in a command, `{command}` stands for how commands are
    called here and `{run}` for the run's number. `by_itself` is what follows without intervention while the run goes
    on.
    """

    name: str
    what: str
    advice: str
    by_itself: str = ""

    @property
    def page(self) -> str:
        """Where the documentation of the code is."""
        return f"{PAGE}#{self.name}"


_RESUME = "then `{command} resume {run}`."
_GOES_ON = "The sync goes on by itself at its cursor."

TOKEN_REFUSED = Code(
    name="token_refused",
    what="GitHub refused the token",
    advice=f"Create a new token and connect the account again with `{{command}} sync`, {_RESUME}",
)
SSO_REQUIRED = Code(
    name="sso_required",
    what="an organization wants the token authorized for single sign-on",
    advice=f"Authorize the token for the organization (GitHub, Settings, Tokens, Configure SSO), {_RESUME}",
)
IP_NOT_ALLOWED = Code(
    name="ip_not_allowed",
    what="an organization's IP allow list does not contain this machine",
    advice=f"Have an owner of the organization add this machine's address to its IP allow list, {_RESUME}",
)
FORBIDDEN = Code(
    name="forbidden",
    what="the token may not read this",
    advice=f"Give the token read access to the repository's contents, metadata and pull requests, {_RESUME}",
)
NOT_FOUND = Code(
    name="not_found",
    what="GitHub does not know the repository, or hides it from this token",
    advice="Check the repository's name; if it is private, give the token access to it. Then sync it again.",
)
PRIMARY_LIMIT = Code(
    name="primary_limit",
    what="the account's primary limit at GitHub was used up",
    advice="Nothing to do. If it happens often, sync fewer repositories with this account, or less often.",
    by_itself="The sync goes on by itself when the limit resets.",
)
SECONDARY_LIMIT = Code(
    name="secondary_limit",
    what="GitHub's secondary limit asked the account to slow down",
    advice="Find out what else uses the account: a program, or a second installation with its token.",
    by_itself="The sync waits and goes on by itself.",
)
GITHUB_SLOW = Code(
    name="github_slow",
    what="GitHub answered slowly or not in time",
    advice="See https://www.githubstatus.com, and sync again later.",
    by_itself="Pages become smaller until GitHub can answer them.",
)
GITHUB_ERRORS = Code(
    name="github_errors",
    what="GitHub answered with errors",
    advice=f"See https://www.githubstatus.com; when GitHub is well, {_RESUME}",
    by_itself="Failed attempts are retried six times, with pauses that double.",
)
GITHUB_UNREACHABLE = Code(
    name="github_unreachable",
    what="GitHub could not be reached",
    advice=f"Check the network, the proxy settings and the API's address, {_RESUME}",
    by_itself="Failed attempts are retried six times, with pauses that double.",
)
ANSWER_INVALID = Code(
    name="answer_invalid",
    what="an answer was cut off, or was not GitHub's",
    advice=f"Check the API's address, and whether a proxy answers in GitHub's place, {_RESUME}",
    by_itself="Failed attempts are retried six times, with pauses that double.",
)
INCOMPLETE_AT_GITHUB = Code(
    name="incomplete_at_github",
    what="GitHub does not give all that it counts",
    advice="What is hidden needs more rights of the token; what GitHub's own caps leave out cannot be had.",
)
WORKER_DIED = Code(
    name="worker_died",
    what="a worker's process died",
    advice="Look at the worker's log and the machine's memory: `{command} logs {run} --level warning`.",
    by_itself="The sweep finds the attempt and starts another, which goes on at the cursor.",
)
NO_WORKER = Code(
    name="no_worker",
    what="no worker took the work",
    advice="Start workers with `celery -A apps.config worker`, and `celery -A apps.config beat` beside them.",
    by_itself="The work begins by itself once a worker is there.",
)
QUEUE_BUSY = Code(
    name="queue_busy",
    what="the work queued behind other work",
    advice="If it waits too often, start more workers, or connect another account.",
    by_itself="Its turn comes by itself.",
)
LANE_BUSY = Code(
    name="lane_busy",
    what="another process held the account's lane",
    advice="See who else sends requests with this account: its lane is at `/admin/integrations/apilane/`.",
    by_itself=_GOES_ON,
)
DATABASE_UNAVAILABLE = Code(
    name="database_unavailable",
    what="the database could not be reached",
    advice=f"Check the database and DATABASE_URL, {_RESUME}",
    by_itself="The sync goes on by itself when the database is back.",
)
DATABASE_SLOW = Code(
    name="database_slow",
    what="the database was slow",
    advice="See what holds locks or the disk: `SELECT * FROM pg_stat_activity WHERE state <> 'idle'`.",
    by_itself=_GOES_ON,
)
BROKER_UNAVAILABLE = Code(
    name="broker_unavailable",
    what="the broker could not be reached",
    advice="Check Valkey or Redis, and CELERY_BROKER_URL.",
    by_itself="The sweep sends what is due when the broker is back.",
)
TIME_LIMIT = Code(
    name="time_limit",
    what="the work reached its time limit",
    advice="See in `{command} trace {run}` what took so long, or raise SYNC_ATTEMPT_SECONDS or SYNC_STEP_SECONDS.",
    by_itself="Another attempt follows, and goes on at the cursor.",
)
MISCONFIGURED = Code(
    name="misconfigured",
    what="a setting or a key is wrong",
    advice=f"Correct the setting that the error names, {_RESUME}",
)
PROGRAM_ERROR = Code(
    name="program_error",
    what="the program made a mistake",
    advice="Report it with the traceback that `{command} logs {run} --level error` prints.",
)
CANCELLED = Code(
    name="cancelled",
    what="somebody cancelled the run",
    advice="What is stored stays: `{command} resume {run}` goes on where it stopped.",
)
UNKNOWN = Code(
    name="unknown",
    what="the evidence does not say why",
    advice="See below what is missing, and `{command} trace {run}`.",
)

CODES: tuple[Code, ...] = (
    TOKEN_REFUSED,
    SSO_REQUIRED,
    IP_NOT_ALLOWED,
    FORBIDDEN,
    NOT_FOUND,
    PRIMARY_LIMIT,
    SECONDARY_LIMIT,
    GITHUB_SLOW,
    GITHUB_ERRORS,
    GITHUB_UNREACHABLE,
    ANSWER_INVALID,
    INCOMPLETE_AT_GITHUB,
    WORKER_DIED,
    NO_WORKER,
    QUEUE_BUSY,
    LANE_BUSY,
    DATABASE_UNAVAILABLE,
    DATABASE_SLOW,
    BROKER_UNAVAILABLE,
    TIME_LIMIT,
    MISCONFIGURED,
    PROGRAM_ERROR,
    CANCELLED,
    UNKNOWN,
)
"""Every code, in the order of the documentation."""
